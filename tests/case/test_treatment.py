"""The schedule: step after step, resting while anything better is under way."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.state import Case, StepProgress
from duecourse.case.timers import Timer, command_of, timers_of
from duecourse.case.treatment import next_step
from duecourse.rules.treatment import Step, load_treatment
from duecourse.testing import given
from duecourse.testing.sample import (
    DAY,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    PLAN,
    POINTS,
    PROMISE,
    accept,
    debt,
    hold,
    offer,
    open_case,
    opened,
    pay,
    promise,
    propose,
    request,
    talk,
)

TREATMENT = load_treatment()
HOUR = timedelta(hours=1)


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def due(story: given) -> tuple[str, datetime] | None:
    found = next_step(case_of(story), TREATMENT)
    return None if found is None else (found[0].id, found[1].astimezone(UTC))


def follow(story: given, at: datetime | None = None) -> datetime:
    """Take the step that is next, when it is due."""
    found = due(story)
    assert found is not None
    at = max(found[1], at or found[1])
    story.when(c.FollowTreatment(step=found[0]), at=at, actor=SYSTEM)
    return at


def send(story: given, at: datetime) -> None:
    """What the step permitted leaves and arrives."""
    waiting = [k for k, contact in case_of(story).contacts.items() if contact.status == "permitted"]
    for key in waiting:
        story.when(c.StartDispatch(contact_id=key, plugin="p", body_sha256="0"), at=at)
        story.when(c.RecordAccepted(contact_id=key, reference="r"), at=at)


def after_first() -> given:
    story = given(*opened())
    send(story, follow(story))
    return story


# --- one step -------------------------------------------------------------------------------------


def test_the_first_reminder_is_due_at_once_and_asks_the_rules() -> None:
    story = given(*opened())
    assert due(story) == ("first-reminder", NOON)
    follow(story)
    permitted = story.then_one(e.ContactPermitted)
    assert (permitted.channel, permitted.step) == ("sms", "first-reminder")
    assert (permitted.template, case_of(story).stage) == ("reminder-first", "reminder")


def test_a_step_is_taken_once_and_never_early_or_out_of_turn() -> None:
    story = after_first()
    for step in ("first-reminder", "second-reminder", "no-such-step"):
        story.when(c.FollowTreatment(step=step), at=NOON, actor=SYSTEM).then_nothing()


def test_after_a_contact_the_debtor_is_left_in_peace() -> None:
    assert due(after_first()) == ("second-reminder", NOON + 3 * DAY)


def test_a_step_comes_due_in_the_morning_of_its_day_on_the_debtors_clock() -> None:
    story = given(*opened(debt(due_on=NOON.date())))
    assert due(story) == ("first-reminder", datetime(2026, 3, 3, 2, 0, tzinfo=UTC))


def test_of_several_debts_the_oldest_that_is_still_owed_sets_the_day() -> None:
    old = debt(OTHER_DEBT, 100, due_on=(NOON - 40 * DAY).date())
    story = given(*opened(debt(due_on=NOON.date()), old))
    assert due(story) == ("first-reminder", NOON)
    story.when(pay(100, debt_id=OTHER_DEBT))
    assert due(story) == ("first-reminder", datetime(2026, 3, 3, 2, 0, tzinfo=UTC))


# --- refused, failed, blocked -----------------------------------------------------------------------


def test_a_refused_step_is_due_again_at_the_next_lawful_moment() -> None:
    story = given(*opened()).when(request("email"))  # uses up the day
    follow(story)
    refused = story.then_one(e.ContactRefused)
    assert refused.step == "first-reminder"
    assert refused.next_lawful_at is not None
    found = due(story)
    assert found is not None
    assert found[1] >= refused.next_lawful_at
    follow(story)
    story.then_one(e.ContactPermitted)


def test_a_step_refused_for_good_is_skipped_and_the_next_has_its_turn() -> None:
    story = given(*opened()).when(c.RecordOptOut(channel="sms", how="asked"))
    follow(story)
    taken = story.then_one(e.TreatmentStepTaken)
    assert (taken.step, taken.outcome) == ("first-reminder", "skipped")
    assert "opted_out" in taken.reason
    assert due(story) == ("second-reminder", datetime(2026, 3, 4, 2, 0, tzinfo=UTC))


@pytest.mark.parametrize("at_once", ["time_zone", "jurisdiction"])
def test_a_step_that_waits_for_data_is_asked_again_when_it_is_mended(at_once: str) -> None:
    story = given(*opened(debtor=replace(DEBTOR, **{at_once: ""})))
    at = follow(story)
    assert due(story) is None
    assert case_of(story).steps["first-reminder"].blocked
    story.when(c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction="CN"), at=at)
    follow(story)
    story.then_one(e.ContactPermitted)


def test_data_lost_between_permission_and_dispatch_is_a_new_contact_when_mended() -> None:
    story = given(*opened())
    at = follow(story)
    first = story.then_one(e.ContactPermitted).contact_id
    story.when(c.MoveDebtor(time_zone="", jurisdiction="CN"), at=at)
    story.when(c.StartDispatch(contact_id=first, plugin="p", body_sha256="0"), at=at)
    assert story.then_one(e.ContactRefused).moment == "dispatch"
    assert due(story) is None
    story.when(c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction="CN"), at=at)
    follow(story)
    assert story.then_one(e.ContactPermitted).contact_id != first


def test_a_message_that_did_not_leave_is_tried_again_later_each_time() -> None:
    story = given(*opened())
    waits = []
    for _ in range(3):
        at = follow(story)
        key = story.then_one(e.ContactPermitted).contact_id
        story.when(c.StartDispatch(contact_id=key, plugin="p", body_sha256="0"), at=at)
        story.when(c.RecordRejected(contact_id=key, reason="busy"), at=at)
        waits.append(case_of(story).steps["first-reminder"].not_before)
        assert waits[-1] == at + HOUR * 2 ** (len(waits) - 1)
    follow(story)
    story.then_one(e.TreatmentStepTaken, lambda taken: taken.outcome == "skipped")
    assert len(case_of(story).contacts) == 3


def test_a_message_of_unknown_fate_is_not_sent_again() -> None:
    story = given(*opened())
    at = follow(story)
    key = story.then_one(e.ContactPermitted).contact_id
    story.when(c.StartDispatch(contact_id=key, plugin="p", body_sha256="0"), at=at)
    assert due(story) is None
    story.when(c.RecordUnknown(contact_id=key, reason="crash"), at=at)
    found = due(story)
    assert found is not None
    assert found[0] == "second-reminder"


# --- resting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "ends"),
    [
        (offer(60_000), c.DeclinePlan(plan_id=PLAN)),
        (promise(), c.WithdrawPromise(promise_id=PROMISE, reason="no")),
        (hold("dispute"), c.LiftHold(hold_id="hold-1", reason="answered")),
    ],
)
def test_the_schedule_rests_while_something_better_is_under_way(
    better: c.Command, ends: c.Command
) -> None:
    story = given(*opened()).when(better)
    assert due(story) is None
    story.when(c.FollowTreatment(step="first-reminder"), actor=SYSTEM).then_nothing()
    story.when(ends)
    assert due(story) is not None


def test_the_schedule_rests_while_a_plan_is_kept() -> None:
    story = given(*opened()).when(offer(30_000, 30_000)).when(accept())
    assert due(story) is None
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="they asked"))
    assert due(story) is not None


def test_the_schedule_rests_while_legal_staff_look_and_in_court() -> None:
    story = given(*opened()).when(request("call")).when(talk("refused_to_pay")).when(propose())
    assert due(story) is None
    assert due(given(*opened(), e.StageMoved(at=NOON, to="legal", reason=""))) is None


def test_the_schedule_ends_with_the_debt_and_the_case() -> None:
    assert due(given(*opened()).when(pay(60_000))) is None
    assert due(given(*opened()).when(c.CloseCase(reason="sold"))) is None
    assert due(given(*opened(debt(principal=0)))) is None


def test_a_hold_that_does_not_stop_outreach_does_not_stop_the_schedule() -> None:
    assert due(given(*opened()).when(hold("complaint"))) is not None


def test_after_everything_was_paid_a_new_debt_begins_the_schedule_anew() -> None:
    story = (
        after_first()
        .when(pay(60_000), at=NOON)
        .when(open_case(debt(), debt(OTHER_DEBT, 500)), at=NOON)
    )
    found = due(story)
    assert found is not None
    assert found[0] == "first-reminder"
    follow(story)
    story.then_one(e.ContactPermitted)


def test_a_bounced_payment_goes_on_where_the_schedule_was() -> None:
    story = after_first().when(pay(60_000))
    story.when(c.ReversePayment(payment_id="pay-1", reason="returned"))
    found = due(story)
    assert found is not None
    assert found[0] == "second-reminder"


# --- the plan and the proposal ------------------------------------------------------------------------


def step(name: str, **fields: object) -> Step:
    return replace(next(each for each in TREATMENT.steps if each.id == name), **fields)


def only(*steps: Step, points: tuple[e.ContactPoint, ...] = POINTS) -> given:
    """A case whose schedule has these steps alone."""
    opening, *placed = opened(debt(due_on=(NOON - 100 * DAY).date()))
    assert isinstance(opening, e.CaseOpened)
    start = replace(opening, contact_points=points)
    return given(start, *placed, treatment=replace(TREATMENT, steps=steps))


OFFER = c.FollowTreatment(step="plan-offer")
LEGAL_STEP = c.FollowTreatment(step="legal-proposal")


def test_a_plan_is_offered_over_all_that_is_owed_and_announced() -> None:
    story = only(step("plan-offer")).when(OFFER, actor=SYSTEM)
    offered = story.then_one(e.PlanOffered)
    assert [each.amount_minor for each in offered.instalments] == [10_000] * 6
    assert offered.instalments[0].due_on.isoformat() == "2026-03-16"
    assert offered.expires_on.isoformat() == "2026-03-16"
    assert story.then_one(e.ContactPermitted).channel == "email"
    assert case_of(story).stage == "negotiation"
    assert case_of(story).steps["plan-offer"].outcome == "done"
    story.when(OFFER, actor=SYSTEM).then_nothing()


def test_an_offer_takes_another_written_way_when_its_own_is_closed() -> None:
    story = only(step("plan-offer")).when(c.RecordOptOut(channel="email", how="asked"))
    story.when(OFFER, actor=SYSTEM)
    assert story.then_one(e.ContactPermitted).channel == "letter"


def test_an_offer_that_nobody_would_hear_of_is_not_made() -> None:
    story = only(step("plan-offer"), points=()).when(OFFER, actor=SYSTEM)
    assert not any(isinstance(event, e.PlanOffered) for event in story.events)
    assert story.then_one(e.TreatmentStepTaken).outcome == "skipped"


def test_an_offer_waits_for_a_lawful_moment() -> None:
    night = NOON + 12 * HOUR
    story = only(step("plan-offer")).when(OFFER, at=night, actor=SYSTEM)
    assert [type(event) for event in story.events] == [e.ContactRefused]


def test_a_debt_of_three_units_is_not_offered_in_six_parts() -> None:
    story = only(step("plan-offer")).when(pay(59_997)).when(OFFER, actor=SYSTEM)
    offered = story.then_one(e.PlanOffered)
    assert [each.amount_minor for each in offered.instalments] == [1, 1, 1]


def test_legal_review_is_proposed_by_the_schedule_when_nothing_helped() -> None:
    story = only(step("legal-proposal")).when(request("call")).when(talk("refused_to_pay"))
    story.when(LEGAL_STEP, actor=SYSTEM)
    proposed = story.then_one(e.LegalReferralProposed)
    assert proposed.proposed_by == "system"
    assert case_of(story).steps["legal-proposal"] == StepProgress(outcome="done")
    story.when(LEGAL_STEP, actor=SYSTEM).then_nothing()


def test_legal_review_is_not_proposed_while_something_is_missing() -> None:
    story = only(step("legal-proposal")).when(LEGAL_STEP, actor=SYSTEM)
    taken = story.then_one(e.TreatmentStepTaken)
    assert taken.outcome == "skipped"
    assert "has not been reached" in taken.reason


def test_a_reason_with_many_holds_still_fits_its_field() -> None:
    story = only(step("legal-proposal"))
    for n in range(9):
        story.when(hold("complaint", f"hold-{n}-{'x' * 90}"))
    taken = story.when(LEGAL_STEP, actor=SYSTEM).then_one(e.TreatmentStepTaken)
    assert len(taken.reason) == 500


def not_of_limitation(timers: list[Timer]) -> list[Timer]:
    """Without what is due in years only, when the time for a court is nearly over."""
    return [timer for timer in timers if timer.kind != "limitation"]


def test_left_alone_a_case_takes_every_step_and_then_waits_for_legal_staff() -> None:
    story = given(*opened(debt(due_on=NOON.date())))
    taken: list[str] = []
    at = NOON
    while timers := not_of_limitation(timers_of(case_of(story), TREATMENT)):
        timer = min(timers, key=lambda each: each.due_at)
        at = max(at, timer.due_at)
        command = command_of(timer)
        if command is None:
            send(story, at)
            continue
        story.when(command, at=at, actor=SYSTEM)
        taken += [event.step for event in story.events if isinstance(event, e.ContactPermitted)]
        assert len(taken) < 20
    assert taken == [each.id for each in TREATMENT.steps if each.do != "propose_referral"]
    assert [each.status for each in case_of(story).referrals.values()] == ["proposed"]
    assert case_of(story).stage == "pre_legal"
    assert case_of(story).today(at) - NOON.date() == 90 * DAY
