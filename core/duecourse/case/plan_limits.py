"""What the law leaves a plan to bear: no interest on interest unasked, and none above the cap."""

from datetime import date
from fractions import Fraction
from typing import Final
from uuid import UUID

from duecourse.case.commands import OfferPlan
from duecourse.case.errors import Invalid
from duecourse.case.ledger import account_of, cap_request
from duecourse.case.plan_terms import PlanTerms
from duecourse.case.state import Case, DebtAccount
from duecourse.money.account import run_account
from duecourse.money.accrual_profiles import accrual_profile
from duecourse.money.amounts import format_minor
from duecourse.money.cap_rules import Cap
from duecourse.money.caps import CapMeter
from duecourse.money.figures import Refused, decimal_text, share_of
from duecourse.money.plan_terms import PaymentPlan

_TELLS_APART: Final = frozenset({"annuity", "equal_principal", "balloon"})


def bearing_minor(case: Case, command: OfferPlan, terms: PlanTerms, left: int) -> int:
    """What bears the plan's interest: the principal, unless all of the balance may, and is said to.

    `left` is what is to be repaid. Raises Invalid where the rest cannot be told apart.
    """
    debts = _debts(case, command.currency)
    principal = sum(each.outstanding.principal for each in debts.values())
    if not share_of(terms.percent) or principal == left:
        return left
    if terms.interest_on == "balance":
        _check_compounding(case, debts)
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


def _check_compounding(case: Case, debts: dict[UUID, DebtAccount]) -> None:
    for key, account in debts.items():
        agreed, owed = case.ledger.terms.get(key), account.outstanding
        if agreed is None or not owed.interest + owed.penalty:
            continue
        profile = accrual_profile(agreed.profile)
        if profile.compounding == "forbidden":
            raise Invalid(
                f"the profile {profile.name!r} does not let interest bear interest"
                f" ({profile.citation}): leave it out",
                "terms.interest_on",
            )


def check_caps(case: Case, terms: PlanTerms, bearing: int, plan: PaymentPlan, today: date) -> None:
    """Each debt bears the plan's interest by what is owed on it: no more than its own cap allows."""
    cost = sum(x.interest_minor + x.deferred_interest_minor for x in plan.instalments)
    cost += plan.capitalised_minor
    if not cost:
        return
    currency = plan.currency
    debts = _debts(case, currency)
    total = sum(each.outstanding.total for each in debts.values())
    try:
        for key, account in debts.items():
            agreed = case.ledger.terms.get(key)
            if agreed is None or agreed.cap is None:
                continue
            meter = CapMeter(cap_request(agreed, agreed.cap, currency), today)
            share = Fraction(account.outstanding.total, total)
            _check_rate(meter, account, terms, bearing * share, today)
            debt = run_account(account_of(case, currency), today).debts[str(key)].running
            room = debt.room_beside_rates(today, plan.last_on)
            if room is not None and cost * share > room:
                left = f"{format_minor(max(room, 0), currency)} {currency}"
                raise Invalid(
                    f"interest above the cap, which leaves {left} ({_name(meter.cap)})",
                    "terms.percent",
                )
    except Refused as refused:
        raise Invalid(f"the cap of a debt is not known: {refused}", "terms.percent") from None


def _check_rate(
    meter: CapMeter, account: DebtAccount, terms: PlanTerms, bearing: Fraction, today: date
) -> None:
    # ACT/360 bears a 360th of its rate for each of 365 days.
    year = Fraction(365, 360) if terms.basis == "ACT/360" else Fraction(1)
    for part, a_day in meter.per_day(today, account.outstanding.principal):
        most = a_day * 365 / (bearing * year)
        if "interest" in part.heads and share_of(terms.percent) > most:
            raise Invalid(
                f"above the cap in force, which allows {_percent(most)} % here"
                f" ({_name(meter.cap)})",
                "terms.percent",
            )


def _percent(share: Fraction) -> str:
    """Rounded down, so that what is named is within the cap."""
    return decimal_text(Fraction(int(share * 1_000_000), 10_000))


def _name(cap: Cap) -> str:
    return f"{cap.name}: {cap.citation}"


def _debts(case: Case, currency: str) -> dict[UUID, DebtAccount]:
    return {
        key: each
        for key, each in case.active_debts.items()
        if each.debt.currency == currency and each.outstanding.total
    }
