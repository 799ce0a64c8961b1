"""The kinds of rule a pack can use, as they stand in its TOML file.

Every kind takes away; none can permit what another forbids. So a pack can only tighten. The one
thing that loosens a rule is an agreement of the debtor, where the rule itself says so.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, dataclass_transform

import msgspec

from duecourse.rules.conditions import Names, When
from duecourse.rules.hours import Hours, LocalTime
from duecourse.rules.situation import (
    Act,
    ActiveHold,
    Arrangement,
    ArrangementKind,
    Chinese,
    Confidence,
    ContactKind,
    Initiator,
    Limitation,
    Outcome,
    Party,
    PointUse,
)

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Words = Annotated[str, msgspec.Meta(min_length=10, max_length=500)]
Citation = Annotated[str, msgspec.Meta(min_length=3, max_length=500)]
ChannelName = Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z][a-z0-9-]{0,31})$")]
Channels = Annotated[tuple[ChannelName, ...], msgspec.Meta(min_length=1, max_length=50)]
Counted = Literal["attempt", "connected", "conversation", "contact_made", "message"]
Excluded = Literal["not_connected", "consented", "to_attorney", "to_bureau", "to_creditor"]
Agreement = Literal["", "overrides"]
LocalMoment = Annotated[datetime, msgspec.Meta(tz=False)]

EVERYBODY: Final[tuple[Party, ...]] = (
    "debtor", "representative", "third_party", "nobody", "attorney", "bureau", "creditor"
)  # fmt: skip
_COUNTED: Final[Mapping[Counted, tuple[ContactKind, ...]]] = {
    "attempt": ("attempt",),
    "connected": ("connected", "conversation"),
    "conversation": ("conversation",),
    "contact_made": ("connected", "conversation", "message"),
    "message": ("message",),
}
_WINDOW_DAYS: Final = {"calendar_day": 1, "calendar_week": 7, "calendar_month": 31}


class VectorContact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A past contact in a vector; `at` is on the vector's clock."""

    at: LocalMoment
    channel: str = "call"
    kind: ContactKind = "conversation"
    point_id: str = "point-1"
    initiator: Initiator = "creditor"
    party: Party = "debtor"
    debts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    by: Literal["us", "group"] = "us"
    number_reached: bool = True
    consented_at: LocalMoment | None = None


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
    act: Act | None = None
    stage: str = "reminder"
    licence: str = ""
    debt_types: frozenset[str] = frozenset()
    limitation: Limitation = ""
    debts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    point_use: PointUse = ""
    refused_media: frozenset[str] = frozenset()
    consents: frozenset[str] = frozenset()
    agreed_hours: tuple[Hours, ...] = ()
    content: frozenset[str] | None = None
    facts: dict[str, date] = {}
    arrangements: tuple[Arrangement, ...] = ()
    due_on: date | None = None


@dataclass_transform(frozen_default=True, kw_only_default=True)
class RuleData(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True
):
    """What every rule has. In force from and until, both days included, on the debtor's clock.

    `channels` and `except_channels` say which acts the rule binds; `*` is every channel, also
    those of plugins not written yet. `acts` are what is judged, `when` narrows it further.
    `agreement = "overrides"`: hours that the debtor agreed to take the place of the rule's own;
    only a rule about hours can say so.
    """

    id: RuleId
    says: Words
    citation: Citation
    confidence: Confidence
    effective_from: date
    effective_to: date | None = None
    channels: Channels = ("*",)
    except_channels: tuple[ChannelName, ...] = ()
    acts: Annotated[tuple[Act, ...], msgspec.Meta(min_length=1)] = ("contact",)
    when: When = When()
    outcome: Literal["advise", "presumed_violation", "block"] = "block"
    zh: Chinese | None = None
    note: str = ""
    vectors: Annotated[tuple[Vector, ...], msgspec.Meta(max_length=200)] = ()

    def binds(self, channel: str) -> bool:
        return includes(self.channels, channel) and channel not in self.except_channels

    def is_about(self, act: str, channel: str) -> bool:
        return act in self.acts and self.binds(channel)

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
    agreement: Agreement = ""

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError("`start` and `end` are the same; a rule that never ends is no window")


class ContactHours(RuleData, kw_only=True, tag="contact_hours"):
    """Contact only within `hours`; a day without any is closed.

    With a `calendar` of the pack its days are `holiday` instead of their weekday, and a day that
    the calendar does not cover is closed: what is unknown blocks.
    """

    hours: Annotated[tuple[Hours, ...], msgspec.Meta(min_length=1, max_length=50)]
    calendar: str = ""
    agreement: Agreement = ""


class Counting(RuleData, kw_only=True, dict=True):
    """Which past contacts count.

    `counts`: `attempt` was not answered, `connected` was, with or without a conversation;
    `contact_made` is any of `connected`, `conversation`, `message`. `scope`: by the case
    (`debtor`), the address (`point`), the debt or the account of this act, or together with what
    others did for the same creditor (`creditor_group`). `person = "same"` leaves out contacts
    with somebody else than the one addressed now. `starts_on`: whether the day of the contact is
    the first of the window, or the day after (it counts on its own day all the same).
    `excludes` leaves out some; `consented` are those on one of `consent_days` days, of which the
    day of the consent is the first.
    `counted_channels` left out means the channels that the rule binds.
    """

    counts: Annotated[tuple[Counted, ...], msgspec.Meta(min_length=1)]
    scope: Literal["debtor", "point", "debt", "account", "creditor_group"] = "debtor"
    person: Literal["any", "same"] = "any"
    initiators: tuple[Initiator, ...] = ("creditor",)
    parties: tuple[Party, ...] = EVERYBODY
    counted_channels: tuple[ChannelName, ...] = ()
    excludes: tuple[Excluded, ...] = ()
    consent_days: Annotated[int, msgspec.Meta(ge=0, le=92)] = 0
    starts_on: Literal["event", "next_day"] = "event"

    @cached_property
    def kinds(self) -> frozenset[ContactKind]:
        """The kinds of past contact that `counts` stands for."""
        return frozenset(kind for word in self.counts for kind in _COUNTED[word])


class MaxContacts(Counting, kw_only=True, tag="max_contacts"):
    """At most `limit` contacts in the window, this one included.

    A calendar day, week (from Monday) or month is one on the debtor's clock. `rolling_days` can
    be read as `days` calendar days, today included, or as `days` times 24 hours; `stricter`
    takes both. It is also the stricter reading of "a week" (7 days) and "a month" (31 days).
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    window: Literal["calendar_day", "calendar_week", "calendar_month", "rolling_days"]
    days: Annotated[int, msgspec.Meta(ge=1, le=92)] = 1
    reading: Literal["stricter", "calendar", "hours"] = "stricter"

    @cached_property
    def reach(self) -> timedelta:
        """How long ago a contact can have ended that still matters; rather too long."""
        return timedelta(days=_WINDOW_DAYS.get(self.window, self.days) + 3)

    def __post_init__(self) -> None:
        if self.window != "rolling_days" and self.days != 1:
            raise ValueError('`days` belongs to window = "rolling_days"; leave it out')


class PauseAfter(Counting, kw_only=True, tag="pause_after"):
    """After such a contact none for `days` days; its own day is the first unless `starts_on`."""

    days: Annotated[int, msgspec.Meta(ge=1, le=92)]
    reading: Literal["stricter", "calendar", "hours"] = "stricter"

    @cached_property
    def reach(self) -> timedelta:
        return timedelta(days=self.days + 3)


class MinInterval(Counting, kw_only=True, tag="min_interval"):
    """At least `minutes` between two contacts."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=92 * 24 * 60)]

    @cached_property
    def reach(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    def __post_init__(self) -> None:
        if self.starts_on != "event":
            raise ValueError("`starts_on` belongs to a rule that counts days; leave it out")


class ThirdParty(RuleData, tag="third_party"):
    """Only the debtor, or whoever represents the debtor, is addressed."""


class AddressedOnly(RuleData, kw_only=True, tag="addressed_only"):
    """Only these are addressed; with `when.holds`, while such a hold lasts."""

    holders: Annotated[Names, msgspec.Meta(min_length=1)]


class HoldBlocks(RuleData, tag="hold_blocks"):
    """A hold that protects from `what` is respected until it ends or is lifted."""

    what: str = "outreach"


class DuringHold(RuleData, kw_only=True, tag="during_hold"):
    """While a hold of one of these kinds lasts, whatever it was said to block."""

    holds: Annotated[Names, msgspec.Meta(min_length=1)]


class OptedOut(RuleData, tag="opted_out"):
    """A channel that the debtor has left is not used; `all` leaves every channel."""


class MediumRefused(RuleData, tag="medium_refused"):
    """A medium, or the workplace, that the debtor asked not to be used is not used."""


class NeedsConsent(RuleData, kw_only=True, tag="needs_consent"):
    """Not without the consent of this name."""

    consent: Annotated[str, msgspec.Meta(min_length=1)]


class NeedsFirst(RuleData, kw_only=True, tag="needs_first"):
    """Not before the fact of this name, and `days` whole days after it; 0 is the same day."""

    fact: Annotated[str, msgspec.Meta(min_length=1)]
    days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0


class RequiredContent(RuleData, kw_only=True, tag="required_content"):
    """A message must contain each of `contains`.

    Before a message is written this is advice and names what it must contain. Silent once the
    fact `unless_fact` has come; with `if_contains` it is about messages that contain that.
    """

    contains: Annotated[Names, msgspec.Meta(min_length=1)]
    unless_fact: str = ""
    if_contains: str = ""


class ForbiddenContent(RuleData, kw_only=True, tag="forbidden_content"):
    """A message must contain none of `contains`. Said beforehand where `when` certainly holds."""

    contains: Annotated[Names, msgspec.Meta(min_length=1)]


class DuringArrangement(RuleData, kw_only=True, tag="during_arrangement"):
    """While one of these stands, a message must contain none of `contains`. Said beforehand."""

    arrangements: Annotated[tuple[ArrangementKind, ...], msgspec.Meta(min_length=1)]
    contains: Annotated[Names, msgspec.Meta(min_length=1)]


class NotDue(RuleData, kw_only=True, tag="not_due"):
    """Until a debt is overdue a message must contain none of `contains`. Said beforehand.

    A debt is overdue once its day is over. Silent where it is not known when anything is due.
    """

    contains: Annotated[Names, msgspec.Meta(min_length=1)]


class Prohibited(RuleData, tag="prohibited"):
    """Never, as long as `when` holds."""


class Closed(RuleData, tag="closed"):
    """A closed case is left in peace."""


class NothingOwed(RuleData, tag="nothing_owed"):
    """Nobody is asked for what is not owed."""


Counter = MaxContacts | PauseAfter | MinInterval
Rule = (
    QuietHours | ContactHours | MaxContacts | PauseAfter | MinInterval | ThirdParty
    | AddressedOnly | HoldBlocks | DuringHold | OptedOut | MediumRefused | NeedsConsent
    | NeedsFirst | RequiredContent | ForbiddenContent | DuringArrangement | NotDue | Prohibited
    | Closed | NothingOwed
)  # fmt: skip
