"""What a household can pay, by its own form, and whether a plan fits into that."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

import msgspec

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Invalid
from duecourse.case.plan_terms import ExpenseLine, Fit, FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.case.state import Assessment, Case
from duecourse.money.affordability import A_YEAR, AffordabilityRequest, Flow, Often, assess
from duecourse.money.amounts import MAX_MINOR
from duecourse.money.figures import Refused
from duecourse.money.recurrence import PER_YEAR
from duecourse.rules.treatment import Treatment

MOST_ASSESSMENTS: Final = 200
FOUR_WEEKS: Final = timedelta(days=28)
_EVEN: Final[dict[int, Often]] = {7: "week", 14: "fortnight", 28: "four_weeks"}


def record_affordability(
    case: Case, command: c.RecordAffordability, context: Context
) -> list[e.Event]:
    """Keep the form, and what of its surplus is left for this creditor a month."""
    if command.assessment_id in case.assessments:
        return []
    today = case.today(context.at)
    check_day(command.assessed_on, today, "assessed_on")
    if command.assessed_on > today:
        raise Invalid(f"a form cannot be of a day after today ({today})", "assessed_on")
    if len(case.assessments) >= MOST_ASSESSMENTS:
        raise Invalid(f"a case may have {MOST_ASSESSMENTS} assessments", "assessment_id")
    form = command.form
    try:
        found = assess(_request(form, case.outstanding(form.currency).total))
    except Refused as refused:
        raise Invalid(refused.said, f"form.{_FIELDS.get(refused.field, refused.field)}") from None
    sums = (found.income_minor, found.protected_expenses_minor, found.other_expenses_minor)
    if max(sums) > MAX_MINOR:
        raise Invalid(f"a month's sum may be {MAX_MINOR} minor units; check the amounts", "form")
    return [
        e.AffordabilityAssessed(
            at=context.at,
            assessment_id=command.assessment_id,
            currency=form.currency,
            assessed_on=command.assessed_on,
            lines=tuple(_lines(form)),
            evidence=command.evidence,
            income_minor=found.income_minor,
            protected_expenses_minor=found.protected_expenses_minor,
            other_expenses_minor=found.other_expenses_minor,
            surplus_minor=found.surplus_minor,
            reserve_percent=form.reserve_percent,
            available_minor=found.max_instalment_minor,
        )
    ]


_FIELDS: Final = {"owed_here_minor": "owed_elsewhere_minor"}


def _request(form: IncomeAndExpenditure, owed_here: int) -> AffordabilityRequest:
    return AffordabilityRequest(
        currency=form.currency,
        income=tuple(_flow(line) for line in form.income),
        expenses=tuple(_flow(line) for line in form.expenses),
        reserve_percent=form.reserve_percent,
        owed_here_minor=owed_here if form.owed_elsewhere_minor else 0,
        owed_elsewhere_minor=form.owed_elsewhere_minor,
    )


def _flow(line: FormLine) -> Flow:
    protected = line.protected if isinstance(line, ExpenseLine) else True
    return Flow(
        name=line.name, amount_minor=line.amount_minor, every=line.every, protected=protected
    )


def _lines(form: IncomeAndExpenditure) -> list[str]:
    """Each line as JSON in one text, so that name and amount are sealed together."""
    parts: list[tuple[str, Sequence[FormLine]]] = [
        ("income", form.income),
        ("expense", form.expenses),
    ]
    return [
        msgspec.json.encode({"of": of, **msgspec.to_builtins(line)}).decode()
        for of, lines in parts
        for line in lines
    ]


def current_assessment(
    case: Case, currency: str, today: date, treatment: Treatment
) -> tuple[UUID, Assessment] | None:
    """The newest form in a currency, unless it is too old to say anything of today."""
    oldest = today - timedelta(days=treatment.assessment_valid_days)
    valid = [
        (key, each)
        for key, each in case.assessments.items()
        if each.currency == currency and each.assessed_on >= oldest
    ]
    # Of two forms of one day the one recorded later.
    return max(reversed(valid), key=lambda item: item[1].assessed_on, default=None)


def fit_of(
    case: Case,
    currency: str,
    instalments: Sequence[e.Instalment],
    terms: PlanTerms | None,
    context: Context,
) -> Fit:
    """Whether a plan fits into what the household's form, as it is known today, leaves."""
    asked = per_month(instalments, terms)
    today = case.today(context.at)
    found = current_assessment(case, currency, today, context.treatment)
    if found is None:
        return Fit(per_month_minor=min(asked, MAX_MINOR))
    key, assessment = found
    return Fit(
        verdict="fits" if asked <= assessment.available_minor else "above",
        per_month_minor=min(asked, MAX_MINOR),
        available_minor=assessment.available_minor,
        assessment_id=key,
    )


def per_month(instalments: Sequence[e.Instalment], terms: PlanTerms | None) -> int:
    """The most that a plan asks for in a month: what a plan of 52 a year asks for in a twelfth.

    Days of one's own that come every week, fortnight or four weeks are read so as well. Of others
    it is what is due within any four weeks, as no two months' instalments are closer than that.
    """
    highest = max(each.amount_minor for each in instalments)
    if terms is not None:
        return -(-highest * PER_YEAR[terms.every] // 12)
    gaps = [(after.due_on - before.due_on).days for before, after in pairwise(instalments)]
    often = _EVEN.get(gaps[0]) if len(set(gaps)) == 1 else None
    # From one day of February to that of March it is four weeks too: that alone is a month.
    if often is not None and (often != "four_weeks" or len(gaps) > 1):
        return -(-highest * A_YEAR[often] // 12)
    return _most_in_four_weeks(instalments)


def _most_in_four_weeks(instalments: Sequence[e.Instalment]) -> int:
    most = running = begin = 0
    for each in instalments:
        running += each.amount_minor
        while instalments[begin].due_on <= each.due_on - FOUR_WEEKS:
            running -= instalments[begin].amount_minor
            begin += 1
        most = max(most, running)
    return most
