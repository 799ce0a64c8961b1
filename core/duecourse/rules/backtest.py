"""Past answers of the gate beside those of other rules: compared, counted, grouped."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from duecourse.rules.pack import Pack, RuleBook
from duecourse.rules.situation import Verdict

Change = Literal[
    "newly_refused", "newly_allowed", "still_allowed", "still_refused", "not_replayable"
]
Moment = Literal["request", "dispatch"]

CHANGED: Final[tuple[Change, ...]] = ("newly_refused", "newly_allowed")
MOST_EXAMPLES: Final = 3
_ANY_DAY: Final = date(1900, 1, 1)

# What the gate says where it has no law to ask, and why that is no answer of the packs compared.
_LACKING: Final[Mapping[str, str]] = {
    "no_pack_in_force": "no_pack_in_force",
    "unknown_jurisdiction": "no_pack_for_the_place",
}
_BASELINE_LACKING: Final[Mapping[str, str]] = {
    "no_pack_in_force": "no_baseline_in_force",
    "unknown_jurisdiction": "no_baseline_for_the_place",
}


class Answer(msgspec.Struct, frozen=True):
    """Yes, or no with the rule that decided. `alone`: no other rule refused."""

    allowed: bool
    rule: str = ""
    says: str = ""
    citation: str = ""
    confidence: str = ""
    inputs: dict[str, str] = {}
    alone: bool = False


YES: Final = Answer(allowed=True)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One past asking of the gate, by what it is grouped by."""

    channel: str
    moment: Moment
    creditor: str
    product: str
    jurisdiction: str
    stage: str


def answer_of(verdict: Verdict) -> Answer:
    refusing = [finding for finding in verdict.findings if finding.blocks]
    if not refusing:
        return YES
    first = refusing[0]
    return Answer(
        allowed=False,
        rule=first.rule,
        says=first.says,
        citation=first.citation,
        confidence=first.confidence,
        inputs=first.inputs,
        alone=len(refusing) == 1,
    )


def compared(before: Answer, after: Answer, *, is_judged: bool = False) -> tuple[Change, str]:
    """What changes, and the rule that makes it so, or why nothing can be said.

    `is_judged`: `before` is the answer of other packs, not what was recorded.
    """
    if after.rule in _LACKING and after.rule != before.rule:
        return "not_replayable", _LACKING[after.rule]
    if is_judged and before.rule in _BASELINE_LACKING and after.rule != before.rule:
        return "not_replayable", _BASELINE_LACKING[before.rule]
    if after.allowed:
        return ("still_allowed", "") if before.allowed else ("newly_allowed", before.rule)
    return ("newly_refused" if before.allowed else "still_refused"), after.rule


def as_if_always(book: RuleBook) -> RuleBook:
    """The packs as they stand once their newest rule has come, in force on every day."""
    return RuleBook(tuple(_undated(pack) for pack in book.packs))


def _undated(pack: Pack) -> Pack:
    newest = max(pack.effective_from, *(rule.effective_from for rule in pack.rules))
    rules = tuple(
        replace(rule, effective_from=_ANY_DAY, effective_to=None)
        for rule in pack.rules
        if rule.effective_to is None or rule.effective_to >= newest
    )
    return replace(pack, rules=rules, effective_from=_ANY_DAY, effective_to=None)


# --- the report ------------------------------------------------------------------------------


class Counts(msgspec.Struct, kw_only=True):
    """Each decision is in one of five; `unchanged` are the two that still are what they were."""

    decisions: int = 0
    newly_refused: int = 0
    newly_allowed: int = 0
    unchanged: int = 0
    still_allowed: int = 0
    still_refused: int = 0
    not_replayable: int = 0

    def add(self, change: Change, count: int) -> None:
        self.decisions += count
        setattr(self, change, getattr(self, change) + count)
        self.unchanged = self.still_allowed + self.still_refused


class Cases(msgspec.Struct, kw_only=True):
    """The cases with such decisions, in the order of their ids."""

    newly_refused: list[UUID] = []
    newly_allowed: list[UUID] = []


class Group(msgspec.Struct, kw_only=True):
    """The decisions that have one thing in common."""

    name: str
    counts: Counts
    cases: Cases


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that comes out otherwise, and what the rule saw."""

    change: Change
    case_id: UUID
    at: datetime
    channel: str
    inputs: dict[str, str]


class RuleGroup(Group, kw_only=True):
    """The decisions that a rule makes. `alone`: newly refused, and by no other rule as well.

    A newly allowed one is told under the rule that refused it, which now is silent.
    """

    says: str = ""
    citation: str = ""
    confidence: str = ""
    alone: int = 0
    examples: list[Example] = []


class Report(msgspec.Struct, kw_only=True):
    """`unreadable` are cases whose history cannot be read; their decisions are not counted."""

    total: Counts
    by_rule: list[RuleGroup]
    by_channel: list[Group]
    by_moment: list[Group]
    by_creditor: list[Group]
    by_product: list[Group]
    by_jurisdiction: list[Group]
    by_stage: list[Group]
    not_replayable: dict[str, int]
    unreadable: list[UUID]


class _Cell(msgspec.Struct):
    count: int = 0
    alone: int = 0
    case_ids: list[UUID] = []


class Tally:
    """Counts by all that decisions are grouped by at once, so that what is kept does not grow."""

    def __init__(self) -> None:
        self.unreadable: list[UUID] = []
        self._cells: dict[tuple[Decision, Change, str], _Cell] = {}
        self._rules: dict[str, Answer] = {}
        self._examples: dict[tuple[str, Change], list[Example]] = {}

    def add(
        self,
        case_id: UUID,
        at: datetime,
        decision: Decision,
        before: Answer,
        after: Answer,
        *,
        is_judged: bool = False,
    ) -> None:
        """All decisions of one case come one after the other."""
        change, rule = compared(before, after, is_judged=is_judged)
        key = (decision, change, rule)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        cell.count += 1
        if change in {"still_allowed", "not_replayable"}:
            return
        speaker = before if change == "newly_allowed" else after
        if rule not in self._rules:
            self._rules[rule] = speaker
        if change in CHANGED:
            cell.alone += speaker.alone
            if not cell.case_ids or cell.case_ids[-1] != case_id:
                cell.case_ids.append(case_id)
            examples = self._examples.setdefault((rule, change), [])
            if len(examples) < MOST_EXAMPLES:
                examples.append(
                    Example(
                        change=change,
                        case_id=case_id,
                        at=at,
                        channel=decision.channel,
                        inputs=speaker.inputs,
                    )
                )

    def report(self) -> Report:
        return Report(
            total=self._total(),
            by_rule=self._by_rule(),
            by_channel=self._by(lambda decision: decision.channel),
            by_moment=self._by(lambda decision: decision.moment),
            by_creditor=self._by(lambda decision: decision.creditor),
            by_product=self._by(lambda decision: decision.product),
            by_jurisdiction=self._by(lambda decision: decision.jurisdiction),
            by_stage=self._by(lambda decision: decision.stage),
            not_replayable=self._reasons(),
            unreadable=self.unreadable,
        )

    def _total(self) -> Counts:
        total = Counts()
        for (_, change, _), cell in self._cells.items():
            total.add(change, cell.count)
        return total

    def _reasons(self) -> dict[str, int]:
        reasons: dict[str, int] = {}
        for (_, change, reason), cell in self._cells.items():
            if change == "not_replayable":
                reasons[reason] = reasons.get(reason, 0) + cell.count
        return reasons

    def _by(self, name_of: Callable[[Decision], str]) -> list[Group]:
        names = {name_of(decision) for decision, _, _ in self._cells}
        return [
            _group(
                name,
                ((key[1], cell) for key, cell in self._cells.items() if name_of(key[0]) == name),
            )
            for name in sorted(names)
        ]

    def _by_rule(self) -> list[RuleGroup]:
        groups = [self._rule_group(rule) for rule in self._rules]
        return sorted(
            groups,
            key=lambda group: (
                -group.counts.newly_refused,
                -group.counts.newly_allowed,
                -group.counts.still_refused,
                group.name,
            ),
        )

    def _rule_group(self, rule: str) -> RuleGroup:
        words = self._rules[rule]
        cells = [
            (change, cell)
            for (_, change, decided_by), cell in self._cells.items()
            if decided_by == rule and change != "not_replayable"
        ]
        group = _group(rule, cells)
        return RuleGroup(
            name=rule,
            counts=group.counts,
            cases=group.cases,
            says=words.says,
            citation=words.citation,
            confidence=words.confidence,
            alone=sum(cell.alone for change, cell in cells if change == "newly_refused"),
            examples=[
                example for change in CHANGED for example in self._examples.get((rule, change), [])
            ],
        )


def _group(name: str, cells: Iterable[tuple[Change, _Cell]]) -> Group:
    counts = Counts()
    cases: dict[Change, set[UUID]] = {change: set() for change in CHANGED}
    for change, cell in cells:
        counts.add(change, cell.count)
        if change in CHANGED:
            cases[change].update(cell.case_ids)
    return Group(
        name=name,
        counts=counts,
        cases=Cases(
            newly_refused=sorted(cases["newly_refused"]),
            newly_allowed=sorted(cases["newly_allowed"]),
        ),
    )
