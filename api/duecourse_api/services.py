"""What the handlers need, put together at the edge."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from duecourse.case.context import Actor, Context
from duecourse.channels import Channel
from duecourse.flow.channel_states import ChannelState, states_of
from duecourse.flow.clock import system_clock
from duecourse.flow.house import House
from duecourse.flow.signals import Signals
from duecourse.intake.posting import Bank
from duecourse.settings import CreditorDetails
from duecourse.store.api_keys import ApiKeys
from duecourse.store.engine import Engine
from duecourse.store.migrate import pending
from duecourse.store.unknown import UnknownContacts
from duecourse.store.vault import Vault
from duecourse.store.worklist import Worklist


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """`missing` names what keeps the service from working, and answers within seconds.

    `threads` is how many requests are worked on at once; not more than the database has
    connections for. `filings` are the names of the filing adapters.
    """

    engine: Engine
    vault: Vault
    context_for: Callable[[Actor, datetime], Context]
    clock: Callable[[], datetime]
    channels: Mapping[str, Channel[Any]]
    filings: Collection[str]
    worklist: Worklist
    signals: Signals
    unknown: UnknownContacts
    bank: Bank
    keys: ApiKeys
    missing: Callable[[], list[str]]
    channel_states: Callable[[], list[ChannelState]]
    creditors: Mapping[str, CreditorDetails] = {}
    wall_clock: Callable[[], datetime] = system_clock
    threads: int = 8


def services_of(house: House) -> Services:
    return Services(
        engine=house.engine,
        vault=house.vault,
        context_for=house.context_for,
        clock=house.clock,
        channels=house.plugins.channels,
        filings=house.plugins.filings.keys(),
        worklist=Worklist(house.database),
        signals=house.signals,
        unknown=UnknownContacts(house.database),
        bank=Bank(house.engine, house.database, house.vault),
        keys=ApiKeys(house.database),
        missing=lambda: pending(house.database.dsn),
        creditors=house.settings.creditors,
        channel_states=lambda: states_of(
            house.plugins.channels, house.timers, house.rests, house.clock()
        ),
    )
