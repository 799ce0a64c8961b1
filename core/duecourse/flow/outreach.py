"""From permissions to messages that left - or that surely, or possibly, did not.

Before any byte leaves, `ContactDispatching` is committed with the hash of the very text. After a
crash in between, the channel's guarantee says what may be done (design, decision 9). Many messages
of one channel go together: one commit says that they begin, and one what came of them.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace

from duecourse import faults
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.situation import situation
from duecourse.case.state import Case
from duecourse.channels import Channel
from duecourse.flow import exchange
from duecourse.flow.drafts import Draft, Drafts, NoDraft
from duecourse.flow.exchange import MARGIN, RETRY_SECONDS, Postponed, Report
from duecourse.flow.tries import Hands, NotAsked, Try, make_tries
from duecourse.rules.gate import RuleBook, judge
from duecourse.settings import CreditorDetails
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.errors import (
    OF_A_CASE,
    CaseMoved,
    CommandIdReused,
    DatabaseUnavailable,
    StoreError,
    origin,
)
from duecourse.store.states import Loaded
from duecourse.store.timers import DueTimer

log = logging.getLogger(__name__)

STALE: Final = 0.01
"""How old, in seconds, what another process did to a case may be when its message leaves."""

LOOKED_FOR: Final = timedelta(days=1)
"""For how long, after nothing may leave any more, a channel is asked whether it got a message."""

Key = tuple[UUID, UUID]
"""A case and its contact."""


class Dispatched(msgspec.Struct, frozen=True):
    """What became of a batch: `later` has for each of the others when to look at it again."""

    done: tuple[DueTimer, ...]
    later: Mapping[float, Sequence[DueTimer]]


class _Watch:
    """Keeps an eye on the cases of a batch while it is sent, from several threads.

    What this process did is known at once, what others did within `STALE` seconds: to read each
    case again before its message would cost as much as all the rest.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._case_ids: frozenset[UUID] = frozenset()
        self._read_at = 0.0

    def begin(self, case_ids: Iterable[UUID]) -> None:
        """The rules have just been asked about these."""
        self._case_ids = frozenset(case_ids)
        self._read_at = time.monotonic()

    def look(self, case_id: UUID) -> Loaded:
        with self._lock:
            if time.monotonic() - self._read_at > STALE:
                self._engine.load_many(self._case_ids)
                self._read_at = time.monotonic()
        return self._engine.seen(case_id)


class Outreach:
    """Sends what is permitted, and reports what came of it."""

    def __init__(
        self,
        engine: Engine,
        channels: Mapping[str, Channel[Any]],
        creditors: Mapping[str, CreditorDetails],
        rules: RuleBook,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._channels = channels
        self._drafts = Drafts(engine, creditors)
        self._rules = rules
        self._clock = clock

    def dispatch(self, name: str, due: Sequence[DueTimer], hands: Hands) -> Dispatched:
        """Carry permitted contacts of a channel through. Raises DatabaseUnavailable."""
        channel = self._channels[name]
        timers = {_key(each): each for each in due}
        later: dict[Key, float] = {}
        drafts = self._readable(list(timers), channel, later)
        tries = self._begin(drafts, channel, later)
        self._report(make_tries(tries, hands, self._clock), later)
        return _settled(timers, later)

    def _readable(
        self, wanted: Sequence[Key], channel: Channel[Any], later: dict[Key, float]
    ) -> list[Draft | NoDraft]:
        """Their drafts. One whose case cannot be read rests, and keeps none of the others."""
        try:
            return self._drafts.make(wanted, channel)
        except OF_A_CASE as broken:
            if len(wanted) == 1:
                ((case_id, contact_id),) = wanted
                # Without its words, which may quote a person's data; a traceback quotes them too.
                log.error("contact %s of %s waits: %s", contact_id, case_id, origin(broken))  # noqa: TRY400
                later[case_id, contact_id] = RETRY_SECONDS
                return []
        half = len(wanted) // 2
        parts = (wanted[:half], wanted[half:])
        return [each for part in parts for each in self._readable(part, channel, later)]

    def call_back(self, name: str, due: Sequence[DueTimer]) -> Dispatched:
        """Give up what was to go by a channel that is not configured."""
        timers = {_key(each): each for each in due}
        later: dict[Key, float] = {}
        missing = f"no channel {name!r} is configured"
        self._ask([_given_up(each) for each in self._drafts.none_for(timers, missing)], later)
        return _settled(timers, later)

    def _begin(
        self, drafts: Iterable[Draft | NoDraft], channel: Channel[Any], later: dict[Key, float]
    ) -> list[Try]:
        """Commit to sending what can be sent, and call back what cannot."""
        tries: list[Try] = []
        starting: dict[UUID, Draft] = {}
        requests: list[Request] = []
        for draft in drafts:
            if isinstance(draft, NoDraft):
                requests.append(_given_up(draft))
            elif draft.has_begun:
                tries.append(self._resumption(draft, channel))
            else:
                try:
                    request = _start_or_give_up(draft, channel)
                except Postponed as busy:
                    later[draft.case_id, draft.contact_id] = busy.seconds
                    continue
                starting[request.command_id] = draft
                requests.append(request)
        watch = _Watch(self._engine)
        for command_id, outcome in self._ask(requests, later):
            begins = any(isinstance(each, e.ContactDispatching) for each in outcome.events)
            if begins and not outcome.repeated:
                draft = starting[command_id]
                tries.append(self._first_try(draft, channel, watch, outcome.version))
            elif begins and self._is_open(starting[command_id]):
                # This answer was once given and lost: the message may have left.
                tries.append(self._resumption(starting[command_id], channel))
        watch.begin(each.draft.case_id for each in tries)
        return tries

    def _first_try(self, draft: Draft, channel: Channel[Any], watch: _Watch, begun_at: int) -> Try:
        def make(now: datetime) -> Report:
            # The others of the batch take their time: something may have happened meanwhile.
            seen = watch.look(draft.case_id)
            if not self._may_still_leave(draft, seen.case, now):
                late = "no longer permitted when its turn came"
            elif seen.version != begun_at and not self._drafts.says_the_same(draft, seen.case):
                late = "no longer true when its turn came"
            else:
                return exchange.send(draft, channel, now)
            raise NotAsked(exchange.put_off(draft, now, 0.0, late))

        return Try(draft, make, is_first=True)

    def _is_open(self, draft: Draft) -> bool:
        case = self._engine.load(draft.case_id).case
        return case.contacts[draft.contact_id].status == "dispatching"

    def _report(
        self, ended: Iterable[tuple[Draft, Report | Postponed]], later: dict[Key, float]
    ) -> None:
        """Tell the cases what came of their messages."""
        requests: list[Request] = []
        for draft, result in ended:
            faults.reach("outreach.sent")
            if isinstance(result, Postponed):
                later[draft.case_id, draft.contact_id] = result.seconds
            else:
                if isinstance(result, c.RecordPostponed):
                    # Its timer goes on, and is moved when the views learn of it.
                    pause = (result.until - self._clock()).total_seconds()
                    later[draft.case_id, draft.contact_id] = max(pause, 0.0)
                what = f"outcome/{draft.attempt}/{type(result).__name__}"
                requests.append(_request(draft.case_id, draft.contact_id, result, what))
        for _ in self._ask(requests, later):
            faults.reach("outreach.reported")

    def _ask(
        self, requests: Sequence[Request], later: dict[Key, float]
    ) -> list[tuple[UUID, Outcome]]:
        """Execute together. What the store could not do rests for a while."""
        outcomes: list[tuple[UUID, Outcome]] = []
        answers = self._engine.execute_each(requests) if requests else []
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Outcome):
                outcomes.append((request.command_id, answer))
                continue
            if isinstance(answer, DatabaseUnavailable):
                raise answer
            contact_id = UUID(request.causation)
            log.info("contact %s of %s: %s", contact_id, request.case_id, answer)
            if isinstance(answer, CaseMoved):
                # The text may no longer be true: it is made anew.
                later[request.case_id, contact_id] = 0.0
            elif isinstance(answer, StoreError | CommandIdReused):
                later[request.case_id, contact_id] = RETRY_SECONDS
        return outcomes

    def _resumption(self, draft: Draft, channel: Channel[Any]) -> Try:
        return Try(draft, lambda now: self._resume(draft, channel, now), is_first=False)

    def _resume(self, draft: Draft, channel: Channel[Any], now: datetime) -> Report:
        """Somebody began to send this and never said how it ended."""
        case = self._engine.load(draft.case_id).case
        contact = case.contacts[draft.contact_id]
        begun = draft.today.contacts[draft.contact_id]
        if (contact.status, contact.attempts) != ("dispatching", begun.attempts):
            # Another worker has said it meanwhile, or has gone on.
            raise NotAsked(Postponed(0.0))
        if contact.body_sha256 != draft.body_sha256:
            return exchange.unknown(
                draft, "it was begun without an answer on record; the text can no longer be made"
            )
        match channel.capabilities.guarantee:
            case "idempotent":
                return self._repeat(draft, case, channel, now)
            case "queryable":
                if now < contact.expires_at + LOOKED_FOR:
                    return exchange.look_up(draft, channel)
                return exchange.unknown(draft, "for a day the channel could not say if it got it")
            case "opaque":
                unasked = "it was begun without an answer on record; the channel cannot be asked"
                return exchange.unknown(draft, unasked)

    def _repeat(self, draft: Draft, case: Case, channel: Channel[Any], now: datetime) -> Report:
        contact = case.contacts[draft.contact_id]
        since = contact.dispatched_at or contact.permitted_at
        if now >= since + channel.capabilities.window - MARGIN:
            late = "it was begun without an answer on record, too long ago to repeat"
            return exchange.unknown(draft, late)
        if not self._may_still_leave(draft, case, now):
            late = "no longer permitted when it could have been tried again"
            return exchange.unknown(draft, late)
        return exchange.send_again(draft, channel, now)

    def _may_still_leave(self, draft: Draft, case: Case, now: datetime) -> bool:
        """An opt-out, a hold, a close or the night may have come since it began."""
        contact = draft.contact
        if case.contacts[draft.contact_id].called_off:
            return False
        seen = situation(
            case,
            contact.channel,
            contact.point_id,
            now,
            without=draft.contact_id,
            debts=contact.debts,
            content=contact.content,
            medium=contact.medium,
        )
        return now < contact.expires_at and judge(self._rules, seen, now).permitted


def _key(due: DueTimer) -> Key:
    return due.case_id, UUID(due.timer.subject)


def _settled(timers: Mapping[Key, DueTimer], later: Mapping[Key, float]) -> Dispatched:
    pauses: dict[float, list[DueTimer]] = {}
    for key, seconds in later.items():
        pauses.setdefault(seconds, []).append(timers[key])
    return Dispatched(tuple(each for key, each in timers.items() if key not in later), pauses)


def _start_or_give_up(draft: Draft, channel: Channel[Any]) -> Request:
    """Raises Postponed where the channel cannot say at the moment how long the message is."""
    reason = exchange.too_long(draft, channel)
    if reason:
        return _given_up(NoDraft(draft.case_id, draft.contact_id, False, reason))
    return _start(draft, channel)


def _start(draft: Draft, channel: Channel[Any]) -> Request:
    command = c.StartDispatch(
        contact_id=draft.contact_id, plugin=channel.name, body_sha256=draft.body_sha256
    )
    request = _request(draft.case_id, draft.contact_id, command, f"start/{draft.attempt}")
    return replace(request, expected_version=draft.version)


def _given_up(draft: NoDraft) -> Request:
    """What cannot be sent is called back; had it begun, nobody can say whether it left."""
    if draft.has_begun:
        command: c.Command = c.RecordUnknown(contact_id=draft.contact_id, reason=draft.reason)
    else:
        command = c.CancelContact(contact_id=draft.contact_id, reason=draft.reason)
    return _request(draft.case_id, draft.contact_id, command, "given up")


def _request(case_id: UUID, contact_id: UUID, command: c.Command, what: str) -> Request:
    """One command of each kind per contact and attempt: a repeat finds the first.

    A worker that was too slow for its lease still says what it saw, beside what another one said.
    """
    return Request(
        case_id=case_id,
        command=command,
        command_id=uuid5(case_id, f"{contact_id}/{what}"),
        actor=SYSTEM,
        causation=str(contact_id),
    )
