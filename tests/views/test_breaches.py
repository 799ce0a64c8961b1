"""A contact without a permission is shown with the rules that forbade it when it was made."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.rules.gate import load_rulebook
from duecourse.testing import given
from duecourse.testing.sample import LATE, NOON, TALK, hold, opened, request, talk
from duecourse.views.breaches import Breach, breaches

RULES = load_rulebook()
TOMORROW = NOON + timedelta(days=1)
SECOND = UUID(int=TALK.int + 1)


def history(*steps: tuple[c.Command, object]) -> list[tuple[e.Event, str]]:
    story = given(*opened())
    events = opened()
    for command, at in steps:
        events += story.when(command, at=at).events  # type: ignore[arg-type]
    return [(event, "collector-1") for event in events]


def the_only(*steps: tuple[c.Command, object]) -> Breach:
    (found,) = breaches(history(*steps), RULES)
    return found


def names(breach: Breach) -> set[str]:
    return {each.rule for each in breach.rules}


def test_a_call_at_night_is_shown_with_the_rules_of_the_night() -> None:
    found = the_only((talk(at=LATE), TOMORROW))
    assert (found.conversation_id, found.channel, found.reported_by) == (
        TALK,
        "call",
        "collector-1",
    )
    assert (found.occurred_at, found.reported_at) == (LATE, TOMORROW)
    assert {"cn.quiet_hours", "house.quiet_hours"} <= names(found)
    assert all(each.citation and each.says and each.inputs for each in found.rules)


def test_a_call_that_nobody_asked_for_but_no_rule_forbade_is_a_breach_without_rules() -> None:
    assert the_only((talk(at=NOON), TOMORROW)).rules == ()


def test_a_call_under_a_permission_or_by_the_debtor_is_no_breach() -> None:
    permitted = history((request("call"), NOON), (talk(at=NOON), NOON))
    assert breaches(permitted, RULES) == ()
    assert breaches(history((talk(at=LATE, initiator="debtor"), TOMORROW)), RULES) == ()


def test_a_hold_of_today_does_not_make_the_call_of_yesterday_worse() -> None:
    """Judged with the case as it was, not as it is."""
    assert the_only((hold("dispute"), TOMORROW), (talk(at=NOON), TOMORROW)).rules == ()
    held = (hold("dispute"), NOON)
    after = talk(at=NOON + timedelta(minutes=5))
    assert names(the_only(held, (after, TOMORROW))) == {"hold_blocks"}


def test_an_earlier_call_counts_even_if_it_was_written_down_later() -> None:
    early = talk(at=NOON)
    late = replace(talk(at=NOON + timedelta(minutes=30)), conversation_id=SECOND)
    found = breaches(history((late, TOMORROW), (early, TOMORROW)), RULES)
    by_id = {each.conversation_id: names(each) for each in found}
    assert by_id[TALK] == set()
    assert "house.rest_between_calls" in by_id[SECOND]


@pytest.mark.parametrize("party", ["third_party"])
def test_who_answered_was_addressed(party: str) -> None:
    said = replace(talk(at=NOON), party=party)
    assert "third_party" in names(the_only((said, TOMORROW)))


def test_a_call_before_the_case_opened_meets_it_as_it_opened() -> None:
    before = talk(at=LATE - timedelta(days=2))
    assert "cn.quiet_hours" in names(the_only((before, TOMORROW)))
