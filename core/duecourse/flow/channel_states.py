"""How the channels stand: what is due to leave by each, and which of them rest."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from duecourse.channels import Channel
from duecourse.store.rests import Rests
from duecourse.store.timers import Timers


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """`due` messages wait to leave now. `rests_until` is null for a channel that takes them."""

    channel: str
    plugin: str
    medium: str
    guarantee: str
    receipts: str
    due: int
    rests_until: datetime | None
    reason: str


def states_of(
    channels: Mapping[str, Channel[Any]], timers: Timers, rests: Rests, now: datetime
) -> list[ChannelState]:
    waiting = timers.due_by_lane(now)
    return [
        _state(name, channel, waiting.get(name, 0), rests)
        for name, channel in sorted(channels.items())
    ]


def _state(name: str, channel: Channel[Any], due: int, rests: Rests) -> ChannelState:
    rest = rests.of(name)
    capabilities = channel.capabilities
    return ChannelState(
        channel=name,
        plugin=channel.name,
        medium=capabilities.medium,
        guarantee=capabilities.guarantee,
        receipts=capabilities.receipts,
        due=due,
        rests_until=rest.until if rest else None,
        reason=rest.reason if rest else "",
    )
