"""The limitation clock of a case: started by the law, moved by what happened, told beforehand."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Contradiction, Invalid, StageNotReady, TooEarly, Unknown
from duecourse.case.limitation import Standing, standing
from duecourse.case.restarts import Restart, if_accepted, restarts_of
from duecourse.case.situation import situation
from duecourse.case.timers import command_of, timers_of
from duecourse.money.limitation_laws import Act as LimitationAct
from duecourse.money.limitation_laws import Feature, law_names, limitation_law
from duecourse.rules.situation import Limitation
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    REFERRAL,
    SUBJECT,
    accept,
    accepted,
    approve,
    bounce,
    debt,
    dispatch,
    offer,
    opened,
    pay,
    promise,
    propose,
    request,
    talk,
)
from duecourse.views.limitation import debt_limitations
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
TODAY = NOON.date()
DUE = date(2024, 6, 10)
"""Twenty-one months ago: running everywhere."""


def living_in(place: str, *, due_on: date = DUE, debts: tuple[e.Debt, ...] = ()) -> given:
    debtor = replace(DEBTOR, jurisdiction=place, language="en")
    return given(*opened(*(debts or (debt(due_on=due_on),)), debtor=debtor))


def stands(story: given, today: date = TODAY, debt_id: UUID = DEBT) -> Standing:
    assert story.case is not None
    return standing(story.case, debt_id, today)


def last_day(story: given, today: date = TODAY) -> date | None:
    return stands(story, today).expires_on


def paid(amount: int, payment_id: str = "pay-1") -> c.RecordPayment:
    return replace(pay(amount, payment_id), value_on=TODAY)


def act(
    name: LimitationAct, on: date = TODAY, *has: Feature, until: date | None = None
) -> c.RecordLimitationAct:
    return c.RecordLimitationAct(
        act_id=f"a-{name}-{on}",
        debt_id=DEBT,
        act=name,
        on=on,
        has=has,
        until=until,
        evidence="seen",
    )


# --- the start -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "ends"),
    [
        ("CN", date(2027, 6, 10)),
        ("DE", date(2027, 12, 31)),
        ("GB-EAW", date(2030, 6, 10)),
        ("GB-SCT", date(2029, 6, 10)),
        # Whether it is Scotland is not known, so the shorter period is shown.
        ("GB", date(2029, 6, 10)),
        ("US-CA", date(2028, 6, 10)),
    ],
)
def test_the_period_begins_when_the_debt_fell_due_and_ends_as_the_law_says(
    place: str, ends: date
) -> None:
    assert last_day(living_in(place)) == ends
    assert stands(living_in(place), ends).status == "running"
    assert stands(living_in(place), ends + DAY).status == "expired"


@pytest.mark.parametrize("place", ["US", "AU", "", "GB-NIR", "XX"])
def test_where_no_law_is_recorded_nothing_is_claimed(place: str) -> None:
    found = stands(living_in(place))
    assert (found.status, found.expires_on, found.laws) == ("", None, ())


def test_terms_name_the_law_the_start_and_the_kind_of_contract() -> None:
    told = c.SetLimitationTerms(debt_id=DEBT, starts_on=DUE, how="the contract", law="uk-ew")
    story = living_in("US").when(told)
    assert last_day(story) == date(2030, 6, 10)
    story.when(told).then_nothing()
    oral = replace(told, law="US-CA", contract="oral")
    assert last_day(story.when(oral)) == date(2026, 6, 10)


def test_acceleration_moves_the_start() -> None:
    told = c.SetLimitationTerms(debt_id=DEBT, starts_on=date(2025, 1, 15), how="accelerated")
    assert last_day(living_in("CN").when(told)) == date(2028, 1, 15)


def test_terms_that_make_no_sense_are_named() -> None:
    told = c.SetLimitationTerms(debt_id=DEBT, starts_on=DUE, how="h")
    story = living_in("CN")
    story.when(replace(told, law="atlantis")).then_raises(Invalid, "law")
    story.when(replace(told, known_on=DUE - DAY)).then_raises(Invalid, "known_on")
    story.when(replace(told, starts_on=date(1800, 1, 1))).then_raises(Invalid, "starts_on")
    story.when(replace(told, debt_id=OTHER_DEBT)).then_raises(Unknown, "debt_id")


def test_the_creditors_own_day_wins_only_where_it_is_earlier() -> None:
    recorded = c.RecordLimitation(debt_id=DEBT, expires_on=date(2026, 5, 1), how="their books")
    story = living_in("CN").when(recorded)
    assert last_day(story) == date(2026, 5, 1)
    story.when(replace(recorded, expires_on=date(2040, 1, 1)))
    assert last_day(story) == date(2027, 6, 10)


def test_of_two_places_the_one_with_the_earlier_end_decides() -> None:
    story = living_in("DE").when(c.AddPossiblePlace(time_zone="Asia/Shanghai", jurisdiction="CN"))
    assert last_day(story) == date(2027, 6, 10)
    story.when(c.AddPossiblePlace(time_zone="America/New_York", jurisdiction="US"))
    assert stands(story).status == ""


# --- what moves it ---------------------------------------------------------------------------

THREE_YEARS_ON, SIX_YEARS_ON = date(2029, 3, 2), date(2032, 3, 2)


@pytest.mark.parametrize(
    ("place", "ends"),
    [
        ("CN", THREE_YEARS_ON),
        ("DE", THREE_YEARS_ON),
        ("GB-EAW", SIX_YEARS_ON),
        ("GB-SCT", date(2031, 3, 2)),
    ],
)
def test_a_part_payment_begins_it_anew_from_its_own_day(place: str, ends: date) -> None:
    assert last_day(living_in(place).when(paid(1_000))) == ends


def test_a_payment_that_bounced_moved_nothing() -> None:
    story = living_in("CN").when(paid(1_000)).when(bounce())
    assert last_day(story) == date(2027, 6, 10)
    assert story.case is not None
    assert story.case.clock_acts == {}


def test_a_payment_moves_the_clock_of_the_debt_it_went_to_alone() -> None:
    story = living_in("CN", debts=(debt(due_on=DUE), debt(OTHER_DEBT, due_on=DUE)))
    story.when(replace(paid(1_000), debt_id=OTHER_DEBT))
    assert stands(story).expires_on == date(2027, 6, 10)
    assert stands(story, debt_id=OTHER_DEBT).expires_on == THREE_YEARS_ON


def demanded(place: str, *statuses: str, template: str = "reminder-first") -> given:
    story = living_in(place).when(replace(request("email"), template=template))
    story.when(dispatch()).when(accepted())
    for number, status in enumerate(statuses):
        receipt = c.RecordReceipt(
            contact_id=CONTACT, receipt_id=f"r{number}", occurred_at=NOON + number * DAY,
            status=status,  # type: ignore[arg-type]
        )  # fmt: skip
        story.when(receipt, at=NOON + number * DAY)
    return story


def test_a_demand_that_arrived_begins_it_anew_in_china_and_nowhere_else() -> None:
    assert last_day(demanded("CN", "delivered")) == THREE_YEARS_ON
    assert last_day(demanded("DE", "delivered")) == date(2027, 12, 31)


@pytest.mark.parametrize("statuses", [(), ("sent",), ("failed",), ("delivered", "bounced")])
def test_a_demand_that_is_not_proved_to_have_arrived_moves_nothing(
    statuses: tuple[str, ...],
) -> None:
    assert last_day(demanded("CN", *statuses), TODAY + 9 * DAY) == date(2027, 6, 10)


def test_receipts_in_any_order_make_the_same_day() -> None:
    assert last_day(demanded("CN", "read", "delivered"), TODAY + 9 * DAY) == THREE_YEARS_ON
    late = demanded("CN", "sent", "delivered", "read")
    assert last_day(late, TODAY + 9 * DAY) == THREE_YEARS_ON + DAY


def test_a_message_that_asks_for_nothing_is_no_demand() -> None:
    assert last_day(demanded("CN", "delivered", template="payment-received")) == date(2027, 6, 10)


def test_a_promise_is_an_acknowledgement_where_no_writing_is_needed() -> None:
    assert last_day(living_in("CN").when(promise())) == THREE_YEARS_ON
    assert last_day(living_in("GB-EAW").when(promise())) == date(2030, 6, 10)


def test_a_plan_counts_when_it_is_accepted_and_not_when_it_is_offered() -> None:
    story = living_in("CN").when(offer(60_000))
    assert last_day(story) == date(2027, 6, 10)
    assert last_day(story.when(accept())) == THREE_YEARS_ON


@pytest.mark.parametrize(
    ("has", "ends"),
    [
        ((), date(2030, 6, 10)),
        (("in_writing",), date(2030, 6, 10)),
        (("in_writing", "signed"), SIX_YEARS_ON),
    ],
)
def test_an_english_acknowledgement_counts_in_writing_and_signed(
    has: tuple[Feature, ...], ends: date
) -> None:
    assert last_day(living_in("GB-EAW").when(act("acknowledgement", TODAY, *has))) == ends


def test_a_registered_letter_is_recorded_with_its_proof() -> None:
    letter = act("demand", date(2026, 1, 15), "arrived")
    story = living_in("CN").when(letter)
    assert last_day(story) == date(2029, 1, 15)
    story.when(letter).then_nothing()
    story.when(replace(letter, on=TODAY)).then_raises(Contradiction, "act_id")


def test_acts_that_make_no_sense_are_named() -> None:
    story = living_in("CN")
    backwards = act("suspension", TODAY, until=TODAY - DAY)
    story.when(backwards).then_raises(Invalid, "until")
    story.when(act("demand", date(1800, 1, 1))).then_raises(Invalid, "on")


def test_an_act_that_has_not_happened_yet_moves_nothing() -> None:
    story = living_in("CN")
    before = last_day(story)
    story.when(act("demand", TODAY + DAY)).then_raises(Invalid, "on")
    assert last_day(story) == before


def test_english_time_that_would_end_in_a_breathing_space_ends_eight_weeks_after() -> None:
    story = living_in("GB-EAW", due_on=date(2020, 4, 1))
    assert last_day(story) == date(2026, 4, 1)
    space = c.PlaceHold(hold_id="space", kind="breathing_space", authority="the register")
    assert last_day(story.when(space)) == date(2026, 5, 1) + 56 * DAY
    lift = c.LiftHold(hold_id="space", reason="cancelled", evidence="the register's notice")
    story.when(lift, at=NOON + 10 * DAY, actor=LEGAL)
    assert last_day(story, TODAY + 10 * DAY) == date(2026, 4, 1)


def in_court(place: str, due_on: date = DUE) -> given:
    story = (
        living_in(place, due_on=due_on)
        .when(talk("refused_to_pay", initiator="debtor"))
        .when(propose())
    )
    story.when(approve(), actor=LEGAL).when(c.StartFiling(referral_id=REFERRAL))
    return story.when(
        c.RecordFiling(
            referral_id=REFERRAL, adapter="a", reference="r", bundle_sha256="0", documents=()
        )
    )


def court(outcome: str, on: date) -> c.RecordCourtOutcome:
    return c.RecordCourtOutcome(
        referral_id=REFERRAL, outcome=outcome, occurred_on=on  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_claim_stops_the_clock_and_its_end_begins_it_anew_in_china() -> None:
    story = in_court("CN")
    assert (stands(story).status, last_day(story)) == ("running", None)
    ended = date(2026, 3, 20)
    story.when(court("dismissed", ended), at=NOON + 20 * DAY)
    assert last_day(story, TODAY + 20 * DAY) == date(2029, 3, 20)


def test_after_a_judgment_its_own_period_runs_although_it_is_shorter() -> None:
    story = in_court("CN", due_on=date(2026, 2, 27))
    story.when(court("judgment", date(2026, 3, 20)), at=NOON + 20 * DAY)
    assert last_day(story, TODAY + 20 * DAY) == date(2028, 3, 20)
    assert situation_of(story, datetime(2028, 3, 20, 4, tzinfo=UTC)) == "running"
    assert situation_of(story, datetime(2028, 3, 21, 4, tzinfo=UTC)) == "expired"


def test_a_german_claim_counts_once_it_was_served() -> None:
    story = in_court("DE")
    assert last_day(story) == date(2027, 12, 31)
    story.when(court("served", date(2026, 3, 9)), at=NOON + 7 * DAY)
    assert last_day(story, TODAY + 7 * DAY) is None


def test_what_had_run_out_before_october_2017_no_demand_brings_back() -> None:
    story = living_in("CN", due_on=date(2015, 5, 10))
    for on in (date(2018, 3, 1), date(2021, 2, 1), date(2024, 1, 15)):
        story.when(act("demand", on, "arrived"))
    assert (stands(story).status, last_day(story)) == ("expired", date(2017, 5, 10))
    assert situation_of(story, NOON) == "expired"
    story.when(talk("refused_to_pay", initiator="debtor"))
    story.when(propose()).then_raises(StageNotReady, "grounds")


@pytest.mark.parametrize("due_on", [date(2015, 9, 30), date(2015, 10, 1)])
def test_the_shortcut_of_the_rules_knows_the_two_years_of_before(due_on: date) -> None:
    story = living_in("CN", due_on=due_on).when(act("plan", date(2018, 3, 1)))
    story.when(act("plan", date(2021, 2, 1))).when(act("plan", date(2024, 1, 15)))
    is_alive = due_on == date(2015, 10, 1)
    assert (
        situation_of(story, NOON) == stands(story).status == ("running" if is_alive else "expired")
    )


@pytest.mark.parametrize(("place", "ends"), [("CN", date(2028, 8, 2)), ("DE", date(2056, 8, 2))])
def test_after_a_judgment_a_payment_begins_its_period_anew_and_says_so(
    place: str, ends: date
) -> None:
    story = in_court(place).when(court("judgment", date(2026, 3, 20)), at=NOON + 20 * DAY)
    later = datetime(2026, 8, 2, 4, tzinfo=UTC)
    payment = replace(paid(1_000), value_on=later.date())
    (found,) = told(story.when(payment, at=later))
    assert (found.act, found.becomes) == ("part_payment", ends)
    assert f"{ends} instead of" in found.says
    assert found.zh.startswith("此行为使依生效判决申请执行的期间重新计算")
    assert last_day(story, later.date()) == ends


def test_after_a_judgment_the_debtor_is_told_of_it_and_of_what_would_begin_it_anew() -> None:
    story = in_court("CN").when(court("judgment", date(2026, 3, 20)), at=NOON + 20 * DAY)
    (found,) = debt_limitations(story._history, date(2026, 8, 2))
    assert found.for_borrower.en.startswith("There is a judgment over this debt.")
    assert "2028-03-20. It would begin anew with: demand" in found.for_borrower.en
    assert "依判决申请执行的期间至2028-03-20届满" in found.for_borrower.zh
    assert "可能使期间重新计算" in found.for_borrower.zh


def test_nobody_is_threatened_or_sued_while_only_what_is_not_sure_keeps_the_period_alive() -> None:
    story = living_in("US-IL", due_on=date(2015, 5, 10)).when(
        act("part_payment", date(2024, 6, 10))
    )
    assert (stands(story).status, last_day(story)) == ("running", date(2034, 6, 10))
    assert not stands(story).is_sure
    # To the rules it is not known, and so none of them permits a threat.
    assert situation_of(story, NOON) == ""
    story.when(talk("refused_to_pay", initiator="debtor"))
    refused = story.when(propose()).when(approve(), actor=LEGAL).then_one(e.ActionRefused)
    assert (refused.rule, refused.moment) == ("us.time_barred_suit", "approval")


def test_where_the_rules_say_nothing_of_it_what_is_not_sure_is_not_sued_over_either() -> None:
    space = act("breathing_space", date(2026, 1, 20), until=date(2026, 3, 21))
    story = living_in("GB-EAW", due_on=date(2020, 2, 10)).when(space)
    assert (stands(story).status, last_day(story)) == ("running", date(2026, 5, 16))
    story.when(c.RecordFact(fact="letter_of_claim", on=date(2026, 1, 2), how="by post"))
    story.when(talk("refused_to_pay", initiator="debtor"))
    refused = story.when(propose()).when(approve(), actor=LEGAL).then_one(e.ActionRefused)
    assert (refused.rule, refused.moment) == ("time_barred", "approval")
    assert "only what is not sure keeps it alive" in refused.says


def test_who_is_sued_in_time_needs_nothing_that_is_not_sure() -> None:
    story = living_in("US-IL", due_on=date(2017, 5, 10)).when(
        act("part_payment", date(2024, 6, 10))
    )
    assert stands(story).is_sure
    assert situation_of(story, NOON) == "running"
    story.when(talk("refused_to_pay", initiator="debtor"))
    story.when(propose()).when(approve(), actor=LEGAL).then_one(e.LegalReferralApproved)


# --- what is told beforehand -----------------------------------------------------------------


def told(story: given) -> tuple[Restart, ...]:
    assert story.case is not None
    return restarts_of(story.case, story.events)


def test_a_payment_says_what_it_does_to_the_clock() -> None:
    (found,) = told(living_in("CN").when(paid(1_000)))
    assert (found.debt_id, found.act) == (DEBT, "part_payment")
    assert (found.was, found.becomes) == (date(2027, 6, 10), THREE_YEARS_ON)
    assert "2029-03-02 instead of 2027-06-10" in found.says
    assert "2029-03-02" in found.zh
    assert "195" in found.citation


def test_an_offer_says_what_the_yes_of_the_debtor_would_do() -> None:
    story = living_in("CN").when(offer(60_000))
    (found,) = told(story)
    assert (found.act, found.becomes) == ("plan", THREE_YEARS_ON)
    assert story.case is not None
    assert story.case.clock_acts == {}
    assert tuple(if_accepted(story.case, "USD", TODAY)) == ()


def test_what_moves_nothing_says_nothing() -> None:
    assert told(living_in("GB-EAW").when(promise())) == ()
    assert told(living_in("CN").when(request())) == ()


def test_after_the_end_a_payment_says_that_it_gives_nothing_back_and_binds() -> None:
    story = living_in("CN", due_on=date(2022, 1, 1)).when(paid(1_000))
    (found,) = told(story)
    assert found.after_expiry
    assert found.was == found.becomes == date(2025, 1, 1)
    assert told(living_in("GB-EAW", due_on=date(2019, 1, 1)).when(paid(1_000))) == ()


# --- warnings --------------------------------------------------------------------------------


def fire_the_next(story: given) -> list[e.Event]:
    assert story.case is not None
    timers = [t for t in timers_of(story.case, TREATMENT) if t.kind == "limitation"]
    timer = min(timers, key=lambda each: each.due_at)
    command = command_of(timer)
    assert command is not None
    story.when(command, at=max(timer.due_at, story.case.at))
    return story.events


def attention(story: given) -> set[str]:
    assert story.case is not None
    return set(worklist_row(SUBJECT, story.case, TREATMENT).attention)


def test_somebody_is_warned_twice_and_told_when_it_is_over() -> None:
    story = living_in("CN")
    ends = date(2027, 6, 10)
    said = [fire_the_next(story)[0] for _ in range(2)]
    assert [(each.expires_on, each.days) for each in said] == [(ends, 180), (ends, 30)]  # type: ignore[union-attr]
    assert "limitation_near" in attention(story)
    over = fire_the_next(story)[0]
    assert isinstance(over, e.LimitationExpired)
    assert (over.expires_on, over.law) == (ends, "cn")
    assert over.at == datetime(2027, 6, 10, 16, tzinfo=UTC)  # midnight in Shanghai
    assert {"limitation_expired"} <= attention(story)
    assert story.case is not None
    assert not [t for t in timers_of(story.case, TREATMENT) if t.kind == "limitation"]


def test_of_warnings_whose_day_has_passed_only_the_last_is_given() -> None:
    story = living_in("CN", due_on=TODAY.replace(year=2023) + 20 * DAY)
    warned = fire_the_next(story)[0]
    assert isinstance(warned, e.LimitationWarned)
    assert warned.days == 30


def test_a_period_that_begins_anew_is_warned_of_anew() -> None:
    story = living_in("CN", due_on=TODAY.replace(year=2023) + 20 * DAY)
    fire_the_next(story)
    assert "limitation_near" in attention(story)
    story.when(paid(1_000))
    assert "limitation_near" not in attention(story)
    warned = fire_the_next(story)[0]
    assert isinstance(warned, e.LimitationWarned)
    assert (warned.expires_on, warned.days) == (THREE_YEARS_ON, 180)


def test_a_warning_before_its_day_is_refused_and_a_stale_one_makes_nothing() -> None:
    story = living_in("CN")
    early = c.JudgeLimitation(debt_id=DEBT, expires_on=date(2027, 6, 10), days=180)
    story.when(early).then_raises(TooEarly, "days")
    story.when(replace(early, expires_on=date(2027, 6, 11))).then_nothing()


def test_what_is_paid_is_warned_of_no_more() -> None:
    story = living_in("CN", debts=(debt(due_on=DUE), debt(OTHER_DEBT, 100, due_on=DUE)))
    story.when(replace(paid(60_000), debt_id=DEBT))
    assert story.case is not None
    kept = [t.subject for t in timers_of(story.case, TREATMENT) if t.kind == "limitation"]
    assert [each.split("/")[0] for each in kept] == [str(OTHER_DEBT)]


# --- after the end ---------------------------------------------------------------------------


def situation_of(story: given, at: datetime) -> Limitation:
    assert story.case is not None
    return situation(story.case, "sms", "mobile", at).limitation


def test_the_rules_are_told_of_the_end_on_the_day_after_it() -> None:
    story = living_in("CN")
    assert situation_of(story, datetime(2027, 6, 10, 15, 59, tzinfo=UTC)) == "running"
    assert situation_of(story, datetime(2027, 6, 10, 16, tzinfo=UTC)) == "expired"


@pytest.mark.parametrize("place", ["CN", "DE", "GB-EAW", "GB-SCT"])
def test_nobody_goes_to_court_after_the_end(place: str) -> None:
    old = living_in(place, due_on=date(2010, 1, 1))
    old.when(talk("refused_to_pay", initiator="debtor"))
    old.when(propose()).then_raises(StageNotReady, "grounds")


def test_a_claim_that_was_approved_in_time_is_not_filed_after_the_end() -> None:
    ends = TODAY + 3 * DAY
    story = living_in("CN", due_on=ends.replace(year=2023))
    story.when(talk("refused_to_pay", initiator="debtor")).when(propose())
    story.when(approve(), actor=LEGAL).then_one(e.LegalReferralApproved)
    late = story.when(c.StartFiling(referral_id=REFERRAL), at=NOON + 4 * DAY)
    refused = late.then_one(e.ActionRefused)
    assert (refused.rule, refused.moment) == ("time_barred", "filing")
    assert "188" in refused.citation


def test_a_claim_leaves_out_the_debt_whose_time_is_over() -> None:
    both = (debt(due_on=date(2010, 1, 1)), debt(OTHER_DEBT, due_on=DUE))
    story = living_in("CN", debts=both).when(talk("refused_to_pay", initiator="debtor"))
    assert story.when(propose()).then_one(e.LegalReferralProposed).debt_ids == (OTHER_DEBT,)


# --- the view --------------------------------------------------------------------------------


def test_every_step_names_the_events_that_it_comes_from() -> None:
    story = living_in("CN").when(paid(1_000)).when(promise())
    history = story._history
    (found,) = debt_limitations(history, TODAY)
    named = {
        key: [type(history[n - 1]).__name__ for n in where] for key, where in found.evidence.items()
    }
    assert sorted(named.values()) == [["PaymentRecorded"], ["PromiseMade"]]
    assert found.clock is not None
    assert {step.act for step in found.clock.steps} == {"part_payment", "acknowledgement"}
    assert found.next_warning_on == THREE_YEARS_ON - 180 * DAY


def test_the_debtor_may_be_told_in_both_languages() -> None:
    (running,) = debt_limitations(living_in("CN")._history, TODAY)
    assert "until 2027-06-10" in running.for_borrower.en
    assert "part payment" in running.for_borrower.en
    assert "2027-06-10" in running.for_borrower.zh
    (over,) = debt_limitations(living_in("CN")._history, date(2027, 6, 11))
    assert "Nobody will sue you" in over.for_borrower.en
    assert "不会就此起诉" in over.for_borrower.zh


def test_the_shortcut_of_the_rules_agrees_with_the_whole_clock() -> None:
    for law in law_names():
        assert limitation_law(law).years >= 1
    for place in ("CN", "DE", "GB-EAW", "GB-SCT", "US-CA", "US-NY"):
        for years in range(9):
            story = living_in(place, due_on=TODAY.replace(year=TODAY.year - years))
            for moved in (None, paid(1_000), act("acknowledgement", TODAY - 40 * DAY)):
                if moved is not None:
                    story.when(moved)
                at = NOON + 200 * DAY
                now = stands(story, TODAY + 200 * DAY)
                is_known = now.is_sure or now.status == "expired"
                assert situation_of(story, at) == (now.status if is_known else "")
