"""An SMSC of a few lines, and channels `sms-smpp` before it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from smsc.scripted import ScriptedSmsc
from smsc.settings import config

from duecourse_sms import SmppChannel


@pytest.fixture
def smsc() -> Iterator[ScriptedSmsc]:
    made = ScriptedSmsc()
    yield made
    made.close()


@pytest.fixture
def channel(smsc: ScriptedSmsc) -> Iterator[Callable[..., SmppChannel]]:
    """Makes one with these settings over the common ones."""
    with ExitStack() as stack:

        def make(**fields: Any) -> SmppChannel:
            made = SmppChannel(config(port=smsc.port, **fields))
            stack.callback(made.close)
            return made

        yield make
