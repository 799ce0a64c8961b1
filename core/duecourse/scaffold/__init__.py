"""A new plugin, a channel or a filing adapter.

A package that works, and passes the conformance kit, before it is changed.
"""

import importlib.util
import re
from importlib.metadata import entry_points, version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import msgspec

from duecourse.catalogue import Catalogue
from duecourse.loading import GROUP, Role

MOST_NAME: Final = 40
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_WHAT: Final[dict[Role, str]] = {"channel": "channel", "filing": "filing adapter"}
_ADDRESSES: Final = {
    "sms": r"\+[1-9][0-9]{6,14}",
    "email": r"[^@\s]+@[^@\s]+\.[^@\s]+",
    "letter": r".*\S.*",
    "other": r"\S+",
}


class CannotWrite(ValueError):
    """The words say what stands in the way, and what to do about it."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin of this name is called in each place.

    The medium of a channel is the first part of its name.
    """

    role: Role
    name: str
    module: str
    class_name: str
    medium: str

    @classmethod
    def of(cls, name: str, role: Role = "channel") -> "Plan":
        """Raises CannotWrite for a name that cannot be that of a plugin."""
        if len(name) > MOST_NAME or not _NAME.fullmatch(name):
            raise CannotWrite(
                f"a name has at most {MOST_NAME} small letters, digits and single hyphens and begins"
                " with a letter; try sms-foo"
            )
        module = f"duecourse_{name.replace('-', '_')}"
        if importlib.util.find_spec(module) is not None:
            raise CannotWrite(f"{module} is installed already; choose another name")
        if name in _bundled():
            raise CannotWrite(f"{name} comes with Duecourse already; choose another name")
        medium = name.partition("-")[0]
        return cls(
            role=role,
            name=name,
            module=module,
            class_name="".join(part.capitalize() for part in name.split("-")),
            medium=medium if medium in _ADDRESSES else "other",
        )

    @property
    def folder(self) -> Path:
        """Where it is written unless somebody says otherwise."""
        return Path(f"duecourse-{self.name}")

    def files(self) -> dict[str, str]:
        """The text of each file, by its path in the folder."""
        module = self.module
        return {
            "pyproject.toml": self._filled("pyproject.toml"),
            "README.md": self._filled("README.md"),
            f"{module}/__init__.py": self._filled("plugin.py"),
            f"{module}/py.typed": "",
            "tests/test_contract.py": self._filled("test_contract.py"),
        }

    def _filled(self, name: str) -> str:
        own = files(__name__).joinpath("filing", f"{name}.txt")
        is_own = self.role == "filing" and own.is_file()
        found = own if is_own else files(__name__).joinpath("package", f"{name}.txt")
        text = found.read_text("utf-8")
        return Template(text).substitute(
            what=_WHAT[self.role],
            name=self.name,
            module=self.module,
            class_name=self.class_name,
            medium=self.medium,
            instance=self.name if self.medium == "other" else self.medium,
            address=_ADDRESSES[self.medium],
            release=".".join(version("duecourse").split(".")[:2]),
        )


def _bundled() -> set[str]:
    """What the plugins that come with Duecourse are called; an outsider is refused their names."""
    ours = (
        each
        for each in entry_points(group=GROUP)
        if each.dist is not None and each.dist.name == "duecourse"
    )
    catalogue = Catalogue(None)
    catalogue.add_installed(ours)
    return {name for _, name in catalogue.offers}


def write(plan: Plan, folder: Path) -> list[Path]:
    """Write the package into a folder that is not there yet, or empty. Raises CannotWrite."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CannotWrite(f"{folder} is there already; nothing is overwritten: choose a --folder")
    written = []
    for name, text in plan.files().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
        written.append(file)
    return written
