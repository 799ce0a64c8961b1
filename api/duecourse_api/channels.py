"""The channels in use, and which of them take no messages now."""

import msgspec
from litestar.di import NamedDependency

from duecourse.flow.channel_states import ChannelState
from duecourse_api.routing import reads
from duecourse_api.services import Services


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    items: tuple[ChannelState, ...]


@reads("/channels")
def list_channels(services: NamedDependency[Services]) -> Channels:
    """How the channels stand: what is due to leave by each, and which of them rest.

    A channel that could not take messages rests, and is tried again by itself. What waits for it
    leaves when it works again, if it is still permitted then.
    """
    return Channels(items=tuple(services.channel_states()))


HANDLERS = [list_channels]
