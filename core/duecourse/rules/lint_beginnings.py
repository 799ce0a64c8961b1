"""What a match of a pattern can begin with, so that most lints are done with most texts at a glance.

Python's own parser of patterns says it. It is not documented; where it says anything unknown, the
text is simply read.
"""

import re
from collections.abc import Iterable
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

Span = tuple[int, int]
"""A range of characters, the last included."""
_NO_WIDTH: Final = frozenset({op.AT, op.ASSERT, op.ASSERT_NOT})
_REPEATED: Final = frozenset({op.MAX_REPEAT, op.MIN_REPEAT})


class _Anything(Exception):
    """A match may begin with more than can be listed."""


def beginnings(patterns: Iterable[re.Pattern[str] | None]) -> re.Pattern[str] | None:
    """A pattern that is found in every text in which one of `patterns` is; None if none is known."""
    spans: set[Span] = set()
    try:
        for each in filter(None, patterns):
            can_be_empty = _gather(parser.parse(each.pattern), spans)
            if can_be_empty or each.flags != re.UNICODE:
                return None
    except _Anything:
        return None
    ranges = (f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in sorted(spans))
    return re.compile(f"[{''.join(ranges)}]") if spans else None


def _gather(sequence: Iterable[tuple[Any, Any]], spans: set[Span]) -> bool:
    """Add what the parts can begin with, in turn; whether all of them can be empty."""
    return all(_can_be_empty(kind, value, spans) for kind, value in sequence)


def _can_be_empty(kind: object, value: Any, spans: set[Span]) -> bool:  # noqa: ANN401 - the parser's
    """Whether what stands behind this part may be the beginning as well."""
    if kind in _NO_WIDTH:
        return True
    if kind is op.BRANCH:
        return any([_gather(each, spans) for each in value[1]])  # noqa: C419 - all are gathered
    if kind is op.SUBPATTERN:
        _, flags_on, flags_off, inside = value
        if flags_on or flags_off:
            raise _Anything
        return _gather(inside, spans)
    if kind in _REPEATED:
        return _gather(value[2], spans) or value[0] == 0
    for part, what in value if kind is op.IN else [(kind, value)]:
        if part is op.LITERAL:
            spans.add((what, what))
        elif part is op.RANGE:
            spans.add(what)
        else:
            raise _Anything
    return False
