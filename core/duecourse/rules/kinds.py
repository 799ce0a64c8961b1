"""The kinds of rule a pack can use, as they stand in its TOML file.

Every kind takes away; none can permit what another forbids. So a pack can only tighten.
"""

from datetime import date, datetime, time
from typing import Annotated, Literal, dataclass_transform

import msgspec

from duecourse.rules.situation import (
    ActiveHold,
    Confidence,
    ContactKind,
    Initiator,
    Outcome,
    Party,
)

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, msgspec.Meta(min_length=10, max_length=500)]
Citation = Annotated[str, msgspec.Meta(min_length=3, max_length=500)]
ChannelName = Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z][a-z0-9-]{0,31})$")]
Channels = Annotated[tuple[ChannelName, ...], msgspec.Meta(min_length=1, max_length=50)]
LocalMoment = Annotated[datetime, msgspec.Meta(tz=False)]
LocalTime = Annotated[time, msgspec.Meta(tz=False)]


class VectorContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A past contact in a vector; `at` is on the vector's clock."""

    at: LocalMoment
    channel: str = "call"
    kind: ContactKind = "conversation"
    point_id: str = "point-1"
    initiator: Initiator = "creditor"
    party: Party = "debtor"


class Vector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An example at the boundary of a rule: what it says of one act at one local time.

    `next` is when the rule falls silent, on the same clock. Of an hour that comes twice,
    `fold = 1` means the second.
    """

    at: LocalMoment
    expect: Outcome
    next: LocalMoment | None = None
    fold: Literal[0, 1] = 0
    time_zone: str = ""
    channel: str = ""
    point_id: str = "point-1"
    holder: str = "debtor"
    is_closed: bool = False
    has_debt: bool = True
    opted_out: frozenset[str] = frozenset()
    holds: tuple[ActiveHold, ...] = ()
    past: Annotated[tuple[VectorContact, ...], msgspec.Meta(max_length=100)] = ()


@dataclass_transform(frozen_default=True, kw_only_default=True)
class RuleData(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True
):
    """What every rule has. In force from and until, both days included, on the debtor's clock.

    `channels` and `except_channels` say which acts the rule binds; `*` is every channel, also
    those of plugins not written yet.
    """

    id: RuleId
    says: Words
    citation: Citation
    confidence: Confidence
    effective_from: date
    effective_to: date | None = None
    channels: Channels = ("*",)
    except_channels: tuple[ChannelName, ...] = ()
    outcome: Literal["advise", "presumed_violation", "block"] = "block"
    note: str = ""
    vectors: Annotated[tuple[Vector, ...], msgspec.Meta(max_length=200)] = ()

    def binds(self, channel: str) -> bool:
        return includes(self.channels, channel) and channel not in self.except_channels

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )


def includes(channels: tuple[str, ...], channel: str) -> bool:
    return "*" in channels or channel in channels


class QuietHours(RuleData, kw_only=True, tag="quiet_hours"):
    """No contact while the debtor's clock shows [start, end)."""

    start: LocalTime
    end: LocalTime

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError("`start` and `end` are the same; a rule that never ends is no window")


class MaxContacts(RuleData, kw_only=True, tag="max_contacts"):
    """At most `limit` contacts in the window, this one included.

    `calendar_day` is the day on the debtor's clock. `rolling_days` can be read as `days`
    calendar days, today included, or as `days` times 24 hours; `stricter` takes both.
    `counted_channels` left out means the channels that the rule binds.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    window: Literal["calendar_day", "rolling_days"]
    days: Annotated[int, msgspec.Meta(ge=1, le=92)] = 1
    reading: Literal["stricter", "calendar", "hours"] = "stricter"
    counts: Annotated[tuple[ContactKind, ...], msgspec.Meta(min_length=1)]
    scope: Literal["debtor", "point"] = "debtor"
    initiators: tuple[Initiator, ...] = ("creditor",)
    parties: tuple[Party, ...] = ("debtor", "representative", "third_party", "nobody")
    counted_channels: tuple[ChannelName, ...] = ()

    def __post_init__(self) -> None:
        if self.window == "calendar_day" and self.days != 1:
            raise ValueError('`days` belongs to window = "rolling_days"; leave it out')


class MinInterval(RuleData, kw_only=True, tag="min_interval"):
    """At least `minutes` between two contacts."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=92 * 24 * 60)]
    counts: Annotated[tuple[ContactKind, ...], msgspec.Meta(min_length=1)]
    scope: Literal["debtor", "point"] = "debtor"
    initiators: tuple[Initiator, ...] = ("creditor",)
    parties: tuple[Party, ...] = ("debtor", "representative", "third_party", "nobody")
    counted_channels: tuple[ChannelName, ...] = ()


class ThirdParty(RuleData, tag="third_party"):
    """Only the debtor, or whoever represents the debtor, is addressed."""


class HoldBlocks(RuleData, tag="hold_blocks"):
    """A hold that protects from `what` is respected until it ends or is lifted."""

    what: str = "outreach"


class OptedOut(RuleData, tag="opted_out"):
    """A channel that the debtor has left is not used; `all` leaves every channel."""


class Closed(RuleData, tag="closed"):
    """A closed case is left in peace."""


class NothingOwed(RuleData, tag="nothing_owed"):
    """Nobody is asked for what is not owed."""


Counter = MaxContacts | MinInterval
Rule = (
    QuietHours | MaxContacts | MinInterval | ThirdParty | HoldBlocks | OptedOut | Closed
    | NothingOwed
)  # fmt: skip
