"""`duecourse calc`: the money calculators, JSON in and JSON out. No database, no settings."""

import io
import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import rich_click as click

from duecourse.cli import calc_examples
from duecourse.input_words import misfit
from duecourse.money.accrual_profiles import accrual_profiles
from duecourse.money.affordability import AffordabilityRequest, assess
from duecourse.money.amounts import MAX_MINOR
from duecourse.money.cap_rules import caps
from duecourse.money.cap_terms import CapRequest
from duecourse.money.caps import apply_cap
from duecourse.money.currencies import CURRENCIES, FIX, NOT_KNOWN
from duecourse.money.figures import Refused
from duecourse.money.instalments import compare_plans, make_plan
from duecourse.money.interest import work_out_interest
from duecourse.money.interest_terms import InterestRequest
from duecourse.money.legal_orders import across_orders, within_orders
from duecourse.money.limitation import limitation_clock
from duecourse.money.limitation_laws import law_names, limitation_law
from duecourse.money.limitation_terms import LimitationRequest
from duecourse.money.plan_terms import PlanRequest
from duecourse.money.series import all_series
from duecourse.money.settlements import SettlementRequest, settle
from duecourse.money.waterfall import AllocationRequest, allocate_payment

MAX_INPUT_BYTES: Final = 10_000_000
SEE: Final = "see docs/calc.md"
T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., None])


class PlanAsked(
    PlanRequest, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="ask", tag="plan"
):
    """One plan."""


class ComparisonAsked(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="ask",
    tag="compare",
):
    """Two plans beside each other."""

    a: PlanRequest
    b: PlanRequest


class SettlementAsked(
    SettlementRequest,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="ask",
    tag="settlement",
):
    """Less than is owed, and when the rest is waived."""


class AffordabilityAsked(
    AffordabilityRequest,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="ask",
    tag="affordability",
):
    """An income-and-expenditure form."""


ScheduleAsked: TypeAlias = PlanAsked | ComparisonAsked | SettlementAsked | AffordabilityAsked


@click.group()
def calc() -> None:
    """Work out money exactly: JSON in (a file or standard input), JSON out. Needs no database.

    Amounts are whole minor units (fen, cents, yen); percentages are text, such as "12.5".
    """


def _help(words: str, example: str) -> str:
    # \b keeps the lines of the example as they are.
    return f"{words}\n\nAn example of FILE (- is standard input):\n\n\b\n{example}"


def _calculator(name: str, words: str, example: str) -> Callable[[Command], click.Command]:
    def made(function: Command) -> click.Command:
        file = click.argument("file", type=click.File("rb"), default="-")
        return calc.command(name, help=_help(words, example))(file(function))

    return made


@_calculator(
    "allocate",
    "Where a payment goes: which debt and which head of it, under the law that is named.",
    calc_examples.ALLOCATE,
)
def allocate(file: io.BufferedReader) -> None:
    _answer(file, AllocationRequest, allocate_payment)


@_calculator(
    "schedule",
    'Plans. "ask" is plan, compare, settlement or affordability.',
    calc_examples.SCHEDULE,
)
def schedule(file: io.BufferedReader) -> None:
    _answer(file, ScheduleAsked, _scheduled)


@_calculator(
    "interest",
    "Interest over a timeline, and each line that it came from.",
    calc_examples.INTEREST,
)
def interest(file: io.BufferedReader) -> None:
    _answer(file, InterestRequest, work_out_interest)


@_calculator(
    "cap",
    "What of interest, penalty and fees is above the legal cap, and so not owed.",
    calc_examples.CAP,
)
def cap(file: io.BufferedReader) -> None:
    _answer(file, CapRequest, apply_cap)


@_calculator(
    "limitation",
    "Until when a debt may be taken to court, why, and what would restart the period.",
    calc_examples.LIMITATION,
)
def limitation(file: io.BufferedReader) -> None:
    _answer(file, LimitationRequest, limitation_clock)


@calc.command("profiles")
def profiles() -> None:
    """List every profile, cap, series and law by name, with source and confidence."""
    laws = [limitation_law(name) for name in law_names()]
    books = {
        "allocation": within_orders(),
        "across": across_orders(),
        "accrual": accrual_profiles(),
        "caps": caps(),
        "series": all_series(),
        "limitation": laws,
    }
    _write(books)


def _scheduled(asked: ScheduleAsked) -> msgspec.Struct:
    match asked:
        case PlanAsked():
            return make_plan(asked)
        case ComparisonAsked():
            return compare_plans(asked.a, asked.b)
        case SettlementAsked():
            return settle(asked)
        case AffordabilityAsked():
            return assess(asked)


def _answer(file: io.BufferedReader, kind: Any, work: Callable[[Any], msgspec.Struct]) -> None:  # noqa: ANN401 - the kind may be a union
    name = getattr(file, "name", "-")
    try:
        _write(work(_read(file, kind)))
    except Refused as refused:
        raise click.UsageError(f"{name}: {refused}") from refused


def _write(answer: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2))


def _read(file: io.BufferedReader, kind: Any) -> Any:  # noqa: ANN401
    raw = file.read(MAX_INPUT_BYTES + 1)
    if len(raw) > MAX_INPUT_BYTES:
        raise Refused("input", f"is larger than {MAX_INPUT_BYTES} bytes", "ask in smaller parts")
    given: object = None
    try:
        given = json.loads(raw, object_pairs_hook=_each_once)
        asked = msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise _refused(error, kind, given) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("input", f"is not JSON ({_plain(str(error))})", "mend it there") from error
    parts = {"a.": asked.a, "b.": asked.b} if isinstance(asked, ComparisonAsked) else {"": asked}
    for where, part in parts.items():
        currency = getattr(part, "currency", None)
        if currency is not None and currency not in CURRENCIES:
            raise Refused(f"{where}currency", f"{currency!r} {NOT_KNOWN}", FIX)
    return asked


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused("input", "a field comes twice in one object", "give it once")
    return found


def _refused(error: msgspec.ValidationError, kind: Any, given: object) -> Refused:  # noqa: ANN401
    wrong = misfit(error, kind, given)
    field = wrong.field or "input"
    if f"<= {MAX_MINOR}" in wrong.what:
        return Refused(field, f"is above the limit of {MAX_MINOR} minor units", "take less")
    return Refused(field, _plain(wrong.what), wrong.fix or SEE)


def _plain(words: str) -> str:
    return re.sub(r"[;\s]+", " ", words.replace("`", "")).strip()
