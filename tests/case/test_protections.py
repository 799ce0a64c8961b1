"""What the law of a place gives a debtor on hold: how long, by when, and never less than elsewhere."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Invalid, TooEarly, Unknown
from duecourse.rules.names import HOLDS
from duecourse.rules.protection import protection, protection_packs
from duecourse.testing import given
from duecourse.testing.sample import (
    DAY,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    debt,
    hold,
    opened,
    request,
)

BRITON = replace(DEBTOR, time_zone="Europe/London", jurisdiction="GB", language="en")
TODAY = NOON.date()
SPACE = c.PlaceHold(hold_id="space-1", kind="breathing_space", authority="the register's notice")


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


def test_a_hold_is_no_shorter_than_the_law_gives_unless_a_reason_is_given() -> None:
    shorter = replace(SPACE, until=TODAY + 59 * DAY)
    british().when(shorter).then_raises(Invalid, "until")
    because = replace(shorter, reason="it began the day before the notice came")
    assert british().when(because).then_one(e.HoldPlaced).until == shorter.until
    crisis = replace(SPACE, variant="mental_health", until=TODAY + 365 * DAY)
    british().when(crisis).then_raises(Invalid, "until")


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
    story = british().when(SPACE).when(c.LiftHold(hold_id="space-1", reason="cancelled"))
    again = replace(SPACE, hold_id="space-2")
    too_soon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    story.when(again, at=too_soon).then_raises(Invalid, "reason")
    story.when(replace(again, reason="the register sent it"), at=too_soon).then_one(e.HoldPlaced)
    fresh = british().when(SPACE).when(c.LiftHold(hold_id="space-1", reason="cancelled"))
    fresh.when(again, at=too_soon + DAY).then_one(e.HoldPlaced)


def test_a_mental_health_crisis_is_protected_again_at_once_and_until_thirty_days_after() -> None:
    story = british().when(SPACE).when(c.LiftHold(hold_id="space-1", reason="cancelled"))
    crisis = replace(SPACE, hold_id="space-2", variant="mental_health")
    placed = story.when(crisis).then_one(e.HoldPlaced)
    assert placed.until is None
    ended = c.SetHoldEnd(
        hold_id="space-2", treatment_ended_on=date(2026, 3, 20), reason="the adviser said so"
    )
    set_to = story.when(ended, at=NOON + 20 * DAY).then_one(e.HoldEndSet)
    assert set_to.until == date(2026, 4, 19)
    story.when(ended, at=NOON + 20 * DAY).then_nothing()


def test_a_treatment_that_ended_long_ago_still_leaves_today() -> None:
    story = british().when(replace(SPACE, variant="mental_health"))
    ended = c.SetHoldEnd(hold_id="space-1", treatment_ended_on=date(2026, 3, 3), reason="a letter")
    late = story.when(ended, at=NOON + 90 * DAY).then_one(e.HoldEndSet)
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
