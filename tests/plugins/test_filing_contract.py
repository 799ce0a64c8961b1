"""The kit of filing adapters passes what is right, and names what is wrong; docs/filing.md is true."""

import json
import logging
import re
import socket
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from installing import ROOT, install
from tests.plugins.test_scaffold import run as run_module

from duecourse import (
    Config,
    FilingAdapter,
    FilingDocument,
    FilingPackage,
    FilingProblem,
    FilingRequest,
    Secret,
    Transient,
)
from duecourse.loading import load_file
from duecourse.scaffold import Plan, write
from duecourse.testing import FilingContract
from duecourse.testing.contract import check, make_check, run
from duecourse_cn_court import CnCourt

TOWN = ROOT / "docs" / "examples" / "duecourse-town"
PAGE = ROOT / "docs" / "filing.md"


class PlainConfig(Config):
    folder: str


class Plain(FilingAdapter[PlainConfig]):
    """The least that is right."""

    name = "plain"
    config_class = PlainConfig
    example: ClassVar[Mapping[str, Any]] = {"folder": "filings"}

    def prepare(self, request: FilingRequest) -> FilingPackage:
        if not request.debts:
            raise FilingProblem("debts: there is none; a claim needs a debt")
        claim = FilingDocument(name="claim.txt", content=request.grounds.encode())
        return FilingPackage(reference=f"plain-{request.referral_id.hex}", documents=(claim,))

    def submit(self, package: FilingPackage) -> str:
        try:
            (Path(self.config.folder) / package.reference).write_bytes(package.documents[0].content)
        except OSError:
            raise FilingProblem("folder: is not there; make it") from None
        return package.reference


class Forgetful(Plain):
    def submit(self, package: FilingPackage) -> str:
        again = renamed(package, uuid.uuid4().hex)
        return super().submit(again)


class Twice(Plain):
    """Answers the same, and leaves a second claim."""

    def submit(self, package: FilingPackage) -> str:
        super().submit(renamed(package, uuid.uuid4().hex))
        return package.reference


class Dated(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        made = super().prepare(request)
        content = uuid.uuid4().bytes
        return FilingPackage(
            reference=made.reference, documents=(FilingDocument(name="a.txt", content=content),)
        )


class Curious(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        socket.getaddrinfo("court.example", 443)
        return super().prepare(request)


class Brittle(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        assert request.debtor_addresses[0]
        return super().prepare(request)


class Greedy(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        claim = FilingDocument(name="claim.txt", content=b"for nothing")
        return FilingPackage(reference=f"greedy-{request.referral_id.hex}", documents=(claim,))


class Nameless(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        return renamed(super().prepare(request), "plain")


class Climbing(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        made = super().prepare(request)
        document = FilingDocument(name="../claim.txt", content=b"x")
        return FilingPackage(reference=made.reference, documents=(document,))


class Mute(Plain):
    def submit(self, package: FilingPackage) -> str:
        (Path(self.config.folder) / package.reference).write_bytes(b"x")
        return package.reference


class Boastful(Plain):
    def submit(self, package: FilingPackage) -> str:
        return package.reference


class Chatty(Plain):
    def prepare(self, request: FilingRequest) -> FilingPackage:
        logging.getLogger("chatty").info("a claim against %s", request.debtor_name)
        return super().prepare(request)


class Unwritten(FilingAdapter[PlainConfig]):
    name = "unwritten"
    config_class = PlainConfig
    example: ClassVar[Mapping[str, Any]] = {"folder": "filings"}

    def prepare(self, request: FilingRequest) -> FilingPackage:
        raise FilingProblem("court: none is open")


def renamed(package: FilingPackage, reference: str) -> FilingPackage:
    return FilingPackage(reference=reference, documents=package.documents)


class PortalConfig(Config):
    url: str
    token: Secret


class Portal(FilingAdapter[PortalConfig]):
    """Posts the claim; the portal takes one key once."""

    name = "portal"
    config_class = PortalConfig
    example: ClassVar[Mapping[str, Any]] = {
        "url": "https://court.example.com/claims",
        "token": "fictional",
    }
    key = "Idempotency-Key"

    def prepare(self, request: FilingRequest) -> FilingPackage:
        return Plain.prepare(self, request)  # type: ignore[arg-type]

    def submit(self, package: FilingPackage) -> str:
        headers = {self.key: package.reference, "Authorization": self.config.token.reveal()}
        post = urllib.request.Request(self.config.url, package.documents[0].content, headers)
        try:
            with urllib.request.urlopen(post, timeout=5) as answer:
                return str(json.load(answer)["id"])
        except OSError:
            raise Transient("url: the portal was not reached") from None


class Careless(Portal):
    """A repetition cannot be told from a second claim."""

    key = "X-Reference"


def state_of(adapter: type[FilingAdapter[Any]], named: str) -> str:
    contract = type("Given", (FilingContract,), {"adapter": adapter})
    return make_check(contract(), f"test_{named.replace(' ', '_')}").state


def states(adapter: type[FilingAdapter[Any]]) -> dict[str, str]:
    return {each.check: each.state for each in check(adapter, adapter.example)}


@pytest.mark.parametrize("adapter", [Plain, CnCourt, Portal])
def test_what_is_right_passes(adapter: type[FilingAdapter[Any]]) -> None:
    found = states(adapter)
    # This file is a test: a fresh interpreter finds not all that it imports.
    del found["importing it does nothing else"]
    unchecked = set() if adapter is Portal else {"secrets are never shown"}
    assert {check for check, state in found.items() if state != "ok"} == unchecked, found


@pytest.mark.parametrize(
    ("adapter", "named"),
    [
        (Forgetful, "submitting twice files once"),
        (Careless, "submitting twice files once"),
        (Twice, "submitting twice files once"),
        (Dated, "preparing is pure"),
        (Curious, "preparing is pure"),
        (Brittle, "what cannot be filed is said as a problem"),
        (Greedy, "a claim without debts is not filed"),
        (Nameless, "each referral has a reference of its own"),
        (Climbing, "the bundle can be recorded"),
        (Mute, "a court that is not there is said in words"),
        (Boastful, "a court that is not there is said in words"),
        (Chatty, "nothing personal is logged"),
        (Unwritten, "both methods are written"),
    ],
)
def test_what_is_wrong_is_named(adapter: type[FilingAdapter[Any]], named: str) -> None:
    assert state_of(adapter, named) == "failed"


def test_the_kit_files_nothing_beyond_this_machine_and_its_own_folder(tmp_path: Path) -> None:
    class Elsewhere(Plain):
        def submit(self, package: FilingPackage) -> str:
            (tmp_path / "claim.txt").write_text("filed")
            return package.reference

    class Far(Plain):
        def submit(self, package: FilingPackage) -> str:
            socket.create_connection(("192.0.2.1", 443), timeout=1)
            return package.reference

    for adapter in (Elsewhere, Far):
        assert state_of(adapter, "submitting twice files once") != "ok"
    assert list(tmp_path.iterdir()) == []


def test_the_example_is_what_the_scaffold_writes(tmp_path: Path) -> None:
    write(Plan.of("town", "filing"), tmp_path)
    made = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()}
    for name in made:
        assert (TOWN / name).read_text("utf-8") == (tmp_path / name).read_text("utf-8"), name


def test_the_page_shows_the_example_as_it_is() -> None:
    shown = re.findall(
        r"^```python (\S+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert dict(shown) == {
        f"duecourse-town/{name}": (TOWN / name).read_text("utf-8")
        for name in ("duecourse_town/__init__.py", "tests/test_contract.py")
    }


def test_the_example_keeps_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TOWN)
    contract = load_file("town-contract", TOWN / "tests" / "test_contract.py").TestTown
    assert issubclass(contract, FilingContract)
    outcomes = {each.check: each.state for each in run(contract)}
    assert set(outcomes.values()) == {"ok", "not checked"}
    assert outcomes["submitting twice files once"] == "ok"


def test_the_example_is_installed_listed_and_checked_by_the_name_of_the_settings(
    tmp_path: Path,
) -> None:
    environ = install(TOWN, tmp_path)
    table = {"use": "town", "folder": "bundles", "court": "Sample", "claimant_address": "1 Road"}
    lines = [f'{key} = "{value}"' for key, value in table.items()]
    (tmp_path / "duecourse.toml").write_text("\n".join(["[filings.county]", *lines]))
    listed = run_module(tmp_path, "duecourse", "plugins", "list", **environ)
    assert "town\tfiling\tcounty\tloaded\t" in listed.stdout
    for name in ("county", "town"):
        done = run_module(tmp_path, "duecourse", "plugins", "check", name, **environ)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "ok           submitting twice files once" in done.stdout
        assert "see docs/filing.md, Hooks" in done.stdout
    assert not (tmp_path / "bundles").exists()
    (tmp_path / "duecourse.toml").write_text('[filings.county]\nuse = "town"\nfoldre = "x"\n')
    wrong = run_module(tmp_path, "duecourse", "plugins", "check", "county", **environ)
    assert wrong.returncode == 1
    assert "failed       its settings construct it" in wrong.stdout
