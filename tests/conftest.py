"""One PostgreSQL server per session, one database per test module."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse.store import embedded
from duecourse.store.database import Database
from duecourse.store.migrate import migrate

# The same examples every time, so that a red build is red again; DUECOURSE_HYPOTHESIS=thorough
# looks for new ones.
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=150, stateful_step_count=40
)
settings.register_profile(
    "thorough", deadline=None, max_examples=3000, stateful_step_count=80, print_blob=True
)
settings.load_profile(os.environ.get("DUECOURSE_HYPOTHESIS", "ci"))

# Only here: what a test wrote need not survive a power cut.
_UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first, so that the processes which share the files end together."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """DUECOURSE_TEST_DATABASE_URL (a role that may create databases), else a server of our own."""
    if named := os.environ.get("DUECOURSE_TEST_DATABASE_URL"):
        yield named
        return
    options = [word for setting in _UNSAFE_BUT_FAST for word in ("-c", setting)]
    with tempfile.TemporaryDirectory(prefix="duecourse-") as folder:
        data = Path(folder)
        yield embedded.ensure(data, extra_args=options)
        embedded.release(data)
        assert embedded.wait_until_stopped(data)


@pytest.fixture(scope="module")
def dsn(server_dsn: str) -> Iterator[str]:
    """A fresh, empty database."""
    name = f"test_{uuid.uuid4().hex}"
    identifier = sql.Identifier(name)
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(identifier))
        yield make_conninfo(server_dsn, dbname=name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture(scope="module")
def migrated_dsn(dsn: str) -> str:
    """The module's database with all its tables."""
    migrate(dsn)
    return dsn


@pytest.fixture(scope="module")
def database(migrated_dsn: str) -> Iterator[Database]:
    """The module's database, migrated and opened with the rights of the application."""
    with Database(migrated_dsn, application_name="duecourse-tests") as opened:
        yield opened
