"""The very text is read once more before it leaves; what it says must be true of the case now."""

from collections.abc import Callable
from uuid import UUID

import pytest
from msgspec.structs import replace
from office import Ledger, Office

from duecourse.case import events as e
from duecourse.case.evolve import evolve
from duecourse.case.state import Case, Referral
from duecourse.flow import drafts
from duecourse.flow.facts import lint_facts, message_facts
from duecourse.rendering import Message
from duecourse.rules.lint import LintFacts
from duecourse.settings import CreditorDetails
from duecourse.testing.sample import CONTACT, NOON, REFERRAL, opened

NewOffice = Callable[..., Office]
DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("再不还款，等着坐牢吧", "zh.arrest"),
        ("我们已向法院起诉您", "zh.claim_filed"),
        ("您还欠88888.00元", "core.figure"),
    ],
)
def test_a_message_that_the_lint_refuses_does_not_leave_and_the_case_says_which_rule(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, body: str, rule: str
) -> None:
    monkeypatch.setattr(drafts, "render", lambda *_: Message(body=body))
    office = new_office({"sms": ledger})
    case_id = office.open()
    office.work()
    last = office.engine.history(case_id)[-1].event
    assert isinstance(last, e.ContactCancelled)
    assert rule in last.reason
    assert body not in last.reason
    assert ledger.taken == []


def test_the_subject_is_read_too(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    threat = Message(subject="最后通牒", body="您好")
    monkeypatch.setattr(drafts, "render", lambda *_: threat)
    office = new_office({"sms": ledger})
    office.open()
    office.work()
    assert ledger.taken == []


def case_with(*referrals: Referral) -> Case:
    case: Case | None = None
    for event in opened():
        case = evolve(case, event)
    assert case is not None
    permitted = e.ContactPermitted(
        at=NOON, contact_id=CONTACT, channel="sms", point_id="mobile", template="reminder-first",
        language="zh", expires_at=NOON,
    )  # fmt: skip
    keyed = {UUID(int=REFERRAL.int + n): each for n, each in enumerate(referrals)}
    return replace(evolve(case, permitted), referrals=keyed)


def referral(status: str, outcome: str | None = None) -> Referral:
    return Referral(
        grounds="none", debt_ids=(), proposed_by="somebody", status=status, outcome=outcome  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("referrals", "expected"),
    [
        ((), "none"),
        ((referral("proposed"),), "proposed"),
        ((referral("failed"),), "proposed"),
        ((referral("filing"),), "approved"),
        ((referral("filed"), referral("proposed")), "filed"),
        ((referral("withdrawn"),), "none"),
        ((referral("filed", "dismissed"),), "none"),
    ],
)
def test_the_lint_is_told_how_far_the_case_is_at_law(
    referrals: tuple[Referral, ...], expected: str
) -> None:
    case = case_with(*referrals)
    assert told(case).referral == expected


def test_the_lint_is_told_the_courts_answer_and_the_amounts() -> None:
    facts = told(case_with(referral("filed", "judgment")))
    assert facts.court == {"judgment"}
    assert facts.amounts == {"600.00"}
    assert not facts.time_barred


def told(case: Case) -> LintFacts:
    return lint_facts(case, message_facts(CONTACT, case, CONTACT, DETAILS))
