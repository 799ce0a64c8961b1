"""Text as the lint reads it: one way of writing for what people and tricksters write in many.

Width, case, accents, invisible characters, look-alike letters and traditional characters are
folded; what only tears words apart is taken out. Every character remembers where it came from.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import msgspec

from duecourse.rules.toml_files import BadFile, read

SENTENCE_END: Final = "。"
CLAUSE_END: Final = ","
_MOST_FOLDS: Final = 5
# What some screens show as nothing at all, though Unicode calls it a letter or a symbol.
_BLANKS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_APOSTROPHES: Final = frozenset("'\u2019\u2018\u02bc`\u00b4\u2032")
_TEARING: Final = re.compile(r"[^\w\s$@]+|_+")
_ENDS: Final = re.compile(r"[。!?;…\u061f\u0964]|\n\s*\n|\n\s*[-*\u2022]|\.(?=[\s\"')\]])")
_PAUSES: Final = re.compile(r"[,:]")
_LEET: Final = str.maketrans("013457@$", "oleastas")
_LEET_I: Final = str.maketrans("013457@$", "oieastas")
_WORD: Final = re.compile(r"[a-z0-9@$]{3,}")
_MEASURE: Final = re.compile(r"[@$]?[0-9]+(st|nd|rd|th|am|pm|h|hrs?|hours?|days?|k|m|min|weeks?)?")
_SHORT: Final = re.compile(r"(?<![a-z0-9])[a-z0-9]{1,6}(?![a-z0-9])")
_HAN: Final = "\u3400-\u9fff"
_AMONG_HAN: Final = re.compile(
    f"(?<=[{_HAN}]) ?[a-z]{{1,6}} ?(?=[{_HAN}])|(?<![a-z0-9])[a-z]{{1,6}}(?=[{_HAN}])"
)
_SPELLED: Final = re.compile(r"(?<![a-z0-9@$])[a-z0-9@$](?: [a-z0-9@$])+(?![a-z0-9@$])")


Reading = Callable[[str], str]


class Plain(msgspec.Struct, frozen=True):
    """Folded text; character `n` stands for `starts[n]` up to `ends[n]` of the original."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def where(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of a stretch of `text` that is not empty."""
        return self.starts[start], self.ends[end - 1]


class _Folding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pairs of what is written and what is read: characters, short spellings and pinyin."""

    look_alikes: tuple[str, ...]
    traditional: tuple[str, ...]
    shorthand: tuple[str, ...]
    pinyin: tuple[str, ...]


def readings(text: str) -> tuple[Plain, ...]:
    """The ways in which `text` can be read: as it stands, joined, and without strange letters."""
    spaced, joined = (
        _replaced(normalise(text, joined=each), _SHORT, lambda word: _shorthand().get(word, word))
        for each in (False, True)
    )
    found = [spaced, joined]
    if any(map(is_han, joined.text)):
        # Letters between characters stand for some of them, or for nothing.
        found += [
            _replaced(joined, _AMONG_HAN, lambda letters: _pinyin().get(letters, "")),
            _replaced(joined, _AMONG_HAN, lambda _: ""),
        ]
    return tuple(found)


def normalise(text: str, *, joined: bool = False) -> Plain:
    """Fold `text`. `joined` also closes what hyphens, dots and blanks tear apart inside words.

    Normalising again changes nothing. Takes time in proportion to the length.
    """
    pieces = [(each, at) for at, raw in enumerate(text) for each in _fold(raw)]
    letters, places = _without_tearing(pieces, joined=joined)
    plain = "".join(letters)
    if joined:
        plain, places = _spelled_out(plain, places)
    plain = _WORD.sub(lambda word: _unleet(word[0], joined=joined), plain)
    return Plain(plain, tuple(places), tuple(at + 1 for at in places))


def _replaced(plain: Plain, pattern: re.Pattern[str], reading: Reading) -> Plain:
    """The text with each match of `pattern` as `reading` has it."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    last = 0
    for found in pattern.finditer(plain.text):
        start, end = found.span()
        read = reading(found[0].strip())
        text += plain.text[last:start], read
        starts += plain.starts[last:start]
        ends += plain.ends[last:start]
        # All that is read stands for all that was written.
        starts += [plain.starts[start]] * len(read)
        ends += [plain.ends[end - 1]] * len(read)
        last = end
    if not last:
        return plain
    starts += plain.starts[last:]
    ends += plain.ends[last:]
    return Plain("".join([*text, plain.text[last:]]), tuple(starts), tuple(ends))


def is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character >= "\U00020000" or character == "\u3007"


def _without_tearing(pieces: list[tuple[str, int]], *, joined: bool) -> tuple[list[str], list[int]]:
    """Letters and digits, with at most one mark between any two of them."""
    letters: list[str] = []
    places: list[int] = []
    between: list[str] = []
    since = 0
    for each, at in pieces:
        if not (each.isalnum() or each in "@$"):
            since = since if between else at
            between.append(each)
            continue
        if between:
            left = letters[-1] if letters else ""
            mark = _mark(left, "".join(between), each, joined=joined)
            between.clear()
            if mark:
                letters.append(mark)
                places.append(since)
        letters.append(each)
        places.append(at)
    return letters, places


def _mark(left: str, run: str, right: str, *, joined: bool) -> str:
    """What stays of a run that is neither letter nor digit."""
    han = is_han(left) + is_han(right) if left else 0
    digits = left.isdigit() and right.isdigit()
    torn = han > 0 or all(each in _APOSTROPHES for each in run)
    mark = " "
    if not left:
        mark = ""
    elif digits and run in {".", ","}:
        mark = run
    elif _ENDS.search(run) or (han == 1 and "." in run):
        mark = SENTENCE_END
    elif _PAUSES.search(run):
        mark = CLAUSE_END
    elif torn or (joined and not digits and _TEARING.fullmatch(run)):
        mark = ""
    return mark


def _spelled_out(plain: str, places: list[int]) -> tuple[str, list[int]]:
    """`a r r e s t` as one word: three characters or more, two of them letters."""
    kept: list[int] = []
    last = 0
    for run in _SPELLED.finditer(plain):
        single = run[0][::2]
        if len(single) > 2 and sum(each.isalpha() for each in single) > 1:  # noqa: PLR2004 - said above
            kept += range(last, run.start())
            kept += range(run.start(), run.end(), 2)
            last = run.end()
    kept += range(last, len(plain))
    return "".join(plain[n] for n in kept), [places[n] for n in kept]


def _unleet(word: str, *, joined: bool) -> str:
    """`p0lice` is police; `24h` and `$500` stay. A 1 may be an l or an i: one view each."""
    if _MEASURE.fullmatch(word) or sum(each.isalpha() for each in word) < 2:  # noqa: PLR2004 - one letter is a label
        return word
    return word.translate(_LEET if joined else _LEET_I)


@lru_cache(maxsize=20_000)
def _fold(character: str) -> str:
    """One character as it is read; nothing for what is not seen."""
    folded = character
    for _ in range(_MOST_FOLDS):
        wide = unicodedata.normalize("NFKD", folded).casefold()
        again = "".join(_alike().get(each, each) for each in wide if not _is_unseen(each))
        if again == folded:
            break
        folded = again
    return folded


def _is_unseen(character: str) -> bool:
    if character in "\n\t\r" or character in _APOSTROPHES:
        return False
    category = unicodedata.category(character)
    return category in {"Cf", "Cc", "Cs", "Cn", "Co", "Mn", "Me", "Lm"} or character in _BLANKS


@cache
def _folding() -> _Folding:
    return read(resources.files("duecourse.rules") / "lints" / "folding.toml", _Folding)


@cache
def _alike() -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in (*_folding().look_alikes, *_folding().traditional):
        for pair in line.split():
            if len(pair) != 2:  # noqa: PLR2004 - a pair
                raise BadFile(f"folding.toml: {pair!r} is not a pair of characters")
            if pair[0] != pair[1]:
                pairs[pair[0]] = pair[1]
    return pairs


@cache
def _shorthand() -> dict[str, str]:
    return _spellings(_folding().shorthand)


@cache
def _pinyin() -> dict[str, str]:
    return _spellings(_folding().pinyin)


def _spellings(lines: tuple[str, ...]) -> dict[str, str]:
    told: dict[str, str] = {}
    for line in lines:
        written, between, read_as = line.partition("=")
        if not (written and between):
            raise BadFile(f"folding.toml: {line!r} is not written as 'written=read'")
        told[written] = read_as
    return told
