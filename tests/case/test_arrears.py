"""What may help: by the reasons the debtor gave, with a source, and never a label."""

from datetime import datetime
from typing import get_args
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case.arrears import Suggestion, options
from duecourse.case.words import ArrearsReason, HoldKind, PlanKind
from duecourse.rules.arrears import options_book
from duecourse.testing import given
from duecourse.testing.sample import DAY, NOON, accept, hold, offer, opened, pay, talk

# Words that judge a person have no place in what a worker reads about one.
LABELS = (
    "lazy", "irrational", "irresponsible", "reckless", "careless", "dishonest", "bad payer",
    "deadbeat", "addict", "wasteful", "不理性", "恶意", "老赖", "懒", "挥霍", "不负责",
)  # fmt: skip


def said(reason: ArrearsReason, number: int = 1, at: datetime = NOON) -> c.LogConversation:
    told = talk(initiator="debtor", at=at)
    return replace(told, conversation_id=UUID(int=900 + number), arrears_reason=reason)


def helps(story: given) -> dict[str, Suggestion]:
    assert story.case is not None
    return {each.do: each for each in options(story.case)}


@pytest.mark.parametrize(
    ("reason", "wanted"),
    [
        ("economic_pressure", {"hold:hardship", "plan:instalments", "signpost"}),
        ("unemployment", {"hold:hardship", "plan:instalments", "plan:deferral"}),
        ("illness", {"hold:hardship", "plan:deferral", "hold:vulnerability"}),
        ("misunderstanding_of_terms", {"statement", "waive_fees"}),
        ("spending_habits", {"plan:instalments", "signpost"}),
        ("payment_system_failure", {"waive_fees", "check_payment"}),
        ("dispute_over_debt", {"hold:dispute"}),
        ("fraud_or_identity", {"hold:validation"}),
        ("bereavement", {"hold:bereavement", "estate"}),
    ],
)
def test_a_reason_suggests_what_helps(reason: ArrearsReason, wanted: set[str]) -> None:
    found = helps(given(*opened()).when(said(reason)))
    assert wanted <= found.keys()
    assert all(each.reason == reason and each.source for each in found.values())


def test_spending_is_met_with_a_plan_and_advice_and_with_no_hardship_hold() -> None:
    assert helps(given(*opened()).when(said("spending_habits"))).keys() == {
        "plan:instalments",
        "signpost",
    }


@pytest.mark.parametrize("reason", sorted(set(get_args(ArrearsReason)) - {"not_stated", "other"}))
def test_every_reason_has_an_option_and_no_text_labels_anybody(reason: ArrearsReason) -> None:
    found = helps(given(*opened()).when(said(reason)))
    assert found
    for each in found.values():
        assert not [word for word in LABELS if word in (each.en + each.zh).casefold()]


def test_what_is_suggested_can_be_done() -> None:
    for option in options_book():
        what, _, kind = option.do.partition(":")
        known = {"hold": get_args(HoldKind), "plan": get_args(PlanKind)}.get(what, ("",))
        assert kind in known, option
        assert set(option.reasons) <= set(get_args(ArrearsReason))


def test_the_newest_reason_comes_first_and_nothing_comes_twice() -> None:
    story = given(*opened()).when(said("economic_pressure"))
    story.when(said("misunderstanding_of_terms", 2, NOON + DAY), at=NOON + DAY)
    assert story.case is not None
    found = options(story.case)
    assert found[0].reason == "misunderstanding_of_terms"
    assert len({each.do for each in found}) == len(found)


def test_an_outcome_speaks_where_nobody_wrote_a_reason_down() -> None:
    story = given(*opened()).when(talk("disputes_debt", initiator="debtor"))
    assert helps(story)["hold:dispute"].is_done
    assert "check_payment" in helps(given(*opened()).when(talk("paid_already", initiator="debtor")))


def test_what_is_under_way_is_said_to_be() -> None:
    story = given(*opened()).when(said("unemployment"))
    assert not helps(story)["hold:hardship"].is_done
    story.when(hold("hardship")).when(offer(60_000)).when(accept())
    assert helps(story)["hold:hardship"].is_done
    assert helps(story)["plan:instalments"].is_done
    assert not helps(story)["plan:deferral"].is_done


def test_what_somebody_else_says_of_a_debtor_is_no_reason_of_theirs() -> None:
    gossip = replace(said("spending_habits"), party="third_party")
    assert helps(given(*opened()).when(gossip)) == {}


def test_where_nothing_was_said_or_nothing_is_owed_nothing_is_suggested() -> None:
    assert helps(given(*opened())) == {}
    assert helps(given(*opened()).when(said("not_stated"))) == {}
    assert helps(given(*opened()).when(said("illness")).when(pay(60_000))) == {}
