"""What is to be done in a world of deliveries, and what the lives in it write down."""

from collections.abc import Sequence
from random import Random
from typing import Literal
from uuid import UUID, uuid5

import msgspec
from delivery_plants import Plant
from faulty_script import Guarantee
from lives import _REFERRAL, CASES, _contact, _open, _talk

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.store.append import Mode
from duecourse.store.engine import Request
from duecourse.testing import COLLECTOR, LEGAL
from duecourse.testing.sample import NOON

Stop = Literal["opt-out", "hold", "close"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One life. With a `point` it ends at the `hit`-th time that this is reached."""

    dsn: str
    folder: str
    gateway: str
    guarantee: Guarantee
    seed: int
    messages: int
    number: int = 0
    """How many lives were before it in its world."""
    together: bool = False
    """Another life is beside it."""
    stopped: float = 0.3
    """The share of debtors who are to be left alone from some moment on."""
    jumps: bool = False
    """The lives after the first begin when the gateway has forgotten the keys."""
    mode: Mode = "auto"
    point: str = ""
    hit: int = 1
    lease_seconds: float = 0.0
    pooled: bool = False
    """Messages leave a few at a time, from threads."""
    plant: Plant = ""
    count: bool = False

    @property
    def world(self) -> str:
        return f"{self.guarantee}-{self.seed}"


class Born(msgspec.Struct, frozen=True):
    number: int
    at: float


class UnderWay(msgspec.Struct, frozen=True):
    """What a life finds begun and not ended: messages, and reports that are still to come."""

    number: int
    sending: list[str]
    reporting: list[str]


class Stopped(msgspec.Struct, frozen=True):
    """Acknowledged at a real time. `quiet`: nothing was being sent then."""

    key: str
    stop: Stop
    position: int
    at: float
    quiet: bool


class Ended(msgspec.Struct, frozen=True):
    """A contact as the last life had it."""

    status: str
    delivery: str | None
    receipts: list[str]


class Message(msgspec.Struct, frozen=True):
    """One message of a case of its own."""

    case_id: UUID
    contact_id: UUID
    requests: tuple[Request, Request]

    @property
    def key(self) -> str:
        return str(self.contact_id)


def messages_of(seed: int, many: int) -> list[Message]:
    return [_message(f"delivery-{seed}-{number}") for number in range(many)]


def _message(name: str) -> Message:
    contact = _contact(name, "sms")
    case_id = uuid5(UUID(int=2027), name)
    asked = (_open(name), contact)
    opened, wanted = (_request(case_id, command, COLLECTOR) for command in asked)
    return Message(case_id, contact.contact_id, (opened, wanted))


def _request(case_id: UUID, command: c.Command, actor: Actor) -> Request:
    return Request(case_id, command, uuid5(case_id, type(command).__name__), actor)


def filed() -> list[Request]:
    """A claim goes to court in every world, so that a life comes to every point."""
    return [
        _request(CASES["refuser"], command, actor)
        for command, actor in (
            (_open("refuser"), COLLECTOR),
            (_talk("no", "refused_to_pay", NOON), COLLECTOR),
            (c.ProposeReferral(referral_id=_REFERRAL, grounds="refused to pay"), COLLECTOR),
            (c.ApproveReferral(referral_id=_REFERRAL, adapter="court"), LEGAL),
        )
    ]


class Planned(msgspec.Struct, frozen=True):
    """In life `number` or the next that comes to it: before the worker begins, or beside it."""

    message: Message
    stop: Stop
    number: int
    quiet: bool
    after: float

    def request(self) -> Request:
        stops: dict[Stop, c.Command] = {
            "opt-out": c.RecordOptOut(channel="sms", how="said so"),
            "hold": c.PlaceHold(hold_id="hold-1", kind="dispute", authority="said so"),
            "close": c.CloseCase(reason="uneconomic"),
        }
        return _request(self.message.case_id, stops[self.stop], COLLECTOR)


def stops_of(job: Job, messages: Sequence[Message]) -> list[Planned]:
    """Which debtors are to be left alone from when on."""
    drawn = Random(f"{job.seed}/stops")
    return [
        Planned(
            message=message,
            stop=drawn.choice(("opt-out", "hold", "close")),
            number=drawn.choice((0, 0, 1, 1, 2, 3)),
            quiet=drawn.random() < 0.6,
            after=drawn.uniform(0, 0.3),
        )
        for message in messages
        if drawn.random() < job.stopped
    ]
