"""What the law of a place gives a debtor on hold: how long, by when, and never less than elsewhere."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.errors import Invalid, NotAllowed, TooEarly, Unknown
from duecourse.rules.names import HOLDS
from duecourse.rules.protection import _checked, protection, protection_packs
from duecourse.rules.toml_files import BadFile
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, LEGAL, given
from duecourse.testing.sample import (
    DAY,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    SUBJECT,
    debt,
    hold,
    opened,
    request,
)
from duecourse.views.worklist import worklist_row

BRITON = replace(DEBTOR, time_zone="Europe/London", jurisdiction="GB", language="en")
TODAY = NOON.date()
SPACE = c.PlaceHold(hold_id="space-1", kind="breathing_space", authority="the register's notice")


CANCELLED = c.LiftHold(hold_id="space-1", reason="cancelled", evidence="the notice of 9 March")


def british() -> given:
    return given(*opened(debt(), debt(OTHER_DEBT), debtor=BRITON))


def test_every_kind_of_hold_has_a_rule_everywhere_and_every_rule_has_a_source() -> None:
    for kind in HOLDS:
        assert protection(kind, "", ("ZZ",), TODAY).citation
    for pack in protection_packs():
        for each in pack.protections:
            assert each.ends, each
            assert not each.duties or all(duty.citation for duty in each.duties)


def test_a_place_has_its_own_rule_else_that_of_the_country_else_ours() -> None:
    assert protection("breathing_space", "", ("GB-SCT",), TODAY).lasts_days == 60
    assert protection("breathing_space", "", ("CN",), TODAY).lasts_days is None
    assert protection("dispute", "", ("US-MA",), TODAY).citation.startswith("12 CFR 1006.38")


def test_a_rule_is_not_used_before_the_law_was_in_force() -> None:
    before = protection("breathing_space", "", ("GB",), date(2021, 5, 3))
    assert before.lasts_days is None
    assert protection("breathing_space", "", ("GB",), date(2021, 5, 4)).lasts_days == 60


def test_of_two_places_the_longer_hold_and_the_shorter_deadline_decide() -> None:
    both = protection("complaint", "", ("GB", "CN"), TODAY)
    (duty,) = both.duties
    assert duty.days == 15
    assert protection("breathing_space", "", ("GB", "CN"), TODAY).lasts_days is None


def test_a_breathing_space_lasts_sixty_days_and_holds_everything() -> None:
    placed = british().when(SPACE).then_one(e.HoldPlaced)
    assert placed.until == TODAY + 60 * DAY
    assert set(placed.blocks) == {"outreach", "legal", "accrual", "bureau"}
    assert placed.citation == "SI 2020/1311 regs 7, 11, 24, 26"


def test_a_hold_lasts_no_longer_than_the_law_gives_unless_a_reason_is_given() -> None:
    longer = replace(SPACE, until=TODAY + 61 * DAY)
    british().when(longer).then_raises(Invalid, "until")
    because = replace(longer, reason="ordered by the court")
    placed = british().when(because).then_one(e.HoldPlaced)
    assert (placed.until, placed.reason) == (longer.until, "ordered by the court")
    british().when(replace(SPACE, until=TODAY + 60 * DAY)).then_one(e.HoldPlaced)


def test_a_hold_that_stands_on_a_law_is_no_shorter_than_it_whatever_the_reason() -> None:
    shorter = replace(SPACE, until=TODAY + 59 * DAY)
    british().when(shorter).then_raises(NotAllowed, "evidence")
    because = replace(shorter, reason="it began the day before the notice came")
    british().when(because).then_raises(NotAllowed, "evidence")
    british().when(because, actor=LEGAL).then_raises(Invalid, "evidence")
    proved = replace(shorter, evidence="the register's notice of 1 March")
    british().when(proved).then_raises(NotAllowed, "evidence")
    placed = british().when(proved, actor=LEGAL).then_one(e.HoldPlaced)
    assert (placed.until, placed.cut_short) == (shorter.until, True)
    crisis = replace(SPACE, variant="mental_health", until=TODAY + 365 * DAY, reason="so be it")
    british().when(crisis, actor=LEGAL).then_raises(Invalid, "evidence")


def living_in(place: str) -> given:
    return given(*opened(debtor=replace(DEBTOR, jurisdiction=place)))


ON_A_LAW = [
    ("GB", "breathing_space", ""), ("GB", "breathing_space", "mental_health"),
    ("GB-SCT", "breathing_space", "adviser"), ("GB", "insolvency", ""),
    ("GB", "complaint", "ombudsman"), ("CN", "insolvency", ""), ("DE", "insolvency", ""),
    ("US-CA", "insolvency", ""),
]  # fmt: skip


@pytest.mark.parametrize(("place", "kind", "variant"), ON_A_LAW)
@pytest.mark.parametrize(
    "end",
    [
        c.LiftHold(hold_id="h", reason="felt like it"),
        c.SetHoldEnd(hold_id="h", until=TODAY, reason="felt like it"),
    ],
)
def test_a_hold_that_stands_on_a_law_ends_early_only_by_legal_staff_on_evidence(
    place: str, kind: Any, variant: Any, end: c.LiftHold | c.SetHoldEnd
) -> None:
    placed = replace(hold(kind, "h"), variant=variant)
    story = living_in(place).when(placed)
    story.when(end).then_raises(NotAllowed, "evidence")
    story.when(replace(end, evidence="an order"), actor=COLLECTOR).then_raises(NotAllowed)
    story.when(replace(end, evidence="an order"), actor=SYSTEM).then_raises(NotAllowed)
    story.when(replace(end, evidence=" "), actor=LEGAL).then_raises(Invalid, "evidence")
    assert "hold_cut_short" not in attention(story)
    (event,) = story.when(replace(end, evidence="the order of 1 March"), actor=LEGAL).events
    assert isinstance(event, e.HoldLifted | e.HoldEndSet)
    assert (event.evidence, event.cut_short) == ("the order of 1 March", True)
    assert "hold_cut_short" in attention(story)


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, load_treatment()).attention


def test_insolvency_until_tomorrow_is_placed_only_by_legal_staff_on_evidence() -> None:
    short = replace(hold("insolvency"), until=TODAY + DAY, reason="felt like it")
    british().when(short).then_raises(NotAllowed, "evidence")
    british().when(short, actor=LEGAL).then_raises(Invalid, "evidence")
    story = british().when(replace(short, evidence="the court's order"), actor=LEGAL)
    assert story.then_one(e.HoldPlaced).cut_short
    assert "hold_cut_short" in attention(story)


def test_that_the_end_was_brought_forward_stays_on_the_worklist() -> None:
    sooner = c.SetHoldEnd(hold_id="space-1", until=TODAY, reason="an order", evidence="the order")
    story = british().when(SPACE).when(sooner, actor=LEGAL)
    later = replace(sooner, until=TODAY + 60 * DAY)
    story.when(later)
    story.when(c.ExpireHold(hold_id="space-1"), at=NOON + 61 * DAY).then_one(e.HoldExpired)
    assert "hold_cut_short" in attention(story)


def test_to_make_a_hold_longer_no_word_of_an_authority_is_needed() -> None:
    longer = c.SetHoldEnd(hold_id="space-1", until=TODAY + 90 * DAY, reason="ordered by the court")
    story = british().when(SPACE).when(longer)
    assert not story.then_one(e.HoldEndSet).cut_short
    assert "hold_cut_short" not in attention(story)


def test_a_hold_whose_last_day_is_over_is_lifted_by_anybody() -> None:
    lift = c.LiftHold(hold_id="space-1", reason="over")
    on_the_last_day = british().when(SPACE).when(lift, at=NOON + 60 * DAY)
    on_the_last_day.then_raises(NotAllowed, "evidence")
    story = british().when(SPACE).when(lift, at=NOON + 61 * DAY)
    assert not story.then_one(e.HoldLifted).cut_short


@pytest.mark.parametrize("kind", ["hardship", "complaint", "bereavement", "vulnerability"])
def test_a_hold_of_our_own_is_lifted_with_a_reason_alone(kind: Any) -> None:
    story = british().when(hold(kind)).when(c.LiftHold(hold_id="hold-1", reason="settled"))
    assert not story.then_one(e.HoldLifted).cut_short
    assert "hold_cut_short" not in attention(story)


def test_where_no_law_gives_a_breathing_space_it_is_our_own() -> None:
    story = living_in("CN").when(SPACE).when(c.LiftHold(hold_id="space-1", reason="it is over"))
    story.then_one(e.HoldLifted)


def test_who_is_written_down_elsewhere_keeps_the_hold_of_the_law_they_lived_under() -> None:
    lift = c.LiftHold(hold_id="space-1", reason="felt like it")
    away = c.MoveDebtor(jurisdiction="CN", time_zone="Asia/Shanghai")
    crisis = replace(SPACE, variant="mental_health")
    for space in (SPACE, crisis):
        british().when(space).when(away).when(lift).then_raises(NotAllowed, "evidence")
    here = c.MoveDebtor(jurisdiction="GB", time_zone="Europe/London")
    living_in("CN").when(SPACE).when(here).when(lift).then_raises(NotAllowed, "evidence")
    maybe = c.AddPossiblePlace(jurisdiction="GB", time_zone="Europe/London")
    story = living_in("CN").when(maybe).when(SPACE).when(away)
    story.when(lift).then_raises(NotAllowed, "evidence")


def test_a_moratorium_says_whose_word_ends_it_and_our_own_policy_says_nobodys() -> None:
    pack = next(each for each in protection_packs() if each.jurisdiction == "CN")
    found = next(each for each in pack.protections if each.moratorium)
    for wrong in (replace(found, ended_by=""), replace(found, confidence="house")):
        with pytest.raises(BadFile):
            _checked(replace(pack, protections=(wrong,)), "cn.toml")


def test_what_a_moratorium_blocks_is_blocked_whatever_the_reason() -> None:
    less = replace(SPACE, blocks=("legal",))
    british().when(less).then_raises(Invalid, "blocks")
    british().when(replace(less, reason="the client wants it")).then_raises(Invalid, "blocks")
    insolvent = replace(hold("insolvency"), blocks=("outreach", "legal"))
    british().when(insolvent).then_raises(Invalid, "blocks")


def test_of_another_hold_less_than_the_law_blocks_needs_a_reason() -> None:
    less = replace(SPACE, variant="adviser", blocks=("outreach",))
    british().when(less).then_raises(Invalid, "blocks")
    because = replace(less, reason="the adviser asked for letters only to stop")
    assert british().when(because).then_one(e.HoldPlaced).blocks == ("outreach",)


@pytest.mark.parametrize("places", [("CN", "GB"), ("GB", "CN")])
def test_the_law_of_one_of_two_places_is_still_a_law(places: tuple[str, str]) -> None:
    both = protection("breathing_space", "", places, TODAY)
    assert (both.moratorium, both.confidence) == (True, "B")


def test_what_is_blocked_twice_is_blocked_once() -> None:
    twice = replace(hold("dispute"), blocks=("legal", "outreach", "bureau", "legal"))
    placed = british().when(twice).then_one(e.HoldPlaced)
    assert placed.blocks == ("legal", "outreach", "bureau")


def test_a_second_breathing_space_within_twelve_months_needs_a_reason() -> None:
    story = british().when(SPACE).when(CANCELLED, actor=LEGAL)
    again = replace(SPACE, hold_id="space-2")
    too_soon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    story.when(again, at=too_soon).then_raises(Invalid, "reason")
    story.when(replace(again, reason="the register sent it"), at=too_soon).then_one(e.HoldPlaced)
    fresh = british().when(SPACE).when(CANCELLED, actor=LEGAL)
    fresh.when(again, at=too_soon + DAY).then_one(e.HoldPlaced)


def test_a_mental_health_crisis_is_protected_again_at_once_and_until_thirty_days_after() -> None:
    story = british().when(SPACE).when(CANCELLED, actor=LEGAL)
    crisis = replace(SPACE, hold_id="space-2", variant="mental_health")
    placed = story.when(crisis).then_one(e.HoldPlaced)
    assert placed.until is None
    ended = c.SetHoldEnd(
        hold_id="space-2", treatment_ended_on=date(2026, 3, 20), reason="the adviser said so"
    )
    story.when(ended, at=NOON + 20 * DAY).then_raises(NotAllowed, "evidence")
    story.when(ended, at=NOON + 20 * DAY, actor=LEGAL).then_raises(Invalid, "evidence")
    ended = replace(ended, evidence="the nominated contact's letter of 21 March")
    set_to = story.when(ended, at=NOON + 20 * DAY, actor=LEGAL).then_one(e.HoldEndSet)
    assert set_to.until == date(2026, 4, 19)
    story.when(ended, at=NOON + 20 * DAY).then_nothing()


def test_a_treatment_that_ended_long_ago_still_leaves_today() -> None:
    story = british().when(replace(SPACE, variant="mental_health"))
    ended = c.SetHoldEnd(
        hold_id="space-1", treatment_ended_on=date(2026, 3, 3), reason="a letter", evidence="it"
    )
    late = story.when(ended, at=NOON + 90 * DAY, actor=LEGAL).then_one(e.HoldEndSet)
    assert late.until == TODAY + 90 * DAY


def test_only_a_hold_that_waits_for_a_treatment_ends_with_one() -> None:
    ended = c.SetHoldEnd(hold_id="space-1", treatment_ended_on=TODAY, reason="a letter")
    british().when(SPACE).when(ended).then_raises(Invalid, "treatment_ended_on")
    both = replace(ended, until=TODAY)
    british().when(SPACE).when(both).then_raises(Invalid, "until")
    british().when(ended).then_raises(Unknown, "hold_id")


def test_a_form_that_no_law_of_the_place_knows_is_named() -> None:
    wrong = replace(SPACE, variant="mental_health")
    given(*opened()).when(wrong).then_raises(Invalid, "variant")


def test_vulnerability_is_recorded_as_what_we_do_and_not_as_what_is_wrong() -> None:
    bare = replace(hold("vulnerability"), purpose=" ")
    given(*opened()).when(bare).then_raises(Invalid, "purpose")
    placed = given(*opened()).when(hold("vulnerability")).then_one(e.HoldPlaced)
    assert placed.purpose == "letters in large print"


def test_the_representative_may_be_written_to_and_the_debtor_may_not() -> None:
    lawyer = e.ContactPoint(
        point_id="lawyer", kind="phone", address="+8615400000009", holder="representative"
    )
    story = given(*opened()).when(c.AddContactPoint(point=lawyer)).when(hold("represented"))
    story.when(request(point_id="mobile")).then_one(e.ContactRefused)
    story.when(request(point_id="lawyer")).then_one(e.ContactPermitted)


def test_a_dispute_still_protects_from_contact_through_the_representative() -> None:
    lawyer = e.ContactPoint(
        point_id="lawyer", kind="phone", address="+8615400000009", holder="representative"
    )
    story = given(*opened()).when(c.AddContactPoint(point=lawyer)).when(hold("represented"))
    story.when(hold("dispute", "hold-2"))
    refused = story.when(request(point_id="lawyer")).then_one(e.ContactRefused)
    assert refused.inputs["holds"] == "dispute"


def test_a_debtor_may_be_held_for_several_reasons_at_once() -> None:
    story = british()
    for kind in ("dispute", "complaint", "hardship", "bereavement"):
        story.when(hold(kind, f"h-{kind}")).then_one(e.HoldPlaced)
    assert story.case is not None
    assert len(story.case.holds) == 4


@pytest.mark.parametrize(
    ("place", "kind", "duty", "days"),
    [
        ("GB", "complaint", "final_response", 56),
        ("CN", "complaint", "final_response", 15),
        ("US", "complaint", "first_response", 15),
        ("DE", "complaint", "final_response", 30),
        ("US", "validation", "verification", 30),
        ("CN", "hardship", "review", 30),
    ],
)
def test_what_we_owe_has_a_day(place: str, kind: str, duty: str, days: int) -> None:
    due = {each.name: each.days for each in protection(kind, "", (place,), TODAY).duties}
    assert due[duty] == days


def test_a_day_that_passes_is_said_once_and_the_hold_goes_on() -> None:
    story = british().when(hold("complaint"))
    missed = c.JudgeDeadline(hold_id="hold-1", deadline="final_response")
    story.when(missed).then_raises(TooEarly, "deadline")
    after = datetime(2026, 4, 28, 0, tzinfo=UTC)  # 01:00 in London, the day after eight weeks
    story.when(missed, at=after - timedelta(hours=2)).then_raises(TooEarly, "deadline")
    said = story.when(missed, at=after).then_one(e.DeadlineMissed)
    assert said.due_on == date(2026, 4, 27)
    story.when(missed, at=after).then_nothing()
    assert story.case is not None
    assert "hold-1" in story.case.holds
