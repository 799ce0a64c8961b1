from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from office import DETAILS, Ledger, Office

from duecourse import Channel
from duecourse.settings import CreditorDetails
from duecourse.store.database import Database


def sweep(database: Database) -> None:
    office = Office(database, {}, {}, {})
    office.runner.catch_up()
    office.engine.close()
    with database.connection() as connection:
        connection.execute("DELETE FROM timers")
        connection.execute("DELETE FROM channel_rests")
        connection.execute("DELETE FROM channel_grants")


@pytest.fixture
def new_office(database: Database) -> Iterator[Callable[..., Office]]:
    """A maker of offices; what earlier tests left to do is swept away."""
    sweep(database)
    made: list[Office] = []

    def make(
        channels: Mapping[str, Channel[Any]],
        filings: Mapping[str, Any] | None = None,
        creditors: Mapping[str, CreditorDetails] | None = None,
        **settings: Any,
    ) -> Office:
        known = {"fictional-bank": DETAILS} if creditors is None else creditors
        made.append(Office(database, channels, filings or {}, known, **settings))
        return made[-1]

    yield make
    for office in made:
        office.engine.close()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()
