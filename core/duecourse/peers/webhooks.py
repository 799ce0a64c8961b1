"""Sends the gateway's reports, signed after Standard Webhooks, until each one is answered."""

import base64
import hashlib
import hmac
import http.client
import threading
import time
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

import msgspec

from duecourse.peers.messages import Messages, Report

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
ANSWER_SECONDS: Final = 10.0


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed webhook. `secret` is whsec_ and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{digest}",
    }


class Courier:
    """One thread that carries pending reports to the callback, oldest first."""

    def __init__(self, messages: Messages, callback: str, secret: str) -> None:
        parts = urlsplit(callback)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("the callback must be an http address on this machine")
        self._host, self._port = parts.hostname, parts.port or 80
        self._path = parts.path or "/"
        self._messages = messages
        self._secret = secret
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._news.set()

    def stop(self) -> None:
        self._stopping.set()
        self._news.set()
        self._thread.join()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            self._news.clear()
            if self._carry_all():
                pause = FIRST_PAUSE
                self._news.wait()
            else:
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _carry_all(self) -> bool:
        """Whether nothing is left. One that fails does not hold up the others."""
        done = True
        for report in self._messages.pending():
            if self._stopping.is_set():
                return False
            if self._carry(report):
                self._messages.confirm(report)
            else:
                done = False
        return done

    def _carry(self, report: Report) -> bool:
        body = msgspec.json.encode(report.payload)
        headers = sign(self._secret, report.id, int(time.time()), body)
        headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_SECONDS)
        try:
            with closing(connection):
                connection.request("POST", self._path, body=body, headers=headers)
                response = connection.getresponse()
                response.read(64_000)
                return 200 <= response.status < 300  # noqa: PLR2004 - success, whichever
        except (OSError, http.client.HTTPException):
            return False
