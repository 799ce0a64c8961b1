"""What does not fit in an input, in words that name the field and say what may stand there.

msgspec says that a value is none of a list but not which there are, and shows a pattern as it is
written in the code. The type that was asked for knows both. The value itself is never repeated: it
may be somebody's name, or a password.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import inspect

from duecourse.money.currencies import NOT_KNOWN

MOST_LISTED: Final = 20
_CLOSEST: Final = 5

# Greedy, because a value that is quoted before the place may have anything in it.
_PLACED: Final = re.compile(r"(.*) - at (?:`key` in )?`\$\.?(.*)`", re.DOTALL)
_STEP: Final = re.compile(r"\[(\d+|\.\.\.)\]|([^.\[\]]+)")
_NO_VALUE: Final = re.compile(r"Invalid (?:enum )?value (.*)", re.DOTALL)
_NO_MATCH: Final = re.compile(r"Expected `str` matching regex (.*)", re.DOTALL)
_PLAIN: Final = re.compile(r"[\w./:+-]+")
_ANCHORED: Final = re.compile(r"\^(.*?)(?:\$|\\Z)", re.DOTALL)
_MAY_BE_EMPTY: Final = re.compile(r"\((.*)\)\?", re.DOTALL)

# By the pattern without its anchors: what a text is not, what to do, and an example for a field that
# has none of its own. A test looks that no field of ours has a pattern without its words.
_FORMS: Final[dict[str, tuple[str, str, str]]] = {
    "[A-Z]{3}": (NOT_KNOWN, "use the ISO 4217 code in capitals", "CNY"),
    "[A-Z]{2}": ("is not a country", "use the two capitals of ISO 3166", "CN"),
    r"(0|[1-9][0-9]{0,3})(\.[0-9]{1,8})?": (
        "is not a percentage",
        "write it as text, in plain digits",
        "12.5",
    ),
    r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,8})?": (
        "is not a percentage",
        "write it as text, in plain digits, with a minus if it is below zero",
        "-0.88",
    ),
    "[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}": (
        "is not a name",
        "use letters, digits and . _ : / -, at most 100, and begin with a letter or digit",
        "A-1",
    ),
    "[A-Za-z0-9][A-Za-z0-9._:-]*": (
        "is not a code",
        "use letters, digits and . _ : -, and begin with a letter or digit",
        "A-1",
    ),
    "[A-Za-z0-9._:-]*": ("is not a code", "use letters, digits and . _ : -", "cn-lpr-1y"),
    "[a-z][a-z0-9-]{0,31}": (
        "is not a channel",
        "use a-z, 0-9 and -, at most 32, and begin with a letter",
        "sms",
    ),
    "[a-z][a-z0-9_-]{0,31}": (
        "is not a word of the rules",
        "use a-z, 0-9, _ and -, at most 32, and begin with a letter",
        "mental_health",
    ),
    "[a-z][a-z0-9_-]{0,63}": (
        "is not a word of the rules",
        "use a-z, 0-9, _ and -, at most 64, and begin with a letter",
        "tcpa",
    ),
    "[a-z0-9][a-z0-9-]{0,39}": (
        "is not an order of payment",
        "use a-z, 0-9 and -, at most 40",
        "cn-561",
    ),
    "[A-Za-z][A-Za-z-]{0,15}": ("is not a limitation law", "use letters and -, at most 16", "cn"),
}


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """`field` is a place such as `debts[0].currency`, empty for the whole; `fix` may be empty."""

    field: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return ": ".join(each for each in (self.field, self.said) if each)

    @property
    def said(self) -> str:
        return "; ".join(each for each in (self.what, self.fix) if each)


def misfit(error: msgspec.ValidationError, kind: Any, given: object = None) -> Misfit:  # noqa: ANN401 - whatever type was asked for
    """What is wrong with an input that was to be a `kind`.

    `given` is the input as plain values. Where structs of several kinds may stand in one place,
    their tag in it tells which one was meant.
    """
    found = _PLACED.fullmatch(str(error))
    words, place = (found[1], found[2]) if found else (str(error), "")
    return misfit_at(place, words, kind, given)


def misfit_at(place: str, words: str, kind: Any, given: object = None) -> Misfit:  # noqa: ANN401
    """As `misfit`, from what msgspec said of a place, such as `terms.rates[0].percent`."""
    if wrong := _NO_VALUE.fullmatch(words):
        types = _types_at(place, kind, given)
        what, fix = _among(wrong[1], [value for each in types for value in _values(each)])
    elif wrong := _NO_MATCH.fullmatch(words):
        what, fix = _formed(wrong[1], _types_at(place, kind, given))
    else:
        what, fix = words, ""
    return Misfit(field=place, what=what, fix=fix)


def _among(given: str, known: list[str]) -> tuple[str, str]:
    what = "is not one of the values that are known here"
    if not known:
        return what, ""
    close = difflib.get_close_matches(given.strip("'\"")[:100], known, n=_CLOSEST, cutoff=0.5)
    ordered = [_word(each) for each in dict.fromkeys((*close, *known))]
    if len(ordered) <= MOST_LISTED:
        return what, f"use one of: {', '.join(ordered)}"
    others = len(ordered) - _CLOSEST
    return what, f"use one of: {', '.join(ordered[:_CLOSEST])}, or of {others} others"


def _word(value: str) -> str:
    """In quotes where it could be overlooked: nothing, a blank, a comma."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _formed(pattern: str, types: Iterable[inspect.Type]) -> tuple[str, str]:
    """In our words, or in those that a plugin has beside its pattern, as its `description`."""
    said = next((each for each in map(_said, types) if repr(each.pattern) == pattern), None)
    if said is None:
        return "is not of its form", ""
    what, fix, example = _form(said.pattern)
    fix = fix or said.description or f"it has to match {said.pattern}"
    example = said.example or example
    return what, f"{fix}, such as {json.dumps(example, ensure_ascii=False)}" if example else fix


def _form(pattern: str) -> tuple[str, str, str]:
    anchored = _ANCHORED.fullmatch(pattern)
    plain = anchored[1] if anchored else pattern
    may_be_empty = _MAY_BE_EMPTY.fullmatch(plain)
    inside = may_be_empty[1] if may_be_empty else plain
    return _FORMS.get(plain) or _FORMS.get(inside) or ("is not of its form", "", "")


# --- the type of a place -------------------------------------------------------------------------


class _Said(msgspec.Struct, frozen=True):
    """What the code says of a text beside its type."""

    pattern: str = ""
    description: str = ""
    example: str = ""


def _said(kind: inspect.Type) -> _Said:
    beside: dict[str, Any] = {}
    while isinstance(kind, inspect.Metadata):
        beside = (kind.extra_json_schema or {}) | beside
        kind = kind.type
    if isinstance(kind, inspect.DictType):
        return _said(kind.key_type)
    pattern = kind.pattern if isinstance(kind, inspect.StrType) else None
    example = next(iter(beside.get("examples", ())), "")
    return _Said(pattern or "", str(beside.get("description", "")), str(example))


def _values(kind: inspect.Type) -> Iterator[str]:
    match _bare(kind):
        case inspect.LiteralType(values=values):
            yield from map(str, values)
        case inspect.EnumType(cls=cls):
            yield from (str(each.value) for each in cls)
        case inspect.DictType(key_type=key):
            yield from _values(key)


def _types_at(place: str, kind: Any, given: object) -> list[inspect.Type]:  # noqa: ANN401
    """What may stand at a place; nothing where msgspec cannot describe the type itself."""
    try:
        found = list(_each(inspect.type_info(kind)))
    except (TypeError, NotImplementedError):
        return []
    for number, name in _STEP.findall(place):
        if name:
            found = [inner for each in found for inner in _field(each, name, given)]
        else:
            found = [inner for each in found for inner in _item(each, number)]
        given = _inside(given, name or number)
    return found


def _inside(given: object, step: str) -> object:
    match given:
        case dict():
            return given.get(step)
        case list() if step.isdigit() and int(step) < len(given):
            return given[int(step)]
        case _:
            return None


def _field(kind: inspect.Type, name: str, given: object) -> Iterator[inspect.Type]:
    kind = _bare(kind)
    if not isinstance(kind, inspect.StructType):
        return
    if name == kind.tag_field:
        yield inspect.LiteralType((kind.tag,))
    meant = given.get(kind.tag_field) if isinstance(given, dict) and kind.tag_field else None
    if meant in (None, kind.tag):
        for field in kind.fields:
            if field.encode_name == name:
                yield from _each(field.type)


def _item(kind: inspect.Type, number: str) -> Iterator[inspect.Type]:
    match _bare(kind):
        case inspect.TupleType(item_types=items):
            yield from _each(items[int(number)])
        case inspect.DictType(value_type=item):
            yield from _each(item)
        case inspect.CollectionType(item_type=item):
            yield from _each(item)


def _each(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The members of a union, with what is said beside each."""
    bare = _bare(kind)
    if isinstance(bare, inspect.UnionType):
        for member in bare.types:
            yield from _each(member)
    else:
        yield kind


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind
