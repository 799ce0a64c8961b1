"""What no message to a debtor may say: the last look at a text before it leaves.

Threats, false urgency, shaming, disclosure, pretending, legal claims that are not true for the
case, and figures that the case does not have. Pure; it reads both languages in every text.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

import msgspec

from duecourse.rules.lint_book import (
    Lint,
    LintBook,
    LintError,
    LintKind,
    LintLanguage,
    Negation,
    Truth,
    read_book,
)
from duecourse.rules.lint_figures import figures, value_of
from duecourse.rules.lint_text import CLAUSE_END, SENTENCE_END, Plain, is_han, readings
from duecourse.rules.lint_tone import FEWEST, HOSTILE, PLAIN, tone
from duecourse.rules.situation import Confidence

MOST_FINDINGS: Final = 20
"""Of one lint in one text; after that nobody learns anything."""
_BACK: Final = 90
_AROUND: Final = 80
_NEAR: Final = 120
_BESIDE: Final = 60
_MOSTLY: Final = 4
_WORDS: Final = re.compile("[A-Za-z]+")
_LETTERS: Final = {"en": re.compile("[a-z]"), "zh": re.compile("[\u3400-\u9fff]")}
_SENTENCE: Final = re.compile(f"[^{SENTENCE_END}]{{1,400}}")
_TALKS: Final = frozenset({"reminder", "negotiation", "pre_legal", "legal"})
_JUDGED: Final = frozenset({"payment_order", "judgment"})
_ENFORCED: Final = frozenset({"enforcement_started"})
_SERVED: Final = frozenset({"served", "opposed"})


class LintFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is true of the case. What is left out counts as not true.

    `referral` is how far the legal referral has come, `court` what the court has answered so far.
    `amounts` are plain decimals; None leaves figures unchecked.
    `names` are those of people, companies and their addresses in the text; they have no tone.
    """

    stage: str = ""
    referral: Literal["none", "proposed", "approved", "filed"] = "none"
    court: frozenset[str] = frozenset()
    time_barred: bool = False
    amounts: frozenset[str] | None = None
    names: frozenset[str] = frozenset()

    def truths(self) -> frozenset[Truth]:
        """Of a time-barred debt nothing legal may be said at all."""
        if self.time_barred:
            return frozenset()
        steps: tuple[tuple[Truth, bool], ...] = (
            ("may_be_considered", self.stage in _TALKS),
            ("review_announced", self.referral != "none"),
            ("claim_decided", self.referral in {"approved", "filed"}),
            ("claim_filed", self.referral == "filed"),
            ("served", self.referral == "filed" and not self.court.isdisjoint(_SERVED | _JUDGED)),
            ("judged", self.referral == "filed" and not self.court.isdisjoint(_JUDGED | _ENFORCED)),
            ("enforced", self.referral == "filed" and not self.court.isdisjoint(_ENFORCED)),
        )
        return frozenset(truth for truth, holds in steps if holds)


class LintFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must not be said. `where` is [start, end) in the text as given.

    `quote` may name a person: it is not for logs or reasons.
    """

    id: str
    kind: LintKind
    says: str
    citation: str
    confidence: Confidence
    where: tuple[int, int]
    quote: str


def lint(text: str, language: LintLanguage, facts: LintFacts) -> tuple[LintFinding, ...]:
    """Read `text` in every language; findings in order of place, `language` first.

    Takes time in proportion to the length and never raises, whatever the text.
    """
    found = {(each.id, each.where): each for each in _read(shipped_book(), text, facts)}
    if facts.amounts is not None:
        found |= {(each.id, each.where): each for each in strange_figures(text, facts.amounts)}
    return tuple(
        sorted(
            found.values(),
            key=lambda each: (each.where, not each.id.startswith(language), each.id),
        )
    )


@cache
def shipped_book() -> LintBook:
    """The lints that are shipped. Raises BadFile when one is wrong or its examples fail."""
    book = read_book()
    check_book(book)
    return book


def check_book(book: LintBook) -> None:
    """Try every example. Raises LintError at the first that does not come out as written."""
    for each in book.lints:
        entry = each.entry
        barred = LintFacts(time_barred=entry.barred_only)
        for example in entry.caught:
            if each.name not in _names(book, example, barred):
                raise LintError(f"lint {each.name}: does not catch its example {example!r}")
            if entry.unless and each.name in _names(book, example, _TRUE_OF_ALL):
                raise LintError(f"lint {each.name}: speaks of {example!r} although it is true")
        for example in entry.passes:
            spoken = _names(book, example, barred)
            if spoken:
                said = ", ".join(sorted(spoken))
                raise LintError(f"lint {each.name}: {example!r} should pass, but {said} speaks")


_TRUE_OF_ALL: Final = LintFacts(
    stage="legal",
    referral="filed",
    court=frozenset({"served", "judgment", "enforcement_started"}),
)


def _names(book: LintBook, text: str, facts: LintFacts) -> set[str]:
    return {each.id for each in _read(book, text, facts)}


def _read(book: LintBook, text: str, facts: LintFacts) -> Iterator[LintFinding]:
    truths = facts.truths()
    views = readings(text)
    spoken_of = truths - {"may_be_considered"}
    legal = {each.language: each.firm for each in book.lints if each.entry.barred_only}
    nameless = _without_names(text, facts.names)
    heard = views if nameless == text else readings(nameless)
    yield from _hostile(text, heard, book, legal if spoken_of else {})
    written = {language for language, some in _LETTERS.items() if some.search(views[0].text)}
    distinct = tuple({view.text: view for view in views}.values())
    for each in book.lints:
        if each.language not in written:
            continue
        if each.entry.unless in truths or (each.entry.barred_only and not facts.time_barred):
            continue
        for view in distinct:
            if each.may_speak(view.text):
                yield from _speak(each, view, book.negations[each.language], text)


def _without_names(text: str, names: frozenset[str]) -> str:
    """The text with blanks in the place of names, so that all else stays where it is."""
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " " * len(name))
    return text


def _speak(each: Lint, view: Plain, negation: Negation, text: str) -> Iterator[LintFinding]:
    entry, found = each.entry, 0
    for start, end in _spots(each, view.text):
        if entry.negatable and _is_negated(view.text, start, end, negation):
            continue
        if each.calm and each.calm.search(_around(view.text, start, end, SENTENCE_END, _NEAR)):
            continue
        if _is_exempt(each.exempt, view.text, start, end):
            continue
        where = view.where(start, end)
        yield LintFinding(
            id=each.name,
            kind=entry.kind,
            says=entry.says,
            citation=entry.citation,
            confidence=entry.confidence,
            where=where,
            quote=text[slice(*where)],
        )
        found += 1
        if found == MOST_FINDINGS:
            return


def _spots(each: Lint, text: str) -> Iterator[tuple[int, int]]:
    """Where it may speak: firm patterns anywhere, broad ones where the tone is not plain."""
    if each.firm:
        yield from _matches(each.firm, text)
    if each.broad:
        sounds = tone(each.language)
        for start, end in _matches(each.broad, text):
            # The clause too: a polite beginning excuses no threat after the comma.
            near = (_around(text, start, end, mark) for mark in (SENTENCE_END, CLAUSE_END))
            if max(sounds.score(said, each.language) for said in near) > PLAIN:
                yield start, end


def _hostile(
    text: str,
    views: tuple[Plain, ...],
    book: LintBook,
    legal: dict[LintLanguage, re.Pattern[str] | None],
) -> Iterator[LintFinding]:
    """Whole sentences whose tone is that of a threat, whatever their words.

    What a court has to do with is left to the lints that know what is true of the case, and what
    denies that anything of the kind will happen does not count.
    """
    found = 0
    readings_of: tuple[tuple[LintLanguage, Plain], ...] = (("en", views[0]), ("zh", views[1]))
    for language, view in readings_of:
        for sentence in _SENTENCE.finditer(view.text):
            sounds, said = tone(language), sentence[0]
            where = view.where(*sentence.span())
            if len(sounds.known(said, language)) < FEWEST or _is_foreign(
                text[slice(*where)], language
            ):
                continue
            near = view.text[max(0, sentence.start() - _BESIDE) : sentence.end() + _BESIDE]
            if min(sounds.score(each, language) for each in (said, near)) < HOSTILE:
                continue
            if (known := legal.get(language)) and known.search(said):
                continue
            rest = _without_denials(said, book, language)
            if rest != said and (
                len(sounds.known(rest, language)) < FEWEST or sounds.score(rest, language) < HOSTILE
            ):
                continue
            weighed = ", ".join(sounds.heaviest(said, language))
            yield LintFinding(
                id=f"{language}.tone",
                kind="threat",
                says=f"The sentence sounds like a threat or a reproach; most weigh: {weighed}.",
                citation="Duecourse principle: nobody is frightened into paying",
                confidence="house",
                where=where,
                quote=text[slice(*where)],
            )
            found += 1
            if found == MOST_FINDINGS:
                return


def _without_denials(said: str, book: LintBook, language: LintLanguage) -> str:
    """The sentence without the clauses that say no to what a lint looks for."""
    negation = book.negations[language]
    denied = {
        said.count(CLAUSE_END, 0, start)
        for each in book.lints
        if each.language == language and each.entry.negatable
        for pattern in (each.firm, each.broad)
        if pattern
        for start, end in _matches(pattern, said)
        if _is_negated(said, start, end, negation)
        or _is_exempt(negation.harmless, said, start, end)
    }
    clauses = enumerate(said.split(CLAUSE_END))
    return CLAUSE_END.join(
        clause for at, clause in clauses if at not in denied or _has(negation.postponed, clause)
    )


def _is_foreign(sentence: str, language: LintLanguage) -> bool:
    """A Chinese name in an English sentence has no tone, nor an English one in a Chinese one."""
    chinese = sum(map(is_han, sentence))
    if language == "en":
        return chinese > len(_WORDS.findall(sentence))
    latin = sum(each.isascii() and each.isalpha() for each in sentence)
    return latin > _MOSTLY * chinese


def _around(text: str, start: int, end: int, mark: str, near: int = _BESIDE) -> str:
    """What stands around the words up to the nearest marks, as far as is near."""
    floor = max(0, start - near)
    begin = max(text.rfind(each, floor, start) + 1 for each in {mark, SENTENCE_END})
    ends = (text.find(each, end, end + near) for each in {mark, SENTENCE_END})
    until = min((each for each in ends if each >= 0), default=end + near)
    return text[max(begin, floor) : until]


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Every match that begins where a word does; Chinese characters are words of their own."""
    at = 0
    while match := pattern.search(text, at):
        start, end = match.span()
        if end == start:
            at = end + 1
        elif _is_latin(text[start]) and start and _is_latin(text[start - 1]):
            at = start + 1
        else:
            yield start, end
            at = end


def _is_latin(character: str) -> bool:
    return "a" <= character <= "z" or "0" <= character <= "9"


def _is_negated(text: str, start: int, end: int, negation: Negation) -> bool:
    """Whether a no reaches the words: in the same clause, closely before them or inside them."""
    floor = max(0, start - _BACK, text.rfind(SENTENCE_END, max(0, start - _BACK), start) + 1)
    comma = text.rfind(CLAUSE_END, floor, start)
    while comma >= 0 and negation.joiner and negation.joiner.match(text, comma + 1):
        comma = text.rfind(CLAUSE_END, floor, comma)
    begin = max(comma + 1, floor)
    for spot, last in _matches(negation.negator, text[begin:end]):
        gap = text[begin + last : max(start, begin + last)]
        if _has(negation.stopper, gap or text[begin + last : end]):
            continue
        if negation.reach and negation.reach.sub("", gap).strip(f" {CLAUSE_END}"):
            continue
        if not _has(negation.undone_by, text[begin : begin + spot]):
            return True
    return False


def _has(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is not None and any(_matches(pattern, text))


def _is_exempt(exempt: re.Pattern[str] | None, text: str, start: int, end: int) -> bool:
    """Whether the words lie in a context that makes them harmless."""
    if exempt is None:
        return False
    floor = max(0, start - _AROUND)
    near = text[floor : end + _AROUND]
    spans = ((floor + a, floor + b) for a, b in _matches(exempt, near))
    return any(a < end and start < b for a, b in spans)


def strange_figures(text: str, amounts: frozenset[str]) -> Iterator[LintFinding]:
    known = set(map(value_of, amounts))
    for where, value in figures(text):
        if value and value not in known:
            yield LintFinding(
                id="core.figure",
                kind="figure",
                says="This amount is none of the case's own: not owed, not paid, not agreed.",
                citation="Duecourse principle: a message names only the amounts of the case",
                confidence="house",
                where=where,
                quote=text[slice(*where)],
            )


__all__ = [
    "LintError", "LintFacts", "LintFinding", "LintKind", "LintLanguage",
    "check_book", "lint", "shipped_book", "strange_figures",
]  # fmt: skip
