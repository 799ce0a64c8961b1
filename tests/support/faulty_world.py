"""What the faulty gateway keeps of one world: what was asked of it, and what it has to report."""

import http.client
import threading
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import faulty_script as script
import msgspec
from faulty_script import Action, Answer, Guarantee, Saying

from duecourse.peers.ledger import Entry, Ledger
from duecourse.peers.webhooks import sign

SECRET: Final = "whsec_" + "QUJD" * 10
OTHER_SECRET: Final = "whsec_" + "WFla" * 10
WINDOW: Final = timedelta(minutes=15)
"""For how long an idempotent world knows a key."""
LATE: Final = timedelta(hours=2)
ANSWER_SECONDS: Final = 5.0
PAUSE: Final = 0.01
AGAIN: Final = 503


class Request(msgspec.Struct, frozen=True):
    """What the plugin posts; the rest of it is of no interest here."""

    key: str
    to: str
    text: str
    at: datetime


class Report(msgspec.Struct):
    """A webhook that has still to be sent `left` times, from `due_at` on; once more does no harm."""

    id: str
    key: str
    reference: str
    due_at: float
    left: int
    saying: Saying
    body: bytes


class World:
    """Its clock is that of the test, told by each life; the times in its ledger are real."""

    def __init__(self, path: Path, guarantee: Guarantee, seed: int) -> None:
        self._guarantee = guarantee
        self._seed = seed
        self._ledger = Ledger(path)
        self._news = threading.Condition()
        self._asked: dict[str, int] = {}
        self._sought: dict[str, int] = {}
        self._taken: dict[str, tuple[str, float]] = {}
        self._reports: list[Report] = []
        self._callbacks: list[str] = []
        self._clock = 0.0
        self._is_closed = False
        threading.Thread(target=self._carry_on, daemon=True).start()

    # --- messages ------------------------------------------------------------------------------

    def submit(self, request: Request) -> tuple[Action, str]:
        """Do what the script says; the id of the message, if it is taken, goes with it."""
        taken = ""
        early: list[Report] = []
        with self._news:
            attempt = self._asked[request.key] = self._asked.get(request.key, 0) + 1
            action = script.action(self._seed, request.key, attempt)
            self._note(
                "request", key=request.key, attempt=attempt, action=action, clock=self._clock
            )
            if action in script.TAKES:
                taken, early = self._take(request)
            self._news.notify()
        for report in early:
            self._carry(report)
        return action, taken

    def _take(self, request: Request) -> tuple[str, list[Report]]:
        """Deliver, unless this is known to be a repeat. Returns what is told before the answer."""
        known = self._taken.get(request.key)
        if known is not None and self._knows(known[1]):
            return known[0], []
        message_id = f"sms-{len(self._taken):04d}-{self._asked[request.key]}"
        sayings = script.sayings(self._seed, request.key)
        reports = [_report(saying, message_id, request) for saying in sayings]
        self._note(
            "delivery",
            id=message_id,
            key=request.key,
            to=request.to,
            text=request.text,
            sayings=[_noted(each) for each in reports],
        )
        self._taken[request.key] = (message_id, self._clock)
        self._reports += reports
        return message_id, [each for each in reports if each.saying.when == "before the answer"]

    def _knows(self, taken_at: float) -> bool:
        age = self._clock - taken_at
        return self._guarantee == "idempotent" and age < WINDOW.total_seconds()

    def find(self, key: str) -> tuple[Answer, str]:
        with self._news:
            attempt = self._sought[key] = self._sought.get(key, 0) + 1
            answer = script.answer(self._seed, key, attempt)
            self._note("question", key=key, attempt=attempt, answer=answer)
            return answer, self._taken.get(key, ("", 0.0))[0]

    def _note(self, entry: str, **fields: Any) -> None:
        self._ledger.append({"entry": entry, "at": time.time(), **fields})

    # --- reports -------------------------------------------------------------------------------

    def call_back(self, url: str) -> None:
        """Report to this address from now on, and to those before it once it does not answer."""
        with self._news:
            self._callbacks.append(url)
            self._news.notify()

    def set_clock(self, now: float) -> None:
        with self._news:
            self._clock = max(now, self._clock)
            self._news.notify()

    def pending(self) -> list[str]:
        with self._news:
            return [each.id for each in self._due()]

    def close(self) -> None:
        with self._news:
            self._is_closed = True
            self._news.notify()
        self._ledger.close()

    def _due(self) -> list[Report]:
        return [each for each in self._reports if each.left > 0 and each.due_at <= self._clock]

    def _carry_on(self) -> None:
        while True:
            with self._news:
                while not (self._is_closed or (self._callbacks and self._due())):
                    self._news.wait()
                if self._is_closed:
                    return
                due = self._due()
            carried = [self._carry(each) for each in due]
            if not any(carried):
                time.sleep(PAUSE)

    def _carry(self, report: Report) -> bool:
        """Send it once, to whoever listens. Tells whether that was answered for good."""
        with self._news:
            callback = self._callbacks[-1] if self._callbacks else ""
        answered = _post(callback, report) if callback else None
        with self._news:
            if answered is None:
                self._callbacks = [each for each in self._callbacks if each != callback]
                return False
            status, recorded = answered
            if status == AGAIN or self._is_closed:
                return False
            report.left -= 1
            if report.left == 0:
                self._note("told", id=report.id, key=report.key, status=status, recorded=recorded)
            return True


def _report(saying: Saying, message_id: str, request: Request) -> Report:
    references = {"id": message_id, "key": request.key, "nobody": f"nobody-{message_id}"}
    told = {
        "type": "receipt",
        "reference": references[saying.names],
        "status": saying.status,
        "occurred_at": (request.at + timedelta(seconds=2)).isoformat(),
    }
    late = LATE.total_seconds() if saying.when == "late" else 0
    return Report(
        id=f"{message_id}-{saying.name}",
        key=request.key,
        reference=references[saying.names],
        due_at=request.at.timestamp() + late,
        left=saying.times,
        saying=saying,
        body=msgspec.json.encode(told),
    )


def _noted(report: Report) -> Entry:
    return {
        "id": report.id,
        "reference": report.reference,
        "status": report.saying.status,
        "genuine": report.saying.is_genuine,
    }


def _headers(report: Report) -> dict[str, str]:
    """Signed - or, for a forgery, as somebody would who does not have the key."""
    now = int(time.time())
    match report.saying.forgery:
        case "no signature":
            return {"webhook-id": report.id, "webhook-timestamp": str(now)}
        case "another key":
            return sign(OTHER_SECRET, report.id, now, report.body)
        case "another body":
            return sign(SECRET, report.id, now, report.body.replace(b"delivered", b"queued"))
        case "":
            return sign(SECRET, report.id, now, report.body)


def _post(url: str, report: Report) -> tuple[int, int] | None:
    """The status and how much was recorded; None when nobody was there to answer."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=ANSWER_SECONDS)
    try:
        with closing(connection):
            connection.request("POST", parts.path, body=report.body, headers=_headers(report))
            response = connection.getresponse()
            return response.status, int(response.read() or b"0")
    except (OSError, http.client.HTTPException):
        return None
