"""Real peers of the channels; where one is absent, its tests say so and are skipped."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from office import DETAILS, Office
from smsc.peer import Smsc, install

from duecourse import Channel
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.state import Case, Contact
from duecourse.flow.polls import Polls
from duecourse.flow.signals import Signals
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.polls import PollTable
from duecourse.store.references import References
from duecourse.store.vault import Vault

NAME = "sms"
MOST_ROUNDS = 500


class House:
    """A whole Duecourse around one channel: a worker, its cases, and ears for what comes back."""

    def __init__(self, database: Database, channel: Channel[Any]) -> None:
        self.channel = channel
        self.office = Office(database, {NAME: channel}, {}, {"fictional-bank": DETAILS})
        addresses = Addresses(database, Vault(database, bytes(range(32))))
        self.signals = Signals(
            self.office.engine, References(database), addresses, lambda: self.office.now
        )
        self.polls = Polls(
            {NAME: channel},
            PollTable(database),
            self.signals,
            engine=self.office.engine,
            timers=self.office.timers,
            clock=lambda: self.office.now,
            lease_seconds=60.0,
        )

    def send_first(self) -> UUID:
        """Open a case and let its first reminder leave."""
        case_id = self.office.open()
        self.office.work()
        return case_id

    def first_contact(self, case_id: UUID) -> Contact:
        return min(self.case(case_id).contacts.values(), key=lambda each: each.permitted_at)

    def case(self, case_id: UUID) -> Case:
        return self.office.case(case_id)

    def ask_again(self, case_id: UUID) -> e.Event:
        """What comes of asking for one message more."""
        ask = c.RequestContact(contact_id=uuid4(), channel=NAME, template="reminder-first")
        return self.office.ask(case_id, ask).events[0]

    def poll_until(self, holds: Callable[[], bool]) -> None:
        """Let the worker ask the channel, until it has heard what is waited for."""
        for _ in range(MOST_ROUNDS):
            self.office.now += timedelta(seconds=self.channel.capabilities.poll_seconds)
            self.polls.run_due()
            if holds():
                return
        raise AssertionError("it was not heard of")


@pytest.fixture
def house(database: Database) -> Iterator[Callable[[Channel[Any]], House]]:
    """A maker of houses; what earlier tests left to do, and to hear, is swept away."""
    Office(database, {}, {}, {}).runner.catch_up()
    with database.connection() as connection:
        for table in ("timers", "channel_rests", "channel_grants"):
            connection.execute(f"DELETE FROM {table}")
    made: list[Channel[Any]] = []

    def make(channel: Channel[Any]) -> House:
        made.append(channel)
        return House(database, channel)

    yield make
    for channel in made:
        channel.close()


@pytest.fixture(scope="session")
def smsc_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("smsc"))


@pytest.fixture
def smsc(smsc_modules: Path) -> Iterator[Smsc]:
    """An SMSC of this test alone."""
    made = Smsc(smsc_modules)
    yield made
    made.close()
