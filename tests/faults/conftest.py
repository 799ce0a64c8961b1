"""Databases that are ready to be lived in."""

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from lives import furnish
from psycopg import sql
from psycopg.conninfo import make_conninfo

pytest.register_assert_rewrite("audit")

NewDatabase = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def new_database(server_dsn: str, dsn: str) -> NewDatabase:
    """A maker of copies of one furnished database."""
    furnish(dsn)
    template = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]

    @contextmanager
    def make() -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(server_dsn, autocommit=True) as server:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(str(template))
                )
            )
            try:
                yield make_conninfo(server_dsn, dbname=name)
            finally:
                server.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
                )

    return make


@pytest.fixture
def report() -> Callable[[str], None]:
    """Say a number: it is shown with -s, or with -rP at the end."""
    return lambda line: print(line, file=sys.stderr)  # noqa: T201 - for whoever runs the tests
