"""What channels tell us by themselves, on its way into the cases: receipts, replies, opt-outs.

Whether it came by a webhook or was asked for, it takes the same way and has effect once.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, assert_never
from uuid import UUID, uuid5

import msgspec

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.case.errors import CaseError
from duecourse.case.words import Name
from duecourse.channels import OptOut, Receipt, Reply, Signal
from duecourse.store.addresses import Addresses
from duecourse.store.drafts import MAX_BATCH
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.errors import CaseBusy, CommandIdReused, DecisionFailed
from duecourse.store.references import ContactReference, References, UnmatchedSignal

# By then every sender of repute has repeated itself often enough for us to have caught up.
EARLY: Final = timedelta(hours=1)
_NOT_HELD: Final = timedelta()
# Where the clock of the peer is further ahead than this, it does not tell how old anything is.
_AHEAD: Final = timedelta(minutes=5)
MAX_REPLY: Final = 2000
MAX_WORDS: Final = 500
MAX_REFERENCE: Final = 200
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
_SIGNALS: Final = UUID("2f2f7c0e-93a5-5d10-8f5e-7369676e616c")
"""Namespace of the names made from ids of a channel that are not of the form of ours."""

Way = Literal["webhook", "poll"]
Fate = Literal["new", "again", "unmatched", "later", "other words"]
"""`again`: it was recorded before, or changes nothing. `later`: it cannot be recorded yet, and is to be brought again.

`other words` came under an id that was used before: the first stand, and a person looks at these. A
reply with other words is another reply.
"""

log = logging.getLogger(__name__)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """How many signals there were of each fate. Those that fit no contact wait for a person."""

    new: int = 0
    again: int = 0
    unmatched: int = 0
    later: int = 0

    @property
    def recorded(self) -> int:
        return self.new + self.again


class _Errand(msgspec.Struct):
    """A signal on its way: the commands that it becomes, and what became of it."""

    signal: Signal
    requests: Sequence[Request] = ()
    fate: Fate | None = None


class Signals:
    """Takes the signals of every channel. Each stands for itself."""

    def __init__(
        self,
        engine: Engine,
        references: References,
        addresses: Addresses,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._references = references
        self._addresses = addresses
        self._clock = clock

    def record(
        self,
        channel: str,
        signals: Sequence[Signal],
        way: Way,
        *,
        patience: timedelta = EARLY,
        held: timedelta = _NOT_HELD,
    ) -> Taken:
        """Record what the channel of this name says; `signals` are checked.

        Matched by our key or the channel's reference, else at once by the sender's address. One that
        neither finds is left for later while it is younger than `patience`, if it has a reference:
        its message was accepted a moment ago, and the reference is still on its way to us. Of one
        whose reference two contacts have, only that somebody wants no more is heard, in both cases.
        `held` is for how long the same has been brought again and again.
        """
        may_wait = held < EARLY
        at = self._clock()
        errands = [_Errand(signal) for signal in signals]
        known = self._references.find_many(channel, {each.reference for each in signals} - {""})
        for errand in errands:
            signal, found = errand.signal, known.get(errand.signal.reference, ())
            if len(found) == 1:
                errand.requests = [self._to_contact(found[0], signal, way)]
            elif found:
                errand.requests = list(self._to_any(found, signal, way))
                errand.fate = "unmatched"
        self._carry_out(errands, may_wait=may_wait)
        unheard = [each for each in errands if each.fate in (None, "unmatched")]
        for errand in unheard:
            signal = errand.signal
            errand.requests = list(self._to_sender(channel, signal, way))
            age = at - signal.occurred_at
            early = (age if age > -_AHEAD else held) < patience
            is_unknown = errand.fate is None and signal.reference
            errand.fate = "later" if early and is_unknown and not errand.requests else None
        self._carry_out(unheard, may_wait=may_wait)
        fates = [each.fate or "unmatched" for each in errands]
        for errand, fate in zip(errands, fates, strict=True):
            if fate in {"unmatched", "other words"}:
                self._keep(channel, errand.signal)
        return Taken(
            new=fates.count("new"),
            again=fates.count("again"),
            unmatched=fates.count("unmatched") + fates.count("other words"),
            later=fates.count("later"),
        )

    def unmatched(self, channel: str, limit: int, kind: str) -> list[UnmatchedSignal]:
        """What waits for a person, as it fits no contact and no address; the newest first."""
        return self._references.unmatched(channel, limit, kind)

    def _to_contact(self, contact: ContactReference, signal: Signal, way: Way) -> Request:
        point_id = ""
        if isinstance(signal, Reply):
            case = self._engine.load(contact.case_id).case
            known = case.contacts.get(contact.contact_id)
            point_id = known.point_id if known else ""
        command = _command(contact.channel, signal, contact.contact_id, point_id)
        # With the contact: some gateways count the receipts of each message from one.
        return _request(
            contact.channel, contact.case_id, contact.contact_id, command, signal=signal, way=way
        )

    def _to_any(
        self, contacts: Sequence[ContactReference], signal: Signal, way: Way
    ) -> Iterator[Request]:
        """Nobody can tell which contact is meant: that it is to stop is heard for each of them."""
        if isinstance(signal, OptOut):
            for each in {contact.case_id: contact for contact in contacts}.values():
                command = _command(each.channel, signal, each.contact_id, "")
                yield _request(
                    each.channel, each.case_id, each.case_id, command, signal=signal, way=way
                )

    def _to_sender(self, channel: str, signal: Signal, way: Way) -> Iterator[Request]:
        """What answers nothing in particular is heard in the cases that have the sender's address.

        Most of it says stop, and whoever says so means every case, not only the last one written of.
        """
        sender = "" if isinstance(signal, Receipt) else signal.sender
        for found in self._addresses.find(channel, sender) if sender else ():
            command = _command(channel, signal, found.case_id, found.point_id)
            yield _request(channel, found.case_id, found.case_id, command, signal=signal, way=way)

    def _carry_out(self, errands: Sequence[_Errand], *, may_wait: bool) -> None:
        requests = [each for errand in errands for each in errand.requests]
        answers = self._executed(requests)
        reused = [
            index
            for index, (request, answer) in enumerate(zip(requests, answers, strict=True))
            if isinstance(answer, CommandIdReused) and isinstance(request.command, c.RecordReply)
        ]
        others = self._executed([_by_its_words(requests[index]) for index in reused])
        for index, answer in zip(reused, others, strict=True):
            answers[index] = answer
        given = iter(answers)
        for errand in errands:
            fates = [_fate(next(given), may_wait=may_wait) for _ in errand.requests]
            errand.requests = ()
            if fates:
                errand.fate = next(fate for fate in _STRONGEST_FIRST if fate in fates)

    def _executed(self, requests: Sequence[Request]) -> list[Outcome | CaseError]:
        answers: list[Outcome | CaseError] = []
        for start in range(0, len(requests), MAX_BATCH):
            answers += self._engine.execute_batch(requests[start : start + MAX_BATCH])
        return answers

    def _keep(self, channel: str, signal: Signal) -> None:
        name, reference = _id_of(signal), signal.reference[:MAX_REFERENCE]
        self._references.note_unmatched(channel, _KINDS[type(signal)], name, reference)


# What has to come again for one case is not done with because it reached another.
_STRONGEST_FIRST: Final[tuple[Fate, ...]] = ("later", "new", "other words", "again", "unmatched")
_KINDS: Final[Mapping[type[Signal], str]] = {Receipt: "receipt", Reply: "reply", OptOut: "opt-out"}


def _fate(answer: Outcome | CaseError, *, may_wait: bool) -> Fate:
    match answer:
        case Outcome():
            # A command that makes nothing happen is not remembered.
            return "new" if answer.events and not answer.repeated else "again"
        case CaseBusy():
            return "later"
        case DecisionFailed() if may_wait:
            return "later"
        case CommandIdReused():
            log.warning("a signal's id was used twice")
            return "other words"
        case _:
            return "unmatched"


def _request(
    channel: str, case_id: UUID, about: UUID, command: c.Command, *, signal: Signal, way: Way
) -> Request:
    return Request(
        case_id=case_id,
        command=command,
        command_id=uuid5(about, f"{_KINDS[type(signal)]}/{channel}/{_id_of(signal)}"),
        actor=Actor(f"channel:{channel}", "webhook"),
        causation=f"{way}:{channel}",
    )


def _by_its_words(request: Request) -> Request:
    """The same reply under a name that no reply with other words has."""
    reply = request.command
    assert isinstance(reply, c.RecordReply)
    name = str(uuid5(_SIGNALS, f"{reply.reply_id}/{reply.text}"))
    return msgspec.structs.replace(
        request,
        command=msgspec.structs.replace(reply, reply_id=name),
        command_id=uuid5(request.command_id, name),
    )


def _command(channel: str, signal: Signal, contact_id: UUID, point_id: str) -> c.Command:
    match signal:
        case Receipt():
            return c.RecordReceipt(
                contact_id=contact_id,
                receipt_id=_name(signal.receipt_id),
                status=signal.status,
                occurred_at=signal.occurred_at,
                detail=signal.detail[:MAX_WORDS],
            )
        case Reply():
            return c.RecordReply(
                reply_id=_name(signal.reply_id),
                channel=channel,
                text=signal.text[:MAX_REPLY],
                occurred_at=signal.occurred_at,
                point_id=point_id,
            )
        case OptOut():
            how = signal.how.strip()[:MAX_WORDS]
            return c.RecordOptOut(channel=channel, how=how or "a statement made for a machine")
    assert_never(signal)


def _id_of(signal: Signal) -> str:
    match signal:
        case Receipt():
            return _name(signal.receipt_id)
        case Reply():
            return _name(signal.reply_id)
        case OptOut():
            return _name(signal.opt_out_id)
    assert_never(signal)


def _name(given: str) -> str:
    """The channel's id as it is, or one made from it where it is not of the form of ours."""
    try:
        return msgspec.convert(given, Name)
    except msgspec.ValidationError:
        return str(uuid5(_SIGNALS, given))


def checked(signals: Iterable[Signal], most: int) -> list[Signal]:
    """Up to `most` signals that are what they say: what a plugin makes of its input is not believed until here.

    Raises ValueError, which quotes nothing of them.
    Half a letter, as some phones send of an emoji, becomes U+FFFD.
    """
    found: list[Signal] = []
    for given in signals:
        if len(found) == most:
            raise ValueError(f"more than {most} signals at once")
        found.append(_checked(given))
    return found


def _checked(given: Signal) -> Signal:
    try:
        fields = {
            name: _whole_letters(value) if isinstance(value, str) else value
            for name, value in msgspec.to_builtins(given).items()
        }
        signal: Signal = msgspec.convert(fields, Signal)
    except (msgspec.ValidationError, AttributeError, TypeError, RecursionError):
        raise ValueError("a signal that is none") from None
    when = signal.occurred_at
    if when.tzinfo is None or not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise ValueError("a signal without a time zone, or from no time of ours")
    if not signal.reference.isprintable():
        raise ValueError("a reference that nobody can have given")
    return msgspec.structs.replace(signal, occurred_at=when.astimezone(UTC))


def _whole_letters(text: str) -> str:
    """`text` with U+FFFD for surrogates without their other half, which nothing can store.

    No question mark: STOP and a question mark is a question.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
