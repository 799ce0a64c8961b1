"""The words of the papers: a TOML file each, which a compliance officer reads as it stands."""

from functools import cache
from importlib.resources import files

import msgspec

from duecourse.case.words import Language


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str


class Words:
    """The words of one paper in one language."""

    def __init__(self, paper: str, language: Language) -> None:
        self._both = words_of(paper)
        self.language = language

    def __call__(self, code: str, **values: str) -> str:
        """Values are only ever inserted: nothing in them is read as a place for another one."""
        both = self._both[code]
        return (both.en if self.language == "en" else both.zh).format(**values)


@cache
def words_of(paper: str) -> dict[str, Both]:
    raw = (files("duecourse") / "papers" / f"{paper}.toml").read_bytes()
    return msgspec.toml.decode(raw, type=dict[str, Both])
