"""What the limitation clock is asked, and what it answers."""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.figures import Confidence, Name, Words
from duecourse.money.limitation_laws import Act, Contract, Feature

MAX_EVENTS: Final = 500
Status = Literal["not_started", "running", "suspended", "pending", "expired"]
Applied = Literal[
    "restarted", "suspended", "pending", "judgment", "no_effect", "too_early", "too_late"
]  # fmt: skip


class LimitationEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act on its day; `until` is the last day of what lasts (a suit, talks, an obstacle).

    `has` says what is proved of it: a demand that arrived, a writing that was signed.
    """

    on: date
    act: Act
    until: date | None = None
    has: frozenset[Feature] = frozenset()
    evidence: Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)] = ()
    note: Words = ""


class LimitationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt and what happened to it until `as_of`.

    `starts_on` is the day on which it fell due (in instalments, where the law says so, the last);
    `known_on` when the creditor came to know, if that was later. `proposed` is an act that is
    thought of, to see what it would do.
    """

    law: Name
    contract: Contract = "written"
    starts_on: date
    known_on: date | None = None
    events: Annotated[tuple[LimitationEvent, ...], msgspec.Meta(max_length=MAX_EVENTS)] = ()
    as_of: date
    warn_days: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1, le=3_650)], ...], msgspec.Meta(max_length=20)
    ] = (180, 90, 30)
    proposed: LimitationEvent | None = None


class LimitationStep(msgspec.Struct, frozen=True, kw_only=True):
    """What one event did. No `expires_on`: what keeps the period from running has no end yet."""

    on: date
    act: Act
    applied: Applied
    expires_on: date | None
    says: str
    citation: str
    confidence: Confidence
    evidence: tuple[str, ...]


class WouldRestart(msgspec.Struct, frozen=True, kw_only=True):
    """An act that on this day would give the creditor a new period."""

    act: Act
    needs: tuple[str, ...]
    expires_on: date | None
    says: str
    citation: str
    confidence: Confidence


class LimitationWarning(msgspec.Struct, frozen=True, kw_only=True):
    kind: Literal["before_expiry", "expired", "unsure", "before_act"]
    on: date
    says: str


class LimitationClock(msgspec.Struct, frozen=True, kw_only=True):
    """Where the clock stands. `expires_on` is the last day on which the debt can be taken to court.

    `sure_expires_on` is that day without what rests on a source that nobody read (C), and by the
    shortest reading where courts differ: what is not sure may not open the way to a court, so
    `may_file` asks both. `after_judgment`: the period is that of a judgment, to enforce it.
    """

    law: str
    title: str
    citation: str
    confidence: Confidence
    as_of: date
    status: Status
    began_on: date
    expires_on: date | None
    sure_expires_on: date | None
    days_left: int | None
    may_file: bool
    after_judgment: bool
    start_note: str
    steps: tuple[LimitationStep, ...]
    would_restart: tuple[WouldRestart, ...]
    warnings: tuple[LimitationWarning, ...]
