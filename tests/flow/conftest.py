from collections.abc import Callable, Mapping
from typing import Any

import pytest
from office import DETAILS, Ledger, Office

from duecourse import Channel
from duecourse.settings import CreditorDetails
from duecourse.store.database import Database


def sweep(database: Database) -> None:
    Office(database, {}, {}, {}).runner.catch_up()
    with database.connection() as connection:
        connection.execute("DELETE FROM timers")


@pytest.fixture
def new_office(database: Database) -> Callable[..., Office]:
    """A maker of offices; what earlier tests left to do is swept away."""
    sweep(database)

    def make(
        channels: Mapping[str, Channel[Any]],
        filings: Mapping[str, Any] | None = None,
        creditors: Mapping[str, CreditorDetails] | None = None,
    ) -> Office:
        known = {"fictional-bank": DETAILS} if creditors is None else creditors
        return Office(database, channels, filings or {}, known)

    return make


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()
