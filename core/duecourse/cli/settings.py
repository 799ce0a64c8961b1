"""The settings of one command: the file, the environment, then the options."""

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from duecourse.settings import Settings, SettingsError, read_settings
from duecourse.store.embedded.layout import Layout

_KEY_VARIABLES: Final = ("DUECOURSE_MASTER_KEY", "DUECOURSE_MASTER_KEY_FILE")


class ReadSettings(msgspec.Struct, frozen=True):
    """What every command is given. `config` and `data` are the options."""

    config: Path | None
    data: Path | None

    def __call__(self, *, first_key: bool = False) -> Settings:
        """For what needs data that are there: a mistyped folder is refused, not begun.

        With `first_key` the master key may be missing, as nothing has been sealed yet.
        """
        settings = self.anew()
        if settings.database_url is None:
            _refuse_no_cluster(settings.data)
        elif not first_key and not any(os.environ.get(name) for name in _KEY_VARIABLES):
            _refuse_no_key(settings.data)
        return settings

    def anew(self) -> Settings:
        """For what may begin a data folder."""
        settings = read_settings(self.config)
        return settings if self.data is None else replace(settings, data=self.data)

    def without_data(self) -> Settings:
        """For what looks at no data: only a folder that the command line names has to be there."""
        return self.anew() if self.data is None else self()


def _refuse_no_cluster(data: Path) -> None:
    if not Layout.of(data).root.is_dir():
        raise SettingsError(
            f"there is no Duecourse data in {data.absolute()}; name the right folder with --data,"
            " or begin there with `duecourse migrate`"
        )


def _refuse_no_key(data: Path) -> None:
    if not (data / "master.key").is_file():
        raise SettingsError(
            f"there is no Duecourse data in {data.absolute()}, no master key;"
            f" name its folder with --data, or set {_KEY_VARIABLES[1]}"
        )
