"""Who may do what: one rule per route. A route without a rule lets nobody in."""

from collections.abc import Mapping
from typing import Final, Literal

from duecourse.case.words import Role

Access = frozenset[Role] | Literal["open", "channel"]
"""The roles that may; or `open` to everybody; or left to the signature that a channel checks."""

ANY: Final[frozenset[Role]] = frozenset(
    {"collector", "legal", "analyst", "auditor", "webhook", "operator"}
)
READERS: Final[frozenset[Role]] = ANY - {"webhook"}
CASE_STAFF: Final[frozenset[Role]] = frozenset({"collector", "legal"})
LEGAL_STAFF: Final[frozenset[Role]] = frozenset({"legal"})
# Who may settle what nobody knew. Not the collector: "it was not sent" opens the way to the next
# contact, and must not be the word of whoever wants to make it.
RECONCILERS: Final[frozenset[Role]] = frozenset({"legal", "operator"})
# What comes from the creditor's systems as well: accounts, money, corrections, words of the debtor.
INTAKE: Final[frozenset[Role]] = CASE_STAFF | {"webhook", "operator"}

# Who may say where money belongs that came in without a name.
CASHIERS: Final[frozenset[Role]] = CASE_STAFF | {"operator"}
# Who may say that money left. Not the collector, who deals with the one who gets it.
TREASURY: Final[frozenset[Role]] = frozenset({"legal", "operator"})

SEE_PERSONAL: Final[frozenset[Role]] = frozenset({"collector", "legal", "auditor"})
"""Everybody else sees personal texts masked."""

_CASE: Final = "/cases/{case_id}"

RULES: Final[Mapping[tuple[str, str], Access]] = {
    ("GET", "/health/live"): "open",
    ("GET", "/health/ready"): ANY,
    ("GET", "/schema/openapi.json"): "open",
    ("POST", "/webhooks/{channel}"): "channel",
    ("GET", "/webhooks/{channel}"): "channel",
    ("GET", "/channels"): READERS,
    ("GET", "/contacts/unknown"): READERS,
    ("GET", "/signals/unmatched"): READERS,
    ("GET", "/payments/unmatched"): READERS,
    ("POST", "/payments/unmatched/{entry_id}/match"): CASHIERS,
    ("POST", "/payments/unmatched/{entry_id}/dismissal"): CASHIERS,
    ("GET", "/cases"): READERS,
    ("POST", "/cases"): INTAKE,
    ("GET", _CASE): READERS,
    ("GET", f"{_CASE}/history"): READERS,
    ("GET", f"{_CASE}/contact-permission"): READERS,
    ("POST", f"{_CASE}/contacts"): CASE_STAFF,
    ("POST", f"{_CASE}/contacts/{{contact_id}}/cancellation"): CASE_STAFF,
    ("POST", f"{_CASE}/contacts/{{contact_id}}/reconcile"): RECONCILERS,
    ("POST", f"{_CASE}/conversations"): CASE_STAFF,
    ("POST", f"{_CASE}/replies"): INTAKE,
    ("POST", f"{_CASE}/replies/{{reply_id}}/read"): CASE_STAFF,
    ("POST", f"{_CASE}/opt-outs"): INTAKE,
    ("POST", f"{_CASE}/opt-ins"): CASE_STAFF,
    ("POST", f"{_CASE}/consents"): CASE_STAFF,
    ("POST", f"{_CASE}/consent-withdrawals"): INTAKE,
    ("POST", f"{_CASE}/agreed-hours"): CASE_STAFF,
    ("POST", f"{_CASE}/agreed-hours/{{agreement_id}}/end"): CASE_STAFF,
    ("POST", f"{_CASE}/refused-media"): INTAKE,
    ("POST", f"{_CASE}/allowed-media"): CASE_STAFF,
    ("POST", f"{_CASE}/facts"): CASE_STAFF,
    ("POST", f"{_CASE}/promises"): CASE_STAFF,
    ("POST", f"{_CASE}/promises/{{promise_id}}/withdrawal"): CASE_STAFF,
    ("POST", f"{_CASE}/affordability"): CASE_STAFF,
    ("POST", f"{_CASE}/plans"): CASE_STAFF,
    ("POST", f"{_CASE}/plans/comparison"): CASE_STAFF,
    ("POST", f"{_CASE}/plans/{{plan_id}}/approval"): CASE_STAFF,
    ("GET", f"{_CASE}/plans/{{plan_id}}/agreement"): READERS,
    ("GET", f"{_CASE}/plans/{{plan_id}}/agreement.pdf"): SEE_PERSONAL,
    ("POST", f"{_CASE}/plans/{{plan_id}}/acceptance"): CASE_STAFF,
    ("POST", f"{_CASE}/plans/{{plan_id}}/decline"): CASE_STAFF,
    ("POST", f"{_CASE}/plans/{{plan_id}}/withdrawal"): CASE_STAFF,
    ("POST", f"{_CASE}/payments"): INTAKE,
    ("POST", f"{_CASE}/payments/{{payment_id}}/reversal"): INTAKE,
    ("GET", f"{_CASE}/payments/{{payment_id}}/allocation"): READERS,
    ("GET", f"{_CASE}/statement"): READERS,
    # A paper without the name and the account is none: who may not see them gets no paper.
    ("GET", f"{_CASE}/statement.pdf"): SEE_PERSONAL,
    ("POST", f"{_CASE}/interest/accrual"): CASE_STAFF,
    ("POST", f"{_CASE}/debts/{{debt_id}}/interest"): INTAKE,
    ("POST", f"{_CASE}/costs"): INTAKE,
    ("POST", f"{_CASE}/adjustments"): CASE_STAFF,
    ("POST", f"{_CASE}/adjustments/{{adjustment_id}}/approval"): LEGAL_STAFF,
    ("POST", f"{_CASE}/adjustments/{{adjustment_id}}/decline"): LEGAL_STAFF,
    ("POST", f"{_CASE}/overpayments/allocation"): CASHIERS,
    ("POST", f"{_CASE}/refunds"): TREASURY,
    ("POST", f"{_CASE}/refunds/{{refund_id}}/return"): TREASURY,
    ("POST", f"{_CASE}/holds"): CASE_STAFF,
    ("POST", f"{_CASE}/holds/{{hold_id}}/lift"): CASE_STAFF,
    ("POST", f"{_CASE}/holds/{{hold_id}}/answer"): CASE_STAFF,
    ("POST", f"{_CASE}/holds/{{hold_id}}/end"): CASE_STAFF,
    ("POST", f"{_CASE}/disputes"): INTAKE,
    ("GET", f"{_CASE}/options"): READERS,
    ("GET", f"{_CASE}/limitation"): READERS,
    ("POST", f"{_CASE}/debts"): INTAKE,
    ("POST", f"{_CASE}/debts/{{debt_id}}/withdrawal"): INTAKE,
    ("POST", f"{_CASE}/debts/{{debt_id}}/limitation"): INTAKE,
    ("POST", f"{_CASE}/debts/{{debt_id}}/limitation/terms"): INTAKE,
    ("POST", f"{_CASE}/debts/{{debt_id}}/limitation/acts"): INTAKE,
    ("POST", f"{_CASE}/contact-points"): INTAKE,
    ("POST", f"{_CASE}/contact-points/{{point_id}}/retirement"): INTAKE,
    ("POST", f"{_CASE}/debtor/place"): INTAKE,
    ("POST", f"{_CASE}/debtor/possible-places"): INTAKE,
    ("POST", f"{_CASE}/stage"): CASE_STAFF,
    ("POST", f"{_CASE}/closure"): CASE_STAFF,
    ("POST", f"{_CASE}/reopening"): CASE_STAFF,
    ("POST", f"{_CASE}/referrals"): CASE_STAFF,
    ("POST", f"{_CASE}/referrals/{{referral_id}}/approval"): LEGAL_STAFF,
    ("POST", f"{_CASE}/referrals/{{referral_id}}/decline"): LEGAL_STAFF,
    ("POST", f"{_CASE}/referrals/{{referral_id}}/withdrawal"): CASE_STAFF,
    ("POST", f"{_CASE}/referrals/{{referral_id}}/outcomes"): LEGAL_STAFF,
    ("POST", f"{_CASE}/bureau-reports"): CASE_STAFF,
}


def access_to(method: str, path: str) -> Access:
    """The rule for a route, by its method and path template; nobody, if it has none."""
    if method == "OPTIONS":
        # Says which methods a path has, as the schema does.
        return "open"
    return RULES.get((method, path), frozenset())
