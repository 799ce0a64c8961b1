"""Whether a class that a plugin brings keeps the contract, and an object made of it too."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final

import msgspec

from duecourse.case.words import Name
from duecourse.channels import CONTRACTS, Capabilities, Channel, Config
from duecourse.filing import FilingAdapter
from duecourse.loading import Role

RESERVED: Final = {"channel": ("use", "isolated", "limits"), "filing": ("use",)}
"""Keys beside a plugin's own in its table of the settings: they are the core's."""

Plugin = type[Channel[Any]] | type[FilingAdapter[Any]]


def check_class(role: Role, plugin: object) -> Plugin:
    """Return `plugin` when it keeps the contract; raises TypeError saying what is missing."""
    base: Plugin = Channel if role == "channel" else FilingAdapter
    if not (isinstance(plugin, type) and issubclass(plugin, base)):
        raise TypeError(f"the hook must return subclasses of {base.__name__}, not {plugin!r}")
    try:
        msgspec.convert(getattr(plugin, "name", None), Name)
    except msgspec.ValidationError as error:
        raise TypeError(f"`name` must be a short code such as sms-http: {error}") from None
    _check_version(plugin.contract)
    _check_config(role, getattr(plugin, "config_class", None))
    if issubclass(plugin, Channel):
        if plugin.send is Channel.send:
            raise TypeError("`send` is not written")
        check_capabilities(getattr(plugin, "capabilities", None), written(plugin))
    return plugin


def _check_version(contract: object) -> None:
    if type(contract) is not int:
        raise TypeError("`contract` must be the number of the contract it is written for")
    if contract not in CONTRACTS:
        kept = ", ".join(map(str, sorted(CONTRACTS)))
        raise TypeError(f"it is written for contract {contract}; kept here: {kept}")


def _check_config(role: Role, config_class: object) -> None:
    if not (isinstance(config_class, type) and issubclass(config_class, Config)):
        raise TypeError("`config_class` must be a subclass of Config")
    keys = {field.encode_name for field in msgspec.structs.fields(config_class)}
    for key in RESERVED[role]:
        if key in keys:
            raise TypeError(f"its Config has a field `{key}`, which is the core's; rename it")


def check_capabilities(given: object, methods: Collection[str]) -> Capabilities:
    """Return what a channel promises when it has the methods for it; else raises TypeError."""
    if not isinstance(given, Capabilities):
        raise TypeError("`capabilities` must be a Capabilities")
    try:
        promised = msgspec.convert(msgspec.to_builtins(given), Capabilities)
    except (msgspec.ValidationError, OverflowError) as error:
        raise TypeError(f"`capabilities`: {error}") from None
    if promised.window < timedelta(0):
        raise TypeError("`capabilities`: `window` must not be negative")
    if promised.guarantee == "queryable" and "find" not in methods:
        raise TypeError("a queryable channel must write `find`")
    if promised.receipts == "webhook" and "receive" not in methods:
        raise TypeError("a channel with webhook receipts must write `receive`")
    if promised.receipts == "poll" and "poll" not in methods:
        raise TypeError("a channel with polled receipts must write `poll`")
    if promised.inbound and not {"receive", "poll"} & set(methods):
        raise TypeError("a channel with inbound messages must write `receive` or `poll`")
    return promised


def written(channel: Channel[Any] | type[Channel[Any]]) -> frozenset[str]:
    """The methods of the contract that a channel wrote itself, even when it runs elsewhere."""
    known = getattr(channel, "written", None)
    if isinstance(known, frozenset):
        return known
    kind = channel if isinstance(channel, type) else type(channel)
    own = {} if isinstance(channel, type) else vars(channel)
    return frozenset(
        name
        for name in METHODS
        if name in own or getattr(kind, name, None) is not getattr(Channel, name)
    )


METHODS: Final = (
    "check",
    "close",
    "normalise",
    "measure",
    "send",
    "find",
    "receive",
    "poll",
)
