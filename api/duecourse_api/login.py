"""Who asks, and whether the route is for them. Nothing is open unless a rule says so."""

import hashlib
import time
from typing import Final

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.types.asgi_types import RawHeaders

from duecourse.case.context import Actor
from duecourse.store.api_keys import ApiKeys
from duecourse_api.problems import NO_KEY, NOT_ALLOWED, Refused
from duecourse_api.roles import SEE_PERSONAL, access_to

TRUSTED_SECONDS: Final = 0.2
"""A key that was good is not looked up again for so long: a revoked one works no longer than that."""
MOST_SEEN: Final = 10_000
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="duecourse"'}


class Caller(msgspec.Struct, frozen=True):
    """The holder of a key. In the history they go by the key's name."""

    key_id: str
    actor: Actor

    @property
    def sees_personal(self) -> bool:
        return self.actor.role in SEE_PERSONAL


class Login(ASGIMiddleware):
    scopes = (ScopeType.HTTP,)

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys
        # By the hash of the key's text, as the table has it; when it was looked up.
        self._seen: dict[bytes, tuple[Caller, float]] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        access = access_to(str(scope.get("method", "")), scope["path_template"])
        if isinstance(access, frozenset):
            caller = await self._caller(scope["headers"])
            if caller.actor.role not in access:
                raise Refused(NOT_ALLOWED, f"the role {caller.actor.role} may not do this")
            scope["user"] = caller
        await next_app(scope, receive, send)

    async def _caller(self, headers: RawHeaders) -> Caller:
        text = _key_text(headers)
        name = hashlib.sha256(text.encode()).digest()
        now = time.monotonic()
        caller, seen_at = self._seen.get(name, (None, 0.0))
        if caller is not None and now - seen_at < TRUSTED_SECONDS:
            return caller
        key = await sync_to_thread(self._keys.find, text)
        if key is None:
            self._seen.pop(name, None)
            detail = "send a key as `Authorization: Bearer dck_...` or as `X-API-Key`"
            raise Refused(NO_KEY, detail, headers=_CHALLENGE)
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        caller = Caller(key.key_id, Actor(key.name or key.key_id, key.role))
        self._seen[name] = caller, now
        return caller


def _key_text(headers: RawHeaders) -> str:
    scheme, _, text = _header(headers, b"authorization").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else _header(headers, b"x-api-key")


def _header(headers: RawHeaders, wanted: bytes) -> str:
    """The last of that name, as Litestar has it; names come in small letters."""
    return next(
        (value.decode("latin-1") for name, value in reversed([*headers]) if name == wanted), ""
    )
