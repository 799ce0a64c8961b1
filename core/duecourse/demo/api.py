"""The demo's hands on the HTTP API. Patient: the API may be killed and come back."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import httpx2

from duecourse.demo.errors import DemoFailed

PATIENCE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.1


class Api:
    """`keep_alive` is called while the API does not answer, to start it again if it died."""

    def __init__(
        self, base_url: str, keys: Mapping[str, str], keep_alive: Callable[[], None]
    ) -> None:
        self._client = httpx2.Client(base_url=base_url, timeout=30.0)
        self._keys = keys
        self._keep_alive = keep_alive

    def post(self, path: str, role: str, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Post with an idempotency key; whatever is lost on the way is asked again."""
        headers = {"authorization": f"Bearer {self._keys[role]}", "idempotency-key": key}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._client.post(path, json=body, headers=headers)
            except httpx2.TransportError:
                answer = None
            if answer is not None and not answer.is_server_error:
                break
            if time.monotonic() > deadline:
                raise DemoFailed(f"POST {path}: no answer in {PATIENCE_SECONDS:.0f} s")
            self._keep_alive()
            time.sleep(PAUSE_SECONDS)
        if answer.is_error:
            raise DemoFailed(f"POST {path}: {answer.status_code} {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found

    def wait_until_ready(self) -> None:
        """Raises DemoFailed when the API does not get ready in time, with its last words."""
        headers = {"authorization": f"Bearer {self._keys['operator']}"}
        deadline = time.monotonic() + PATIENCE_SECONDS
        said = "nothing answered"
        while time.monotonic() < deadline:
            self._keep_alive()
            try:
                answer = self._client.get("/health/ready", headers=headers)
            except httpx2.TransportError:
                time.sleep(PAUSE_SECONDS)
                continue
            if answer.is_success:
                return
            said = answer.text[:500]
            time.sleep(PAUSE_SECONDS)
        raise DemoFailed(f"the API did not become ready: {said}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
