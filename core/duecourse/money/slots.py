"""The order of your own: twelve slots, three times four heads, each filled before the next."""

from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import Final, Literal

from duecourse.money.allocation import Bucket, pro_rata
from duecourse.money.amounts import Buckets
from duecourse.money.figures import Refused

Slot = Literal[
    "past_due.penalty", "past_due.fee", "past_due.principal", "past_due.interest",
    "due.penalty", "due.fee", "due.principal", "due.interest",
    "in_advance.penalty", "in_advance.fee", "in_advance.principal", "in_advance.interest",
]  # fmt: skip
Future = Literal["next", "last", "pro_rata"]
"""Which instalment that is not due yet is paid first."""

_TIMES: Final = ("past_due", "due", "in_advance")
_HEADS: Final[dict[str, tuple[Bucket, ...]]] = {
    "penalty": ("penalty",),
    "fee": ("costs", "fees"),
    "principal": ("principal",),
    "interest": ("interest",),
}
_ALL: Final = {f"{time}.{head}" for time, head in product(_TIMES, _HEADS)}


def pour_slots(
    amount_minor: int,
    owed: Sequence[tuple[Buckets, date]],
    slots: Sequence[Slot],
    as_of: date,
    future: Future,
) -> list[Buckets]:
    """Go through the slots; in each, the instalments of its time, the earliest due first."""
    if set(slots) != _ALL or len(slots) != len(_ALL):
        missing = ", ".join(sorted(_ALL - set(slots))) or "none, but some come twice"
        raise Refused("slots", "each of the twelve must come once", f"missing: {missing}")
    paid = [dict[str, int]() for _ in owed]
    left = amount_minor
    for slot in slots:
        time, _, head = slot.partition(".")
        rows = [i for i, (_, due_on) in enumerate(owed) if _time(due_on, as_of) == time]
        rows.sort(key=lambda i: owed[i][1], reverse=time == "in_advance" and future == "last")
        shared = time == "in_advance" and future == "pro_rata"
        for bucket in _HEADS[head]:
            wanted = [getattr(owed[i][0], bucket) for i in rows]
            given = pro_rata(left, wanted) if shared else _in_turn(left, wanted)
            for row, share in zip(rows, given, strict=True):
                paid[row][bucket] = share
            left -= sum(given)
    return [Buckets(**each) for each in paid]


def _time(due_on: date, as_of: date) -> str:
    if due_on == as_of:
        return "due"
    return "past_due" if due_on < as_of else "in_advance"


def _in_turn(amount: int, wanted: Sequence[int]) -> list[int]:
    given = []
    for each in wanted:
        part = min(amount, each)
        given.append(part)
        amount -= part
    return given
