"""What a running supervisor writes down for `describe`."""

import msgspec

from duecourse.store.embedded.accounts import Mode
from duecourse.store.embedded.binaries import Source
from duecourse.store.embedded.layout import Layout


class State(msgspec.Struct, frozen=True, kw_only=True):
    supervisor: int
    server: int
    """Both are numbers of processes."""
    version: str
    source: Source
    folder: str
    mode: Mode
    user: str


def write_state(layout: Layout, state: State) -> None:
    fresh = layout.state.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(state))
    fresh.replace(layout.state)


def read_state(layout: Layout) -> State | None:
    try:
        return msgspec.json.decode(layout.state.read_bytes(), type=State)
    except FileNotFoundError:
        return None
