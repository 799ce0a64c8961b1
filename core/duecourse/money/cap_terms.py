"""What a cap is asked about, and what it answers."""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.amounts import Buckets, Currency, Minor
from duecourse.money.figures import Confidence, Heads, Name
from duecourse.money.series import Published

MAX_PERIODS: Final = 10_000
NOT_OWED: Final = "Above the legal cap, and so not owed. It is no concession of the creditor."


Claim = Literal["loan", "goods_or_services"]


class CapPeriod(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was owed of the principal from `start` until before `end`."""

    start: date
    end: date
    balance_minor: Minor


class CapRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was charged, on which balances; and who lent to whom, and when.

    `licence` is `none` for a lender without one. `filed_on` is the day of the suit, where a cap
    asks for it. `restructured` tells a debt that was rolled over from an earlier one, whose first
    principal is `lent_minor`. `claim` is what the debt is owed for: money lent, or a price.
    """

    currency: Currency
    jurisdiction: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")]
    licence: Name
    debtor: Literal["consumer", "business"] = "consumer"
    claim: Claim = "loan"
    contract_on: date
    filed_on: date | None = None
    secured_on_land: bool = False
    restructured: bool = False
    lent_minor: Minor = 0
    periods: Annotated[tuple[CapPeriod, ...], msgspec.Meta(min_length=1, max_length=MAX_PERIODS)]
    charged: Heads
    published: Annotated[tuple[Published, ...], msgspec.Meta(max_length=100)] = ()


class CapLine(msgspec.Struct, frozen=True, kw_only=True):
    """How a part of a cap came to be; `amount` is exact."""

    start: date
    end: date
    balance_minor: int
    percent: str
    fraction: str
    amount: str


class CapCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the cap: what it allows, what was charged under it."""

    part: str
    heads: tuple[str, ...]
    allowed_minor: int
    charged_minor: int
    lines: tuple[CapLine, ...] = ()


class InterestCapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a cap took away, by heads."""

    part: str
    amount_minor: int
    heads: Buckets
    citation: str
    says: str = NOT_OWED


class CapResult(msgspec.Struct, frozen=True, kw_only=True):
    """`collectible` is what was charged without what is `capped`."""

    cap: str
    title: str
    citation: str
    confidence: Confidence
    currency: str
    charged: Buckets
    collectible: Buckets
    capped_minor: int
    capped: tuple[InterestCapped, ...]
    checks: tuple[CapCheck, ...]
    notes: tuple[str, ...] = ()
