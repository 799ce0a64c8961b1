"""What the operator decides: one TOML file, a few environment variables, secrets elsewhere.

A secret is never written in the file itself but named there: `{ env = "SMS_TOKEN" }` or
`{ file = "/run/secrets/sms" }`. The tables of plugins stay raw; `convert` makes them typed.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from duecourse.channels import Rate, Secret
from duecourse.input_words import misfit
from duecourse.money.legal_places import AgreedOrder
from duecourse.redaction import redact

DEFAULT_FILE: Final = Path("duecourse.toml")
MOST_BYTES: Final = 1_000_000
MOST_SECRET_BYTES: Final = 64_000

T = TypeVar("T")
Table = dict[str, Any]


class SettingsError(ValueError):
    """The settings cannot be used. The message names the file, the key and the fix."""


class CreditorDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a creditor tells a debtor in every message: how to pay, and whom to ask for help.

    `licence` is what we are for this creditor; left out, the rules for every licence apply.
    `allocation` is the order of payment that its contracts agree on; left out, the law's.
    """

    ways_to_pay: str
    contact_line: str
    licence: Literal["", "fdcpa_collector", "first_party"] = ""
    allocation: AgreedOrder | None = None


class ChannelLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a channel is trusted: the table `[channels.NAME.limits]`.

    A call that takes longer than `call_seconds` counts as failed, and what it was to send as
    unknown. `memory_mb` bounds a channel that runs isolated. `rate` and `parallel` can only be
    less than the channel itself asks for. After `suspend_after` messages in a row that could not
    be handed over the channel rests for `suspend_seconds`, and each time for twice as long.
    """

    call_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0
    memory_mb: Annotated[int, msgspec.Meta(ge=160, le=65_536)] = 1024
    rate: Rate | None = None
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] = 64
    suspend_after: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    suspend_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0


class ChannelOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the core itself reads in the table `[channels.NAME]`, beside the plugin's own settings.

    `isolated` is whether the channel gets a process of its own; left out, it does when it does
    not come with Duecourse.
    """

    isolated: bool | None = None
    limits: ChannelLimits = ChannelLimits()


class HouseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`pack` is a house policy of one's own, in the place of the packaged contact budget."""

    pack: Path | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read once, at start-up.

    `plugins` lists the plugins that may load, by the name of the entry point or of the file; None
    allows every one. `plugin_folder` has plugins that are one file each. The tables of `channels`
    and `filings` are keyed by the name that cases use, such as `sms` (see ChannelOptions); those
    of `creditors` by the creditor's code. `treatment` is a schedule of one's own, and `clock` the
    file of a demo's clock (see `flow.clock.FileClock`); left out, the packaged schedule and the
    system's clock are used. `lease_seconds` is after how long a worker takes over what another one
    began and never ended; more than twice the longest `timeout` of a channel.
    """

    data: Path = Path("data")
    database_url: Secret | None = None
    plugins: tuple[str, ...] | None = None
    plugin_folder: Path | None = None
    channels: dict[str, Table] = {}
    filings: dict[str, Table] = {}
    creditors: dict[str, CreditorDetails] = {}
    house: HouseSettings = HouseSettings()
    treatment: Path | None = None
    clock: Path | None = None
    lease_seconds: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 180.0

    @property
    def plugin_tables(self) -> dict[str, dict[str, Table]]:
        """What `Plugins.discover` reads."""
        return {"channels": self.channels, "filings": self.filings}


def read_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read `path`, else the file DUECOURSE_CONFIG names, else `duecourse.toml` where it exists.

    DUECOURSE_DATA and DATABASE_URL win over the file. Raises SettingsError.
    """
    env = os.environ if environ is None else environ
    named = path or (Path(env["DUECOURSE_CONFIG"]) if env.get("DUECOURSE_CONFIG") else None)
    file = named or DEFAULT_FILE
    table = _read_toml(file) if named or file.exists() else {}
    if env.get("DUECOURSE_DATA"):
        table["data"] = env["DUECOURSE_DATA"]
    if env.get("DATABASE_URL"):
        table["database_url"] = Secret(env["DATABASE_URL"])
    return convert(table, Settings, where=str(file), environ=env)


def _read_toml(file: Path) -> Table:
    try:
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be read: {error.strerror}; correct --config or DUECOURSE_CONFIG"
        ) from error
    if len(raw) > MOST_BYTES:
        raise SettingsError(f"{file}: is larger than {MOST_BYTES} bytes; name the settings file")
    try:
        return tomllib.loads(raw.decode())
    except ValueError as error:
        raise SettingsError(f"{file}: is not TOML in UTF-8: {error}; correct it there") from error


def convert(
    table: object, kind: type[T], *, where: str, environ: Mapping[str, str] | None = None
) -> T:
    """Make a typed value of a raw table; `where` opens the message of a SettingsError.

    Understands Secret and Path besides what msgspec does.
    """
    env = os.environ if environ is None else environ
    secrets: list[Secret] = []
    try:
        return msgspec.convert(table, kind, dec_hook=_hook(env, secrets))
    except msgspec.ValidationError as error:
        # Without the cause: it could carry more of the table than the message shows. And without
        # the secrets: a plugin's own check of its settings may have quoted one.
        said = redact(str(misfit(error, kind)), (secret.reveal() for secret in secrets))
        raise SettingsError(f"{where}: {said}") from None


def _hook(environ: Mapping[str, str], secrets: list[Secret]) -> Callable[[type, Any], Any]:
    """Decode what msgspec cannot; the secrets that were read are added to `secrets`."""

    def decode(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's own signature
        if kind is Path and isinstance(value, str | Path) and str(value):
            return Path(value)
        if kind is Path:
            raise ValueError("expected a path")
        if kind is Secret:
            secrets.append(value if isinstance(value, Secret) else _resolve(value, environ))
            return secrets[-1]
        raise NotImplementedError(f"settings cannot hold a {kind.__name__}")

    return decode


def _resolve(value: object, environ: Mapping[str, str]) -> Secret:
    match value:
        case {"env": str(name), **rest} if not rest:
            if not environ.get(name):
                raise ValueError(f"the environment variable {name} is not set; set it")
            return Secret(environ[name])
        case {"file": str(name), **rest} if not rest:
            return Secret(_read_secret(Path(name)))
        case _:
            # The value is not shown: somebody may have written the secret itself.
            raise ValueError('a secret is written { env = "NAME" } or { file = "/path" }')


def _read_secret(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MOST_SECRET_BYTES + 1)
    except OSError as error:
        raise ValueError(
            f"the secret file {path} cannot be read: {error.strerror}; correct its name or its mode"
        ) from None
    if len(raw) > MOST_SECRET_BYTES:
        raise ValueError(
            f"the secret file {path} is larger than {MOST_SECRET_BYTES} bytes; name another one"
        )
    try:
        text = raw.decode().strip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"the secret file {path} is not UTF-8; write it anew") from None
    if not text:
        raise ValueError(f"the secret file {path} is empty; write the secret there")
    return text
