"""Asks channels what is new: each every so often, by one worker at a time.

The cursor is stored after the signals are recorded. A crash in between brings them once more, and
they have effect once all the same.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from duecourse.channels import Channel, ChannelError, Polled
from duecourse.contract import written
from duecourse.flow.signals import EARLY, Signals, checked
from duecourse.store.engine import Engine
from duecourse.store.polls import PollClaim, PollTable
from duecourse.store.timers import Timers

MAX_CURSOR_BYTES: Final = 64 * 1024
MAX_SIGNALS: Final = 10_000
LONGEST_PAUSE: Final = 900.0
_SILENT_SECONDS: Final = 86_400.0
# A reference that is not known yet may be that of a message over which a worker died. After a lease
# another one takes it over, and knows.
_LEASES_HELD: Final = 3
MOST_BEGUN: Final = 1_000
"""So many messages without an answer are looked at; of more, some are surely awaited."""

log = logging.getLogger(__name__)


class Round(msgspec.Struct, frozen=True):
    """How many signals were recorded, and in how many seconds the channel may be asked again."""

    recorded: int
    seconds: float


class Polls:
    """Several may run at once, in one process or in many."""

    def __init__(
        self,
        channels: Mapping[str, Channel[Any]],
        table: PollTable,
        signals: Signals,
        *,
        engine: Engine,
        timers: Timers,
        clock: Callable[[], datetime],
        lease_seconds: float,
    ) -> None:
        self._channels = {name: each for name, each in channels.items() if is_polled(each)}
        self._table = table
        self._signals = signals
        self._engine = engine
        self._timers = timers
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._patience = timedelta(seconds=_LEASES_HELD * lease_seconds)
        # What is in the table, so as not to look there at every turn.
        self._not_before: dict[str, datetime] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The channels that want to be asked."""
        return tuple(self._channels)

    def run_due(self) -> int:
        """Ask each channel that is due, in turn. Returns how many signals were recorded."""
        return sum(self.poll(name).recorded for name in self.names)

    def poll(self, name: str) -> Round:
        """Ask one channel, if it is due and nobody else is asking; whatever it does, no other suffers.

        Raises StoreError when nothing could be recorded; it is then asked for the same again.
        """
        now = self._clock()
        wait = (self._not_before.get(name, now) - now).total_seconds()
        if wait > 0:
            return Round(0, wait)
        pause = self._channels[name].capabilities.poll_seconds
        claimed = self._table.claim(name, now, self._lease_seconds)
        if claimed is None:
            left = ((self._table.due_at(name) or now) - now).total_seconds()
            # Due, so somebody else is asking; should they die, their lease ends.
            return self._again(name, now, left if left > 0 else pause)
        recorded, seconds = self._ask(claimed, now, pause)
        return self._again(name, now, seconds, recorded)

    def _again(self, name: str, now: datetime, seconds: float, recorded: int = 0) -> Round:
        self._not_before[name] = now + timedelta(seconds=seconds)
        return Round(recorded, seconds)

    def _ask(self, claimed: PollClaim, now: datetime, pause: float) -> tuple[int, float]:
        try:
            polled = _believed(self._channels[claimed.channel].poll(claimed.cursor))
        except NotImplementedError:
            return self._done(claimed, now, _SILENT_SECONDS)
        except Exception as trouble:  # noqa: BLE001 - a plugin may raise anything; it harms itself only
            _warn(claimed, trouble)
            longest = max(pause, LONGEST_PAUSE)
            seconds = min(longest, pause * 2.0 ** min(claimed.failures + 1, 30))
            return self._done(claimed, now, seconds, failures=claimed.failures + 1)
        since = claimed.held_since or now
        taken = self._signals.record(
            claimed.channel,
            polled.signals,
            "poll",
            patience=self._patience_with(claimed.channel, since, now),
            held=now - since,
        )
        if taken.later:
            return self._done(claimed, now, pause, taken.recorded, held_since=since)
        # Whoever brought something has more, mostly. Not if it is the same for ever.
        has_more = taken.new > 0 and polled.cursor != claimed.cursor
        return self._done(
            claimed, now, 0.0 if has_more else pause, taken.recorded, cursor=polled.cursor
        )

    def _patience_with(self, channel: str, since: datetime, now: datetime) -> timedelta:
        """For how long an unknown reference may still become known.

        Longer, where it may be that of a message which began before and has no answer on record.
        """
        if now - since < self._patience or not self._awaits_answers(channel, since):
            return self._patience
        return max(EARLY, self._patience)

    def _awaits_answers(self, channel: str, since: datetime) -> bool:
        begun = self._timers.begun(channel, MOST_BEGUN)
        cases = self._engine.load_many(set(begun))
        return len(begun) == MOST_BEGUN or any(
            contact.status == "dispatching" and (contact.dispatched_at or since) <= since
            for loaded in cases.values()
            for contact in loaded.case.contacts.values()
            if contact.channel == channel
        )

    def _done(
        self,
        claimed: PollClaim,
        now: datetime,
        seconds: float,
        recorded: int = 0,
        **state: Any,  # noqa: ANN401 - what PollTable.done takes
    ) -> tuple[int, float]:
        due_at = now + timedelta(seconds=seconds)
        if not self._table.done(claimed, at=now, due_at=due_at, **state):
            log.warning("channel %s: asked for longer than the lease", claimed.channel)
        return recorded, seconds


def is_polled(channel: Channel[Any]) -> bool:
    """Whether a channel wants to be asked for its receipts, or for what people write to it."""
    promised = channel.capabilities
    return promised.receipts == "poll" or (promised.inbound and "poll" in written(channel))


def _believed(given: object) -> Polled:
    """What a plugin answered is not believed before it is what it says."""
    if not isinstance(given, Polled) or not isinstance(given.cursor, bytes):
        raise TypeError("not a Polled")
    if len(given.cursor) > MAX_CURSOR_BYTES:
        raise ValueError(f"a cursor of more than {MAX_CURSOR_BYTES} bytes")
    signals = tuple(checked(given.signals, MAX_SIGNALS))
    return Polled(signals=signals, cursor=given.cursor)


def _warn(claimed: PollClaim, trouble: Exception) -> None:
    """Only a channel's own errors may be quoted."""
    words = f": {trouble}" if isinstance(trouble, ChannelError) else ""
    kind = type(trouble).__name__
    log.warning("channel %s could not be asked what is new: %s%s", claimed.channel, kind, words)
