"""The rate that each accrual bears on each day."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise

from duecourse.money.figures import Refused, share_of
from duecourse.money.interest_terms import InterestRequest, RateStep
from duecourse.money.series import RateSeries, series


class RateTable:
    """The rates of a request, read once. Raises Refused for steps that do not make sense."""

    def __init__(self, request: InterestRequest) -> None:
        self._steps: list[list[tuple[date, Fraction, RateSeries | None, str]]] = []
        for number, accrual in enumerate(request.accruals):
            field = f"accruals[{number}].rates"
            steps = [
                _step(step, request, f"{field}[{at}]") for at, step in enumerate(accrual.rates)
            ]
            if any(a[0] >= b[0] for a, b in pairwise(steps)):
                raise Refused(
                    field, "are not in the order of their days", "sort them, each day once"
                )
            starts = max(accrual.start or request.start, request.start)
            if steps[0][0] > starts and starts < request.end:
                raise Refused(
                    field, f"the first holds from {steps[0][0]}, after {starts}", "give one for it"
                )
            self._steps.append(steps)

    def changes(self, start: date, end: date) -> Iterator[date]:
        for steps in self._steps:
            for since, _, source, _ in steps:
                yield since
                if source is not None:
                    yield from source.changes_between(start, end)

    def on(self, accrual: int, day: date) -> tuple[Fraction, str]:
        """The share of the principal, and what it is for: a `year` or a `day`."""
        steps = self._steps[accrual]
        _, share, source, per = steps[bisect_right(steps, day, key=lambda each: each[0]) - 1]
        if source is None:
            return share, per
        total = source.share_on(day, f"accruals[{accrual}].rates") + share
        if total < 0:
            raise Refused(
                f"accruals[{accrual}].rates", f"the rate of {day} is below zero", "add points to it"
            )
        return total, per


def _step(
    step: RateStep, request: InterestRequest, field: str
) -> tuple[date, Fraction, RateSeries | None, str]:
    if bool(step.percent) == bool(step.series):
        raise Refused(field, "needs a percent or a series, not both", "give one of them")
    if step.percent:
        return step.since, share_of(step.percent, f"{field}.percent"), None, step.per
    found = series(step.series, request.published, f"{field}.series")
    return step.since, share_of(step.plus, f"{field}.plus"), found, step.per
