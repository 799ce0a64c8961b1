"""Opening, debts, addresses, stages, closing."""

from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import (
    CaseIsClosed,
    CaseNotFound,
    Contradiction,
    Invalid,
    StageNotReady,
    Unknown,
    WrongState,
)
from duecourse.case.words import CloseReason, Stage
from duecourse.money.amounts import MAX_MINOR
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    POINTS,
    accept,
    accepted,
    debt,
    dispatch,
    offer,
    open_case,
    opened,
    pay,
    promise,
    request,
    talk,
)

BACK = c.MoveStage(to="negotiation", reason="they called")


def test_a_case_opens_with_its_debts() -> None:
    given().when(open_case(debt(), debt(OTHER_DEBT))).then(*opened(debt(), debt(OTHER_DEBT)))


def test_opening_again_gives_nothing() -> None:
    given(*opened()).when(open_case()).then_nothing()


def test_opening_again_places_the_debts_it_does_not_have() -> None:
    new = debt(OTHER_DEBT, 5_000)
    given(*opened()).when(open_case(debt(), new)).then(e.DebtPlaced(at=NOON, debt=new))


def test_a_debt_in_what_is_no_currency_is_not_placed() -> None:
    unknown = debt(OTHER_DEBT, currency="ZZZ")
    given().when(open_case(debt(), unknown)).then_raises(Invalid, "debts.currency")
    story = given(*opened()).when(c.PlaceDebt(debt=unknown))
    story.then_raises(Invalid, "debt.currency")
    with pytest.raises(Invalid, match="'ZZZ' is not a currency: use the ISO 4217 code"):
        _ = story.events


def test_a_debt_on_record_in_a_code_that_is_known_no_longer_is_worked_with_as_before() -> None:
    old = debt(currency="DEM")
    story = given(*opened(old)).when(c.PlaceDebt(debt=old))
    story.then_nothing()
    story.when(open_case(old)).then_nothing()
    assert story.when(pay(60_000, currency="DEM")).then_one(e.CaseClosed).reason == "paid"


def test_opening_a_paid_case_with_another_debt_reopens_it_for_reminders() -> None:
    paid = given(*opened()).when(promise()).when(pay(60_000))
    new = debt(OTHER_DEBT, 5_000)
    again = paid.when(open_case(debt(), new))
    assert again.case is not None
    assert (again.case.stage, again.case.close_reason) == ("reminder", None)
    assert again.case.steps == {}
    assert again.case.outstanding("CNY").principal == 5_000


def test_two_debts_or_two_addresses_of_one_id_are_refused() -> None:
    given().when(open_case(debt(), debt())).then_raises(Invalid, "debts")
    twice = replace(open_case(), contact_points=(POINTS[0], POINTS[0]))
    given().when(twice).then_raises(Invalid, "contact_points")


def test_a_case_does_not_open_beyond_what_its_sums_and_its_calendar_hold() -> None:
    given().when(open_case(debt(principal=MAX_MINOR), debt(OTHER_DEBT, 1))).then_raises(
        Invalid, "debts"
    )
    given().when(open_case(debt(due_on=date(9999, 12, 31)))).then_raises(Invalid, "debts")
    full = given(*opened(debt(principal=MAX_MINOR)))
    full.when(c.PlaceDebt(debt=debt(OTHER_DEBT, 1))).then_raises(Invalid, "debt")


def test_nothing_can_be_asked_of_a_case_that_does_not_exist() -> None:
    given().when(request()).then_raises(CaseNotFound)
    given().when(pay(1)).then_raises(CaseNotFound)


def test_a_debt_is_placed_once() -> None:
    new = debt(OTHER_DEBT, 5_000)
    placed = given(*opened()).when(c.PlaceDebt(debt=new)).then(e.DebtPlaced(at=NOON, debt=new))
    placed.when(c.PlaceDebt(debt=new)).then_nothing()
    other = debt(OTHER_DEBT, 6_000)
    placed.when(c.PlaceDebt(debt=other)).then_raises(Contradiction, "debt")


def test_a_withdrawn_debt_is_no_longer_owed_and_its_messages_are_called_back() -> None:
    command = c.WithdrawDebt(debt_id=DEBT, reason="sold back")
    waiting = given(*opened(debt(), debt(OTHER_DEBT, 1))).when(request())
    withdrawn = waiting.when(command).then(
        e.DebtWithdrawn(at=NOON, debt_id=DEBT, reason="sold back"),
        e.ContactCancelled(
            at=NOON, contact_id=CONTACT, reason="a debt was withdrawn", recalled=True
        ),
    )
    assert withdrawn.case is not None
    assert withdrawn.case.outstanding("CNY").total == 1
    withdrawn.when(command).then_nothing()


def test_a_plan_that_counts_in_a_withdrawn_debt_is_withdrawn_too() -> None:
    owed = given(*opened(debt(), debt(OTHER_DEBT, 1)))
    kept = owed.when(offer(60_001)).when(accept())
    kept.when(c.WithdrawDebt(debt_id=DEBT, reason="sold back")).then_one(e.PlanWithdrawn)


def test_only_a_debt_of_the_case_can_be_withdrawn() -> None:
    command = c.WithdrawDebt(debt_id=OTHER_DEBT, reason="sold back")
    given(*opened()).when(command).then_raises(Unknown, "debt_id")


def test_an_address_is_added_once_and_replaced_by_another_of_its_id() -> None:
    other = replace(POINTS[0], address="+8613900000000")
    given(*opened()).when(c.AddContactPoint(point=POINTS[0])).then_nothing()
    added = given(*opened()).when(c.AddContactPoint(point=other))
    added.then(e.ContactPointAdded(at=NOON, point=other)).when(
        c.AddContactPoint(point=other)
    ).then_nothing()


def test_a_case_has_a_limited_number_of_addresses() -> None:
    full = [
        e.ContactPointAdded(at=NOON, point=replace(POINTS[0], point_id=f"p{n}")) for n in range(97)
    ]
    one_more = c.AddContactPoint(point=replace(POINTS[0], point_id="one-more"))
    given(*opened(), *full).when(one_more).then_raises(Invalid, "point")


def test_a_retired_address_calls_its_messages_back() -> None:
    command = c.RetireContactPoint(point_id="mobile", reason="wrong number")
    retired = given(*opened()).when(request()).when(command)
    retired.then(
        e.ContactPointRetired(at=NOON, point_id="mobile", reason="wrong number"),
        e.ContactCancelled(
            at=NOON, contact_id=CONTACT, reason="its address was retired", recalled=True
        ),
    )
    retired.when(command).then_nothing()
    retired.when(c.RetireContactPoint(point_id="fax", reason="old")).then_raises(
        Unknown, "point_id"
    )


def test_a_debtor_moves_once() -> None:
    command = c.MoveDebtor(time_zone="Europe/London", jurisdiction="GB")
    moved = given(*opened()).when(command)
    moved.then(e.DebtorMoved(at=NOON, time_zone="Europe/London", jurisdiction="GB"))
    moved.when(command).then_nothing()


def test_a_case_goes_to_negotiation_once_the_debtor_has_been_reached() -> None:
    reminded = given(*opened()).when(request()).when(dispatch()).when(accepted())
    moved = reminded.when(BACK)
    moved.then(e.StageMoved(at=NOON, to="negotiation", reason="they called"))
    moved.when(BACK).then_nothing()


def test_a_bounced_message_and_an_unanswered_call_have_reached_nobody() -> None:
    reminded = given(*opened()).when(request()).when(dispatch()).when(accepted())
    bounced = c.RecordReceipt(
        contact_id=CONTACT, receipt_id="r-1", status="bounced", occurred_at=NOON
    )
    unheard = reminded.when(bounced).when(talk("no_answer"))
    unheard.when(BACK).then_raises(StageNotReady, "to")
    unheard.when(replace(talk(), conversation_id=UUID(int=99))).when(BACK).then_one(e.StageMoved)


@pytest.mark.parametrize("to", ["negotiation", "pre_legal", "legal", "closed"])
def test_a_stage_cannot_be_jumped_to(to: Stage) -> None:
    given(*opened()).when(c.MoveStage(to=to, reason="hurry")).then_raises(WrongState, "to")


def test_the_way_to_court_lists_everything_that_is_missing() -> None:
    reminded = given(*opened()).when(request()).when(dispatch())
    asked = reminded.when(c.MoveStage(to="pre_legal", reason="hurry"))
    asked.then_raises(StageNotReady, "to")
    with pytest.raises(StageNotReady, match=r"not been reached.*no plan was offered"):
        assert asked.events


def test_a_case_closes_for_a_reason_and_calls_its_messages_back() -> None:
    closed = given(*opened()).when(request()).when(c.CloseCase(reason="uneconomic", note="tiny"))
    closed.then(
        e.ContactCancelled(
            at=NOON, contact_id=CONTACT, reason="the case was closed", recalled=True
        ),
        e.CaseClosed(at=NOON, reason="uneconomic", note="tiny"),
    )
    closed.when(c.CloseCase(reason="sold")).then_nothing()


@pytest.mark.parametrize("reason", ["paid", "settled", "forgiven"])
def test_a_case_is_not_closed_as_paid_or_forgiven_while_something_is_owed(
    reason: CloseReason,
) -> None:
    """Money has to come, or a second person to forgive it."""
    given(*opened()).when(c.CloseCase(reason=reason)).then_raises(WrongState, "reason")


@pytest.mark.parametrize("reason", ["cured", "deceased", "bankrupt", "statute_barred", "sold"])
def test_a_case_closes_for_other_reasons_with_something_owed(reason: CloseReason) -> None:
    given(*opened()).when(c.CloseCase(reason=reason)).then_one(e.CaseClosed)


def test_a_closed_case_takes_no_asks() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="sold"))
    asks: list[c.Command] = [
        c.PlaceDebt(debt=debt(OTHER_DEBT)),
        c.AddContactPoint(point=POINTS[0]),
        BACK,
        c.FollowTreatment(step="first-reminder"),
        c.CancelContact(contact_id=CONTACT, reason="why not"),
    ]
    for ask in asks:
        closed.when(ask).then_raises(CaseIsClosed)


def test_a_reopened_case_is_where_it_was() -> None:
    command = c.ReopenCase(reason="closed in error")
    closed = given(*opened()).when(request()).when(c.CloseCase(reason="sold"))
    reopened = closed.when(command, at=NOON + DAY)
    reopened.then(e.CaseReopened(at=NOON + DAY, reason="closed in error"))
    assert reopened.case is not None
    assert (reopened.case.stage, reopened.case.close_reason) == ("reminder", None)
    reopened.when(command, at=NOON + DAY).then_nothing()


def test_an_unknown_clock_counts_days_in_utc() -> None:
    case = given(*opened(debtor=replace(DEBTOR, time_zone="Nowhere/None"))).case
    assert case is not None
    assert case.today(NOON.replace(hour=23)) == date(2026, 3, 2)
