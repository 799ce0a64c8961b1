"""Who asks, and whether the route is for them. Nothing is open unless a rule says so."""

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

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        access = access_to(str(scope.get("method", "")), scope["path_template"])
        if isinstance(access, frozenset):
            key = await self._key(Headers.from_scope(scope))
            if key.role not in access:
                raise Refused(NOT_ALLOWED, f"the role {key.role} may not do this")
            scope["user"] = Caller(key.key_id, Actor(key.name or key.key_id, key.role))
        await next_app(scope, receive, send)

    async def _key(self, headers: Headers) -> ApiKey:
        key = await sync_to_thread(self._keys.find, _key_text(headers))
        if key is None:
            detail = "send a key as `Authorization: Bearer dck_...` or as `X-API-Key`"
            raise Refused(NO_KEY, detail, headers=_CHALLENGE)
        return key


def _key_text(headers: Headers) -> str:
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
