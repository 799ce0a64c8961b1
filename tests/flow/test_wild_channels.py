"""Whatever a channel does when it is asked to send, the worker and the other channels go on."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace
from office import Ledger, Office
from wild import WILD, discover_wild

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.settings import ChannelLimits
from duecourse.testing.sample import debt, open_case

NewOffice = Callable[..., Office]
WAYS = ("hang", "raise", "exit", "_exit", "crash", "print", "allocate", "nonsense", "halves")
TAME_SEND = (
    "        token = self.config.token.reveal()\n        match message.to:",
    "        return Accepted(reference=message.key)\n        match message.to:",
)
TAME_MEASURE = ("return misbehave(message.to) or Measure(", "return Measure(")
LIMITS = {"call_seconds": 6.0, "memory_mb": 400, "suspend_after": 1000}


def ask(office: Office, channel: str, point: e.ContactPoint) -> tuple[UUID, UUID]:
    """A case whose debtor is reached in one way only, and a message that may leave so."""
    case_id, contact_id = uuid.uuid4(), uuid.uuid4()
    opening = open_case(debt(uuid.uuid4()))
    office.ask(case_id, replace(opening, subject_id=uuid.uuid4(), contact_points=(point,)))
    asked = c.RequestContact(contact_id=contact_id, channel=channel, template="reminder-first")
    (answer, *_) = office.ask(case_id, asked).events
    assert isinstance(answer, e.ContactPermitted)
    return case_id, contact_id


@pytest.mark.parametrize(
    ("tame", "ways", "ends"),
    [(TAME_SEND, WAYS[1:], "cancelled"), (TAME_MEASURE, WAYS, "unknown")],
    ids=["when it measures", "when it sends"],
)
def test_a_channel_that_goes_wild_harms_no_other(
    new_office: NewOffice,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    tame: tuple[str, str],
    ways: Sequence[str],
    ends: str,
) -> None:
    """What cannot be measured surely did not leave; once it is to be sent, nobody can say."""
    source = WILD.replace(
        'medium="other", guarantee="queryable", receipts="poll"', 'medium="sms", parallel=1'
    ).replace(*tame)
    assert tame[1] in source
    plugins = discover_wild(tmp_path, source, wild={"limits": LIMITS})
    sound = Ledger()
    office = new_office(
        {"wild": plugins.channels["wild"], "sms": sound},
        limits={"wild": ChannelLimits(suspend_after=1000)},
    )
    mobile = e.ContactPoint(point_id="mobile", kind="phone", address="+8615400000000")
    wild = {
        how: ask(office, "wild", e.ContactPoint(point_id="chat", kind="other", address=how))
        for how in ways
    }
    fine = [ask(office, "sms", mobile) for _ in range(20)]
    stop, noon, began = threading.Event(), office.now, time.monotonic()

    def wait_while(is_so: Callable[[], bool]) -> None:
        """The office's clock goes on: what is put off while the channel rests has its turn again."""
        while is_so() and (passed := time.monotonic() - began) < 120:
            office.now = noon + timedelta(seconds=passed)
            time.sleep(0.02)

    def statuses() -> dict[str, str]:
        return {how: office.case(a).contacts[b].status for how, (a, b) in wild.items()}

    def is_settled() -> bool:
        return not {"permitted", "dispatching"} & set(statuses().values())

    worker = threading.Thread(target=office.worker.run, args=(stop.is_set,))
    worker.start()
    try:
        wait_while(lambda: len(sound.taken) < len(fine))
        in_time = not is_settled()
        wait_while(lambda: not is_settled())
    finally:
        stop.set()
        worker.join()
        plugins.close()
        capfd.readouterr()
    assert in_time, "the sound channel did not wait until the wild one had come to its end"
    assert {office.case(a).contacts[b].status for a, b in fine} == {"accepted"}
    assert statuses() == {how: "accepted" if how == "print" else ends for how in ways}
