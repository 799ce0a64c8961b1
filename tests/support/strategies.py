"""Where debtors live, how collectors behave, and what came of it: the setting of a simulation."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from duecourse.case import events as e

Place = tuple[str, str]

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)
CONTACTS_PER_LIFE: Final = 120
CREDITOR: Final = "fictional-bank"
PLACES: Final[Sequence[Place]] = (
    ("CN", "Asia/Shanghai"), ("CN", "Asia/Urumqi"), ("CN", "America/Los_Angeles"),
    ("US", "America/New_York"), ("US", "America/Anchorage"), ("US-CA", "America/Los_Angeles"),
    ("US-MA", "America/New_York"), ("GB", "Europe/London"), ("DE", "Europe/Berlin"),
    ("AU", "Australia/Sydney"), ("AU", "Australia/Lord_Howe"), ("AU", "Australia/Perth"),
    ("IN", "Asia/Kolkata"), ("IN", "Europe/London"),
)  # fmt: skip
UNKNOWN: Final[Sequence[Place]] = (
    ("", "Asia/Shanghai"), ("ZZ", "Asia/Tokyo"), ("FR", "Europe/Paris"), ("CN", "Nowhere/None"),
    ("CN", ""),
)  # fmt: skip
EDGES: Final = [
    time(hour, minute)
    for hour, minute in (
        (0, 0), (1, 59), (2, 0), (3, 0), (7, 30), (8, 0), (9, 0), (12, 0), (17, 0), (19, 0), (20, 0),
        (20, 30), (21, 0), (22, 0),
    )
]  # fmt: skip
CHANNELS: Final = ("sms", "email", "letter", "call", "call", "call", "visit", "voice-notice")
KINDS: Final = {
    "sms": "phone", "call": "phone", "email": "email", "letter": "postal", "visit": "postal",
    "voice-notice": "other",
}  # fmt: skip
POINTS: Final = (
    e.ContactPoint(point_id="mobile", kind="phone", address="+8615400000000"),
    e.ContactPoint(point_id="second", kind="phone", address="+8615400000001", use="home"),
    e.ContactPoint(point_id="office", kind="phone", address="+8615400000002", use="work"),
    e.ContactPoint(point_id="friend", kind="phone", address="+8615400000003", holder="third_party"),
    e.ContactPoint(
        point_id="lawyer", kind="phone", address="+8615400000004", holder="representative"
    ),
    e.ContactPoint(point_id="mail", kind="email", address="fictional@example.com"),
    e.ContactPoint(point_id="work-mail", kind="email", address="f@employer.example", use="work"),
    e.ContactPoint(point_id="home", kind="postal", address="1 Fictional Road"),
    e.ContactPoint(point_id="machine", kind="other", address="+8615400000009"),
)
# What the templates declare; `unknown` declares nothing.
CONTENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "plain": ("opt_out_line",),
    "bare": (),
    "demand": ("opt_out_line", "asks_whole_sum"),
    "threat": ("opt_out_line", "legal_threat"),
    "claim": ("opt_out_line", "letter_of_claim", "reply_form"),
    "notice": ("opt_out_line", "validation_notice"),
}
TEMPLATES: Final = (
    *("plain",) * 8, *("demand",) * 3, "unknown", "unknown", "bare", "threat", "claim", "notice",
)  # fmt: skip
LICENCES: Final = ("", "", "fdcpa_collector", "first_party")


class Strategy(dict[str, int]):
    """How often a collector does what: `wait_` and `do_` methods of a life, with their weights."""


STRATEGIES: Final[Mapping[str, Strategy]] = {
    # Writes and calls at any hour, at once, and again.
    "careless": Strategy(
        wait_minutes=6, wait_hours=3, do_send=10, do_log=2, do_settle=2, do_change=1
    ),
    # Only at moments at which some rule begins or ends.
    "edges": Strategy(wait_edge=8, wait_second=2, do_send=9, do_log=1, do_settle=1, do_change=1),
    # Collects permissions while it may, and uses them late.
    "hoarder": Strategy(
        wait_second=12, wait_minutes=2, wait_edge=3, wait_expiry=3, do_ask=9, do_use=8,
        do_settle=1, do_change=1,
    ),
    # Over all numbers, channels and debts, to stay below each cap.
    "spreader": Strategy(wait_minutes=12, wait_edge=1, do_send=7, do_log=6, do_spread=1, do_use=1),
    # One number, one way, over and over.
    "hammer": Strategy(wait_minutes=6, wait_next=4, do_hammer=6, do_send=1, do_log=1),
    # As soon as the refusal says that it may, and a second before.
    "sniper": Strategy(wait_next=9, wait_second=3, do_send=8, do_log=1, do_ask=1, do_use=2),
    # Lets something come between the permission and its use.
    "meddler": Strategy(
        wait_second=6, wait_minutes=4, wait_next=2, do_ask=4, do_use=6, do_change=4, do_settle=2
    ),
}  # fmt: skip


@dataclass
class Tally:
    """What came of all these attempts."""

    asked: int = 0
    lives: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    refused_by: Counter[str] = field(default_factory=Counter)
    unlawful: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The numbers, for whoever runs it."""
        yield f"{self.asked} contacts asked for in {self.lives} lives"
        counted = {
            "answers": self.answers,
            "left, by strategy": self.by,
            "left, by place": self.left,
            "refused by": self.refused_by,
        }
        for title, counts in counted.items():
            named = ", ".join(f"{name} {count}" for name, count in counts.most_common())
            yield f"{title}: {named}"
        yield f"unlawful: {len(self.unlawful)}"
