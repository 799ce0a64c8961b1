"""The HTTP API: commands in, views out."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from duecourse.flow.house import House
from duecourse.settings import read_settings
from duecourse_api import (
    cases,
    channels,
    contacts,
    health,
    ledger,
    limitation,
    money,
    papers,
    payments,
    plans,
    protection,
    reading,
    reconciling,
    terms,
    webhooks,
)
from duecourse_api.asking import asking_of
from duecourse_api.login import Login
from duecourse_api.problems import HANDLERS
from duecourse_api.schema import openapi
from duecourse_api.services import Services, services_of
from duecourse_api.strict import MAX_BODY_BYTES, StrictRequest, refuse_unknown_parameters

__all__ = ["create_app", "create_app_from_env"]

_ROUTES: Final[tuple[ControllerRouterHandler, ...]] = (
    *health.HANDLERS,
    *channels.HANDLERS,
    *reading.HANDLERS,
    *cases.HANDLERS,
    *contacts.HANDLERS,
    *reconciling.HANDLERS,
    *terms.HANDLERS,
    *money.HANDLERS,
    *payments.HANDLERS,
    *plans.HANDLERS,
    *protection.HANDLERS,
    *limitation.HANDLERS,
    *ledger.HANDLERS,
    *papers.HANDLERS,
    *webhooks.HANDLERS,
)


def create_app(services: Services) -> Litestar:
    """The application over `services`, which the caller opens and closes."""

    @asynccontextmanager
    async def threads(_app: Litestar) -> AsyncIterator[None]:
        # As many as there are connections: more would only wait for one. The loop ends it.
        pool = ThreadPoolExecutor(services.threads, thread_name_prefix="duecourse-api")
        asyncio.get_running_loop().set_default_executor(pool)
        yield

    def provide_services() -> Services:
        return services

    return Litestar(
        # One router, as a path that is registered twice has its sync handlers wrapped twice.
        route_handlers=[Router("/", route_handlers=_ROUTES)],
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "asking": Provide(asking_of(services), sync_to_thread=False),
        },
        guards=[refuse_unknown_parameters],
        middleware=[Login(services.keys)],
        exception_handlers=HANDLERS,
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        lifespan=[threads],
        openapi_config=openapi(),
        # Ours says where a defect is without the words of the error, which may quote a person.
        logging_config=None,
    )


def create_app_from_env() -> Litestar:
    """For `uvicorn --factory`: the house of the settings, closed with the application."""
    house = House.open(read_settings())
    app = create_app(services_of(house))
    app.on_shutdown.append(house.close)
    return app
