"""Which entries of a request count, on which days; and what cannot be meant."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from duecourse.money.figures import Refused
from duecourse.money.interest_terms import Entry, InterestRequest
from duecourse.money.recurrence import months_after

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}
_TURN: Final = {"charge": 0, "payment": 1, "waiver": 2}


def entries_by_day(request: InterestRequest) -> dict[date, list[Entry]]:
    """What counts, by value date: nothing reversed, nothing that was booked too late to be known."""
    entries = [
        entry
        for entry in request.entries
        if request.known_by is None or (entry.booked_on or entry.on) <= request.known_by
    ]
    undone = _undone(request, entries)
    by_day: dict[date, list[Entry]] = {}
    for number, entry in enumerate(request.entries):
        if not request.start <= entry.on < request.end:
            raise Refused(
                f"entries[{number}].on",
                f"{entry.on} is not within {request.start} and before {request.end}",
                "put what was before into the opening, or take a longer period",
            )
    for entry in entries:
        if entry.kind != "reversal" and not (entry.entry_id and entry.entry_id in undone):
            by_day.setdefault(entry.on, []).append(entry)
    for day in by_day.values():
        day.sort(key=lambda entry: _TURN[entry.kind])
    return by_day


def _undone(request: InterestRequest, entries: list[Entry]) -> set[str]:
    named = [entry.entry_id for entry in request.entries if entry.entry_id]
    if len(named) > len({*named}):
        raise Refused("entries", "an entry_id comes twice", "give each entry an id of its own")
    can_be_undone = {e.entry_id for e in request.entries if e.entry_id and e.kind != "reversal"}
    for number, entry in enumerate(request.entries):
        _check_entry(entry, f"entries[{number}]", can_be_undone)
    return {entry.reverses for entry in entries if entry.reverses}


def _check_entry(entry: Entry, field: str, can_be_undone: set[str]) -> None:
    is_reversal = entry.kind == "reversal"
    if is_reversal != bool(entry.reverses):
        raise Refused(f"{field}.reverses", "goes with a reversal, and only with one", "correct it")
    if is_reversal and entry.reverses not in can_be_undone:
        raise Refused(f"{field}.reverses", "names no entry that can be undone", "name an entry_id")
    if is_reversal == bool(entry.amount_minor):
        raise Refused(
            f"{field}.amount_minor",
            "is above 0, but for a reversal 0: that undoes the whole entry",
            "correct it",
        )


def check_freezes(request: InterestRequest) -> None:
    for number, freeze in enumerate(request.freezes):
        field = f"freezes[{number}]"
        if not freeze.heads:
            raise Refused(f"{field}.heads", "holds nothing back", "name a head, or leave it out")
        if freeze.end is not None and freeze.end <= freeze.start:
            raise Refused(f"{field}.end", "is not after the start", "correct it")
        if freeze.released_on is None:
            continue
        if freeze.effect == "not_accrued":
            raise Refused(
                f"{field}.released_on", "what never accrued cannot be released", "leave it out"
            )
        if freeze.released_on < (freeze.end or freeze.start):
            raise Refused(
                f"{field}.released_on", "is before the freeze is over", "give the end or later"
            )


def compounding_days(request: InterestRequest) -> Iterator[date]:
    if not request.compounding:
        return
    step, number = _MONTHS[request.compounding], 1
    while (day := months_after(request.start, number * step)) < request.end:
        yield day
        number += 1
