"""Whether the service runs, and whether it can work."""

from typing import Final

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from duecourse.store.errors import StoreError
from duecourse_api.problems import UNAVAILABLE, Refused
from duecourse_api.routing import OPEN, reads
from duecourse_api.services import Services

_NO_STORE: Final = {"Cache-Control": "no-store"}


class Health(msgspec.Struct, frozen=True, kw_only=True):
    status: str


@reads("/health/live", security=OPEN, sync_to_thread=None)
async def live() -> Response[Health]:
    """The process answers. Says nothing about the database: that is no reason to restart us.

    In no thread: all of them may be waiting for the database.
    """
    return Response(Health(status="live"), headers=_NO_STORE)


@reads("/health/ready")
def ready(services: NamedDependency[Services]) -> Response[Health]:
    """The database is there and its tables are up to date."""
    try:
        missing = services.missing()
    except StoreError as error:
        raise Refused(UNAVAILABLE, f"the store is not usable: {type(error).__name__}") from error
    if missing:
        raise Refused(UNAVAILABLE, f"migrations to run: {', '.join(missing)}")
    return Response(Health(status="ready"), headers=_NO_STORE)


HANDLERS = [live, ready]
