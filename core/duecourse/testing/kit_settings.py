"""The settings that the kit constructs a channel with, and where in them its peer stands."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

from duecourse.channels import Channel, Config, Secret
from duecourse.contract import Plugin
from duecourse.filing import FilingAdapter
from duecourse.settings import SettingsError, convert
from duecourse.testing.peer import HOST

SHORT_SECONDS: Final = 1.0
"""The `timeout` that a channel gets which has such a setting: a peer that hangs is waited for."""


def make_config(kind: type[Config], table: Mapping[str, Any]) -> Config:
    """Like the settings file, but a secret may also be a plain string. Raises SettingsError."""

    def decode(wanted: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's own signature
        if wanted is Secret and isinstance(value, str):
            return Secret(value)
        return convert(value, wanted, where="settings")

    try:
        return msgspec.convert(dict(table), kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings of {kind.__name__}: {error}") from None


def make(channel: type[Channel[Any]], table: Mapping[str, Any]) -> Channel[Any]:
    """Raises SettingsError, or whatever the constructor does."""
    return channel(make_config(channel.config_class, table))


@contextmanager
def constructed(
    plugin: Plugin, table: Mapping[str, Any]
) -> Iterator[Channel[Any] | FilingAdapter[Any]]:
    """As `make`, of either kind; a channel is closed afterwards."""
    made = plugin(make_config(plugin.config_class, table))
    try:
        yield made
    finally:
        if isinstance(made, Channel):
            made.close()


def hasty(channel: type[Channel[Any]], table: Mapping[str, Any]) -> dict[str, Any]:
    """The same settings with a short `timeout`, where there is one and it may be that short."""
    quick = {**table, "timeout": SHORT_SECONDS}
    if "timeout" not in channel.config_class.__struct_fields__:
        return dict(table)
    try:
        make(channel, quick)
    except Exception:  # noqa: BLE001 - whatever speaks against it, the author's own is kept
        return dict(table)
    return quick


def schema_of(kind: type[Config]) -> dict[str, Any]:
    """Raises TypeError for a type of setting that has no schema."""

    def hook(wanted: type) -> dict[str, Any]:
        if wanted is Secret:
            return {"type": "string", "writeOnly": True}
        if issubclass(wanted, Path):
            return {"type": "string"}
        raise NotImplementedError

    return msgspec.json.schema(kind, schema_hook=hook)


def http_places(plugin: Plugin, table: Mapping[str, Any]) -> dict[str, str]:
    """The setting `url`, else those called something_url, that hold an address of HTTP.

    Beside `url`, or `host` and `port`, the others are where somebody else is to reach us.
    """
    config = make_config(plugin.config_class, table)
    fields = config.__struct_fields__
    places = ["url"] if "url" in fields else [name for name in fields if name.endswith("_url")]
    if "url" not in fields and has_tcp_place(plugin):
        places = []
    values = {name: getattr(config, name) for name in places}
    named = {
        key: value.reveal() if isinstance(value, Secret) else value for key, value in values.items()
    }
    return {
        key: value
        for key, value in named.items()
        if isinstance(value, str) and value.startswith(("http://", "https://"))
    }


def at_http_port(plugin: Plugin, table: Mapping[str, Any], port: int) -> dict[str, Any]:
    """Settings that lead to this port of this machine; the path of each address stays."""
    return {
        key: urlunsplit(urlsplit(url)._replace(scheme="http", netloc=f"{HOST}:{port}"))
        for key, url in http_places(plugin, table).items()
    }


def has_tcp_place(plugin: Plugin) -> bool:
    return {"host", "port"} <= set(plugin.config_class.__struct_fields__)
