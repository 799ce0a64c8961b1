"""One HTTP conversation with the gateway, and what its answer proves about the message."""

import time
from collections.abc import Mapping
from typing import Any, Final

import httpx2
import msgspec

from duecourse import Permanent, Transient

MOST_ANSWER: Final = 64_000
# Refused before anything was taken over, or never reached: these prove that nothing was sent.
NOT_REACHED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's answer when it has a message."""

    id: str


class UnclearAnswer(Exception):
    """The gateway may or may not have taken the message."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    retry_after: str
    body: bytes


def ask(
    client: httpx2.Client,
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: dict[str, Any] | None = None,
    *,
    timeout: float,
) -> Answer:
    """Ask once. Raises Transient when the gateway was not reached; else whatever broke."""
    deadline = time.monotonic() + timeout
    plain = {**headers, "Accept-Encoding": "identity"}
    try:
        with client.stream(method, url, headers=plain, json=content) as response:
            return _read(response, deadline)
    except NOT_REACHED as error:
        raise Transient(f"the gateway was not reached ({type(error).__name__})") from None


def _read(response: httpx2.Response, deadline: float) -> Answer:
    """Read a bounded answer: a gateway that drips bytes must not hold the worker."""
    body = b""
    for part in response.iter_raw(chunk_size=4096):
        body += part
        if len(body) > MOST_ANSWER:
            raise UnclearAnswer(f"the answer is longer than {MOST_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise UnclearAnswer("the answer took too long")
    return Answer(
        status=response.status_code,
        retry_after=response.headers.get("retry-after", ""),
        body=body,
    )


def taken(answer: Answer) -> Taken:
    """What a success says. Raises UnclearAnswer when it cannot be read."""
    try:
        found = msgspec.json.decode(answer.body, type=Taken)
    except msgspec.MsgspecError:
        raise UnclearAnswer("a success without a readable id") from None
    if not 0 < len(found.id) <= 200:  # noqa: PLR2004 - the length a case keeps
        raise UnclearAnswer("a success without a usable id")
    return found


def refusal(answer: Answer) -> Exception:
    """What an answer other than success proves. The answer's own text is never quoted."""
    match answer.status:
        case 401 | 403:
            return Permanent(f"the gateway refuses our token ({answer.status})")
        case 429:
            return Transient("the gateway asks for a pause (429)", _seconds(answer.retry_after))
        case 503 if answer.retry_after:
            # By HTTP a server names a time only for a request that it turned away.
            return Transient("the gateway is busy (503)", _seconds(answer.retry_after))
        case 408 | 409 | 425:
            # The key may belong to a message that was taken before.
            return UnclearAnswer(f"the gateway answered {answer.status}")
        case status if 300 <= status < 500:  # noqa: PLR2004 - redirections and client errors
            return Permanent(f"the gateway refuses the request ({status})")
        case status:
            return UnclearAnswer(f"the gateway answered {status}")


def _seconds(text: str) -> float | None:
    """Retry-After in seconds, bounded to a day; a date or garbage counts as none."""
    return min(float(text), 86_400.0) if text.isascii() and text.isdigit() else None
