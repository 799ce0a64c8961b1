"""Making a plan out of what was asked for, and everything that has to be right about it."""

from datetime import date
from itertools import pairwise
from typing import Final
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.affordability import fit_of
from duecourse.case.allocating import order_for
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Invalid
from duecourse.case.plan_calendar import working_days
from duecourse.case.plan_limits import bearing_minor, check_caps, without_cap
from duecourse.case.plan_terms import MOST_INSTALMENTS, PlanTerms
from duecourse.case.replans import plan_not_kept
from duecourse.case.state import Case
from duecourse.money.allocation import pro_rata
from duecourse.money.amortisation import spread
from duecourse.money.amounts import MAX_MINOR, format_minor
from duecourse.money.figures import Refused
from duecourse.money.instalments import make_plan
from duecourse.money.plan_terms import PaymentPlan, PlanRequest

# With interest, money that came early can be worked in again only where the rule is that simple.
CAN_BE_REDRAWN: Final = frozenset({"annuity", "equal_principal", "level_amount"})
_FIELDS: Final = {"principal_minor": "waived_minor", "starts_on": "terms.first_on"}


def drawn_up(case: Case, command: c.OfferPlan, context: Context) -> e.PlanOffered:
    """The plan that is asked for. Raises Invalid, naming the field."""
    today = case.today(context.at)
    owed = case.outstanding(command.currency).total
    _check_ask(command, owed)
    instalments, frozen = command.instalments, 0
    if command.terms is not None:
        instalments, frozen = _by_terms(case, command, command.terms, owed, context)
    field = "instalments" if command.terms is None else "terms"
    _check_sum(instalments, command, owed)
    _check_dates(instalments, command.expires_on, today, field)
    treatment = context.treatment
    grace = treatment.instalment_grace_days if command.grace_days is None else command.grace_days
    return e.PlanOffered(
        at=context.at,
        plan_id=command.plan_id,
        kind=command.kind,
        currency=command.currency,
        instalments=instalments,
        waived_minor=command.waived_minor,
        expires_on=command.expires_on,
        terms=command.terms,
        waive=command.waive,
        early_payment=command.early_payment,
        frozen_minor=frozen,
        grace_days=grace,
        breaks_after_missed=treatment.missed_instalments_break_plan,
        fit=fit_of(case, command.currency, instalments, command.terms, context),
        replaces=plan_not_kept(case, today),
        cap_unknown=without_cap(case, command.terms, command.currency, instalments),
    )


def _check_ask(command: c.OfferPlan, owed: int) -> None:
    settles = command.kind == "settlement"
    if command.waived_minor and not settles:
        raise Invalid("only a settlement waives anything", "waived_minor")
    if command.waive == "in_step" and not settles:
        raise Invalid("only a settlement waives anything", "waive")
    if command.waive == "in_step" and command.early_payment != "ahead":
        raise Invalid(
            "where stages are forgiven, early money can only count ahead", "early_payment"
        )
    if not owed:
        raise Invalid(f"nothing is owed in {command.currency}", "currency")
    if bool(command.instalments) == (command.terms is not None):
        raise Invalid("give either `instalments` or `terms`", "instalments")
    if any(each.interest_minor for each in command.instalments):
        raise Invalid("interest comes from `terms` only", "instalments")
    if command.terms is not None:
        _check_terms(command, command.terms)


def _check_terms(command: c.OfferPlan, terms: PlanTerms) -> None:
    bears_interest = bool(terms.percent.strip("0."))
    if (terms.deferral is not None) != (command.kind == "deferral"):
        raise Invalid(
            "a plan of the kind `deferral` has a deferral, and no other", "terms.deferral"
        )
    if command.kind == "settlement" and bears_interest:
        raise Invalid("a settlement bears no interest", "terms.percent")
    simple = terms.schedule in CAN_BE_REDRAWN and not terms.grace_periods and not terms.deferral
    if command.early_payment != "ahead" and bears_interest and not simple:
        raise Invalid(
            "with interest, a grace, a deferral, a balloon or steps, early money can only count ahead",
            "early_payment",
        )


def _by_terms(
    case: Case, command: c.OfferPlan, terms: PlanTerms, owed: int, context: Context
) -> tuple[tuple[e.Instalment, ...], int]:
    if command.waived_minor >= owed:
        raise Invalid("nothing would be left to pay", "waived_minor")
    left = owed - command.waived_minor
    bearing = bearing_minor(case, command, terms, left)
    request = PlanRequest(
        currency=command.currency,
        kind=terms.schedule,
        principal_minor=bearing,
        starts_on=case.today(context.at),
        first_on=terms.first_on,
        every=terms.every,
        day_of_month=terms.day_of_month,
        count=terms.count,
        percent=terms.percent,
        basis=terms.basis,
        amount_minor=terms.amount_minor,
        balloon_minor=terms.balloon_minor,
        steps=terms.steps,
        grace_periods=terms.grace_periods,
        deferral=terms.deferral,
        calendar=working_days(context.rules, case.debtor.jurisdiction, terms.roll),
        rounding=terms.rounding,
    )
    try:
        plan = make_plan(request)
    except Refused as refused:
        raise Invalid(refused.said, _FIELDS.get(refused.field, f"terms.{refused.field}")) from None
    if plan.count > MOST_INSTALMENTS:
        raise Invalid(f"a plan may have {MOST_INSTALMENTS} instalments; take fewer", "terms.count")
    if plan.highest_minor + left - bearing > MAX_MINOR:
        raise Invalid(f"an instalment may be {MAX_MINOR} minor units", "terms.percent")
    instalments = _instalments(plan, left - bearing, terms.grace_periods)
    order, since = order_for(case, context, command.currency), request.starts_on
    check_caps(case, terms, command.currency, instalments, order=order, since=since)
    return instalments, plan.frozen_minor


def _instalments(plan: PaymentPlan, rest: int, grace: int) -> tuple[e.Instalment, ...]:
    """With the interest of each. What a deferral capitalised is in the parts that repay it.

    `rest` bears no interest, and is repaid in equal parts once the periods of grace are over.
    """
    beside = [0] * grace + spread(rest, plan.count - grace)
    capitalised = pro_rata(
        plan.capitalised_minor, [each.principal_minor for each in plan.instalments]
    )
    return tuple(
        e.Instalment(
            due_on=each.due_on,
            amount_minor=each.amount_minor + other,
            interest_minor=each.interest_minor + each.deferred_interest_minor + more,
        )
        for each, more, other in zip(plan.instalments, capitalised, beside, strict=True)
    )


def _check_sum(instalments: tuple[e.Instalment, ...], command: c.OfferPlan, owed: int) -> None:
    pays_off = sum(each.amount_minor - each.interest_minor for each in instalments)
    offered = pays_off + command.waived_minor
    if offered != owed:
        raise Invalid(
            f"instalments and waiver add up to {format_minor(offered, command.currency)}, "
            f"but {format_minor(owed, command.currency)} {command.currency} is owed",
            "instalments",
        )


def _check_dates(
    instalments: tuple[e.Instalment, ...], expires_on: date, today: date, field: str
) -> None:
    days = [each.due_on for each in instalments]
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise Invalid("each instalment must be due after the one before", field)
    check_day(days[-1], today, field)
    check_day(expires_on, today, "expires_on")
    check_open(days[0], expires_on, today, field)


def check_open(first_on: date, expires_on: date, today: date, field: str) -> None:
    """Whether a plan can be put to the debtor today."""
    if first_on < today:
        raise Invalid(f"the first instalment is due before today ({today})", field)
    if expires_on < today:
        raise Invalid(f"the offer would have expired before today ({today})", "expires_on")


def offered_again(plan_id: UUID, case: Case, context: Context) -> e.PlanOffered:
    """What was proposed, as it is put to the debtor now; its fit is judged anew."""
    plan = case.plans[plan_id]
    today = case.today(context.at)
    return e.PlanOffered(
        at=context.at,
        plan_id=plan_id,
        kind=plan.kind,
        currency=plan.currency,
        instalments=plan.instalments,
        waived_minor=plan.waived_minor,
        expires_on=plan.expires_on,
        terms=plan.terms,
        waive=plan.waive,
        early_payment=plan.early_payment,
        frozen_minor=plan.frozen_minor,
        grace_days=plan.grace_days,
        breaks_after_missed=plan.breaks_after_missed,
        fit=fit_of(case, plan.currency, plan.instalments, plan.terms, context),
        replaces=plan_not_kept(case, today),
        cap_unknown=without_cap(case, plan.terms, plan.currency, plan.instalments),
    )
