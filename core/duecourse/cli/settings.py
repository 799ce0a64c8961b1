"""The settings of one command: the file, the environment, then the options."""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from duecourse.settings import Settings, read_settings

ReadSettings = Callable[[], Settings]


def read(config: Path | None, data: Path | None) -> Settings:
    settings = read_settings(config)
    return settings if data is None else replace(settings, data=data)
