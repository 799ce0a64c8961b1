"""Who asks, and whether the route is for them. Nothing is open unless a rule says so."""

import hashlib
import time
from typing import Final

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from duecourse.case.context import Actor
from duecourse.store.api_keys import ApiKey, ApiKeys
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
        # By the hash of its text, as the table has it; when it was looked up.
        self._seen: dict[bytes, tuple[ApiKey, float]] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        access = access_to(str(scope.get("method", "")), scope["path_template"])
        if isinstance(access, frozenset):
            key = await self._key(Headers.from_scope(scope))
            if key.role not in access:
                raise Refused(NOT_ALLOWED, f"the role {key.role} may not do this")
            scope["user"] = Caller(key.key_id, Actor(key.name or key.key_id, key.role))
        await next_app(scope, receive, send)

    async def _key(self, headers: Headers) -> ApiKey:
        text = _key_text(headers)
        name = hashlib.sha256(text.encode()).digest()
        now = time.monotonic()
        key, seen_at = self._seen.get(name, (None, 0.0))
        if key is not None and now - seen_at < TRUSTED_SECONDS:
            return key
        key = await sync_to_thread(self._keys.find, text)
        if key is None:
            self._seen.pop(name, None)
            detail = "send a key as `Authorization: Bearer dck_...` or as `X-API-Key`"
            raise Refused(NO_KEY, detail, headers=_CHALLENGE)
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen[name] = key, now
        return key


def _key_text(headers: Headers) -> str:
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
