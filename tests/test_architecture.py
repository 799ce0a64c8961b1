"""The shape of the house: who may import whom, and what no file may name."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "core" / "duecourse"
PURE = ("case", "money", "rules")
# What a pure module may want besides its own: data, dates, words. No clock, network or files;
# rules reads its packs through importlib.resources.
PURE_LIBRARIES = {
    "bisect", "calendar", "collections", "datetime", "fractions", "functools", "importlib",
    "itertools", "math", "msgspec", "pathlib", "re", "tomllib", "typing", "unicodedata", "uuid",
    "zoneinfo",
}  # fmt: skip
IMPURE_CALLS = {
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
    "uuid1",
    "uuid4",
    "open",
    "print",
    "input",
}
PLUGINS = [
    *sorted((ROOT / "plugins").glob("*/**/*.py")),
    *sorted((ROOT / "adapters").glob("*/**/*.py")),
]
NOT_OURS = {
    ".git", ".venv", ".uv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".import_linter_cache", ".hypothesis", ".demo", ".bench", "htmlcov", "dist", "build", "data",
}  # fmt: skip
# Written in two halves, so that this file does not name them either.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "crates" + ".io"]
HOSTS += ["rubygems" + ".org", "proxy.golang" + ".org", "conda." + "anaconda.org", "ghcr" + ".io"]
PLACES = ["/wo" + "rk/", "/tmp/" + "build", "/ro" + "ot/", "/Us" + "ers/"]


def modules(part: str) -> list[Path]:
    return sorted((CORE / part).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, as `package.module`."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield node.module or ""


def called(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def files_of_the_project() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        yield from (Path(folder) / name for name in names if name != ".coverage")


def test_imports_run_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("part", PURE)
def test_the_pure_core_imports_no_library_but_msgspec(part: str) -> None:
    assert modules(part)
    for file in modules(part):
        names = {name for name in imported(file) if name.split(".")[0] != "duecourse"}
        assert {name.split(".")[0] for name in names} <= PURE_LIBRARIES, file


@pytest.mark.parametrize("part", PURE)
def test_the_pure_core_reads_no_clock_and_rolls_no_dice(part: str) -> None:
    for file in modules(part):
        assert not set(called(file)) & IMPURE_CALLS, file


@pytest.mark.parametrize(
    ("part", "known"),
    [("money", {"money"}), ("rules", {"rules"}), ("case", {"case", "money", "rules"})],
)
def test_a_pure_part_knows_only_what_is_below_it(part: str, known: set[str]) -> None:
    for file in modules(part):
        ours = [name.split(".") for name in imported(file) if name.startswith("duecourse")]
        assert {"".join(name[1:2]) for name in ours} <= known, file


def test_only_the_store_names_the_database_and_the_event_library() -> None:
    named = {
        file.relative_to(CORE).parts[0]
        for file in CORE.rglob("*.py")
        if {name.split(".")[0] for name in imported(file)}
        & {"eventsourcing", "psycopg", "psycopg_pool"}
    }
    assert named == {"store"}


@pytest.mark.parametrize("file", PLUGINS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_plugin_imports_only_what_duecourse_exports(file: Path) -> None:
    own = file.relative_to(ROOT).parts[1]
    ours = {name for name in imported(file) if name.split(".")[0].startswith("duecourse")}
    assert {name for name in ours if name.split(".")[0] != own} <= {"duecourse"}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-fonts.lock"])
def test_a_lock_names_versions_and_hashes_and_no_place(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    wanted = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", text, re.MULTILINE)
    assert wanted
    assert text.count("--hash=sha256:") >= len(wanted)
    assert "://" not in text
    assert "--index" not in text


def test_no_file_names_a_registry_or_a_place_of_somebodys_machine() -> None:
    hosts = "|".join(re.escape(host) for host in HOSTS)
    here = [f"{ROOT}/"] if len(ROOT.parts) > 2 else []
    places = "|".join(re.escape(place) for place in [*PLACES, *here])
    # Not inside a longer path or address, as in ./work or example.com/work.
    forbidden = re.compile(rf"(?:{hosts})|(?<![\w.~-])(?:{places})".encode())
    found = [
        f"{file.relative_to(ROOT)}: {hit[0].decode()}"
        for file in files_of_the_project()
        if (hit := forbidden.search(file.read_bytes()))
    ]
    assert found == []
