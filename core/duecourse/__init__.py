"""Event-sourced case management for overdue debts. These names are what a plugin needs."""

from duecourse.channels import (
    Accepted,
    Capabilities,
    Channel,
    ChannelError,
    Config,
    Forbidden,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Signal,
    Transient,
    WebhookRequest,
)
from duecourse.filing import (
    ClaimedDebt,
    ContactLine,
    FilingAdapter,
    FilingDocument,
    FilingPackage,
    FilingProblem,
    FilingRequest,
    PaymentLine,
)
from duecourse.hookspecs import hookimpl
from duecourse.money.amounts import Buckets, format_minor

__all__ = [
    "Accepted",
    "Buckets",
    "Capabilities",
    "Channel",
    "ChannelError",
    "ClaimedDebt",
    "Config",
    "ContactLine",
    "FilingAdapter",
    "FilingDocument",
    "FilingPackage",
    "FilingProblem",
    "FilingRequest",
    "Forbidden",
    "Outbound",
    "PaymentLine",
    "Permanent",
    "Receipt",
    "Reply",
    "Secret",
    "Signal",
    "Transient",
    "WebhookRequest",
    "format_minor",
    "hookimpl",
]
