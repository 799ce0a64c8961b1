"""One exchange with a channel, and what it proves about the message.

Whatever a plugin raises or returns becomes a report; nothing that it does reaches further.
"""

import logging
import math
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from duecourse.case import commands as c
from duecourse.channels import Accepted, Channel, ChannelError, Measure, Permanent, Transient
from duecourse.flow.drafts import Draft
from duecourse.guarded import Nonsense, believe, nonsense
from duecourse.redaction import ANYTHING, contained, redact, spoken

log = logging.getLogger(__name__)

MOST_REASON: Final = 500
MOST_REFERENCE: Final = 200
RETRY_SECONDS: Final = 30.0
LONGEST_RETRY: Final = 7 * 86_400.0
MARGIN: Final = timedelta(minutes=1)
"""How long before the end of its window an idempotent channel is no longer trusted."""

Report = c.RecordAccepted | c.RecordRejected | c.RecordUnknown | c.RecordPostponed


class Postponed(Exception):
    """What became of the message cannot be told yet; look again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again after {seconds} s")
        self.seconds = seconds


def too_long(draft: Draft, channel: Channel[Any]) -> str:
    """Why the message cannot go by this channel, before anything is begun; empty if it can.

    Raises Postponed where the channel cannot tell at the moment.
    """
    most = channel.capabilities.max_units
    try:
        with contained():
            told = msgspec.to_builtins(channel.measure(draft.outbound))
        measure = msgspec.convert(told, Measure, strict=True)
    except Transient as busy:
        raise Postponed(_seconds(busy.retry_after)) from None
    except ChannelError as refused:
        return _words(refused, draft)
    except ANYTHING as unclear:
        return f"the channel could not measure it: {type(unclear).__name__}"
    if most is not None and measure.units > most:
        return f"it is {measure.units} {measure.unit}s; the channel takes {most}"
    return ""


def send(draft: Draft, channel: Channel[Any], now: datetime) -> Report:
    """Send now. What the channel raises says whether the message surely did not leave."""
    if now >= draft.outbound.expires_at:
        return _rejected(draft, "the permission expired before it could be handed over")
    try:
        with contained():
            answer = channel.send(draft.outbound)
        return _accepted(draft, answer)
    except Transient as busy:
        return put_off(draft, now, _seconds(busy.retry_after), _words(busy, draft))
    except Permanent as refused:
        return _rejected(draft, _words(refused, draft))
    except Nonsense:
        return _asked_once_more(draft, channel)
    except ANYTHING as unclear:
        log.warning("contact %s: outcome unknown: %s", draft.contact_id, type(unclear).__name__)
        if channel.capabilities.guarantee != "opaque":
            # As after a crash: it is sent again, or looked up, while that may be done.
            raise Postponed(RETRY_SECONDS) from None
        return unknown(draft, f"the channel failed: {type(unclear).__name__}")


def _asked_once_more(draft: Draft, channel: Channel[Any]) -> Report:
    """At once, where that may be done. Whoever talks nonsense is not believed a no after that."""
    asks = {"idempotent": channel.send, "queryable": channel.find}
    ask = asks.get(channel.capabilities.guarantee)
    try:
        with contained():
            answer = ask(draft.outbound) if ask else None
        return _accepted(draft, answer)
    except ANYTHING:
        return unknown(draft, "the channel took it and answered nonsense")


def send_again(draft: Draft, channel: Channel[Any], now: datetime) -> Report:
    """After a crash, or an answer that was none.

    That this try did not leave says nothing about the one before.
    """
    report = send(draft, channel, now)
    if isinstance(report, c.RecordPostponed):
        raise Postponed((report.until - now).total_seconds())
    if isinstance(report, c.RecordRejected):
        return unknown(
            draft, f"the try before has no answer on record; then: {report.reason}"[:MOST_REASON]
        )
    return report


def look_up(draft: Draft, channel: Channel[Any]) -> Report:
    try:
        with contained():
            found = channel.find(draft.outbound)
            if found is not None:
                return _accepted(draft, found)
    except ANYTHING:
        raise Postponed(RETRY_SECONDS) from None
    return _rejected(draft, "the channel was asked, and never got it")


def put_off(draft: Draft, now: datetime, seconds: float, reason: str) -> c.RecordPostponed:
    """It surely did not leave; to be tried again."""
    until = now + timedelta(seconds=seconds)
    return c.RecordPostponed(contact_id=draft.contact_id, until=until, reason=reason)


def unknown(draft: Draft, reason: str) -> c.RecordUnknown:
    return c.RecordUnknown(contact_id=draft.contact_id, reason=reason)


def _seconds(asked: float | None) -> float:
    """How long the channel wants to be left alone, if that is a sensible number."""
    if isinstance(asked, int | float) and 0 < asked < math.inf:
        return min(float(asked), LONGEST_RETRY)
    return RETRY_SECONDS


def _rejected(draft: Draft, reason: str) -> c.RecordRejected:
    return c.RecordRejected(contact_id=draft.contact_id, reason=reason)


def _words(error: ChannelError, draft: Draft) -> str:
    """The plugin's words in one printable line, without address and name."""
    to, name = draft.outbound.to, draft.outbound.to_name
    personal = (to, to.removeprefix("+"), " ".join(to.split()), name)
    # Twice: a character that is not printed may have hidden what it stood in.
    return redact(spoken(error, personal, MOST_REASON), personal)[:MOST_REASON]


def _accepted(draft: Draft, given: Accepted | None) -> c.RecordAccepted:
    """What a plugin returned is not believed before it is what it says. Raises Nonsense."""
    accepted: Accepted = believe("send", given)
    reference = accepted.reference
    is_printable = bool(reference.strip()) and reference.isprintable()
    if not is_printable or len(reference) > MOST_REFERENCE:
        raise nonsense("send")
    return c.RecordAccepted(contact_id=draft.contact_id, reference=reference, units=accepted.units)
