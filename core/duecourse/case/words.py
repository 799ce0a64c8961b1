"""The vocabulary of a case, in the field's standard terms."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

Name = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=100, examples=["sms-first"]),
]
"""A short code that names no person: a template, a channel instance, a hold, a receipt."""

PersonalText = Annotated[
    str, msgspec.Meta(max_length=2000, extra={"personal": True}, examples=["fictional text"])
]
"""Text about a person. The store seals it with the data subject's key before it is written."""

ERASED: Final = "[erased]"
"""What a sealed text reads as once its key is destroyed."""

Channel = Annotated[
    str,
    msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$", examples=["sms", "email", "letter", "call"]),
]
"""A way to reach somebody. `call` and `visit` are made by people, the rest by plugins."""

# Codes that may be left empty: any channel, any address, not known.
AnyChannel = Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9-]{0,31})?$", examples=["sms"])]
AnyPoint = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]*)?$", max_length=100)]
Word = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$", examples=["tcpa", "letter_of_claim"])
]
"""A name that rules know: of a consent, a fact, a content."""

Licence = Annotated[
    str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_-]{0,63})?$", examples=["fdcpa_collector"])
]
"""What the collector is. Empty is not known: the rules for every licence apply."""

PointUse = Literal["", "home", "work"]

PointKind = Literal["phone", "email", "postal", "other"]
_POINT_KINDS: Final[Mapping[str, PointKind]] = {
    "sms": "phone",
    "call": "phone",
    "email": "email",
    "letter": "postal",
    "visit": "postal",
}


def point_kind(channel: str) -> PointKind:
    """The kind of address that `channel` needs."""
    return _POINT_KINDS.get(channel, "other")


MANUAL_CHANNELS: Final = frozenset({"call", "visit"})
"""Made by a person after a permission; nothing is dispatched, the conversation is logged."""

Language = Literal["zh", "en"]
Stage = Literal["intake", "reminder", "negotiation", "pre_legal", "legal", "closed"]
Holder = Literal["debtor", "representative", "third_party"]

HoldKind = Literal[
    "dispute",
    "validation",
    "breathing_space",
    "hardship",
    "vulnerability",
    "bereavement",
    "represented",
    "ceased",
    "complaint",
    "insolvency",
]
Blocks = Literal["outreach", "legal", "accrual", "bureau"]

HoldVariant = Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_-]{0,31})?$")]
"""A form of a hold that the law treats otherwise: `mental_health`, `ombudsman`. Empty: the usual."""

DisputeGround = Literal[
    "amount",
    "identity",
    "goods_or_services",
    "already_paid",
    "not_mine",
    "statute_barred",
    "other",
]
HoldOutcome = Literal[
    "upheld",
    "partly",
    "rejected",
    "verified",
    "not_verified",
    "plan_agreed",
    "forbearance",
    "no_hardship",
]
"""What we answered to a dispute or a complaint, to a request for verification, to hardship."""

ArrearsReason = Literal[
    "economic_pressure",
    "misunderstanding_of_terms",
    "spending_habits",
    "unemployment",
    "reduced_income",
    "illness",
    "family_breakdown",
    "bereavement",
    "business_failure",
    "natural_disaster",
    "over_indebtedness",
    "oversight",
    "payment_system_failure",
    "dispute_over_debt",
    "fraud_or_identity",
    "unwilling_to_pay",
    "not_stated",
    "other",
]

ConversationOutcome = Literal[
    "right_party_contact",
    "wrong_party",
    "wrong_number",
    "no_answer",
    "busy",
    "voicemail",
    "hung_up",
    "promise_to_pay",
    "plan_discussed",
    "refused_to_pay",
    "disputes_debt",
    "hardship_declared",
    "asked_to_call_back",
    "asked_to_stop",
    "paid_already",
    "information_given",
    "deceased",
    "other",
]
NOT_CONNECTED: Final[frozenset[ConversationOutcome]] = frozenset({"no_answer", "busy", "voicemail"})
"""Outcomes of an attempt that reached nobody: no conversation took place."""

ReplyOutcome = Literal[
    "nothing_to_do",
    "answered",
    "disputes_debt",
    "hardship_declared",
    "deceased",
    "complaint",
    "asked_to_stop",
    "wrong_party",
    "promise_to_pay",
    "paid_already",
    "other",
]
"""What a person made of a reply that the core did not understand."""

ReceiptStatus = Literal[
    "queued", "sent", "delivered", "read", "deferred", "failed", "bounced", "expired", "returned",
    "complained",
]  # fmt: skip

FoundOut = Literal["sent", "not_sent"]
"""What a person found out about a contact of which nobody could say whether it left."""

PlanKind = Literal["instalments", "deferral", "settlement"]

CourtOutcome = Literal[
    "accepted",
    "rejected",
    "served",
    "opposed",
    "mediated",
    "payment_order",
    "judgment",
    "dismissed",
    "withdrawn",
    "enforcement_started",
    "enforcement_ended",
]

ENDS_ACTION: Final[frozenset[CourtOutcome]] = frozenset(
    {"rejected", "dismissed", "withdrawn", "mediated"}
)
"""After these the way back to talking is open again."""

ASKS_WHOLE_SUM: Final = "asks_whole_sum"
"""What a message contains that asks for all that is overdue. The core's rules look for it."""

CloseReason = Literal[
    "paid",
    "settled",
    "cured",
    "deceased",
    "bankrupt",
    "statute_barred",
    "withdrawn_recalled",
    "identity_error",
    "fraud_not_owed",
    "uneconomic",
    "forgiven",
    "sold",
]

Role = Literal["collector", "legal", "analyst", "auditor", "webhook", "operator", "system"]
