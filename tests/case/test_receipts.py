"""What receipts add up to, in any order, and what a person finds out where there are none."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from typing import get_args
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.errors import Contradiction, Unknown, WrongState
from duecourse.case.evolve import fold
from duecourse.case.situation import situation
from duecourse.case.state import Case, Contact
from duecourse.case.treatment import next_step
from duecourse.case.words import FoundOut, ReceiptStatus
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    NOON,
    accepted,
    dispatch,
    opened,
    pay,
    request,
)

MOST = 6
MAIL = UUID(int=40)
HOUR = timedelta(hours=1)
STATUSES: Sequence[ReceiptStatus] = get_args(ReceiptStatus)
CONTEXT = Context(at=NOON, actor=LEGAL, rules=load_rulebook(), treatment=load_treatment())
UNKNOWN = c.RecordUnknown(contact_id=CONTACT, reason="a crash while sending")
REJECTED = c.RecordRejected(contact_id=CONTACT, reason="no such number")
POSTPONED = c.RecordPostponed(contact_id=CONTACT, until=NOON + HOUR, reason="busy")
TAKEN_BACK = c.CancelContact(contact_id=CONTACT, reason="by mistake")


def receipt(status: ReceiptStatus, receipt_id: str = "") -> c.RecordReceipt:
    return c.RecordReceipt(
        contact_id=CONTACT,
        receipt_id=receipt_id or f"r-{status}",
        status=status,
        occurred_at=NOON,
    )


RECEIPTS = {each: receipt(each) for each in STATUSES}
BEFORE: Mapping[str, Sequence[c.Command]] = {
    "dispatching": (),
    "accepted": (accepted(),),
    "unknown": (UNKNOWN,),
    "rejected": (REJECTED,),
    "postponed": (POSTPONED,),
    "called back": (POSTPONED, TAKEN_BACK),
}


def sent(*then: c.Command) -> given:
    story = given(*opened()).when(request()).when(dispatch())
    for command in then:
        story.when(command)
    return story


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def contact_of(story: given) -> Contact:
    return case_of(story).contacts[CONTACT]


def after(case: Case, command: c.Command) -> Case:
    found = fold(decide(case, command, CONTEXT), case)
    assert found is not None
    return found


# --- one state -------------------------------------------------------------------------------


def states_of_sets(
    start: Case, commands: Mapping[str, c.Command], look: Callable[[Case], object]
) -> Iterator[tuple[frozenset[str], str, object, object]]:
    """What a case looks like after a set of commands and one more, and after them in a fixed order.

    For every set of up to six, and each command that may come next. Where the two never differ, a case depends only on which of them have come: by induction every
    order, with any duplicates, ends in one state.
    """
    states: dict[frozenset[str], Case] = {frozenset(): start}
    for size in range(1, MOST + 1):
        for chosen in combinations(sorted(commands), size):
            before = states[frozenset(chosen[:-1])]
            states[frozenset(chosen)] = after(before, commands[chosen[-1]])
    for have, case in states.items():
        for name, command in commands.items():
            if (then := states.get(have | {name})) is not None:
                yield have, name, look(after(case, command)), look(then)


@pytest.mark.parametrize("before", BEFORE)
def test_all_orders_of_up_to_six_receipts_with_duplicates_end_in_one_state(before: str) -> None:
    start = case_of(sent(*BEFORE[before]))
    compared = 0
    for have, name, found, expected in states_of_sets(start, RECEIPTS, lambda case: case):
        compared += 1
        assert found == expected, (sorted(have), name)
    assert compared > 5_000


def test_all_orders_of_receipts_with_the_accept_and_the_doubt_among_them_end_in_one_state() -> None:
    def look(case: Case) -> object:
        # Whether there was a doubt at all is history, and no part of what came of it.
        return replace(case.contacts[CONTACT], doubt="", unknown_at=None), case.opted_out

    commands = {**RECEIPTS, "the accept": accepted(), "the doubt": UNKNOWN}
    for have, name, found, expected in states_of_sets(case_of(sent()), commands, look):
        assert found == expected, (sorted(have), name)


def test_the_same_one_by_one_for_every_sequence_of_six() -> None:
    """The induction above, checked against the plain enumeration."""
    names: Sequence[ReceiptStatus] = (
        "queued",
        "sent",
        "failed",
        "delivered",
        "bounced",
        "complained",
    )
    ends: dict[frozenset[str], Case] = {}
    walked = 0

    def walk(case: Case, seen: frozenset[str], depth: int) -> None:
        nonlocal walked
        walked += 1
        assert ends.setdefault(seen, case) == case
        if depth < MOST:
            for name in names:
                walk(after(case, RECEIPTS[name]), seen | {name}, depth + 1)

    walk(case_of(sent(accepted())), frozenset(), 0)
    assert walked == sum(len(names) ** depth for depth in range(MOST + 1))


# --- what they prove -------------------------------------------------------------------------


@pytest.mark.parametrize("status", STATUSES)
def test_any_receipt_ends_a_doubt_whichever_comes_first(status: ReceiptStatus) -> None:
    for order in ((UNKNOWN, receipt(status)), (receipt(status), UNKNOWN)):
        contact = contact_of(sent(*order))
        assert (contact.status, contact.delivery) == ("accepted", status)


def test_a_reference_that_comes_after_the_receipts_is_kept() -> None:
    story = sent(UNKNOWN, receipt("delivered"), accepted())
    assert contact_of(story).reference == "gw-1"
    story.when(accepted()).then_nothing()


@pytest.mark.parametrize("before", ["rejected", "postponed", "called back"])
@pytest.mark.parametrize("status", STATUSES)
def test_what_was_believed_lost_counts_once_a_receipt_proves_that_it_left(
    before: str, status: ReceiptStatus
) -> None:
    story = sent(*BEFORE[before])
    believed = contact_of(story).status
    story.when(receipt(status))
    left = status != "failed"
    assert contact_of(story).status == ("accepted" if left else believed)
    seen = situation(case_of(story), "sms", "mobile", NOON + DAY)
    assert len(seen.past) == int(left)
    if left:
        # And nobody sends it once more.
        story.when(dispatch()).then_nothing()


def test_what_a_receipt_proves_no_later_word_of_the_channel_takes_back() -> None:
    for denial in (REJECTED, POSTPONED):
        story = sent(receipt("delivered"), denial)
        assert contact_of(story).status == "accepted"
    called_off = sent(receipt("sent"), pay(10_000), POSTPONED)
    assert contact_of(called_off).status == "accepted"


def test_that_it_failed_does_not_stand_against_a_refusal() -> None:
    for order in ((UNKNOWN, receipt("failed"), REJECTED), (UNKNOWN, REJECTED, receipt("failed"))):
        assert contact_of(sent(*order)).status == "rejected"


def test_a_receipt_for_what_no_channel_was_given_proves_nothing() -> None:
    story = given(*opened()).when(request()).when(receipt("delivered"))
    assert contact_of(story).status == "permitted"


def test_a_step_whose_message_left_after_all_is_not_taken_again() -> None:
    story = given(*opened()).when(c.FollowTreatment(step="first-reminder"), at=NOON + DAY)
    ((key, contact),) = case_of(story).contacts.items()
    at = NOON + DAY
    story.when(dispatch(key), at=at)
    story.when(c.RecordRejected(contact_id=key, reason="no such number"), at=at)
    due = next_step(case_of(story), load_treatment())
    assert due is not None
    assert due[0].id == contact.step
    story.when(replace(receipt("delivered"), contact_id=key), at=at)
    due = next_step(case_of(story), load_treatment())
    assert due is not None
    assert due[0].id != contact.step


# --- what a person finds out -----------------------------------------------------------------


def reconcile(outcome: FoundOut, contact_id: UUID = CONTACT) -> c.ReconcileContact:
    return c.ReconcileContact(
        contact_id=contact_id, outcome=outcome, evidence="seen in the gateway's log"
    )


def test_a_doubt_counts_until_somebody_finds_out() -> None:
    unsure = sent(UNKNOWN)
    assert contact_of(unsure).doubt == "a crash while sending"
    assert contact_of(unsure).unknown_at == NOON
    later = unsure.when(request("email", contact_id=MAIL), at=NOON + 3 * HOUR)
    assert later.then_one(e.ContactRefused).rule == "house.written_per_day"


def test_what_was_sent_counts_as_accepted() -> None:
    story = sent(UNKNOWN).when(reconcile("sent"), actor=LEGAL)
    story.then(
        e.ContactReconciled(
            at=NOON, contact_id=CONTACT, outcome="sent", evidence="seen in the gateway's log"
        )
    )
    assert contact_of(story).status == "accepted"
    later = story.when(request("email", contact_id=MAIL), at=NOON + 3 * HOUR)
    assert later.then_one(e.ContactRefused).rule == "house.written_per_day"


def test_what_was_not_sent_counts_under_no_cap() -> None:
    story = sent(UNKNOWN).when(reconcile("not_sent"))
    assert contact_of(story).status == "rejected"
    assert situation(case_of(story), "email", "mail", NOON + HOUR).past == ()
    story.when(request("email", contact_id=MAIL), at=NOON + 3 * HOUR).then_one(e.ContactPermitted)


def test_the_step_of_what_was_not_sent_is_due_again() -> None:
    at = NOON + DAY
    story = given(*opened()).when(c.FollowTreatment(step="first-reminder"), at=at)
    ((key, contact),) = case_of(story).contacts.items()
    story.when(dispatch(key), at=at)
    story.when(c.RecordUnknown(contact_id=key, reason="a crash"), at=at)
    waiting = next_step(case_of(story), load_treatment())
    assert waiting is not None
    assert waiting[0].id != contact.step
    story.when(reconcile("not_sent", key), at=at)
    due = next_step(case_of(story), load_treatment())
    assert due is not None
    assert (due[0].id, due[1]) == (contact.step, at + HOUR)


@pytest.mark.parametrize("outcome", get_args(FoundOut))
def test_finding_out_twice_gives_nothing_and_otherwise_a_contradiction(outcome: FoundOut) -> None:
    story = sent(UNKNOWN, reconcile(outcome))
    story.when(reconcile(outcome)).then_nothing()
    other: FoundOut = "sent" if outcome == "not_sent" else "not_sent"
    story.when(reconcile(other)).then_raises(Contradiction, "outcome")


@pytest.mark.parametrize("before", [name for name in BEFORE if name != "unknown"])
def test_only_what_is_unknown_is_reconciled(before: str) -> None:
    story = sent(*BEFORE[before])
    status = contact_of(story).status
    refused = story.when(reconcile("not_sent"))
    refused.then_raises(WrongState, "contact_id")
    assert contact_of(story).status == status


def test_what_a_receipt_has_settled_nobody_needs_to_find_out() -> None:
    sent(UNKNOWN, receipt("failed"), reconcile("not_sent")).then_raises(WrongState, "contact_id")


def test_nobody_finds_out_about_what_the_case_never_had() -> None:
    given(*opened()).when(reconcile("sent")).then_raises(Unknown, "contact_id")


def test_a_closed_case_can_be_reconciled() -> None:
    story = sent(UNKNOWN, c.CloseCase(reason="sold"), reconcile("sent"))
    story.then_one(e.ContactReconciled)


def test_a_receipt_and_the_channels_own_word_stand_above_what_was_found_out() -> None:
    for better in (receipt("delivered"), accepted()):
        assert contact_of(sent(UNKNOWN, reconcile("not_sent"), better)).status == "accepted"
    sent(UNKNOWN, reconcile("sent"), REJECTED).then_nothing()
