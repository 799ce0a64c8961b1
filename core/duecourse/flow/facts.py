"""What a message may say about a case: figures and names, ready to print."""

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from duecourse.case.limitation import limitation
from duecourse.case.situation import about_accounts
from duecourse.case.state import Case, DebtAccount, Plan, Referral
from duecourse.case.words import ENDS_ACTION
from duecourse.money.amounts import format_minor
from duecourse.rendering import MessageFacts, PlanLine, TemplateProblem, asks_whole_sum
from duecourse.rules.lint import LintFacts
from duecourse.settings import CreditorDetails

SHOWN_OF_ACCOUNT = 4
Progress = Literal["none", "proposed", "approved", "filed"]
_PROGRESS: Final[Mapping[str, Progress]] = {
    "proposed": "proposed",
    "failed": "proposed",
    "approved": "approved",
    "filing": "approved",
    "filed": "filed",
}
_STEPS: Final[tuple[Progress, ...]] = ("none", "proposed", "approved", "filed")


def message_facts(
    case_id: UUID, case: Case, contact_id: UUID, details: CreditorDetails | None
) -> MessageFacts:
    """The facts of the oldest debt it is about, and what is owed of those in its currency.

    What asks for all that is overdue says nothing of a debt whose day was not over when it was
    permitted. Raises TemplateProblem when nothing is owed or the creditor's details are not configured.
    """
    if details is None:
        raise TemplateProblem(
            f"the settings need [creditors.{case.creditor}] with ways_to_pay and contact_line"
        )
    contact = case.contacts[contact_id]
    accounts = about_accounts(case, contact.debts)
    today = case.today(contact.permitted_at)
    if asks_whole_sum(contact.template, contact.language):
        accounts = [each for each in accounts if each.debt.due_on < today]
    debt = _oldest(accounts).debt
    return MessageFacts(
        debtor_name=case.debtor.name,
        creditor_name=case.creditor_name,
        amount=format_minor(_owed(accounts, debt.currency), debt.currency),
        currency=debt.currency,
        due_on=debt.due_on,
        days_past_due=max((today - debt.due_on).days, 0),
        account_last4=debt.account[-SHOWN_OF_ACCOUNT:],
        ways_to_pay=details.ways_to_pay,
        contact_line=details.contact_line,
        reference=reference_of(case_id),
        plan=_plan_lines(case),
        **_last_payment(case, debt.currency),
    )


def lint_facts(case: Case, facts: MessageFacts) -> LintFacts:
    """What a message made of `facts` may say of this case and its way through the courts."""
    at_law = [each for each in case.referrals.values() if each.outcome not in ENDS_ACTION]
    return LintFacts(
        stage=case.stage,
        referral=max((_progress(each) for each in at_law), key=_STEPS.index, default="none"),
        court=frozenset(each.outcome for each in at_law if each.outcome),
        time_barred=case.close_reason == "statute_barred" or _is_barred(case),
        amounts=frozenset(
            amount
            for amount in (facts.amount, facts.paid_amount, *(line.amount for line in facts.plan))
            if amount
        ),
        names=frozenset(
            (facts.debtor_name, facts.creditor_name, facts.ways_to_pay, facts.contact_line)
        ),
    )


def _is_barred(case: Case) -> bool:
    return limitation(case, case.active_debts.values(), case.today(case.at)) == "expired"


def _progress(referral: Referral) -> Progress:
    return _PROGRESS.get(referral.status, "none")


def reference_of(case_id: UUID) -> str:
    """What a debtor quotes on the phone; tells nothing about them."""
    return case_id.hex[-8:].upper()


def _owed(accounts: list[DebtAccount], currency: str) -> int:
    return sum(each.outstanding.total for each in accounts if each.debt.currency == currency)


def _oldest(accounts: list[DebtAccount]) -> DebtAccount:
    owing = [each for each in accounts if each.outstanding.total]
    if not owing:
        raise TemplateProblem("nothing that it may ask for is owed")
    return min(owing, key=lambda account: account.debt.due_on)


def _last_payment(case: Case, currency: str) -> dict[str, Any]:
    """What `payment-received` thanks for."""
    paid = [x for x in case.payments.values() if x.currency == currency and not x.reversed]
    if not paid:
        return {}
    return {
        "paid_amount": format_minor(paid[-1].amount_minor, currency),
        "paid_on": paid[-1].value_on,
    }


def _plan_lines(case: Case) -> tuple[PlanLine, ...]:
    """The plan on the table or being kept; none when there is neither."""
    plan: Plan | None = None
    for each in case.plans.values():
        if each.status in {"offered", "active"}:
            plan = each
    if plan is None:
        return ()
    return tuple(
        PlanLine(due_on=each.due_on, amount=format_minor(each.amount_minor, plan.currency))
        for each in plan.instalments
    )
