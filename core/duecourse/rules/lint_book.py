"""The lints: what no message may say, as it stands in `lints/*.toml`.

A lint whose examples are missing or do not come out as written does not load. Patterns are regular
expressions over folded text (see `lint_text`), bounded so that reading takes linear time:
`…` stands for a few characters of one clause, `……` for some more of one sentence.
"""

import re
from importlib import resources
from typing import Annotated, Final, Literal, Self

import msgspec

from duecourse.rules.kinds import Citation, RuleId, Words
from duecourse.rules.situation import Confidence
from duecourse.rules.toml_files import BadFile, read

LintLanguage = Literal["en", "zh"]
LintKind = Literal[
    "threat", "urgency", "shaming", "disclosure", "deception", "legal_claim", "figure"
]
Truth = Literal[
    "may_be_considered",
    "review_announced",
    "claim_decided",
    "claim_filed",
    "served",
    "judged",
    "enforced",
]
"""What can be true of a case at law; a legal claim is let through when its truth holds."""

LANGUAGES: Final[tuple[LintLanguage, ...]] = ("en", "zh")
MOST_WORK: Final = 20_000
_GAPS: Final = {
    "en": {"……": "[^。]{0,60}", "…": "[^。,]{0,25}"},
    "zh": {"……": "[^。]{0,24}", "…": "[^。,]{0,8}"},
}
_UNBOUNDED: Final = re.compile(r"(?<!\\)[*+]|\{\d*,\}|\)\{|\\\d|\(\?[^:!=<]")
_STEPS: Final = re.compile(r"\\.|\[[^\]]*\]|\{(?:\d*,)?(?P<bound>\d+)\}|(?P<step>[(|)])")
_BEFORE: Final = {"en": "(?<![a-z0-9])", "zh": ""}
_AFTER: Final = {"en": "(?![a-z0-9])", "zh": ""}

Pattern = Annotated[str, msgspec.Meta(min_length=2, max_length=1500)]
Patterns = Annotated[tuple[Pattern, ...], msgspec.Meta(min_length=1, max_length=100)]
Example = Annotated[str, msgspec.Meta(min_length=2, max_length=500)]


class LintError(BadFile):
    """A lint that must not be used. Names the file, the lint and the example."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One lint as it is written.

    `exempt` are contexts in which the same words are harmless; `unless` is the truth that makes a
    legal claim lawful; `barred_only` speaks of time-barred debts alone. A lint that is not
    `negatable` speaks also where the words are negated.
    """

    id: RuleId
    kind: LintKind
    says: Words
    citation: Citation
    confidence: Confidence
    patterns: Patterns
    exempt: tuple[Pattern, ...] = ()
    unless: Truth | None = None
    barred_only: bool = False
    negatable: bool = True
    caught: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]
    passes: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All lints of one language. `harmless` are contexts in which none of them speaks.

    A negator lets words through that follow it closely: `stoppers` in between end its reach,
    `undone_by` before it takes its force.
    """

    language: LintLanguage
    negators: Patterns
    stoppers: tuple[Pattern, ...] = ()
    reach: tuple[Pattern, ...] = ()
    undone_by: Patterns
    harmless: Patterns
    lints: Annotated[tuple[_Entry, ...], msgspec.Meta(min_length=1, max_length=500)]


class Lint(msgspec.Struct, frozen=True):
    """One lint, ready to read with."""

    language: LintLanguage
    entry: _Entry
    pattern: re.Pattern[str]
    exempt: re.Pattern[str] | None

    @property
    def name(self) -> str:
        return f"{self.language}.{self.entry.id}"


class Negation(msgspec.Struct, frozen=True):
    """How one language says no. What lies between the no and the words must fit `reach`."""

    negator: re.Pattern[str]
    stopper: re.Pattern[str] | None
    reach: re.Pattern[str] | None
    undone_by: re.Pattern[str]


class LintBook(msgspec.Struct, frozen=True):
    lints: tuple[Lint, ...]
    negations: dict[str, Negation]

    @classmethod
    def of(cls, *files: _File) -> Self:
        """Compile what was read. Raises LintError for a pattern that cannot be bounded."""
        lints = tuple(_lint(file, entry) for file in files for entry in file.lints)
        names = [lint.name for lint in lints]
        for name in names:
            if names.count(name) > 1:
                raise LintError(f"lint {name}: there are two of this id")
        return cls(lints, {file.language: _negation(file) for file in files})


def read_book() -> LintBook:
    """Read `lints/*.toml`; the examples are not tried yet. Raises BadFile."""
    folder = resources.files("duecourse.rules") / "lints"
    return LintBook.of(*(read(folder / f"{language}.toml", _File) for language in LANGUAGES))


def parse(document: object) -> LintBook:
    """As read from a file. Raises msgspec.ValidationError or LintError."""
    return LintBook.of(msgspec.convert(document, _File))


def _lint(file: _File, entry: _Entry) -> Lint:
    where = f"lint {file.language}.{entry.id}"
    exempt = (*entry.exempt, *file.harmless)
    return Lint(
        language=file.language,
        entry=entry,
        pattern=_compile(entry.patterns, file.language, where, whole=True),
        exempt=_compile(exempt, file.language, where),
    )


def _negation(file: _File) -> Negation:
    where = f"lints of {file.language}"

    def compiled(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
        return _compile(patterns, file.language, where, whole=True) if patterns else None

    return Negation(
        negator=_compile(file.negators, file.language, where, whole=True),
        stopper=compiled(file.stoppers),
        reach=compiled(file.reach),
        undone_by=_compile(file.undone_by, file.language, where, whole=True),
    )


def _compile(
    patterns: tuple[str, ...], language: LintLanguage, where: str, *, whole: bool = False
) -> re.Pattern[str]:
    """One expression of all; `whole` asks that words end where the pattern ends."""
    spelled: list[str] = []
    for pattern in patterns:
        bounded = pattern
        for gap, meaning in _GAPS[language].items():
            # What follows a gap begins a word.
            bounded = re.sub(f"{gap}(?=[^|)…])", meaning + _BEFORE[language], bounded)
            bounded = bounded.replace(gap, meaning)
        _check_bounded(bounded, f"{where}: pattern {pattern!r}")
        spelled.append(bounded)
    after = _AFTER[language] if whole else ""
    try:
        return re.compile("|".join(f"(?:{each}){after}" for each in spelled))
    except re.error as error:
        raise LintError(f"{where}: {error}") from error


def _check_bounded(pattern: str, where: str) -> None:
    """Only bounded repeats of single characters: the work per character stays constant."""
    if _UNBOUNDED.search(pattern):
        raise LintError(f"{where}: write repeats as …, ?, or {{a,b}} after one character")
    if _work(pattern) > MOST_WORK:
        raise LintError(f"{where}: too many gaps; reading would not be quick")


def _work(pattern: str) -> int:
    """How many ways the gaps of the worst branch can be filled."""
    branches = [[1]]
    for each in _STEPS.finditer(pattern):
        if each["bound"]:
            branches[-1][-1] *= int(each["bound"]) + 1
        elif each["step"] == "(":
            branches.append([1])
        elif each["step"] == "|":
            branches[-1].append(1)
        elif each["step"] == ")" and len(branches) > 1:
            inner = max(branches.pop())
            branches[-1][-1] *= inner
    return max(max(each) for each in branches)
