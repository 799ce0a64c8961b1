"""How many verdicts the rules give in a second of processor time, on one core.

python -m bench.rules [ROUNDS]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from duecourse.rules.gate import PastContact, Place, RuleBook, Situation, judge, load_rulebook

_SECONDS: Final = 0.5
_DAYS: Final = 28
_NOON: Final = datetime(2026, 3, 2, 4, tzinfo=UTC)
_NIGHT: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
_NOON_IN_AMERICA: Final = datetime(2026, 3, 2, 18, tzinfo=UTC)

_CN: Final = Situation(
    channel="sms",
    point_id="mobile",
    holder="debtor",
    jurisdiction="CN",
    time_zone="Asia/Shanghai",
    stage="reminder",
    is_closed=False,
    has_debt=True,
    debt_types=frozenset({"consumer_loan"}),
)
_US: Final = replace(
    _CN,
    jurisdiction="US",
    time_zone="America/New_York",
    licence="fdcpa_collector",
    consents=frozenset({"tcpa"}),
    content=frozenset({"opt_out_line"}),
    facts={"validation_notice": date(2026, 2, 2)},
)
_TWO_COASTS: Final = replace(
    _US, other_places=(Place(jurisdiction="US", time_zone="America/Los_Angeles"),)
)
_US_OR_CN: Final = replace(_US, other_places=(Place(jurisdiction="CN", time_zone="Asia/Shanghai"),))

Ask = tuple[Situation, datetime]


def _work() -> dict[str, list[Ask]]:
    return {
        "CN, allowed": _asks(_CN, _NOON),
        "CN, allowed, 50 past": _asks(_CN, _NOON, past=50),
        "CN, allowed, 200 past": _asks(_CN, _NOON, past=200),
        "CN, refused at night": _asks(_CN, _NIGHT),
        "CN, refused at night, 200 past": _asks(_CN, _NIGHT, past=200),
        "CN, refused by a cap": _asks(_CN, _NOON, past=10, every=0.5),
        "CN, refused by a cap, 200 past": _asks(_CN, _NOON, past=200, every=0.5),
        "US, allowed": _asks(_US, _NOON_IN_AMERICA),
        "US, call, refused by a cap": _asks(
            replace(_US, channel="call"), _NOON_IN_AMERICA, past=20, every=0.5
        ),
        "US, two places, allowed in both": _asks(_TWO_COASTS, _NOON_IN_AMERICA),
        "US or CN, night in one of them": _asks(_US_OR_CN, _NOON),
    }


def _asks(wanted: Situation, first: datetime, *, past: int = 5, every: float = 2.5) -> list[Ask]:
    """The same act on each of many days."""
    moments = [first + timedelta(days=day, minutes=day) for day in range(_DAYS)]
    return [(replace(wanted, past=_past(at, past, every)), at) for at in moments]


def _past(at: datetime, count: int, every: float) -> tuple[PastContact, ...]:
    """Contacts `every` so many days, the oldest first; every second one is a message."""
    return tuple(
        PastContact(
            at=at - timedelta(days=1 + every * number),
            channel="call" if number % 2 else "sms",
            point_id="mobile",
            initiator="creditor",
            kind="conversation" if number % 2 else "message",
            party="debtor",
        )
        for number in reversed(range(count))
    )


def _per_second(book: RuleBook, asks: Sequence[Ask]) -> float:
    given, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < _SECONDS:
        for situation, at in asks:
            judge(book, situation, at)
        given += len(asks)
    return given / spent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    rounds = parser.parse_args().rounds
    book, work = load_rulebook(), _work()
    seen: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, asks in work.items():
            seen[name].append(_per_second(book, asks))
    sys.stdout.write("| verdicts | per second | low | high |\n|---|--:|--:|--:|\n")
    for name, rates in seen.items():
        numbers = (statistics.median(rates), min(rates), max(rates))
        sys.stdout.write(f"| {name} | {' | '.join(f'{each:,.0f}' for each in numbers)} |\n")


if __name__ == "__main__":
    main()
