"""What must hold between the ledger of the gateway and the histories of the cases.

The ledger was written by another process, which knows nothing of us. Each check returns what is
wrong, in words that begin with its name.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from delivery_orders import Born, Ended, Message, Stopped
from faulty_script import STATUSES, TURNS_AWAY, UNCLEAR, Guarantee

from duecourse.case import events as e
from duecourse.case.evolve import fold
from duecourse.case.state import Contact
from duecourse.peers.ledger import Entry
from duecourse.rendering import Message as Text
from duecourse.rendering import body_sha256
from duecourse.store.log import Recorded

NOT_SENT: Final = frozenset({"rejected", "cancelled"})


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Of one world, once it is quiet. `ended` is what the last life believed of its contacts."""

    guarantee: Guarantee
    forgetful: bool
    """The gateway forgot its keys between two lives."""
    outrun: bool
    """Two lives were beside each other, with a lease shorter than a slow answer."""
    messages: Sequence[Message]
    ledger: Sequence[Entry]
    histories: Mapping[UUID, Sequence[Recorded]]
    ended: Mapping[str, Ended]
    stopped: Sequence[Stopped]
    born: Sequence[Born]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """One message: what the gateway knows of it, and what the case knows."""

    key: str
    requests: Sequence[Entry]
    questions: Sequence[Entry]
    deliveries: Sequence[Entry]
    sayings: Sequence[Entry]
    history: Sequence[Recorded]
    contact: Contact | None
    ended: Ended | None
    stopped: Stopped | None

    @property
    def actions(self) -> list[str]:
        return [each["action"] for each in self.requests]

    @property
    def status(self) -> str:
        return self.contact.status if self.contact else "refused"

    def dispatchings(self) -> list[tuple[Recorded, e.ContactDispatching]]:
        return [
            (each, each.event)
            for each in self.history
            if isinstance(each.event, e.ContactDispatching) and each.event.key == self.key
        ]

    def was_called(self, kind: type[e.Event]) -> bool:
        return any(
            isinstance(each.event, kind) and str(getattr(each.event, "contact_id", "")) == self.key
            for each in self.history
        )


def courses_of(evidence: Evidence) -> list[Course]:
    by_key: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in evidence.ledger:
        if "key" in entry:
            by_key[entry["key"]][entry["entry"]].append(entry)
    stopped = {each.key: each for each in evidence.stopped}
    return [_course(evidence, each, by_key[each.key], stopped) for each in evidence.messages]


def _course(
    evidence: Evidence,
    message: Message,
    entries: Mapping[str, list[Entry]],
    stopped: Mapping[str, Stopped],
) -> Course:
    history = evidence.histories[message.case_id]
    case = fold([each.event for each in history])
    return Course(
        key=message.key,
        requests=entries.get("request", []),
        questions=entries.get("question", []),
        deliveries=entries.get("delivery", []),
        sayings=[each for taken in entries.get("delivery", []) for each in taken["sayings"]],
        history=history,
        contact=case.contacts.get(message.contact_id) if case else None,
        ended=evidence.ended.get(message.key),
        stopped=stopped.get(message.key),
    )


def failures(evidence: Evidence) -> list[str]:
    found: list[str] = []
    keys = {each.key for each in evidence.messages}
    strangers = [each for each in evidence.ledger if each.get("key", "") not in keys]
    found += [f"unheard of: {each}" for each in strangers]
    for course in courses_of(evidence):
        for problem in _problems(evidence, course):
            found.append(f"{problem} [{course.key}: {course.actions}, then {course.status}]")
    return found


def _problems(evidence: Evidence, course: Course) -> Iterator[str]:
    yield from _is_over(course)
    yield from _delivered_at_most_once(course)
    yield from _outcome_is_true(evidence, course)
    yield from _as_guaranteed(evidence, course)
    yield from _announced(course)
    yield from _left_alone(evidence, course)
    yield from _receipts_add_up(course)


def _is_over(course: Course) -> Iterator[str]:
    if course.status in {"permitted", "dispatching"}:
        yield "not over"
    if course.ended is not None and course.contact is not None:
        seen = (course.contact.status, course.contact.delivery, sorted(course.contact.receipts))
        believed = course.ended
        if seen != (believed.status, believed.delivery, sorted(believed.receipts)):
            yield f"replayed otherwise: {seen}, and the last life had {believed}"


def _delivered_at_most_once(course: Course) -> Iterator[str]:
    if len(course.deliveries) > 1:
        began = [each.event.at.timestamp() for each in course.history if each.event.at]
        clocks = [each["clock"] - began[0] for each in course.requests]
        what = [
            f"{type(each.event).__name__} at {each.event.at.timestamp() - began[0]:.3f}"
            for each in course.history
        ]
        yield f"delivered {len(course.deliveries)} times, asked at {clocks}: {what}"


def _outcome_is_true(evidence: Evidence, course: Course) -> Iterator[str]:
    """Whatever the case says for certain is so in the ledger.

    But for one who was locked out while another, who had taken over too early, was not.
    """
    delivered = len(course.deliveries)
    if course.status == "accepted" and not delivered:
        yield "lost: accepted, and nothing was delivered"
    excused = evidence.outrun and "lock_out" in course.actions
    if course.status in NOT_SENT | {"refused"} and delivered and not excused:
        yield f"denied: {course.status}, and it was delivered"
    if course.status == "unknown" and not course.was_called(e.ContactUnknown):
        yield "doubted by nobody"


def _as_guaranteed(evidence: Evidence, course: Course) -> Iterator[str]:
    match evidence.guarantee:
        case "idempotent":
            yield from _sent_once(evidence, course)
        case "queryable":
            if course.status == "unknown":
                yield "not found out: the gateway could have been asked"
        case "opaque":
            yield from _never_sent_blindly(course)


def _sent_once(evidence: Evidence, course: Course) -> Iterator[str]:
    """Delivered in the end, unless something that is on record spoke against it."""
    if course.stopped or evidence.forgetful or course.status == "accepted":
        return
    # A refusal proves nothing of the tries before it.
    turned_away = {"refuse", "lock_out"} & set(course.actions)
    if course.status not in {"rejected", "unknown"} or not turned_away:
        yield "given up: it could have been sent again"


def _never_sent_blindly(course: Course) -> Iterator[str]:
    """After a try that may have delivered there is no other, and the doubt is on record."""
    ways = [(now, then) for now, then in zip(course.actions, course.actions[1:], strict=False)]
    for now, then in ways:
        if now not in TURNS_AWAY:
            yield f"sent blindly: {then} after {now}"
    if course.actions and course.actions[-1] in UNCLEAR and not course.was_called(e.ContactUnknown):
        yield "not doubted: nobody could know what became of it"


def _announced(course: Course) -> Iterator[str]:
    """What was delivered had been committed to before, by its very text, and is in the history."""
    begun = course.dispatchings()
    for delivery in course.deliveries:
        text = body_sha256(Text(subject="", body=delivery["text"]))
        before = [
            each.body_sha256
            for recorded, each in begun
            if recorded.recorded_at.timestamp() <= delivery["at"]
        ]
        if not before:
            yield "unannounced: delivered before anything was committed"
        elif text not in before:
            yield "another text: it is not the one that was committed to"
    accepted = {
        each.event.reference
        for each in course.history
        if isinstance(each.event, e.ContactAccepted) and str(each.event.contact_id) == course.key
    }
    if not accepted <= {each["id"] for each in course.deliveries}:
        yield f"accepted as something that the gateway does not have: {accepted}"


def _left_alone(evidence: Evidence, course: Course) -> Iterator[str]:
    """Nothing leaves after an opt-out, a hold or a close that somebody was told of.

    Only what one and the same life had begun to send before, beside it, is too late to be stopped.
    """
    stop = course.stopped
    if stop is None:
        return
    births: dict[int, float] = {}
    for each in evidence.born:
        births[each.number] = min(each.at, births.get(each.number, each.at))
    for delivery in course.deliveries:
        if delivery["at"] <= stop.at:
            continue
        begun = [
            recorded.position
            for recorded, _ in course.dispatchings()
            if recorded.recorded_at.timestamp() <= delivery["at"]
        ]
        reborn = any(stop.at < at < delivery["at"] for at in births.values())
        if stop.quiet or reborn or max(begun, default=0) > stop.position:
            yield f"not left alone after the {stop.stop}"


def _receipts_add_up(course: Course) -> Iterator[str]:
    """Those count that are genuine and name the message by a name that we have, and no others."""
    if course.contact is None or course.ended is None:
        return
    names = {course.contact.key, course.contact.reference} - {""}
    counting = [each for each in course.sayings if each["genuine"] and each["reference"] in names]
    if {each["id"] for each in counting} != set(course.ended.receipts):
        yield f"other receipts: {course.ended.receipts} instead of {counting}"
    statuses = [each["status"] for each in counting]
    expected = max(statuses, key=STATUSES.index, default=None)
    if course.ended.delivery != expected:
        yield f"another state: {course.ended.delivery} instead of {expected}"
