"""Bugs of the kind that the checks of deliveries are there for, each planted in one life.

A life is a process of its own: whatever is put in the place of something goes with it.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final, Literal
from uuid import UUID

from msgspec.structs import replace

from duecourse import WebhookRequest
from duecourse.case import commands as c
from duecourse.case import contacts, decide, evolve, holds, lifecycle
from duecourse.case import events as e
from duecourse.case.state import Case
from duecourse.flow.outreach import Outreach
from duecourse.store.answers import Answer, Outcome
from duecourse.store.engine import Engine, Request
from duecourse_sms import SmsChannel

Plant = Literal[
    "",
    "no durable start",
    "blind resend",  # an opaque channel is taken for an idempotent one
    "last receipt wins",
    "no second gate",
    "no gate before a repeat",
    "forgeries are believed",
]


def plant(bug: Plant) -> type[Engine]:
    """Put it in. Returns the engine to be used."""
    match bug:
        case "no durable start":
            return HastyEngine
        case "last receipt wins":
            evolve.APPLY[e.ReceiptRecorded] = _last_receipt_wins  # type: ignore[index]
        case "no second gate":
            for module in (contacts, holds, lifecycle):
                module.recall = lambda *_, **__: []  # type: ignore[attr-defined]
            decide.DECIDE[c.StartDispatch] = _start_dispatch  # type: ignore[index]
            # The last look, message by message, covers the same ground.
            Outreach._may_still_leave = lambda *_: True  # type: ignore[method-assign]
        case "no gate before a repeat":
            Outreach._may_still_leave = lambda *_: True  # type: ignore[method-assign]
        case "forgeries are believed":
            where_it_is_looked_for = vars(sys.modules[SmsChannel.__module__])
            assert "verify" in where_it_is_looked_for
            where_it_is_looked_for["verify"] = _believe
        case _:
            pass
    return Engine


class HastyEngine(Engine):
    """Says that a dispatch has begun, and writes that down only with what came of it."""

    _begun: Final[dict[UUID, Request]] = {}

    def execute_each(self, requests: Sequence[Request]) -> list[Answer]:
        told: list[Answer | None] = []
        real: list[Request] = []
        places: list[int] = []
        for request in requests:
            if isinstance(request.command, c.StartDispatch):
                told.append(self._pretend(request, request.command))
                continue
            begun = self._begun.pop(getattr(request.command, "contact_id", UUID(int=0)), None)
            if begun is not None:
                real.append(begun)
            real.append(request)
            told.append(None)
            places.append(len(real) - 1)
        answers = super().execute_each(real)
        rest = iter([answers[place] for place in places])
        return [next(rest) if each is None else each for each in told]

    def _pretend(self, request: Request, command: c.StartDispatch) -> Outcome:
        self._begun[command.contact_id] = request
        begun = e.ContactDispatching(
            at=self.load(request.case_id).case.at,
            contact_id=command.contact_id,
            key=str(command.contact_id),
            plugin=command.plugin,
            body_sha256=command.body_sha256,
        )
        return Outcome(
            case_id=request.case_id, version=0, events=(begun,), position=1, repeated=False
        )


def _last_receipt_wins(case: Case, event: e.ReceiptRecorded) -> Case:
    case = _receipt(case, event)
    contact = replace(case.contacts[event.contact_id], delivery=event.status)
    return replace(case, contacts={**case.contacts, event.contact_id: contact})


def _start_dispatch(case: Case, command: c.StartDispatch, context: Any) -> list[e.Event]:
    """Whoever was once permitted may go."""
    if case.contacts[command.contact_id].status != "permitted":
        return []
    return [
        e.ContactDispatching(
            at=context.at,
            contact_id=command.contact_id,
            key=str(command.contact_id),
            plugin=command.plugin,
            body_sha256=command.body_sha256,
        )
    ]


def _believe(request: WebhookRequest, _: object) -> str:
    return request.headers["webhook-id"]


_receipt: Final = evolve.APPLY[e.ReceiptRecorded]
