"""What a plan agreement must say, as figures and facts; how it looks is for whoever prints it."""

from datetime import date, datetime
from uuid import UUID

import msgspec

from duecourse.case.errors import Unknown
from duecourse.case.plan_preview import PlanLine, plan_lines
from duecourse.case.plan_terms import EarlyPayment, Fit, Waive
from duecourse.case.plans import grace_days
from duecourse.case.state import Case
from duecourse.case.words import Language, PersonalText, PlanKind
from duecourse.money.amounts import Buckets
from duecourse.rules.treatment import Treatment

SHOWN_OF_ACCOUNT = 4


class AgreedDebt(msgspec.Struct, frozen=True, kw_only=True):
    """A debt that the plan is about, with what is owed on it as the agreement is drawn up."""

    debt_id: UUID
    account_last4: PersonalText
    product: str
    contract_on: date | None
    owed: Buckets


class PlanAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the two sides agree to.

    `instalments` are as agreed at first, `current` as they stand now, after money that came early.
    `settled_minor` is what of the debts the plan settles: what is paid, less its interest, and what
    is forgiven. `charges_until_now_minor` is the interest that is owed already. A plan that bears
    interest asks for none of a period that never begins. `acceptance_restarts_limitation`: to
    accept is to acknowledge the debts, in most laws, and both sides have to know it.
    """

    plan_id: UUID
    status: str
    language: Language
    creditor: str
    creditor_name: str
    debtor_name: PersonalText
    jurisdiction: str
    kind: PlanKind
    currency: str
    debts: tuple[AgreedDebt, ...]
    settled_minor: int
    total_minor: int
    interest_minor: int
    percent: str
    basis: str
    frozen_minor: int
    waived_minor: int
    waive: Waive
    instalments: tuple[PlanLine, ...]
    current: tuple[PlanLine, ...]
    charges_until_now_minor: int
    paid_minor: int
    grace_days: int
    breaks_after_missed: int
    early_payment: EarlyPayment
    fit: Fit | None
    approved_by_two: bool
    replaces: UUID | None
    offered_on: date
    expires_on: date
    accepted_on: date | None
    acceptance_restarts_limitation: bool = True


def agreement(case: Case, plan_id: UUID, treatment: Treatment) -> PlanAgreement:
    """Raises Unknown for a plan that the case does not have, or that was never put to the debtor."""
    plan = case.plans.get(plan_id)
    if plan is None or plan.status == "proposed":
        raise Unknown(f"the case has offered no plan {plan_id}", "plan_id")
    agreed = plan.changes[0].before if plan.changes else plan.instalments
    lines = tuple(plan_lines(agreed, plan.waived_minor, plan.waive, plan.currency))
    return PlanAgreement(
        plan_id=plan_id,
        status=plan.status,
        language=case.debtor.language,
        creditor=case.creditor,
        creditor_name=case.creditor_name,
        debtor_name=case.debtor.name,
        jurisdiction=case.debtor.jurisdiction,
        kind=plan.kind,
        currency=plan.currency,
        debts=_debts(case, plan.currency),
        settled_minor=sum(line.principal_minor for line in lines) + plan.waived_minor,
        total_minor=sum(line.amount_minor for line in lines),
        interest_minor=sum(line.interest_minor for line in lines),
        percent=plan.terms.percent if plan.terms else "0",
        basis=plan.terms.basis if plan.terms else "periodic",
        frozen_minor=plan.frozen_minor,
        waived_minor=plan.waived_minor,
        waive=plan.waive,
        instalments=lines,
        current=tuple(plan_lines(plan.instalments, plan.waived_minor, plan.waive, plan.currency)),
        charges_until_now_minor=sum(
            part.paid.total for charge in plan.charges for part in charge.charged
        ),
        paid_minor=plan.paid_minor,
        grace_days=grace_days(plan, treatment),
        breaks_after_missed=plan.breaks_after_missed or treatment.missed_instalments_break_plan,
        early_payment=plan.early_payment,
        fit=plan.fit,
        approved_by_two=plan.approval is not None,
        replaces=plan.replaces,
        offered_on=case.today(plan.offered_at),
        expires_on=plan.expires_on,
        accepted_on=_day(case, plan.accepted_at),
    )


def _day(case: Case, moment: datetime | None) -> date | None:
    return None if moment is None else case.today(moment)


def _debts(case: Case, currency: str) -> tuple[AgreedDebt, ...]:
    return tuple(
        AgreedDebt(
            debt_id=key,
            account_last4=account.debt.account[-SHOWN_OF_ACCOUNT:],
            product=account.debt.product,
            contract_on=account.debt.contract_on,
            owed=account.outstanding,
        )
        for key, account in case.active_debts.items()
        if account.debt.currency == currency
    )
