"""Who keeps to what was agreed, and what is not due, is not asked for all that is owed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.evolve import fold
from duecourse.case.situation import situation
from duecourse.case.state import Case
from duecourse.flow.facts import message_facts
from duecourse.rendering import TemplateProblem, list_templates
from duecourse.rules.gate import judge, load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.settings import CreditorDetails
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    NOON,
    OTHER_DEBT,
    PLAN,
    PROMISE,
    accept,
    debt,
    dispatch,
    hold,
    offer,
    opened,
    pay,
    promise,
    request,
)

CONTENTS: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    (each.code, medium, each.language): content
    for each in list_templates()
    for medium, content in each.contains.items()
}
DEMANDS = [
    "letter-balance", "letter-before-action", "offer-of-help", "reminder-first", "reminder-second",
]  # fmt: skip
OTHERS = ["payment-received", "plan-accepted", "plan-offer"]
SECOND = UUID(int=40)
HOUR = timedelta(hours=1)
THREE = offer(20_000, 20_000, 20_000)  # the first on 16 March, with three days of grace
GRACE_OVER = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)  # 20 March, 00:00 in Shanghai
PROMISE_OVER = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)  # due on the 9th, a day of grace
MORNING = timedelta(hours=9)
DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")
EUROS = debt(OTHER_DEBT, 50_000, currency="EUR")


def story_of(*debts: e.Debt) -> given:
    return given(*opened(*debts), contents=CONTENTS)


def kept() -> given:
    return story_of().when(THREE).when(accept())


def promised() -> given:
    return story_of().when(promise())


def ask(
    template: str = "reminder-first",
    *debts: UUID,
    channel: str = "email",
    contact_id: UUID = CONTACT,
) -> c.RequestContact:
    return replace(request(channel, contact_id), template=template, debts=debts)


def refused(story: given, at: datetime = NOON, *debts: UUID) -> e.ContactRefused:
    return story.when(ask("reminder-first", *debts), at=at).then_one(e.ContactRefused)


def is_permitted(story: given, command: c.RequestContact, at: datetime = NOON) -> bool:
    return any(isinstance(event, e.ContactPermitted) for event in story.when(command, at).events)


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


# --- a plan that is kept ---------------------------------------------------------------------


def test_the_templates_that_ask_for_all_that_is_owed_say_so_in_both_languages() -> None:
    declared = {(code, language) for (code, _, language), has in CONTENTS.items() if WHOLE in has}
    assert declared == {(code, language) for code in DEMANDS for language in ("zh", "en")}
    assert {code for code, _, _ in CONTENTS} == {*DEMANDS, *OTHERS}


WHOLE = "asks_whole_sum"


@pytest.mark.parametrize("template", DEMANDS)
def test_while_a_plan_is_kept_nobody_is_asked_for_the_whole_sum(template: str) -> None:
    said = kept().when(ask(template)).then_one(e.ContactRefused)
    assert said.rule == "arrangement_kept"
    assert said.inputs["arrangements"] == "plan"
    assert said.inputs["until"] == "2026-03-19"
    assert said.next_lawful_at == GRACE_OVER + MORNING


@pytest.mark.parametrize("template", OTHERS)
def test_thanks_an_offer_and_what_was_agreed_may_be_sent_while_a_plan_is_kept(
    template: str,
) -> None:
    assert is_permitted(kept(), ask(template))


def test_a_conversation_is_possible_while_a_plan_is_kept_with_advice() -> None:
    story = kept()
    seen = situation(case_of(story), "call", "mobile", NOON, treatment=load_treatment())
    verdict = judge(load_rulebook(), seen, NOON)
    assert (verdict.outcome, [each.rule for each in verdict.findings]) == (
        "advise", ["arrangement_kept"],
    )  # fmt: skip
    assert is_permitted(story, ask(channel="call"))


def test_an_offer_that_nobody_accepted_is_no_plan_that_is_kept() -> None:
    assert is_permitted(story_of().when(THREE), ask())


def test_after_the_grace_of_an_instalment_that_was_not_paid_the_reminder_is_lawful() -> None:
    last = GRACE_OVER - 12 * HOUR
    assert refused(kept(), last).rule == "arrangement_kept"
    assert is_permitted(kept(), ask(), GRACE_OVER + MORNING)


def test_each_instalment_that_is_paid_puts_the_next_moment_off_to_the_one_after_it() -> None:
    story = kept().when(pay(20_000), at=NOON + DAY)
    assert refused(story, NOON + DAY).next_lawful_at == GRACE_OVER + MORNING + 30 * DAY


def test_a_missed_instalment_ends_the_protection_until_it_is_paid() -> None:
    judge_first = c.JudgeInstalment(plan_id=PLAN, number=1)
    missed = kept().when(judge_first, at=GRACE_OVER)
    assert situation(case_of(missed), "sms", "mobile", GRACE_OVER).arrangements == ()
    assert is_permitted(missed, ask(contact_id=SECOND), GRACE_OVER + MORNING)
    cured = missed.when(pay(20_000), at=GRACE_OVER + 10 * HOUR)
    assert refused(cured, GRACE_OVER + 2 * DAY + MORNING).rule == "arrangement_kept"


def test_a_hold_that_stops_collection_makes_the_days_of_grace_begin_anew() -> None:
    rested = hold("bereavement", until=date(2026, 3, 25))
    assert refused(kept().when(rested)).next_lawful_at == datetime(2026, 3, 30, 1, tzinfo=UTC)


def test_a_plan_that_was_withdrawn_protects_no_more() -> None:
    gone = kept().when(c.WithdrawPlan(plan_id=PLAN, reason="made in error"))
    assert is_permitted(gone, ask())


def test_a_plan_from_before_its_grace_was_kept_stands_until_it_is_judged_where_nothing_says_it() -> (
    None
):
    case = case_of(kept())
    old = replace(case, plans={PLAN: replace(case.plans[PLAN], grace_days=None)})
    (unknown,) = situation(old, "sms", "mobile", NOON).arrangements
    (known,) = situation(old, "sms", "mobile", NOON, treatment=load_treatment()).arrangements
    assert (unknown.until, known.until) == (None, date(2026, 3, 19))


# --- a promise -------------------------------------------------------------------------------


def test_while_a_promise_is_open_nobody_is_asked_for_the_whole_sum() -> None:
    said = refused(promised())
    assert (said.rule, said.inputs["arrangements"]) == ("arrangement_kept", "promise")
    assert said.next_lawful_at == PROMISE_OVER + MORNING
    assert is_permitted(promised(), ask(), PROMISE_OVER + MORNING)


def test_a_promise_that_is_kept_or_withdrawn_is_over() -> None:
    assert is_permitted(promised().when(pay(20_000)), ask())
    taken_back = c.WithdrawPromise(promise_id=PROMISE, reason="said by mistake")
    assert is_permitted(promised().when(taken_back), ask())


def test_without_the_houses_days_of_grace_a_promise_stands_until_it_is_judged() -> None:
    seen = situation(case_of(promised()), "sms", "mobile", PROMISE_OVER + DAY)
    assert [(each.kind, each.until) for each in seen.arrangements] == [("promise", None)]


def test_of_a_plan_and_a_promise_the_later_day_counts() -> None:
    story = kept().when(promise())
    assert refused(story).next_lawful_at == GRACE_OVER + MORNING


# --- only what it is about -------------------------------------------------------------------


def test_a_plan_in_one_currency_protects_from_no_reminder_about_a_debt_in_another() -> None:
    story = story_of(debt(), EUROS).when(THREE).when(accept())
    assert refused(story, NOON, DEBT).rule == "arrangement_kept"
    assert is_permitted(story, ask("reminder-first", OTHER_DEBT, contact_id=SECOND))
    assert not is_permitted(story, ask("reminder-second", contact_id=UUID(int=41)))


# --- what was permitted before ---------------------------------------------------------------


@pytest.mark.parametrize("agreed", ["plan", "promise"])
def test_a_reminder_not_begun_is_called_back_when_a_plan_is_accepted_or_a_promise_made(
    agreed: str,
) -> None:
    story = story_of().when(THREE) if agreed == "plan" else story_of()
    story = story.when(ask()).when(accept() if agreed == "plan" else promise())
    gone = story.then_one(e.ContactCancelled)
    assert (gone.contact_id, gone.recalled) == (CONTACT, True)
    assert agreed in gone.reason
    assert case_of(story).contacts[CONTACT].status == "cancelled"


@pytest.mark.parametrize("agreed", ["plan", "promise"])
@pytest.mark.parametrize(
    "before", [ask("payment-received"), ask(channel="call"), ask("reminder-first", OTHER_DEBT)]
)
def test_what_does_not_ask_for_that_sum_is_not_called_back(
    before: c.RequestContact, agreed: str
) -> None:
    story = story_of(debt(), EUROS)
    story = story.when(THREE) if agreed == "plan" else story
    story = story.when(before).when(accept() if agreed == "plan" else promise())
    assert [each for each in story.events if isinstance(each, e.ContactCancelled)] == []


def test_a_reminder_permitted_before_templates_said_so_is_called_back_and_does_not_leave() -> None:
    permitted = e.ContactPermitted(
        at=NOON, contact_id=CONTACT, channel="email", point_id="mail", language="zh",
        template="reminder-first", expires_at=NOON + 2 * HOUR, content=("opt_out_line",),
    )  # fmt: skip
    old = [*opened(), permitted]
    given(*old, contents=CONTENTS).when(promise()).then_one(e.ContactCancelled)
    made = e.PromiseMade(
        at=NOON, promise_id=PROMISE, currency="CNY", amount_minor=20_000, due_on=date(2026, 3, 9)
    )
    late = given(*old, made, contents=CONTENTS).when(dispatch()).then_one(e.ContactRefused)
    assert (late.rule, late.moment) == ("arrangement_kept", "dispatch")


# --- what is not due -------------------------------------------------------------------------

TODAY = date(2026, 3, 2)
TOMORROW = date(2026, 3, 3)


@pytest.mark.parametrize("due_on", [TODAY, TOMORROW])
def test_a_debt_whose_day_is_not_over_is_not_asked_for(due_on: date) -> None:
    said = refused(story_of(debt(due_on=due_on)))
    assert (said.rule, said.inputs["due_on"]) == ("not_due_yet", due_on.isoformat())
    morning = datetime(due_on.year, due_on.month, due_on.day, 16, tzinfo=UTC) + MORNING
    assert said.next_lawful_at == morning
    assert is_permitted(story_of(debt(due_on=due_on)), ask(), morning)


def test_a_debtor_whose_debt_is_not_due_can_be_answered() -> None:
    story = story_of(debt(due_on=TOMORROW))
    assert is_permitted(story, ask("payment-received"))
    assert is_permitted(story, ask(channel="call", contact_id=SECOND))


def with_one_to_come(due_on: date = TOMORROW) -> given:
    return story_of(debt(), debt(OTHER_DEBT, 10_000, due_on=due_on))


def amount_in(story: given) -> str:
    return message_facts(CONTACT, case_of(story), CONTACT, DETAILS).amount


@pytest.mark.parametrize("due_on", [TODAY, TOMORROW])
@pytest.mark.parametrize("debts", [(), (DEBT, OTHER_DEBT)])
def test_a_reminder_leaves_out_of_its_sum_what_is_not_due(
    debts: tuple[UUID, ...], due_on: date
) -> None:
    story = with_one_to_come(due_on).when(ask("reminder-first", *debts))
    story.then_one(e.ContactPermitted)
    assert amount_in(story) == "600.00"


def test_a_reminder_asks_for_both_once_both_are_overdue() -> None:
    story = with_one_to_come().when(ask(), at=NOON + 2 * DAY)
    assert amount_in(story) == "700.00"


def test_a_reminder_of_the_debt_to_come_alone_is_refused() -> None:
    assert refused(with_one_to_come(), NOON, OTHER_DEBT).rule == "not_due_yet"


def test_an_offer_of_a_plan_tells_the_sum_that_the_plan_pays_off() -> None:
    both = offer(35_000, 35_000)
    story = with_one_to_come().when(both).when(ask("plan-offer"))
    assert amount_in(story) == "700.00"


def test_a_reminder_that_could_ask_for_nothing_has_no_text() -> None:
    """Whoever permitted it: rules of a time before knew no such thing."""
    permitted = e.ContactPermitted(
        at=NOON, contact_id=CONTACT, channel="email", point_id="mail", language="zh",
        template="reminder-first", expires_at=NOON + 2 * HOUR,
    )  # fmt: skip
    case = fold([*opened(debt(due_on=TOMORROW)), permitted])
    assert case is not None
    with pytest.raises(TemplateProblem, match="nothing that it may ask for is owed"):
        message_facts(CONTACT, case, CONTACT, DETAILS)
