"""An approved referral becomes one bundle, and the case says what is in it."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from office import Ledger, NoConfig, Office, PowerCut

from duecourse import FilingAdapter, FilingDocument, FilingPackage, FilingProblem, FilingRequest
from duecourse.case import commands as c
from duecourse.testing import LEGAL
from duecourse.testing.sample import NOON

NewOffice = Callable[..., Office]


class Court(FilingAdapter[NoConfig]):
    """Keeps what was handed over, by reference."""

    name = "court"
    config_class = NoConfig

    def __init__(self) -> None:
        super().__init__(NoConfig())
        self.handed_over: list[FilingPackage] = []
        self.problem: BaseException | None = None
        self.after: BaseException | None = None

    def prepare(self, request: FilingRequest) -> FilingPackage:
        if self.problem is not None:
            raise self.problem
        owed = sum(each.outstanding.total for each in request.debts)
        content = f"{request.debtor_name} owes {owed} as of {request.as_of}".encode()
        document = FilingDocument(name="claim.txt", content=content)
        return FilingPackage(reference=f"c-{request.referral_id}", documents=(document,))

    def submit(self, package: FilingPackage) -> str:
        self.handed_over.append(package)
        if self.after is not None:
            raise self.after
        return package.reference


@pytest.fixture
def court() -> Court:
    return Court()


def approved(office: Office, *, hold: bool = False) -> tuple[UUID, UUID]:
    """A case whose borrower refused to pay, with an approved referral."""
    case_id, referral_id = office.open(), uuid4()
    office.work()
    office.ask(
        case_id,
        c.LogConversation(
            conversation_id=uuid4(),
            channel="call",
            outcome="refused_to_pay",
            occurred_at=office.now,
            initiator="debtor",
        ),
    )
    office.ask(case_id, c.ProposeReferral(referral_id=referral_id, grounds="refused to pay"))
    office.ask(case_id, c.ApproveReferral(referral_id=referral_id, adapter="court"), LEGAL)
    if hold:
        office.ask(case_id, c.PlaceHold(hold_id="d", kind="dispute", authority="letter"))
    return case_id, referral_id


def test_an_approved_referral_is_filed_with_the_hash_of_each_document(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    case_id, referral_id = approved(office)
    office.work()
    referral = office.case(case_id).referrals[referral_id]
    (document,) = court.handed_over[0].documents
    assert referral.status == "filed"
    assert referral.documents[0].sha256 == hashlib.sha256(document.content).hexdigest()


def test_after_a_crash_the_same_bundle_is_handed_over_again(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    case_id, referral_id = approved(office)
    court.after = PowerCut()
    with pytest.raises(PowerCut):
        office.work()
    court.after = None
    office.now += timedelta(hours=1)
    office.ask(case_id, c.RecordOptOut(channel="email", how="letter"))
    office.work()
    first, second = court.handed_over
    assert first == second
    assert office.case(case_id).referrals[referral_id].status == "filed"


def test_what_began_to_be_filed_is_brought_to_its_end_whatever_came_in_between(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    case_id, referral_id = approved(office)
    court.after = PowerCut()
    with pytest.raises(PowerCut):
        office.work()
    court.after = None
    office.ask(case_id, c.PlaceHold(hold_id="d", kind="dispute", authority="letter"))
    office.ask(case_id, part_payment())
    office.now += timedelta(hours=1)
    office.work()
    first, second = court.handed_over
    assert first == second
    assert office.case(case_id).referrals[referral_id].status == "filed"


def test_a_claim_that_the_rules_forbid_at_the_last_look_is_handed_to_nobody(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    """The debtor was moved to a place whose law wants more before a suit."""
    office = new_office({"sms": ledger}, {"court": court})
    case_id, referral_id = approved(office)
    office.ask(case_id, c.MoveDebtor(time_zone="Europe/London", jurisdiction="GB"))
    office.work()
    office.now += timedelta(days=1)
    office.work()
    assert court.handed_over == []
    case = office.case(case_id)
    assert case.referrals[referral_id].status == "failed"
    assert case.refusals[referral_id].rule == "uk.letter_of_claim"
    again = office.ask(case_id, c.ApproveReferral(referral_id=referral_id, adapter="court"), LEGAL)
    assert [type(each).__name__ for each in again.events] == ["ActionRefused"]
    office.work()
    assert court.handed_over == []


def part_payment() -> c.RecordPayment:
    return c.RecordPayment(
        payment_id="bank-1", currency="CNY", amount_minor=100_00, value_on=NOON.date()
    )


def test_a_payment_after_the_approval_asks_for_another_approval(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    case_id, referral_id = approved(office)
    office.ask(case_id, part_payment())
    office.work()
    assert court.handed_over == []
    assert office.case(case_id).referrals[referral_id].status == "failed"


def test_what_the_filing_lacks_is_told_to_the_case_and_can_be_mended(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    court.problem = FilingProblem("debtor_national_id: is missing; add it")
    case_id, referral_id = approved(office)
    office.work()
    referral = office.case(case_id).referrals[referral_id]
    assert referral.status == "failed"
    assert referral.problems == ("debtor_national_id: is missing; add it",)
    court.problem = None
    office.ask(case_id, c.ApproveReferral(referral_id=referral_id, adapter="court"), LEGAL)
    office.work()
    assert office.case(case_id).referrals[referral_id].status == "filed"


def test_a_hold_keeps_an_approved_referral_from_being_filed(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    case_id, _ = approved(office, hold=True)
    office.work()
    assert court.handed_over == []
    office.ask(case_id, c.LiftHold(hold_id="d", reason="resolved"))
    office.work()
    assert len(court.handed_over) == 1


def test_an_adapter_with_a_defect_harms_only_its_own_referral(
    new_office: NewOffice, ledger: Ledger, court: Court
) -> None:
    office = new_office({"sms": ledger}, {"court": court})
    court.problem = RuntimeError("defect")
    case_id, referral_id = approved(office)
    other = office.open()
    office.work()
    assert office.case(case_id).referrals[referral_id].status == "failed"
    assert len(office.case(other).contacts) == 1
