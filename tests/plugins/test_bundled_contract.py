"""Every channel that comes with Duecourse keeps the contract, as it is and before peers.

Those of SMS and e-mail have their peers in test_sms_contract.py and test_email_contract.py.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from ipp_printer import Job, scripted_printer

from duecourse import Channel
from duecourse.catalogue import Catalogue
from duecourse.loading import GROUP
from duecourse.testing import Arrival, ChannelContract, NotChecked, Peer
from duecourse.testing.contract import check
from duecourse.testing.peer import Trouble, troublesome_http
from duecourse_letter import LetterPrinter, LetterSpool


def bundled() -> list[type[Channel[Any]]]:
    catalogue = Catalogue(None)
    catalogue.add_installed(entry_points(group=GROUP))
    plugins = [each.plugin for each in catalogue.offers.values() if each.package.is_bundled]
    return [each for each in plugins if issubclass(each, Channel)]


def test_all_of_them_are_here() -> None:
    media = {each.capabilities.medium for each in bundled()}
    assert media == {"sms", "email", "letter"}


@pytest.mark.parametrize("channel", bundled(), ids=lambda each: each.name)
def test_a_bundled_channel_fails_no_check_with_its_example(channel: type[Channel[Any]]) -> None:
    outcomes = list(check(channel, channel.example))
    assert [each for each in outcomes if each.state in {"failed", "warning"}] == []
    assert {each.check for each in outcomes if each.state == "ok"} >= {
        "its settings construct it",
        "importing it does nothing else",
        "an address is stored in one form",
        "measuring is pure",
    }


KEY = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"


class TestSpool(ChannelContract):
    """The folder is the peer."""

    channel = LetterSpool

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "collected").mkdir()
            # What the print house has taken is the receipt that a poll brings.
            (folder / "collected" / f"{KEY}.pdf").write_bytes(b"%PDF-1.7")
            yield Peer(
                settings={"folder": name},
                arrived=lambda: [
                    Arrival(content=file.name, reference=file.stem) for file in folder.glob("*.pdf")
                ],
            )

    @contextmanager
    def hostile(self, trouble: Trouble) -> Iterator[Mapping[str, Any]]:
        if trouble != "refused":
            raise NotChecked("a folder is there or it is not")
        with tempfile.TemporaryDirectory() as name:
            yield {"folder": f"{name}/gone"}


class TestPrinter(ChannelContract):
    """A printer that is asked for the jobs it has."""

    channel = LetterPrinter

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        with scripted_printer() as printer:
            printer.jobs.append(Job(job_id=1, name=KEY, user="duecourse"))
            yield Peer(
                settings={"printer": printer.uri},
                arrived=lambda: [
                    Arrival(content=job.name, reference=job.name)
                    for job in printer.jobs
                    if job.document
                ],
            )

    @contextmanager
    def hostile(self, trouble: Trouble) -> Iterator[Mapping[str, Any]]:
        with troublesome_http(trouble) as port:
            yield {"printer": f"ipp://127.0.0.1:{port}/ipp/print"}
