"""One line per case: what is owed, what comes next, and why a person should look."""

from datetime import date

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case.context import SYSTEM
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    CONTACT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    PLAN,
    PROMISE,
    REFERRAL,
    SUBJECT,
    accept,
    approve,
    debt,
    dispatch,
    hold,
    offer,
    opened,
    pay,
    promise,
    propose,
    request,
    talk,
)
from duecourse.views.worklist import WorklistRow, worklist_row

TREATMENT = load_treatment()
LATER = NOON.replace(month=6)


def row(story: given) -> WorklistRow:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, TREATMENT)


def test_a_line_says_what_is_owed_and_what_comes_next() -> None:
    assert row(given(*opened())) == WorklistRow(
        case_id=SUBJECT,
        creditor="fictional-bank",
        stage="intake",
        opened_at=NOON,
        updated_at=NOON,
        currency="CNY",
        outstanding_minor=60_000,
        oldest_due_on=date(2026, 2, 27),
        holds=(),
        plan="",
        next_step="first-reminder",
        next_step_at=NOON,
        attention=(),
    )


def test_amounts_of_two_currencies_are_not_added_up() -> None:
    both = row(given(*opened(debt(), debt(OTHER_DEBT, 100, currency="USD"))))
    assert (both.currency, both.outstanding_minor) == ("CNY+USD", 0)


def test_a_paid_case_owes_nothing_since_no_day() -> None:
    paid = row(given(*opened()).when(pay(60_000)))
    assert (paid.stage, paid.outstanding_minor, paid.oldest_due_on) == ("closed", 0, None)
    assert (paid.next_step, paid.next_step_at) == ("", None)


def test_holds_and_the_newest_plan_are_shown() -> None:
    story = given(*opened()).when(offer(60_000)).when(accept()).when(hold("hardship"))
    story.when(hold("hardship", "hold-2")).when(hold("complaint", "hold-3"))
    assert (row(story).holds, row(story).plan) == (("complaint", "hardship"), "active")


FIRST = c.FollowTreatment(step="first-reminder")
REFUSED = [request("call"), talk("refused_to_pay")]
FAILURE = c.RecordFilingFailure(referral_id=REFERRAL, adapter="cn-court", problems=("no id",))


@pytest.mark.parametrize(
    ("commands", "word"),
    [
        (
            [request(), dispatch(), c.RecordUnknown(contact_id=CONTACT, reason="?")],
            "outcome_unknown",
        ),
        ([*REFUSED, propose()], "referral_proposed"),
        ([*REFUSED, propose(), approve(), FAILURE], "filing_failed"),
        ([*REFUSED, propose(), approve(), promise()], "filing_waits"),
        ([hold("dispute")], "disputed"),
        ([talk()], "contact_breach"),
    ],
)
def test_what_waits_for_a_person_is_named(commands: list[c.Command], word: str) -> None:
    story = given(*opened())
    for command in commands:
        story.when(command, actor=LEGAL if isinstance(command, c.ApproveReferral) else SYSTEM)
    assert row(story).attention == (word,)
    assert row(story.when(c.CloseCase(reason="sold"))).attention == ()


def test_what_was_broken_waits_for_a_person() -> None:
    story = given(*opened()).when(promise())
    story.when(c.JudgePromise(promise_id=PROMISE), at=LATER)
    assert row(story).attention == ("promise_broken",)
    story = given(*opened()).when(offer(30_000, 30_000)).when(accept())
    for number in (1, 2):
        story.when(c.JudgeInstalment(plan_id=PLAN, number=number), at=LATER)
    assert row(story).attention == ("plan_broken",)


def test_missing_data_waits_for_a_person() -> None:
    story = given(*opened(debtor=replace(DEBTOR, jurisdiction="")))
    assert row(story.when(FIRST, actor=SYSTEM)).attention == ("data_missing",)


def test_a_receipt_answers_what_was_unknown() -> None:
    story = given(*opened()).when(request()).when(dispatch())
    story.when(c.RecordUnknown(contact_id=CONTACT, reason="?"))
    receipt = c.RecordReceipt(
        contact_id=CONTACT, receipt_id="r-1", status="delivered", occurred_at=NOON
    )
    assert row(story.when(receipt)).attention == ()


def test_no_word_of_a_line_names_a_person() -> None:
    text = repr(row(given(*opened()).when(request())))
    for secret in (DEBTOR.name, "+8615400000000", "lin.shili", "FICT-0001", "B-1"):
        assert secret not in text
