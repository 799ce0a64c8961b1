"""What the gateway has taken and what it still has to report, all of it from its ledger."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import msgspec

from duecourse.peers.ledger import Entry, Ledger

DELIVERY_TAKES: Final = timedelta(seconds=2)

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Number = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,100}$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message to be sent. `at` is the sender's clock, by which receipts are dated."""

    key: Key
    to: Number
    text: Text
    at: Moment
    expires_at: Moment
    sender: Annotated[str, msgspec.Meta(max_length=20)] = ""


class Inbound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody writes back. `id`, when given, makes a repeat harmless."""

    sender: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    text: Annotated[str, msgspec.Meta(max_length=2000)]
    occurred_at: Moment | None = None
    reference: Annotated[str, msgspec.Meta(max_length=200)] = ""
    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,60}$")] = ""


class OtherText(Exception):
    """The key has been used for a message with another text or recipient."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook to be sent. `id` is the same at every attempt."""

    id: str
    payload: Entry


class Messages:
    """Takes each key once. Everything is on the disk before it is answered for."""

    def __init__(self, path: Path, *, fail_suffix: str = "") -> None:
        self._fail_suffix = fail_suffix
        self._lock = threading.Lock()
        self._ledger = Ledger(path)
        self._by_key: dict[str, Entry] = {}
        self._pending: dict[str, Report] = {}
        self._replies: set[str] = set()
        for entry in self._ledger.entries:
            self._note(entry)

    @property
    def count(self) -> int:
        return len(self._by_key)

    def by_key(self, key: str) -> str | None:
        found = self._by_key.get(key)
        return None if found is None else str(found["id"])

    def take(self, told: Submission) -> str:
        """Return the id of the message; the same one for the same key. Raises OtherText."""
        with self._lock:
            known = self._by_key.get(told.key)
            if known is not None:
                if (known["to"], known["text"]) != (told.to, told.text):
                    raise OtherText
                return str(known["id"])
            entry = {
                "entry": "message",
                "id": f"sms-{len(self._by_key) + 1:08d}",
                "accepted_at": _now(),
                **msgspec.to_builtins(told),
            }
            return self._append(entry)

    def reply(self, told: Inbound) -> str:
        with self._lock:
            reply_id = f"reply-{told.id or uuid4().hex}"
            if reply_id in self._replies:
                return reply_id
            entry = {
                "entry": "reply",
                **msgspec.to_builtins(told),
                "id": reply_id,
                "occurred_at": (told.occurred_at or datetime.now(UTC)).isoformat(),
            }
            return self._append(entry)

    def pending(self) -> Iterator[Report]:
        """The reports that nobody has confirmed yet, oldest first."""
        with self._lock:
            return iter(list(self._pending.values()))

    def confirm(self, report: Report) -> None:
        with self._lock:
            self._append({"entry": "confirmed", "id": report.id, "at": _now()})

    def close(self) -> None:
        self._ledger.close()

    def _append(self, entry: Entry) -> str:
        self._ledger.append(entry)
        self._note(entry)
        return str(entry["id"])

    def _note(self, entry: Entry) -> None:
        match entry["entry"]:
            case "message":
                self._by_key[entry["key"]] = entry
                self._expect(self._receipt(entry))
            case "reply":
                self._replies.add(entry["id"])
                self._expect(_as_report(entry))
            case "confirmed":
                self._pending.pop(entry["id"], None)

    def _expect(self, report: Report) -> None:
        self._pending[report.id] = report

    def _receipt(self, entry: Entry) -> Report:
        fails = bool(self._fail_suffix) and entry["to"].endswith(self._fail_suffix)
        delivered_at = datetime.fromisoformat(entry["at"]) + DELIVERY_TAKES
        return Report(
            id=f"receipt-{entry['id']}",
            payload={
                "type": "receipt",
                "reference": entry["id"],
                "status": "failed" if fails else "delivered",
                "occurred_at": delivered_at.isoformat(),
                "detail": "the number cannot be reached" if fails else "",
            },
        )


def _as_report(entry: Entry) -> Report:
    told = {name: entry[name] for name in ("sender", "text", "occurred_at", "reference")}
    return Report(id=str(entry["id"]), payload={"type": "reply", **told})


def _now() -> str:
    return datetime.now(UTC).isoformat()
