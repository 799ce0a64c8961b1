"""How the rows of a plan come to be: exact level amounts, and rows of whole minor units."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from duecourse.money.figures import MAX_SUM, Refused, Rounding, posted, within_limit


class Row(NamedTuple):
    principal: int
    interest: int


class EndsEarly(Refused):
    """A plan that is paid off before its last instalment."""


def level_amount(principal: int, balloon: int, rates: Sequence[Fraction]) -> Fraction:
    """The exact equal amount that leaves `balloon` after the last period.

    A = (P·G - B) / Σ G/G_k, where G_k is the growth of the first k periods: for equal rates the
    annuity P·i / (1 - (1+i)^-n). In integers over a common denominator, as the growth of hundreds
    of periods would make fractions slow.
    """
    whole = lcm(*(rate.denominator for rate in rates))
    grown, paid, scale = principal, 0, 1
    for rate in rates:
        factor = whole + rate.numerator * (whole // rate.denominator)
        scale *= whole
        grown, paid = grown * factor, paid * factor + scale
    return Fraction(grown - balloon * scale, paid)


def level_rows(
    principal: int,
    rates: Sequence[Fraction],
    amounts: Sequence[int],
    rounding: Rounding,
    field: str,
) -> list[Row]:
    """Rows of given amounts, which follow from `field`; the last one takes whatever is left.

    Raises EndsEarly when nothing would be left for it, and Refused when an amount is below the
    interest, so that the debt would grow.
    """
    rows: list[Row] = []
    left = principal
    for number, (rate, amount) in enumerate(zip(rates, amounts, strict=True), 1):
        interest = posted(left * rate, rounding)
        last = number == len(rates)
        part = left if last else amount - interest
        if part < 0 or (part == 0 and not interest):
            raise _below_interest(field, number, amount, interest)
        if not last and part >= left:
            raise EndsEarly(
                "count",
                f"the debt would be paid off with instalment {number} of {len(rates)}",
                f"take at most {number}, or smaller amounts",
            )
        rows.append(Row(part, interest))
        left -= part
    return rows


def annuity_rows(
    principal: int, balloon: int, rates: Sequence[Fraction], rounding: Rounding
) -> list[Row]:
    """Equal instalments. Where rounding up would pay a small debt off early, they are rounded down."""
    exact = level_amount(principal, balloon, rates)
    amount = posted(exact, rounding)
    try:
        return level_rows(principal, rates, [amount] * len(rates), rounding, "count")
    except EndsEarly:
        down = exact.numerator // exact.denominator
        if not down:
            raise _too_small(principal, len(rates)) from None
        return level_rows(principal, rates, [down] * len(rates), rounding, "count")


def equal_principal_rows(
    principal: int, rates: Sequence[Fraction], rounding: Rounding
) -> list[Row]:
    part, rows, left = principal // len(rates), list[Row](), principal
    if not part:
        raise _too_small(principal, len(rates))
    for number, rate in enumerate(rates, 1):
        here = left if number == len(rates) else part
        rows.append(Row(here, posted(left * rate, rounding)))
        left -= here
    return rows


def equal_part_rows(principal: int, count: int) -> list[Row]:
    if principal < count:
        raise _too_small(principal, count)
    part = principal // count
    return [Row(part, 0)] * (count - 1) + [Row(principal - part * (count - 1), 0)]


def rows_of_amount(
    principal: int, rates: Sequence[Fraction], amount: int, rounding: Rounding
) -> list[Row]:
    """As many instalments of `amount` as it takes; the last one is what is left."""
    rows: list[Row] = []
    left = principal
    for number, rate in enumerate(rates, 1):
        interest = posted(left * rate, rounding)
        part = min(left, amount - interest)
        if part <= 0:
            raise _below_interest("amount_minor", number, amount, interest)
        rows.append(Row(part, interest))
        left -= part
        if not left:
            return rows
    raise Refused(
        "amount_minor", f"more than {len(rates)} instalments would be needed", "take a larger one"
    )


def interest_only_rows(principal: int, rates: Sequence[Fraction], rounding: Rounding) -> list[Row]:
    rows = [Row(0, posted(principal * rate, rounding)) for rate in rates]
    for number, row in enumerate(rows, 1):
        if not row.interest:
            raise Refused(
                "grace_periods",
                f"instalment {number} would be of nothing, as it bears no interest",
                "use a deferral, under which nothing is due",
            )
    return rows


def spread(total: int, count: int) -> list[int]:
    """Equal parts, the last with the residue; unlike an instalment, a part may be 0."""
    part = total // count
    return [part] * (count - 1) + [total - part * (count - 1)]


def checked_total(rows: Sequence[Row]) -> int:
    return within_limit(sum(row.principal + row.interest for row in rows), "percent", MAX_SUM)


def _below_interest(field: str, number: int, amount: int, interest: int) -> Refused:
    return Refused(
        field,
        f"instalment {number} of {amount} minor units would not pay off anything, as the interest"
        f" of its period is {interest}",
        "take larger amounts, fewer instalments or an earlier first day",
    )


def _too_small(principal: int, count: int) -> Refused:
    return Refused(
        "count",
        f"{principal} minor units in {count} instalments would leave some of nothing",
        f"take at most {principal}",
    )
