"""The lints: what no message may say, as it stands in `lints/*.toml`.

A lint whose examples are missing or do not come out as written does not load. Patterns are regular
expressions over folded text (see `lint_text`), bounded so that reading takes linear time:
`…` stands for a few characters of one clause, `……` for some more of one sentence, `~3` for at most
three words, and `<name>` for any word of a class in `lints/*-words.toml`.
"""

import re
from importlib import resources
from typing import Annotated, Final, Literal, Self

import msgspec

from duecourse.rules.kinds import Citation, RuleId, Words
from duecourse.rules.lint_beginnings import beginnings
from duecourse.rules.lint_text import SENTENCE_END
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
_UNBOUNDED: Final = re.compile(r"(?<!\\)[*+]|\{\d*,\}|\)\{(?![01],[1-5]\})|\\\d|\(\?[^:!=<]")
_STEPS: Final = re.compile(
    r"\\.|\[[^\]]*\]|\{(?:\d*,)?(?P<bound>\d+)\}|~(?P<few>[1-5])|(?P<step>[(|)])"
)
_FEW: Final = re.compile(r"~([1-5])")
_WORDS: Final = "(?: [a-z0-9]{1,14}"
_CLASS: Final = re.compile(r"<([a-z_]+)>")
_BEFORE: Final = {"en": "(?<![a-z0-9])", "zh": ""}
_AFTER: Final = {"en": "(?![a-z0-9])", "zh": ""}

Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=1500)]
Patterns = Annotated[tuple[Pattern, ...], msgspec.Meta(min_length=1, max_length=200)]
Classes = dict[str, Annotated[tuple[Pattern, ...], msgspec.Meta(min_length=1, max_length=500)]]
Example = Annotated[str, msgspec.Meta(min_length=2, max_length=500)]


class LintError(BadFile):
    """A lint that must not be used. Names the file, the lint and the example."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One lint as it is written.

    `patterns` are firm; those that are `broad` speak only where the tone is not plain.
    `exempt` are contexts in which the same words are harmless, `calm` what makes a whole sentence
    so; `unless` is the truth that makes a
    legal claim lawful; `barred_only` speaks of time-barred debts alone. A lint that is not
    `negatable` speaks also where the words are negated.
    """

    id: RuleId
    kind: LintKind
    says: Words
    citation: Citation
    confidence: Confidence
    patterns: tuple[Pattern, ...] = ()
    broad: tuple[Pattern, ...] = ()
    exempt: tuple[Pattern, ...] = ()
    calm: tuple[Pattern, ...] = ()
    unless: Truth | None = None
    barred_only: bool = False
    negatable: bool = True
    caught: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]
    passes: Annotated[tuple[Example, ...], msgspec.Meta(min_length=1)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All lints of one language. `harmless` are contexts in which none of them speaks.

    A negator lets words through that follow it closely: `stoppers` in between end its reach,
    `undone_by` before it takes its force. It goes on past a comma where a clause of `joiners` begins.
    What is only `postponed` ("not yet") may still be a threat by its tone.
    """

    language: LintLanguage
    negators: Patterns
    stoppers: tuple[Pattern, ...] = ()
    reach: tuple[Pattern, ...] = ()
    joiners: tuple[Pattern, ...] = ()
    undone_by: Patterns
    postponed: tuple[Pattern, ...] = ()
    harmless: Patterns
    words: Classes = {}
    lints: Annotated[tuple[_Entry, ...], msgspec.Meta(min_length=1, max_length=500)]


class _WordFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The classes of words that the patterns of one language are composed of.

    A class may name those that stand before it.
    """

    words: Classes


class Lint(msgspec.Struct, frozen=True):
    """One lint, ready to read with. `begins` finds where what it looks for could begin."""

    language: LintLanguage
    entry: _Entry
    firm: re.Pattern[str] | None
    broad: re.Pattern[str] | None
    exempt: re.Pattern[str] | None
    calm: re.Pattern[str] | None
    begins: re.Pattern[str] | None

    @property
    def name(self) -> str:
        return f"{self.language}.{self.entry.id}"

    def may_speak(self, text: str) -> bool:
        """Whether it is worth while to look closer; most lints have nothing to say of a text."""
        return self.begins is None or self.begins.search(text) is not None


class Negation(msgspec.Struct, frozen=True):
    """How one language says no. What lies between the no and the words must fit `reach`."""

    negator: re.Pattern[str]
    stopper: re.Pattern[str] | None
    reach: re.Pattern[str] | None
    joiner: re.Pattern[str] | None
    undone_by: re.Pattern[str]
    postponed: re.Pattern[str] | None
    harmless: re.Pattern[str]


class LintBook(msgspec.Struct, frozen=True):
    lints: tuple[Lint, ...]
    negations: dict[LintLanguage, Negation]

    @classmethod
    def of(cls, *files: _File) -> Self:
        """Compile what was read. Raises LintError for a pattern that cannot be bounded."""
        spellers = {file.language: _Speller.of(file) for file in files}
        lints = tuple(
            _lint(spellers[file.language], entry, file.harmless)
            for file in files
            for entry in file.lints
        )
        names = [lint.name for lint in lints]
        for name in names:
            if names.count(name) > 1:
                raise LintError(f"lint {name}: there are two of this id")
        negations = {file.language: _negation(spellers[file.language], file) for file in files}
        return cls(lints, negations)


def read_book() -> LintBook:
    """Read `lints/*.toml`; the examples are not tried yet. Raises BadFile."""
    return LintBook.of(*(_read_file(language) for language in LANGUAGES))


def parse(document: object) -> LintBook:
    """As read from a file. Raises msgspec.ValidationError or LintError."""
    return LintBook.of(msgspec.convert(document, _File))


def _read_file(language: LintLanguage) -> _File:
    folder = resources.files("duecourse.rules") / "lints"
    words = read(folder / f"{language}-words.toml", _WordFile).words
    return msgspec.structs.replace(read(folder / f"{language}.toml", _File), words=words)


class _Speller(msgspec.Struct, frozen=True):
    """Makes one expression of the patterns of a language."""

    language: LintLanguage
    classes: dict[str, str]

    @classmethod
    def of(cls, file: _File) -> Self:
        classes: dict[str, str] = {}
        for name, words in file.words.items():
            where = f"words of {file.language}: {name}"
            spelled = "|".join(cls(file.language, classes).spell(each, where) for each in words)
            classes[name] = f"(?:{spelled}){_AFTER[file.language]}"
        return cls(file.language, classes)

    def spell(self, pattern: str, where: str) -> str:
        """The pattern with its gaps and classes written out."""
        bounded = re.sub(r"(?<!\\)\.(?=\{)", f"[^{SENTENCE_END}]", pattern)
        for gap, meaning in _GAPS[self.language].items():
            # What follows a gap begins a word.
            bounded = re.sub(f"{gap}(?=[^|)…])", meaning + _BEFORE[self.language], bounded)
            bounded = bounded.replace(gap, meaning)
        unknown = set(_CLASS.findall(bounded)) - set(self.classes)
        if unknown:
            raise LintError(f"{where}: there is no class of words <{min(unknown)}>")
        bounded = _CLASS.sub(lambda found: self.classes[found[1]], bounded)
        _check_bounded(bounded, f"{where}: pattern {pattern!r}")
        return bounded

    def compile(self, patterns: tuple[str, ...], where: str) -> re.Pattern[str]:
        """One expression of all, between the ends of words."""
        before, after = _BEFORE[self.language], _AFTER[self.language]
        return re.compile(f"{before}(?:{self.join(patterns, where)}){after}")

    def join(self, patterns: tuple[str, ...], where: str) -> str:
        spelled = "|".join(f"(?:{self.spell(each, where)})" for each in patterns)
        spelled = _FEW.sub(lambda found: _WORDS * int(found[1]) + ")?" * int(found[1]), spelled)
        try:
            re.compile(spelled)
        except re.error as error:
            raise LintError(f"{where}: {error}") from error
        return spelled


def _lint(speller: _Speller, entry: _Entry, harmless: Patterns) -> Lint:
    where = f"lint {speller.language}.{entry.id}"
    if not (entry.patterns or entry.broad):
        raise LintError(f"{where}: give it `patterns` or `broad`")
    firm = speller.compile(entry.patterns, where) if entry.patterns else None
    broad = speller.compile(entry.broad, where) if entry.broad else None
    return Lint(
        language=speller.language,
        entry=entry,
        firm=firm,
        broad=broad,
        exempt=re.compile(speller.join((*harmless, *entry.exempt), where)),
        calm=speller.compile(entry.calm, where) if entry.calm else None,
        begins=beginnings([firm, broad]),
    )


def _negation(speller: _Speller, file: _File) -> Negation:
    where = f"lints of {file.language}"
    return Negation(
        negator=speller.compile(file.negators, where),
        stopper=speller.compile(file.stoppers, where) if file.stoppers else None,
        reach=re.compile(speller.join(file.reach, where)) if file.reach else None,
        joiner=re.compile(speller.join(file.joiners, where)) if file.joiners else None,
        undone_by=speller.compile(file.undone_by, where),
        postponed=speller.compile(file.postponed, where) if file.postponed else None,
        harmless=re.compile(speller.join(file.harmless, where)),
    )


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
        if bound := each["bound"] or each["few"]:
            branches[-1][-1] *= int(bound) + 1
        elif each["step"] == "(":
            branches.append([1])
        elif each["step"] == "|":
            branches[-1].append(1)
        elif each["step"] == ")" and len(branches) > 1:
            inner = max(branches.pop())
            branches[-1][-1] *= inner
    return max(max(each) for each in branches)
