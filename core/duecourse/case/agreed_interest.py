"""On which terms a debt bears interest: put on record, and worked with from the day they began."""

from typing import Final
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.accrual import restated
from duecourse.case.allocating import order_for
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Invalid, Unknown, WrongState
from duecourse.case.evolve import evolve
from duecourse.case.interest_terms import CapTerms, InterestTerms
from duecourse.case.ledger import FAR, account_of, known_until
from duecourse.case.plan_limits import check_caps_found
from duecourse.case.state import Case
from duecourse.money.account import run_account
from duecourse.money.figures import Refused, share_of

MOST_PERCENT: Final = 1_000


def set_interest_terms(case: Case, command: c.SetInterestTerms, context: Context) -> list[e.Event]:
    account = case.debts.get(command.debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {command.debt_id}", "debt_id")
    if account.withdrawn:
        raise WrongState("the debt was withdrawn", "debt_id")
    if case.ledger.terms.get(command.debt_id) == command.terms:
        return []
    if not command.evidence.strip():
        raise Invalid("it must say where the terms are agreed", "evidence")
    return with_terms(case, command.debt_id, command.terms, command.evidence, context)


def with_terms(
    case: Case, debt_id: UUID, terms: InterestTerms, evidence: str, context: Context
) -> list[e.Event]:
    """The terms, and the interest since they began. Raises Invalid for what cannot be worked with."""
    today = case.today(context.at)
    _check_terms(terms)
    check_day(terms.from_on, today, "terms.from_on")
    agreed = e.InterestTermsSet(at=context.at, debt_id=debt_id, terms=terms, evidence=evidence)
    after = evolve(case, agreed)
    currency = case.debts[debt_id].debt.currency
    try:
        until = known_until(terms)
        run_account(account_of(after, currency), min(max(today, terms.from_on), until))
        if until <= terms.from_on:
            raise Invalid(f"no rate is known of {terms.from_on}; give it", "terms.published")
    except Refused as refused:
        raise Invalid(refused.said, f"terms.{_place(refused.field)}") from None
    _check_kept_plan(after, debt_id, context)
    return [agreed, *restated(after, context, currency, "terms", through=today)]


def _place(field: str) -> str:
    """Where the terms have what a calculator refused: what it asks of a cap stands in `cap`."""
    if field in CapTerms.__struct_fields__:
        return f"cap.{field}"
    return "cap" if field in {"currency", "periods"} else field


def _check_kept_plan(case: Case, debt_id: UUID, context: Context) -> None:
    """A plan that nobody could hold to a cap is not kept above it once the cap is known."""
    plan = case.plans[case.active_plan] if case.active_plan else None
    if plan is None or debt_id not in plan.cap_unknown:
        return
    try:
        check_caps_found(case, plan, order_for(case, context, plan.currency))
    except Invalid as wrong:
        raise WrongState(
            f"the plan that is being kept bears interest {wrong}:"
            " withdraw it, set the terms, and offer one within the cap",
            "terms.cap",
        ) from None


def _check_terms(terms: InterestTerms) -> None:
    if not (terms.rates or terms.default_rates):
        raise Invalid("they name no rate; leave the terms out where none is agreed", "terms.rates")
    for field in ("rates", "default_rates"):
        for number, each in enumerate(getattr(terms, field)):
            where = f"terms.{field}[{number}]"
            if each.since > FAR or (each.percent and share_of(each.percent) * 100 > MOST_PERCENT):
                raise Invalid(f"more than {MOST_PERCENT} % is a slip of the keyboard", where)
