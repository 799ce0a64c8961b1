"""One HTTP conversation with the gateway, and what its answer proves about the message."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, ParamSpec
from urllib.parse import urlsplit

import httpx2
import msgspec

from duecourse import ChannelError, Outbound, Permanent, Transient

MOST_ANSWER: Final = 64_000
_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# Refused before anything was taken over, or never reached: these prove that nothing was sent.
NOT_REACHED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

P = ParamSpec("P")


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's answer when it has a message."""

    id: str


class UnclearAnswer(Exception):
    """The gateway may or may not have taken the message."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    retry_after: str
    body: bytes


def check_url(setting: str, url: str) -> None:
    """Raises ValueError for an address that would show the message or a secret."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{setting} must start with https://")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{setting} must start with https://; http is for this machine only")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(f"{setting} must be a plain address; secrets have settings of their own")


def checked_key(message: Outbound) -> str:
    if not _KEY.fullmatch(message.key):
        raise Permanent("the key cannot be a header")
    return message.key


class Gateway:
    """Asks over connections that are kept. None is made before the first question."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> Answer:
        """Ask once. Raises Transient when the gateway was not reached; else whatever broke."""
        client = self._open()
        deadline = time.monotonic() + self._timeout
        plain = {**headers, "Accept-Encoding": "identity"}
        try:
            with client.stream(method, url, headers=plain, content=content) as response:
                return _read(response, deadline)
        except NOT_REACHED as error:
            raise Transient(f"the gateway was not reached ({type(error).__name__})") from None

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                self._client = httpx2.Client(
                    timeout=self._timeout,
                    follow_redirects=False,
                    trust_env=False,
                    transport=httpx2.HTTPTransport(retries=0, trust_env=False),
                )
            return self._client


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


def surely(exchange: Callable[P, Answer], *args: P.args, **kwargs: P.kwargs) -> Answer:
    """An exchange in which nothing is sent: whatever goes wrong, it may be tried again."""
    try:
        return exchange(*args, **kwargs)
    except (httpx2.HTTPError, UnclearAnswer) as error:
        raise certain(error) from None


def certain(error: Exception) -> ChannelError:
    """What `error` says where nothing was sent."""
    if isinstance(error, ChannelError):
        return error
    return Transient(f"the gateway did not answer as it should ({type(error).__name__})")


def _seconds(text: str) -> float | None:
    """Retry-After in seconds, bounded to a day; a date or garbage counts as none."""
    return min(float(text), 86_400.0) if text.isascii() and text.isdigit() else None
