"""The application as it is served."""

import base64
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn
from litestar import Litestar
from litestar.testing import TestClient
from msgspec.structs import replace
from tests.api.conftest import MASTER_KEY

from duecourse.store.database import Database
from duecourse.store.errors import DatabaseUnavailable
from duecourse.store.migrate import pending
from duecourse_api.app import create_app, create_app_from_env
from duecourse_api.services import Services


def test_the_application_opens_and_closes_the_house_of_the_settings(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    monkeypatch.setenv("DUECOURSE_DATA", str(tmp_path))
    monkeypatch.setenv("DUECOURSE_MASTER_KEY", base64.b64encode(MASTER_KEY).decode())
    monkeypatch.chdir(tmp_path)
    with TestClient(create_app_from_env()) as client:
        assert client.get("/health/live").json() == {"status": "live"}
        assert client.get("/health/ready").status_code == 401


@pytest.fixture
def address(app: Litestar) -> Iterator[str]:
    """Where uvicorn serves the application."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    started = threading.Event()
    server_startup = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await server_startup(sockets)
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert started.wait(30)
    yield "http://{}:{}".format(*listener.getsockname())
    server.should_exit = True
    thread.join(30)
    listener.close()


def test_it_is_served_over_a_real_socket(address: str, keys: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {keys['auditor']}"}
    with httpx.Client(base_url=address, headers=headers) as client:
        assert client.get("/cases").json() == {"items": [], "next_cursor": None}
        assert client.get("/cases/%00").status_code == 404
        raw = client.post("/cases", content=b"\xff")
        assert raw.status_code == 403


def test_readiness_names_the_migrations_that_are_missing(
    services: Services, keys: dict[str, str], database: Database
) -> None:
    ready = create_app(replace(services, missing=lambda: ["0009_later.sql"]))
    headers = {"X-API-Key": keys["operator"]}
    with TestClient(ready) as client:
        answer = client.get("/health/ready", headers=headers)
    assert answer.status_code == 503
    assert "0009_later.sql" in answer.json()["detail"]
    assert pending(database.dsn) == []


def test_a_lost_database_is_answered_with_try_again(
    services: Services, keys: dict[str, str]
) -> None:
    class Away:
        def find(self, _text: str) -> None:
            raise DatabaseUnavailable("cannot connect: host 10.0.0.1")

    app = create_app(replace(services, keys=Away()))
    with TestClient(app) as client:
        answer = client.get("/cases", headers={"X-API-Key": keys["auditor"]})
        assert client.get("/health/live").status_code == 200
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "10.0.0.1" not in answer.text


def test_no_more_requests_are_worked_on_at_once_than_there_are_threads(
    services: Services,
) -> None:
    together = threading.Barrier(2, timeout=30)
    active: set[str] = set()
    most: set[frozenset[str]] = set()

    def missing() -> list[str]:
        name = threading.current_thread().name
        active.add(name)
        together.wait()
        most.add(frozenset(active))
        together.wait()
        active.discard(name)
        return []

    app = create_app(replace(services, missing=missing, threads=2))
    headers = {"X-API-Key": services.keys.create("li.ready", "operator")}
    with TestClient(app) as client, ThreadPoolExecutor(6) as callers:
        ask = lambda _: client.get("/health/ready", headers=headers).status_code  # noqa: E731
        assert list(callers.map(ask, range(6))) == [200] * 6
    assert most == {frozenset({"duecourse-api_0", "duecourse-api_1"})}
