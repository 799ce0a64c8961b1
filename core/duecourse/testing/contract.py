"""The conformance kit of the channel contract, and what runs this kit or that of filing adapters.

See docs/channel-contract.md; filing_contract.py has the other one.

    class TestMine(ChannelContract):
        channel = MyChannel
        config = {"url": "https://gateway.example.com", "token": "fictional"}

Run by pytest, or by `duecourse plugins check`, which needs no file. It is versioned with the
contract; a check that is new warns for one minor release before it is an error.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from warnings import catch_warnings, simplefilter

import msgspec

from duecourse.channels import Channel
from duecourse.contract import Plugin
from duecourse.redaction import ANYTHING, printable, redact
from duecourse.testing.filing_contract import FilingContract
from duecourse.testing.kit import ContractWarning, NotChecked
from duecourse.testing.settings_checks import SettingsChecks
from duecourse.testing.signal_checks import SignalChecks

State = Literal["ok", "failed", "not checked", "warning"]


class ChannelContract(SettingsChecks, SignalChecks):
    """Every check of the kit; subclass it, and set `channel`."""


Contract = ChannelContract | FilingContract


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `duecourse plugins check`."""

    check: str
    state: State
    why: str = ""


def check(plugin: Plugin, config: Mapping[str, Any]) -> Iterator[Outcome]:
    """Run the kit on a channel or a filing adapter with settings that nobody has tried yet."""
    contract: type[Contract]
    if issubclass(plugin, Channel):
        contract = type("Given", (ChannelContract,), {"channel": plugin, "config": config})
    else:
        contract = type("Given", (FilingContract,), {"adapter": plugin, "config": config})
    yield from run(contract)


def run(contract: type[Contract]) -> Iterator[Outcome]:
    """Run every check of a kit with its own hooks."""
    for name in checks_of(contract):
        yield make_check(contract(), name)


def checks_of(contract: type[Contract]) -> list[str]:
    return [name for name in dir(contract) if name.startswith("test_")]


def make_check(contract: Contract, name: str) -> Outcome:
    """Make one check, by the name of its method, and say what came of it."""
    state: State = "ok"
    why = ""
    with catch_warnings(record=True) as warned:
        simplefilter("always")
        try:
            getattr(contract, name)()
        except NotChecked as unchecked:
            state, why = "not checked", str(unchecked)
        except AssertionError as failed:
            state, why = "failed", str(failed)
        except ANYTHING as error:  # the plugin's own, at a place where none may be
            state, why = "failed", f"it raises {type(error).__name__}"
    warnings = [str(each.message) for each in warned if each.category is ContractWarning]
    if state == "ok" and warnings:
        state, why = "warning", warnings[0]
    said = " ".join(name.removeprefix("test_").split("_"))
    return Outcome(check=said, state=state, why=_discreet(why, contract))


def _discreet(why: str, contract: Contract) -> str:
    """One line, without the secrets that an error may have quoted."""
    try:
        secrets = contract.secrets
    except Exception:  # noqa: BLE001 - settings that cannot be read hold no secret that was read
        secrets = []
    return printable(redact(why, secrets))
