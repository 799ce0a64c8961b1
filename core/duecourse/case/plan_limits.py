"""What the law leaves a plan to bear: no interest on interest unasked, and none above the cap."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case.commands import OfferPlan
from duecourse.case.errors import Invalid
from duecourse.case.events import Instalment
from duecourse.case.ledger import account_of
from duecourse.case.plan_interest import uncharged
from duecourse.case.plan_shares import bearing, interest_by_debt, plan_debts
from duecourse.case.plan_terms import PlanTerms
from duecourse.case.state import Case, DebtAccount, Plan
from duecourse.money.account import run_account
from duecourse.money.accrual_profiles import accrual_profile
from duecourse.money.amounts import format_minor
from duecourse.money.caps import CapMeter
from duecourse.money.day_counts import year_fraction
from duecourse.money.figures import Refused, decimal_text, share_of
from duecourse.money.legal_places import AgreedOrder
from duecourse.money.recurrence import PER_YEAR, due_days

_LONGEST_HOLIDAY: Final = timedelta(days=14)
_TELLS_APART: Final = frozenset({"annuity", "equal_principal", "balloon"})


def bearing_minor(case: Case, command: OfferPlan, terms: PlanTerms, left: int) -> int:
    """What bears the plan's interest: the principal, unless all of the balance may, and is said to.

    `left` is what is to be repaid. Raises Invalid where the rest cannot be told apart.
    """
    debts = plan_debts(case, command.currency)
    principal = sum(each.outstanding.principal for each in debts.values())
    if not share_of(terms.percent):
        return left
    if _capitalises(terms):
        _check_compounding(case, debts, "terms.deferral")
    if principal == left:
        return left
    if terms.interest_on == "balance":
        owing = [key for key, each in debts.items() if _owes_interest(each)]
        _check_compounding(case, owing, "terms.interest_on")
        return left
    rest = f"{format_minor(left - principal, command.currency)} {command.currency}"
    if not principal:
        raise Invalid(f"no principal is owed, and the {rest} bear no interest", "terms.percent")
    if terms.schedule not in _TELLS_APART:
        raise Invalid(
            f"{rest} of the balance are no principal and bear no interest:"
            f" take one of {', '.join(sorted(_TELLS_APART))}, or a plan without interest",
            "terms.schedule",
        )
    if command.early_payment != "ahead":
        raise Invalid(
            f"{rest} of the balance are no principal and bear no interest:"
            " early money can only count ahead",
            "early_payment",
        )
    return principal


def _capitalises(terms: PlanTerms) -> bool:
    return terms.deferral is not None and terms.deferral.interest == "capitalise"


def _owes_interest(account: DebtAccount) -> bool:
    return bool(account.outstanding.interest + account.outstanding.penalty)


def _check_compounding(case: Case, debts: Iterable[UUID], field: str) -> None:
    for agreed in (case.ledger.terms.get(key) for key in debts):
        if agreed is None:
            continue
        profile = accrual_profile(agreed.profile)
        if profile.compounding == "forbidden":
            raise Invalid(
                f"the profile {profile.name!r} does not let interest bear interest"
                f" ({profile.citation}): leave it out",
                field,
            )


def check_caps(
    case: Case,
    terms: PlanTerms,
    currency: str,
    instalments: Sequence[Instalment],
    *,
    order: AgreedOrder,
    since: date,
) -> None:
    """Each debt bears the plan's interest by what bears it: no more than its own cap allows.

    `since` is the day the plan was drawn up, and `order` where its money will go. Raises Invalid.
    """
    debts = plan_debts(case, currency)
    capped = [key for key in debts if has_cap(case, key)]
    if not capped or not any(each.interest_minor for each in instalments):
        return
    weights = bearing({key: x.outstanding for key, x in debts.items()}, terms.interest_on)
    account = account_of(case, currency)
    caps = {UUID(each.debt_id): each.cap for each in account.debts if each.cap is not None}
    try:
        for key in capped:
            meter = CapMeter(caps[key], since)
            _check_rate(meter, debts[key].outstanding.principal, terms, weights[key], since)
        results = run_account(account, since).debts
        running = {key: results[str(key)].running for key in capped}
        until = instalments[-1].due_on
        rooms = {key: each.room_beside_rates(since, until) for key, each in running.items()}
    except Refused as refused:
        raise Invalid(f"the cap of a debt is not known: {refused}", "terms.percent") from None
    if all(room is None for room in rooms.values()):
        return
    borne = interest_by_debt(case, currency, instalments, terms.interest_on, order)
    for key, room in rooms.items():
        if room is not None and borne[key] > room:
            left = f"{format_minor(max(room, 0), currency)} {currency}"
            law = f"{running[key].cap_name}: {running[key].cap_citation}"
            raise Invalid(f"interest above the cap, which leaves {left} ({law})", "terms.percent")


def has_cap(case: Case, debt_id: UUID) -> bool:
    agreed = case.ledger.terms.get(debt_id)
    return agreed is not None and agreed.cap is not None


def check_caps_found(case: Case, plan: Plan, order: AgreedOrder) -> None:
    """As `check_caps`, for a plan drawn up before the cap of one of its debts was known.

    Of one that is being kept it looks at what is still to be charged. Raises Invalid.
    """
    if plan.terms is None or not any(has_cap(case, key) for key in plan.cap_unknown):
        return
    instalments, since = plan.instalments, case.today(plan.since)
    if plan.status == "active":
        since = case.today(case.at)
        instalments = tuple(
            replace(each, interest_minor=uncharged(plan, number))
            for number, each in enumerate(instalments, start=1)
            if number > plan.met
        )
    check_caps(case, plan.terms, plan.currency, instalments, order=order, since=since)


def without_cap(
    case: Case, terms: PlanTerms | None, currency: str, instalments: Sequence[Instalment]
) -> tuple[UUID, ...]:
    """The debts that bear interest of the plan, and of which no cap is known."""
    if terms is None or not any(each.interest_minor for each in instalments):
        return ()
    owed = {key: each.outstanding for key, each in plan_debts(case, currency).items()}
    return tuple(
        key
        for key, weight in bearing(owed, terms.interest_on).items()
        if weight and not has_cap(case, key)
    )


def _check_rate(
    meter: CapMeter, principal: int, terms: PlanTerms, bearing_minor: int, day: date
) -> None:
    if not bearing_minor:
        return
    # ACT/360 bears a 360th of its rate for each of 365 days.
    year = Fraction(365, 360) if terms.basis == "ACT/360" else Fraction(1)
    year *= 1 + _capitalised(terms, day)
    for part, a_day in meter.per_day(day, principal):
        most = a_day * 365 / (bearing_minor * year)
        if "interest" in part.heads and share_of(terms.percent) > most:
            raise Invalid(
                f"above the cap in force, which allows {_percent(most)} % here"
                f" ({meter.cap.name}: {meter.cap.citation})",
                "terms.percent",
            )


def _capitalised(terms: PlanTerms, since: date) -> Fraction:
    """What a deferral adds to what bears interest, as a share of it. The cap knows no such principal."""
    if terms.deferral is None or not _capitalises(terms):
        return Fraction(0)
    periods = terms.deferral.periods
    if terms.basis == "periodic":
        return share_of(terms.percent) * periods / PER_YEAR[terms.every]
    last = due_days(terms.first_on, periods, terms.every, terms.day_of_month)[-1]
    if terms.roll != "none":
        last += _LONGEST_HOLIDAY
    return share_of(terms.percent) * max(year_fraction(since, last, terms.basis), Fraction(0))


def _percent(share: Fraction) -> str:
    """Rounded down, so that what is named is within the cap."""
    return decimal_text(Fraction(int(share * 1_000_000), 10_000))
