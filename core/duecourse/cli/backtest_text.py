"""The report of a back-test: as Markdown for people, as JSON for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date
from typing import Final, Self
from uuid import UUID

import msgspec

from duecourse.flow.backtest import Question
from duecourse.rules.backtest import Counts, Example, Group, Report, RuleGroup
from duecourse.rules.pack import RuleBook

SHOWN_CASES: Final = 5
SHOWN_IN_TABLES: Final = 3
SHOWN_ROWS: Final = 50
_SHOWN_OF_ID: Final = 8

_MOMENTS: Final[Mapping[str, str]] = {
    "request": "when asked for",
    "dispatch": "when about to leave",
}
_REASONS: Final[Mapping[str, str]] = {
    "no_pack_in_force": "no pack asked was in force on that day;"
    " `--as-if-in-force` asks them all the same",
    "no_pack_for_the_place": "no pack asked holds where the debtor lives;"
    " choose its `--pack`, or `--place` a place that a pack holds in",
    "no_baseline_in_force": "no pack of the baseline was in force on that day;"
    " `--as-if-in-force` asks them all the same",
    "no_baseline_for_the_place": "no pack of the baseline holds where the debtor lives;"
    " choose its `--baseline`",
}
_NOTES: Final = """\
- A decision is one asking of the gate: when a contact is requested, and for a message once more
  when it is about to leave. One contact can therefore be two decisions.
- Each is judged on what was known at its very moment. What was only learnt later, such as an
  opt-out, changes nothing.
- History stays as it happened: a contact that would now be refused still counts against the caps of
  those after it, and one that would now be allowed was never made.
- A decision is told under the rule that decides, the strictest; one that is newly allowed under the
  rule that refused it before."""


class PackName(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: str
    title: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, so that the answer can be read without the command line.

    `baseline` is None for what was recorded; `position` is where the log ended.
    """

    packs: list[PackName]
    baseline: list[PackName] | None
    since: date | None
    until: date | None
    creditor: str
    place: str
    time_zone: str
    as_if_in_force: bool
    position: int

    @classmethod
    def of(cls, question: Question, position: int, *, as_if_in_force: bool) -> Self:
        baseline = question.baseline
        return cls(
            packs=_names(question.book),
            baseline=None if baseline is None else _names(baseline),
            since=question.since,
            until=question.until,
            creditor=question.creditor,
            place=question.place,
            time_zone=question.time_zone,
            as_if_in_force=as_if_in_force,
            position=position,
        )


def _names(book: RuleBook) -> list[PackName]:
    return [PackName(name=p.name, version=p.version, title=p.title) for p in book.packs]


def as_text(asked: Asked, report: Report) -> str:
    """One JSON object, with every case; the path of a case in the API is `/cases/{id}`."""
    whole = {"asked": asked} | msgspec.structs.asdict(report)
    return msgspec.json.format(msgspec.json.encode(whole)).decode()


def headline(counts: Counts) -> str:
    """The whole result in one sentence."""
    return (
        f"Of {counts.decisions:,} decisions {counts.newly_refused:,} would be newly refused and"
        f" {counts.newly_allowed:,} newly allowed; {counts.unchanged:,} stay as they were"
        f" ({counts.still_allowed:,} allowed, {counts.still_refused:,} refused), and"
        f" {counts.not_replayable:,} cannot be replayed."
    )


def markdown(asked: Asked, report: Report) -> str:
    return "\n".join(_lines(asked, report))


def _lines(asked: Asked, report: Report) -> Iterator[str]:
    law = [pack for pack in asked.packs if pack.name != "core"]
    yield f"# Back-test: {', '.join(map(str, law)) or 'the core alone'}"
    yield ""
    yield f"**{headline(report.total)}**"
    yield ""
    yield from _table(("what was asked", ""), _asked_rows(asked))
    if report.by_rule:
        yield from _section("By rule", *_filled(_rule_header(), map(_rule_row, report.by_rule)))
        yield from _cases_of(report.by_rule)
    yield from _segments(report)
    yield from _not_replayed(report)
    yield "## How to read this"
    yield ""
    yield _NOTES


def _asked_rows(asked: Asked) -> Iterator[tuple[str, str]]:
    yield "the rules", "; ".join(f"{pack}: {_cell(pack.title)}" for pack in asked.packs)
    if asked.baseline is None:
        yield "compared with", "the answers recorded at the time, by the rules of that time"
    else:
        titles = "; ".join(f"{pack}: {_cell(pack.title)}" for pack in asked.baseline)
        yield "compared with", f"what these rules say: {titles}"
    if asked.place:
        yield "where", f"the rules are asked as if every debtor lived in {asked.place}"
    if asked.place or asked.time_zone:
        yield "by which clock", asked.time_zone or "each debtor's own"
    since, until = asked.since or "the beginning", asked.until or "the end"
    yield "days", f"from {since} to {until}, on the debtor's own clock"
    if asked.creditor:
        yield "creditor", _cell(asked.creditor)
    if asked.as_if_in_force:
        yield "dates", "set aside: the rules are asked about every day, in force then or not"
    yield "log", f"up to position {asked.position}"


# --- tables ----------------------------------------------------------------------------------


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = list(rows)
    if not lines:
        return
    yield f"## {title}"
    yield ""
    yield from _table(header, lines[:SHOWN_ROWS])
    if len(lines) > SHOWN_ROWS:
        yield f"And {len(lines) - SHOWN_ROWS:,} more; `--json` has them all."
        yield ""


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _rule_header() -> Sequence[str]:
    return (
        "rule",
        "newly refused",
        "of these by it alone",
        "newly allowed",
        "still refused",
        "what it says",
        "source",
    )


def _rule_row(group: RuleGroup) -> Sequence[str]:
    counts = group.counts
    numbers = (counts.newly_refused, group.alone, counts.newly_allowed, counts.still_refused)
    source = f"{group.citation} ({group.confidence})"
    return (f"`{group.name}`", *map(_number, numbers), _cell(group.says), _cell(source))


def _segments(report: Report) -> Iterator[str]:
    """A table for each way to divide the decisions; what they have in common on one line."""
    moments = [
        Group(name=words, counts=group.counts, cases=group.cases)
        for name, words in _MOMENTS.items()
        for group in report.by_moment
        if group.name == name
    ]
    divided = {
        "channel": report.by_channel,
        "moment": moments,
        "creditor": report.by_creditor,
        "product": report.by_product,
        "jurisdiction": report.by_jurisdiction,
        "stage": report.by_stage,
    }
    for title, groups in divided.items():
        if len(groups) > 1:
            yield from _section(f"By {title}", *_filled(_header(title), map(_row, groups)))
    same = [
        f"{title} {_cell(groups[0].name)}" for title, groups in divided.items() if len(groups) == 1
    ]
    if same:
        yield f"All decisions have in common: {', '.join(same)}."
        yield ""


def _header(title: str) -> Sequence[str]:
    return (
        title,
        "decisions",
        "newly refused",
        "newly allowed",
        "unchanged",
        "not replayable",
        "cases newly refused",
        "cases newly allowed",
    )


def _row(group: Group) -> Sequence[str]:
    counts = group.counts
    numbers = (
        counts.decisions,
        counts.newly_refused,
        counts.newly_allowed,
        counts.unchanged,
        counts.not_replayable,
    )
    cases = (
        _links(group.cases.newly_refused, SHOWN_IN_TABLES),
        _links(group.cases.newly_allowed, SHOWN_IN_TABLES),
    )
    return (_cell(group.name), *map(_number, numbers), *cases)


def _filled(
    header: Sequence[str], rows: Iterable[Sequence[str]]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Without the columns that say nothing in any row."""
    lines = list(rows)
    kept = [at for at in range(len(header)) if any(line[at] not in {"", "0"} for line in lines)]
    return [header[at] for at in kept], [[line[at] for at in kept] for line in lines]


def _number(number: int) -> str:
    return f"{number:,}"


def _cell(words: str) -> str:
    """Words of others, which may hold what Markdown takes for its own."""
    return " ".join(words.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _links(case_ids: Sequence[UUID], most: int = SHOWN_CASES) -> str:
    shown = ", ".join(map(_link, case_ids[:most]))
    more = len(case_ids) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def _link(case_id: UUID) -> str:
    """The end of the id, as the beginnings are alike: they are the time."""
    return f"[{str(case_id)[-_SHOWN_OF_ID:]}](/cases/{case_id})"


# --- cases -----------------------------------------------------------------------------------


def _cases_of(groups: Sequence[RuleGroup]) -> Iterator[str]:
    """For each rule that changes something the cases, and one decision in full."""
    changing = [group for group in groups if group.examples]
    if not changing:
        return
    yield "### Cases by rule"
    yield ""
    for group in changing[:SHOWN_ROWS]:
        if group.cases.newly_refused:
            yield f"- `{group.name}` newly refuses in {_links(group.cases.newly_refused)}"
        if group.cases.newly_allowed:
            yield f"- `{group.name}` no longer refuses in {_links(group.cases.newly_allowed)}"
        yield f"  - for example {_example(group.examples[0])}"
    yield ""


def _example(example: Example) -> str:
    inputs = ", ".join(f"{name}: {value}" for name, value in example.inputs.items())
    at = f"{example.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"{example.channel} at {at}, {_link(example.case_id)} ({_cell(inputs)})"


def _not_replayed(report: Report) -> Iterator[str]:
    reasons = sorted(report.not_replayable.items())
    rows = [(_number(count), _REASONS[reason]) for reason, count in reasons]
    yield from _section("Not replayable", ("decisions", "why, and what helps"), rows)
    if report.unreadable:
        count = len(report.unreadable)
        yield "## Not readable"
        yield ""
        yield (
            f"The history of {count:,} case{'' if count == 1 else 's'} cannot be read to the end,"
            f" and what was decided after that is not counted: {_links(report.unreadable)}."
        )
        yield ""
