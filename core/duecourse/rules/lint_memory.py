"""The last look at messages that are made from templates, thousands of which differ in little.

What differs is taken out first: names, the case's own amounts, dates, long numbers and codes. What
is left is read once and remembered. Names are read on their own: one that is itself a threat is
found, and no name can excuse, or make, a threat together with what stands beside it.
"""

import re
from functools import cache, lru_cache
from typing import Final

from msgspec.structs import replace

from duecourse.rules.lint import LintFacts, lint, shipped_book, strange_figures
from duecourse.rules.lint_book import LintLanguage
from duecourse.rules.lint_text import is_han

_NAME: Final = {True: "曌", False: "Qxz"}
"""What stands for a name: with Chinese characters in it, or without. No lint knows them."""
_AMOUNT: Final = "88.88"
_MONTHS: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
)
_DATES: Final = (
    (re.compile(r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日"), "8888年8月8日"),
    (re.compile(rf"\b[0-9]{{1,2}} (?:{_MONTHS}) [0-9]{{4}}\b"), "8 August 8888"),
)
_CODE: Final = re.compile(r"(?<![0-9A-Za-z])(?=[A-F]*[0-9])[0-9A-F]{8}(?![0-9A-Za-z])")
_FIGURE: Final = re.compile(r"(?<![0-9.,])[0-9](?:[0-9.,]*[0-9])?")
_LONG_NUMBER: Final = re.compile(r"[0-9]{4,}")


def lints_of(text: str, language: LintLanguage, facts: LintFacts) -> frozenset[str]:
    """The ids of the lints that speak. Their places are what `lint` tells."""
    names = frozenset(filter(None, facts.names))
    bare = replace(facts, amounts=None, names=frozenset())
    found = set(_of_skeleton(_skeleton(text, names, facts.amounts or frozenset()), language, bare))
    for name in names:
        if name in text:
            found |= _of_name(name, language, bare)
    if facts.amounts is not None:
        found.update(each.id for each in strange_figures(text, facts.amounts))
    return frozenset(found)


def _skeleton(text: str, names: frozenset[str], amounts: frozenset[str]) -> str:
    """The text without what differs from one person to the next."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, _NAME[any(map(is_han, name))])
    for date, same in _DATES:
        text = date.sub(same, text)
    text = _FIGURE.sub(lambda figure: _AMOUNT if figure[0] in amounts else figure[0], text)
    text = _CODE.sub("8888888A", text)
    return _LONG_NUMBER.sub(_same_length, text)


def _same_length(number: re.Match[str]) -> str:
    return number[0] if number[0] in _known_numbers() else "8" * len(number[0])


@cache
def _known_numbers() -> frozenset[str]:
    """Those that some lint looks for."""
    book = shipped_book()
    patterns = [
        pattern.pattern
        for each in book.lints
        for pattern in (each.firm, each.broad, each.exempt, each.calm)
        if pattern is not None
    ]
    return frozenset(number for each in patterns for number in _LONG_NUMBER.findall(each))


@lru_cache(maxsize=4_096)
def _of_skeleton(text: str, language: LintLanguage, facts: LintFacts) -> frozenset[str]:
    return frozenset(each.id for each in lint(text, language, facts))


@lru_cache(maxsize=32_768)
def _of_name(name: str, language: LintLanguage, facts: LintFacts) -> frozenset[str]:
    """What is said by a name alone; it has no tone."""
    known = replace(facts, names=frozenset({name}))
    return frozenset(each.id for each in lint(name, language, known))
