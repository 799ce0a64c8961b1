"""Checks of any plugin before it does anything: its name, its settings, what it reaches for."""

import json
import subprocess
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path
from types import UnionType
from typing import Annotated, Final, Union, get_args, get_origin

import msgspec

from duecourse.case.words import Name
from duecourse.channels import CONTRACTS, Config, Secret
from duecourse.contract import Plugin
from duecourse.settings import SettingsError
from duecourse.testing.kit import NotChecked, PluginKit, demand
from duecourse.testing.kit_settings import constructed, make_config, schema_of
from duecourse.testing.trial import listening, words_of
from duecourse.testing.watch import watching

_SOUND_SECRET: Final = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "api_key", "apikey",
    "private_key", "access_key", "auth", "credential", "credentials",
)  # fmt: skip
_UNKNOWN: Final = "no_such_setting"
_CANARY: Final = "kit-canary-4711"
_IMPORT: Final = """
import importlib, json, sys
from pathlib import Path
sys.path[:] = json.loads(sys.argv[1])
from duecourse.loading import load_file
from duecourse.testing.watch import watching
with watching("reading") as watch:
    try:
        if sys.argv[2]:
            importlib.import_module(sys.argv[2])
        else:
            load_file("kit", Path(sys.argv[3]))
    except BaseException as error:
        print(json.dumps([watch.seen, type(error).__name__]))
    else:
        print(json.dumps([watch.seen, ""]))
"""


class PluginChecks(PluginKit):
    def test_name_settings_class_and_contract_are_right(self) -> None:
        try:
            msgspec.convert(getattr(self.plugin, "name", None), Name)
        except msgspec.ValidationError as wrong:
            raise AssertionError(f"`name` must be a short code such as sms-http: {wrong}") from None
        kept = ", ".join(map(str, sorted(CONTRACTS)))
        demand(self.plugin.contract in CONTRACTS, f"`contract` must be one of: {kept}")
        kind = getattr(self.plugin, "config_class", None)
        demand(
            isinstance(kind, type) and issubclass(kind, Config),
            "`config_class` must be a subclass of Config",
        )

    def test_its_settings_have_a_schema(self) -> None:
        try:
            msgspec.json.encode(schema_of(self.plugin.config_class))
        except (TypeError, NotImplementedError, msgspec.MsgspecError) as wrong:
            raise AssertionError(f"a setting has a type without a JSON schema: {wrong}") from None

    def test_its_settings_construct_it(self) -> None:
        try:
            with constructed(self.plugin, self.table):
                pass
        except SettingsError as wrong:
            raise AssertionError(f"{wrong}; set `example` of the class, or `config`") from None

    def test_an_unknown_setting_is_refused_by_name(self) -> None:
        try:
            make_config(self.plugin.config_class, {**self.table, _UNKNOWN: 1})
        except SettingsError as refused:
            demand(_UNKNOWN in str(refused), "the refusal of an unknown setting does not name it")
        else:
            raise AssertionError("an unknown setting is taken: derive the settings from Config")

    def test_what_is_secret_is_a_secret(self) -> None:
        fields = msgspec.structs.fields(self.plugin.config_class)
        plain = [
            field.name
            for field in fields
            if field.name.endswith(_SOUND_SECRET) and _is_plain(field.type)
        ]
        demand(not plain, f"these settings must have the type Secret: {', '.join(plain)}")

    def test_secrets_are_never_shown(self) -> None:
        """Not by repr, and not by a constructor that is given something wrong."""
        self._demand_has_secrets()
        with listening() as logged, constructed(self.plugin, self.table) as made:
            shown = [repr(made), str(made), repr(made.config)]
            for key, value in self.table.items():
                shown += self._complaint(key, value)
            shown += logged
        for secret in [*self.secrets, _CANARY]:
            demand(not any(secret in each for each in shown), "a secret is shown")

    def _demand_has_secrets(self) -> None:
        if not self.secrets:
            raise NotChecked("its settings hold no secret")

    def _complaint(self, key: str, value: object) -> list[str]:
        """What the constructor says to one setting that is off."""
        kinds = {each.name: each.type for each in msgspec.structs.fields(self.plugin.config_class)}
        wrong = [_CANARY] if kinds.get(key) in {Secret, Secret | None} else []
        wrong += ["?"] if isinstance(value, str) and not wrong else []
        said: list[str] = []
        for each in wrong:
            try:
                with constructed(self.plugin, {**self.table, key: each}):
                    pass
            except Exception as error:  # noqa: BLE001 - whatever is raised, its words are looked at
                said += words_of(error)
        return said

    def test_importing_it_does_nothing_else(self) -> None:
        """In a fresh interpreter: no network, no program, no file written."""
        module = self.plugin.__module__
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is None:
            raise NotChecked(f"its module {module} is not a file")
        name = module if _is_importable(module) else ""
        done = subprocess.run(  # noqa: S603 - this interpreter, and a program written above
            [sys.executable, "-B", "-c", _IMPORT, json.dumps(sys.path), name, file],
            capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        demand(done.returncode == 0 and done.stdout.strip(), "importing it ends the program")
        seen, error = json.loads(done.stdout.splitlines()[-1])
        demand(not seen, f"importing it reaches for {', '.join(seen[:1])}")
        demand(not error, f"a fresh interpreter cannot import it ({error})")

    def test_constructing_it_does_nothing_else(self) -> None:
        with (
            watching("nothing", own=_folder_of(self.plugin)) as watch,
            suppress(Exception),
            constructed(self.plugin, self.table),
        ):
            pass
        demand(not watch.seen, f"constructing it reaches for {', '.join(watch.seen[:1])}")


def _is_plain(kind: object) -> bool:
    """Whether a setting of this type may be any text, or any bytes."""
    parts = get_args(kind)
    if get_origin(kind) is Annotated:
        return _is_plain(parts[0])
    if get_origin(kind) in {Union, UnionType}:
        return any(_is_plain(part) for part in parts)
    return kind in (str, bytes)


def _is_importable(module: str) -> bool:
    """Whether another interpreter finds it by its name; that this one knows it says nothing."""
    return PathFinder.find_spec(module.partition(".")[0]) is not None


def _folder_of(kind: Plugin) -> str:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return str(Path(file).parent) if file else ""
