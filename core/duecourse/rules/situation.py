"""What the rules are told about a case, and what they answer."""

from datetime import date, datetime
from typing import Annotated, Final, Literal

import msgspec

from duecourse.rules.clock import is_aware
from duecourse.rules.hours import Hours

Act = Literal["contact", "legal_action", "bureau_report"]
Initiator = Literal["creditor", "debtor"]
ContactKind = Literal["attempt", "connected", "conversation", "message"]
Party = Literal[
    "debtor", "representative", "third_party", "nobody", "attorney", "bureau", "creditor"
]
PointUse = Literal["", "home", "work"]
Limitation = Literal["", "running", "expired"]
ArrangementKind = Literal["plan", "promise"]
Outcome = Literal["allow", "advise", "presumed_violation", "block"]
Layer = Literal["core", "law", "house", "data"]
Confidence = Literal["law", "A", "B", "B-", "C", "house"]

OUTCOMES: Final[tuple[Outcome, ...]] = ("allow", "advise", "presumed_violation", "block")
"""From the mildest to the strictest."""
LAYERS: Final[tuple[Layer, ...]] = ("core", "law", "house", "data")
"""Whose no it is; the order in which findings of equal weight are named.

Missing data comes last: mending it would not help where something else forbids for good.
"""


class PastContact(msgspec.Struct, frozen=True, kw_only=True):
    """One contact, made or reported.

    An attempt is a call not answered or a visit that met nobody; connected is a call that was
    answered without a conversation; a message is sent or possibly sent. Without `debts` or
    `accounts` it counts for every debt. `number_reached` is false for an engaged or dead line.
    `group` is a contact by somebody else for the same creditor. `consented_at` is when the debtor
    agreed to this very contact beforehand. A pending permission counts as whatever contact it may become, on every day from `at`
    until `expires_at`; left out, `expires_at` is `at`. An empty `point_id` is not known, and
    counts for every address. Raises ValueError when a moment has no offset.
    """

    at: datetime
    channel: str
    point_id: str
    initiator: Initiator
    kind: ContactKind
    party: Party
    expires_at: datetime | None = None
    debts: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    by: Literal["us", "group"] = "us"
    number_reached: bool = True
    consented_at: datetime | None = None

    def __post_init__(self) -> None:
        if not is_aware(self.at):
            raise ValueError("PastContact: give `at` with a UTC offset")
        if self.expires_at is not None and not is_aware(self.expires_at):
            raise ValueError("PastContact: give `expires_at` with a UTC offset")
        if self.consented_at is not None and not is_aware(self.consented_at):
            raise ValueError("PastContact: give `consented_at` with a UTC offset")


class ActiveHold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hold not lifted yet. It protects up to and including the day `until`, or until lifted."""

    hold_id: str
    kind: str
    blocks: tuple[str, ...]
    until: date | None = None
    debt_id: str = ""


class Arrangement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan that is kept, or a promise to pay that is open.

    It stands up to and including the day `until` if nothing is paid, or until it is judged.
    """

    kind: ArrangementKind
    until: date | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the debtor may live as well: a law and a clock."""

    jurisdiction: str
    time_zone: str


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """One act that is wished for, and all that any rule may look at.

    `pending` are permissions not used yet, without the one that is being judged: they count as
    contacts, so that two permissions cannot slip past one cap. An empty `point_id` or `holder`
    means that there is no usable address.

    The rest may be left out; what a rule does then is said by its condition, and it is the
    stricter. `licence` is what the collector is (`fdcpa_collector`, `first_party`). `debts` and
    `accounts` are those the act is about; none means all. `refused_media` are channels that the
    debtor asked not to be used, or `workplace`. `agreed_hours` are those the debtor agreed to or
    asked for. `content` names what a message contains; None means that it is not written yet.
    `arrangements` are about any of these debts. `due_on` is the first day on which anything of what
    is owed on them was or will be due.
    `facts` are days on which something happened (`letter_of_claim`). `other_places` are where
    the debtor may live as well: the strictest of all places decides.
    """

    act: Act = "contact"
    channel: str
    point_id: str
    holder: str
    jurisdiction: str
    time_zone: str
    stage: str
    is_closed: bool
    has_debt: bool
    holds: tuple[ActiveHold, ...] = ()
    opted_out: frozenset[str] = frozenset()
    past: tuple[PastContact, ...] = ()
    pending: tuple[PastContact, ...] = ()
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
    other_places: tuple[Place, ...] = ()
    arrangements: tuple[Arrangement, ...] = ()
    due_on: date | None = None


class Chinese(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule in Chinese. An empty `citation` means that the source is named as it is."""

    says: Annotated[str, msgspec.Meta(min_length=4, max_length=500)]
    citation: Annotated[str, msgspec.Meta(max_length=500)] = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that spoke. `next_lawful_at` is when this rule alone falls silent, if known.

    A rule of a pack is named with it (`cn.quiet_hours`), those of the core plainly (`closed`).
    """

    rule: str
    citation: str
    confidence: Confidence
    outcome: Outcome
    layer: Layer = "core"
    says: str
    inputs: dict[str, str]
    next_lawful_at: datetime | None = None
    zh: Chinese | None = None

    @property
    def blocks(self) -> bool:
        """A presumed violation is not risked: it stops a contact as a block does."""
        return self.outcome in {"presumed_violation", "block"}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What all rules say together; findings come strictest first.

    `next_lawful_at` is the first moment at which every rule will agree if nothing else happens.
    It is None for a permitted act, and where no such moment is known.
    """

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    next_lawful_at: datetime | None = None

    @property
    def permitted(self) -> bool:
        return self.outcome in {"allow", "advise"}

    @property
    def first(self) -> Finding | None:
        """The strictest finding that blocks; None when the act is permitted."""
        return next((finding for finding in self.findings if finding.blocks), None)
