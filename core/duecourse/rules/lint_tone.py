"""How a sentence sounds: a sum of small weights, learned from messages that people sorted.

Words alone miss threats that are only hinted at, and find threats in harmless sentences. The
weights stand in `lints/*-tone.toml`; `tests/support/lint_learning.py` makes
them and says how.
"""

import math
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from duecourse.rules.lint_text import CLAUSE_END, SENTENCE_END, is_han
from duecourse.rules.toml_files import BadFile, read

HOSTILE: Final = 105
"""From here on a sentence is refused for its tone alone, if what stands around it agrees."""
PLAIN: Final = -61
"""Below this the tone excuses a broad pattern, but never a firm one."""
FEWEST: Final = 4
"""Fewer known words than these say nothing."""
_LONGEST: Final = 3
_SHOWN: Final = 4


class Tone(msgspec.Struct, frozen=True):
    """The weights of one language, in hundredths; above zero is hostile."""

    bias: int
    weights: dict[str, int]

    def score(self, sentence: str, language: str) -> int:
        known = self.known(sentence, language)
        return self.bias + round(sum(known.values()) / math.sqrt(len(known) + 1))

    def known(self, sentence: str, language: str) -> dict[str, int]:
        return {
            each: self.weights[each]
            for each in features(sentence, language)
            if each in self.weights
        }

    def heaviest(self, sentence: str, language: str) -> list[str]:
        known = self.known(sentence, language)
        found = sorted(known, key=lambda each: (-known[each], each))
        return [each for each in found if known[each] > 0][:_SHOWN]


class _ToneFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bias: int
    weights: tuple[str, ...]


def features(sentence: str, language: str) -> set[str]:
    """English: words and pairs of words; Chinese: one to three characters."""
    clauses = sentence.replace(SENTENCE_END, CLAUSE_END).split(CLAUSE_END)
    parts = _pairs if language == "en" else _strings
    return {each for clause in clauses for each in parts(clause)}


@cache
def tone(language: str) -> Tone:
    """The shipped weights. Raises BadFile."""
    file = resources.files("duecourse.rules") / "lints" / f"{language}-tone.toml"
    content = read(file, _ToneFile)
    return Tone(content.bias, dict(_weight(each) for each in content.weights))


def _weight(line: str) -> tuple[str, int]:
    feature, between, weight = line.rpartition("=")
    if not between or not weight.lstrip("-").isdigit():
        raise BadFile(f"lint tone: {line!r} is not written as 'word=12'")
    return feature, int(weight)


def _pairs(clause: str) -> Iterator[str]:
    words = clause.split()
    yield from words
    yield from (f"{a} {b}" for a, b in zip(["^", *words], words, strict=False))


def _strings(clause: str) -> Iterator[str]:
    clause = "".join(filter(is_han, clause))
    for length in range(1, _LONGEST + 1):
        yield from (clause[n : n + length] for n in range(len(clause) - length + 1))
