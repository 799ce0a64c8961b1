"""Legal action and bureau reports pass the same gate as contacts."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import CaseIsClosed, StageNotReady, Unknown
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    DEBT,
    DEBTOR,
    NOON,
    REFERRAL,
    SUBJECT,
    approve,
    debt,
    hold,
    opened,
    propose,
    talk,
)
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
AMERICAN = replace(DEBTOR, time_zone="America/New_York", jurisdiction="US", language="en")
NOON_THERE = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
LICENCES = {"fictional-bank": "fdcpa_collector"}
RECORD = c.RecordLimitation(debt_id=DEBT, expires_on=date(2029, 2, 27), how="three years")
START = c.StartFiling(referral_id=REFERRAL)
REPORT = c.RequestBureauReport(report_id=UUID(int=70), bureau="fictional-bureau")


def proposed(limitation: date | None) -> given:
    """An American who refused to pay a debt that can be sued for until a day."""
    owed = replace(debt(), limitation_expires_on=limitation)
    story = given(*opened(owed, debtor=AMERICAN, at=NOON_THERE), licences=LICENCES)
    refusal = talk("refused_to_pay", at=NOON_THERE, initiator="debtor")
    return story.when(refusal, at=NOON_THERE).when(propose(), at=NOON_THERE)


def approved() -> given:
    return proposed(date(2029, 2, 27)).when(approve(), at=NOON_THERE, actor=LEGAL)


def test_a_claim_is_not_even_proposed_when_it_is_known_to_be_too_late() -> None:
    proposed(date(2026, 3, 1)).then_raises(StageNotReady, "grounds")


def test_a_suit_is_refused_at_approval_when_nobody_knows_whether_it_is_too_late() -> None:
    story = proposed(None).when(approve(), at=NOON_THERE, actor=LEGAL)
    refused = story.then_one(e.ActionRefused)
    assert (refused.act, refused.moment) == ("legal_action", "approval")
    assert refused.rule == "us.time_barred_suit"
    assert refused.citation == "12 CFR 1006.26(b)"
    assert refused.ref == REFERRAL
    assert story.case is not None
    assert story.case.referrals[REFERRAL].status == "proposed"
    assert story.case.refusals[REFERRAL].rule == "us.time_barred_suit"


def test_what_was_refused_is_approved_once_the_rules_agree() -> None:
    story = proposed(None).when(approve(), at=NOON_THERE, actor=LEGAL)
    story.when(RECORD, at=NOON_THERE).when(approve(), at=NOON_THERE, actor=LEGAL)
    story.then_one(e.LegalReferralApproved)
    assert story.case is not None
    assert story.case.refusals == {}


def test_the_rules_are_asked_again_when_the_claim_leaves() -> None:
    story = approved().when(replace(RECORD, expires_on=date(2026, 3, 1)), at=NOON_THERE)
    refused = story.when(START, at=NOON_THERE).then_one(e.ActionRefused)
    assert (refused.moment, refused.rule) == ("filing", "us.time_barred_suit")
    assert story.case is not None
    referral = story.case.referrals[REFERRAL]
    assert (referral.status, referral.problems) == ("failed", (refused.says,))


def test_a_claim_refused_at_the_last_look_goes_on_with_another_approval() -> None:
    story = approved().when(replace(RECORD, expires_on=None), at=NOON_THERE)
    story.when(START, at=NOON_THERE).when(RECORD, at=NOON_THERE)
    story.when(approve(), at=NOON_THERE, actor=LEGAL).then_one(e.LegalReferralApproved)
    story.when(START, at=NOON_THERE).then_one(e.FilingStarted)


def test_a_letter_of_claim_has_to_lie_back_long_enough_in_britain() -> None:
    british = replace(AMERICAN, time_zone="Europe/London", jurisdiction="GB")
    owed = replace(debt(), limitation_expires_on=date(2031, 2, 27))
    story = given(*opened(owed, debtor=british))
    story.when(talk("refused_to_pay", initiator="debtor")).when(propose())
    refused = story.when(approve(), actor=LEGAL).then_one(e.ActionRefused)
    assert (refused.rule, refused.next_lawful_at) == ("uk.letter_of_claim", None)
    story.when(c.RecordFact(fact="letter_of_claim", on=date(2026, 3, 2), how="by post"))
    refused = story.when(approve(), actor=LEGAL).then_one(e.ActionRefused)
    assert refused.next_lawful_at == datetime(2026, 4, 1, 23, 0, tzinfo=UTC)
    story.when(approve(), at=refused.next_lawful_at - timedelta(seconds=1), actor=LEGAL)
    story.then_one(e.ActionRefused)
    story.when(approve(), at=refused.next_lawful_at, actor=LEGAL)
    story.then_one(e.LegalReferralApproved)


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, TREATMENT).attention


def test_what_the_rules_forbade_waits_for_a_person_until_it_is_mended_or_taken_back() -> None:
    story = proposed(None).when(approve(), at=NOON_THERE, actor=LEGAL)
    assert attention(story) == ("referral_proposed", "legal_refused")
    withdraw = c.WithdrawReferral(referral_id=REFERRAL, reason="too late")
    assert attention(story.when(withdraw, at=NOON_THERE)) == ()
    story = approved().when(replace(RECORD, expires_on=None), at=NOON_THERE)
    assert attention(story.when(START, at=NOON_THERE)) == ("legal_refused", "filing_failed")
    story.when(RECORD, at=NOON_THERE).when(approve(), at=NOON_THERE, actor=LEGAL)
    assert attention(story) == ()


def test_a_stale_ask_to_file_what_was_refused_does_nothing() -> None:
    story = approved().when(replace(RECORD, expires_on=None), at=NOON_THERE)
    story.when(START, at=NOON_THERE).when(START, at=NOON_THERE).then_nothing()


# --- bureau reports --------------------------------------------------------------------------

TOLD = c.RecordFact(fact="told_before_reporting", on=date(2026, 2, 16), how="by letter")


def test_a_bureau_is_told_only_after_the_debtor_was() -> None:
    story = given(*opened()).when(REPORT)
    refused = story.then_one(e.ActionRefused)
    assert (refused.act, refused.moment) == ("bureau_report", "request")
    assert refused.rule.startswith("cn.")
    story.when(TOLD).when(REPORT).then(
        e.BureauReportPermitted(
            at=NOON,
            report_id=REPORT.report_id,
            bureau="fictional-bureau",
            debt_ids=(DEBT,),
            expires_at=NOON + timedelta(hours=2),
        )
    )
    story.when(REPORT).then_nothing()


def test_a_disputed_debt_is_not_reported() -> None:
    refused = given(*opened()).when(TOLD).when(hold("dispute")).when(REPORT)
    assert refused.then_one(e.ActionRefused).rule == "hold_blocks_bureau"


@pytest.mark.parametrize(
    "since",
    [hold("dispute"), c.CloseCase(reason="sold"), replace(TOLD, on=None)],
    ids=lambda each: type(each).__name__,
)
def test_a_permission_to_report_is_called_back_when_it_would_no_longer_be_given(
    since: c.Command,
) -> None:
    story = given(*opened()).when(TOLD).when(REPORT).when(since)
    assert story.then_one(e.BureauReportCancelled).report_id == REPORT.report_id
    assert story.case is not None
    assert story.case.bureau_reports[REPORT.report_id].cancelled_at == NOON


def test_a_report_needs_debts_of_an_open_case() -> None:
    story = given(*opened()).when(TOLD)
    story.when(replace(REPORT, debts=(UUID(int=99),))).then_raises(Unknown, "debts")
    story.when(c.CloseCase(reason="sold")).when(REPORT).then_raises(CaseIsClosed)
