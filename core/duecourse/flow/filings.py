"""From an approved referral to a bundle for the court."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from duecourse import faults
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.evolve import evolve
from duecourse.case.ledger import added_since
from duecourse.case.state import Case
from duecourse.case.words import Name
from duecourse.channels import ChannelError
from duecourse.filing import (
    ClaimedDebt,
    ContactLine,
    FilingAdapter,
    FilingPackage,
    FilingProblem,
    FilingRequest,
    PaymentLine,
)
from duecourse.money.amounts import Buckets, format_minor
from duecourse.store.engine import Engine, Request
from duecourse.store.errors import origin
from duecourse.store.timers import DueTimer

log = logging.getLogger(__name__)


class Filings:
    """Prepares and hands over what was approved, and reports it."""

    def __init__(self, engine: Engine, adapters: Mapping[str, FilingAdapter[Any]]) -> None:
        self._engine = engine
        self._adapters = adapters

    def file(self, due: DueTimer) -> None:
        """Make the bundle from the case as it was when the referral was approved.

        Filing twice makes the same bytes, so an adapter can tell a repeat after a crash. Raises
        CaseError when something fairer came in between; the timer comes back if it goes away.
        """
        referral_id = UUID(due.timer.subject)
        case, version = self._approved(due.case_id, referral_id)
        now = self._engine.load(due.case_id).case
        name = case.referrals[referral_id].adapter
        request = filing_request(due.case_id, referral_id, case)
        # One filing for each approval: after a failure a person approves again.
        approval = f"{referral_id}/{version}"
        if now.referrals[referral_id].status == "approved":
            if _owed(now, referral_id) != _owed(case, referral_id):
                changed = "what is owed has changed since; approve it again"
                self._execute(due.case_id, _failed(request, name, changed), f"file/{approval}")
                return
            self._execute(
                due.case_id, c.StartFiling(referral_id=referral_id), f"start filing/{approval}"
            )
            # The rules may have said no at this last look; then nothing is handed over.
            now = self._engine.load(due.case_id).case
        if now.referrals[referral_id].status != "filing":
            return
        faults.reach("filing.started")
        outcome = self._outcome(name, request)
        faults.reach("filing.submitted")
        self._execute(due.case_id, outcome, f"file/{approval}")

    def _execute(self, case_id: UUID, command: c.Command, what: str) -> None:
        self._engine.execute_sync(
            Request(
                case_id=case_id,
                command=command,
                command_id=uuid5(case_id, what),
                actor=SYSTEM,
                causation=what,
            )
        )

    def _approved(self, case_id: UUID, referral_id: UUID) -> tuple[Case, int]:
        """The case as the last approval left it, and the version of that."""
        case: Case | None = None
        at_approval: tuple[Case, int] | None = None
        for recorded in self._engine.history(case_id):
            case = evolve(case, recorded.event)
            match recorded.event:
                case e.LegalReferralApproved(referral_id=approved) if approved == referral_id:
                    at_approval = case, recorded.version
                case _:
                    pass
        assert at_approval is not None, "a filing timer follows an approval"
        return at_approval

    def _outcome(self, name: str, request: FilingRequest) -> c.RecordFiling | c.RecordFilingFailure:
        adapter = self._adapters.get(name)
        if adapter is None:
            return _failed(request, name, f"no filing adapter {name!r} is configured")
        try:
            package = adapter.prepare(request)
            reference = msgspec.convert(adapter.submit(package), Name)
        except FilingProblem as problem:
            return _failed(request, name, *problem.problems)
        except ChannelError as refused:
            return _failed(request, name, str(refused))
        except msgspec.ValidationError as wrong:
            return _failed(request, name, f"the adapter's reference is no code: {wrong}")
        except Exception as defect:  # noqa: BLE001 - a plugin may raise anything
            log.error(  # noqa: TRY400 - a traceback may quote a person's data
                "adapter %s failed on referral %s: %s", name, request.referral_id, origin(defect)
            )
            return _failed(request, name, f"the adapter failed: {type(defect).__name__}")
        return _filed(request, name, reference, package)


def _owed(case: Case, referral_id: UUID) -> list[tuple[bool, Buckets]]:
    accounts = [case.debts[key] for key in case.referrals[referral_id].debt_ids]
    return [(account.withdrawn, account.outstanding) for account in accounts]


def _failed(request: FilingRequest, name: str, *problems: str) -> c.RecordFilingFailure:
    return c.RecordFilingFailure(
        referral_id=request.referral_id, adapter=name, problems=tuple(problems)
    )


def _filed(
    request: FilingRequest, name: str, reference: str, package: FilingPackage
) -> c.RecordFiling:
    documents = tuple(
        e.FiledDocument(
            name=each.name,
            sha256=hashlib.sha256(each.content).hexdigest(),
            first_page=each.first_page,
            last_page=each.last_page,
        )
        for each in package.documents
    )
    listing = "".join(f"{each.sha256}  {each.name}\n" for each in documents)
    return c.RecordFiling(
        referral_id=request.referral_id,
        adapter=name,
        reference=reference,
        # Of the listing that `sha256sum` prints, so anybody can make it again.
        bundle_sha256=hashlib.sha256(listing.encode()).hexdigest(),
        documents=documents,
    )


def filing_request(case_id: UUID, referral_id: UUID, case: Case) -> FilingRequest:
    """Everything of the case that may be put before a court."""
    referral = case.referrals[referral_id]
    own = [point for point in case.points.values() if point.holder == "debtor"]
    return FilingRequest(
        referral_id=referral_id,
        case_id=case_id,
        as_of=case.at,
        grounds=referral.grounds,
        approved_by=referral.approved_by,
        creditor=case.creditor,
        creditor_name=case.creditor_name,
        debtor_name=case.debtor.name,
        debtor_national_id=case.debtor.national_id,
        debtor_addresses=tuple(point.address for point in own if point.kind == "postal"),
        debtor_phones=tuple(point.address for point in own if point.kind == "phone"),
        debts=tuple(_debts(case, referral.debt_ids)),
        payments=tuple(_payments(case, referral.debt_ids)),
        contacts=tuple(sorted(_contacts(case), key=lambda line: line.at)),
        plan_history=tuple(_plans(case)),
    )


def _debts(case: Case, debt_ids: tuple[UUID, ...]) -> Iterator[ClaimedDebt]:
    for key in debt_ids:
        account = case.debts[key]
        debt = account.debt
        if account.withdrawn or not account.outstanding.total:
            continue
        yield ClaimedDebt(
            debt_id=key,
            account=debt.account,
            product=debt.product,
            currency=debt.currency,
            placed=debt.balance,
            outstanding=account.outstanding,
            due_on=debt.due_on,
            contract_on=debt.contract_on,
            added=added_since(case, key),
        )


def _payments(case: Case, debt_ids: tuple[UUID, ...]) -> Iterator[PaymentLine]:
    """The payments of which a part went to one of the claimed debts."""
    for key, payment in case.payments.items():
        if not any(each.debt_id in debt_ids for each in payment.allocations):
            continue
        yield PaymentLine(
            payment_id=key,
            value_on=payment.value_on,
            currency=payment.currency,
            amount_minor=payment.amount_minor,
            reversed=payment.reversed,
        )


def _contacts(case: Case) -> Iterator[ContactLine]:
    for contact in case.contacts.values():
        if contact.dispatched_at and contact.status in {"accepted", "unknown"}:
            yield ContactLine(
                at=contact.dispatched_at,
                channel=contact.channel,
                what=contact.template,
                outcome=contact.delivery or contact.status,
            )
    for talk in case.conversations.values():
        yield ContactLine(
            at=talk.occurred_at, channel=talk.channel, what="conversation", outcome=talk.outcome
        )


def _plans(case: Case) -> Iterator[str]:
    for plan in case.plans.values():
        total = format_minor(plan.total_minor, plan.currency)
        yield (
            f"{plan.offered_at.date()} {plan.kind}: {len(plan.instalments)} x, "
            f"{total} {plan.currency}, {plan.status}, {plan.met} met"
        )
