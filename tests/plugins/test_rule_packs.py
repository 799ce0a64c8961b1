"""Rules of contact that a plugin brings: judged by, or the program does not start."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from duecourse.flow.house import House
from duecourse.plugins import Plugins, PluginStatus
from duecourse.rules.pack import PackError
from duecourse.settings import Settings

DOCS = (Path(__file__).parents[2] / "docs/rules.md").read_text("utf-8")
ONE_BY_ONE = "sample_rules/sample.toml"
NIGHT = ["--channel", "sms", "--at", "2026-03-02T22:00:00+08:00", "--tz", "Asia/Shanghai"]


def from_docs(language: str, beginning: str) -> str:
    """The one block of the page that begins so."""
    blocks = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(beginning))
    return str(found)


PACK = from_docs("toml", 'name = "sample"')
MODULE = from_docs("python", "# sample_rules/__init__.py")
PROJECT = from_docs("toml", "# pyproject.toml")
WRONG = PACK.replace("start = 22:00:00", "start = 22:00:01")
SAYS = (
    "plugin sample-rules: pack sample, rule quiet_hours, vector 2 (2026-03-02 22:00:00):"
    " expected block, but the rule says allow"
)


def write(folder: Path, pack: str = PACK, module: str = MODULE, project: str = PROJECT) -> Path:
    """The package as the page shows it, in files."""
    (folder / "sample_rules").mkdir(parents=True)
    (folder / "sample_rules/__init__.py").write_text(module)
    (folder / ONE_BY_ONE).write_text(pack)
    (folder / "pyproject.toml").write_text(project)
    return folder


def build(folder: Path) -> Path:
    """Make a wheel of the package. Python imports from one, and finds its entry points, unpacked or not."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    done = subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


Run = Callable[..., subprocess.CompletedProcess[str]]


def run_in(folder: Path, *path: Path) -> Run:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)
    environ["PYTHONPATH"] = os.pathsep.join(map(str, path))

    def duecourse(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "duecourse", *arguments],
            capture_output=True, text=True, timeout=120, check=False, env=environ, cwd=folder,
        )  # fmt: skip

    return duecourse


# --- installed -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """With the package of the page installed, as a wheel that is not even unpacked."""
    here = tmp_path_factory.mktemp("good")
    return run_in(here, build(write(here / "plugin")))


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """With one whose example fails, and a data folder that is ready."""
    here = tmp_path_factory.mktemp("bad")
    assert run_in(here)("migrate").returncode == 0
    return run_in(here, build(write(here / "plugin", pack=WRONG)))


def test_the_example_of_the_page_is_listed_explained_and_judged_by(good: Run) -> None:
    packs = json.loads(good("rules", "list", "--json").stdout)
    assert "sample" in {pack["name"] for pack in packs}
    assert good("rules", "explain", "sample.quiet_hours").stdout.startswith(
        "sample.quiet_hours: Nobody is contacted at night."
    )
    refused = good("rules", "check", "--pack", "sample", *NIGHT)
    assert refused.returncode == 3, refused.stderr
    assert "next lawful moment: 2026-03-03T08:00:00+08:00" in refused.stdout
    assert "Sample Act section 1" in refused.stdout


def test_the_place_of_the_pack_is_known_with_it_and_unknown_without(
    good: Run, tmp_path: Path
) -> None:
    case = tmp_path / "case.json"
    case.write_text('{"jurisdiction": "ZZ"}')
    noon = [*NIGHT[:3], "2026-03-02T12:00:00+08:00", *NIGHT[4:], "--case", str(case)]
    assert good("rules", "check", *noon).returncode == 0
    without = run_in(tmp_path)("rules", "check", *noon)
    assert without.returncode == 3
    assert "unknown_jurisdiction" in without.stdout


def test_the_listing_says_which_package_brought_the_pack(good: Run) -> None:
    done = good("plugins", "list", "--json")
    assert done.returncode == 0
    (line,) = (each for each in json.loads(done.stdout) if each["kind"] == "rules")
    assert (line["name"], line["state"], line["version"], line["reason"]) == (
        "sample", "loaded", "1", "from sample-rules",
    )  # fmt: skip


def test_a_pack_that_fails_is_listed_with_plugin_pack_rule_and_example(bad: Run) -> None:
    done = bad("plugins", "list")
    assert done.returncode == 1
    assert SAYS in done.stdout
    assert "letter-spool" in done.stdout


def test_the_doctor_names_a_pack_that_fails_and_what_follows(bad: Run) -> None:
    done = bad("doctor")
    assert done.returncode == 1
    assert f"rule pack sample.toml: {SAYS}" in done.stdout
    assert "neither the API nor a worker starts" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "0"],
        ["worker"],
        ["case", "list"],
        ["rules", "list"],
        ["rules", "explain", "cn.quiet_hours"],
        ["rules", "check", "--pack", "cn", *NIGHT],
    ],
    ids=" ".join,
)
def test_nothing_judges_without_a_pack_that_fails(bad: Run, arguments: list[str]) -> None:
    done = bad(*arguments)
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith(f"Error: {SAYS}; nobody is contacted without it: mend it, or")
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_leaving_the_plugin_out_is_the_way_round(bad: Run, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('plugins = ["sms", "email", "letter", "cn-court"]')
    assert bad("--config", str(settings), "rules", "list").returncode == 0
    listing = bad("--config", str(settings), "plugins", "list")
    assert listing.returncode == 0
    assert "not allowed" in listing.stdout


# --- loaded ----------------------------------------------------------------------------------


@pytest.fixture
def discover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Callable[..., Plugins]:
    """Finds packages of the page's kind, each changed as the test says."""
    monkeypatch.syspath_prepend(tmp_path)
    count = 0

    def find(*packages: dict[str, str], allow: set[str] | None = None) -> Plugins:
        nonlocal count
        found = []
        for files in packages:
            count += 1
            # Nothing that another test has imported.
            module = f"fictional_rules_{abs(hash(request.node.nodeid))}_{count}"
            (write(tmp_path / module, **files) / "sample_rules").rename(tmp_path / f"{module}_")
            found.append(EntryPoint(name=f"rules-{count}", value=f"{module}_", group="duecourse"))
        return Plugins.discover({}, allow, found)

    return find


def broken(found: Plugins) -> list[PluginStatus]:
    return [each for each in found.listing if each.state == "broken"]


def test_a_pack_of_a_plugin_is_judged_by_with_the_packaged_ones(
    discover: Callable[..., Plugins],
) -> None:
    book = discover({}).rulebook()
    assert [pack.name for pack in book.law_of("ZZ")] == ["sample"]
    assert {"core", "house", "cn"} <= {pack.name for pack in book.packs}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"pack": WRONG}, "pack sample, rule quiet_hours, vector 2"),
        ({"pack": PACK[: PACK.index("vectors")]}, "rule quiet_hours: has no vector with"),
        ({"pack": PACK.replace("version", "= version")}, "sample.toml: is not TOML"),
        ({"pack": PACK.replace("start = ", "begin = ")}, "sample.toml: Object"),
        ({"pack": PACK.replace('"sample"', '"cn"', 1)}, "pack cn: there are two of this name"),
        ({"pack": PACK.replace("\n[[rules]]", '\nlayer = "core"\n[[rules]]')}, "`layer` must be"),
        ({"module": MODULE.replace("sample.toml", "gone.toml")}, "gone.toml: cannot be read"),
        ({"module": MODULE.replace(' / "sample.toml"', "")}, "cannot be read: Is a directory"),
        ({"module": MODULE.replace("[files", "[1, files")}, "must return files"),
        ({"module": MODULE.replace("[files", "['/etc/passwd'] + [files")}, "must return files"),
        ({"module": MODULE.replace("return [", "return iter(int, 1) #")}, "more than 500 files"),
        ({"module": MODULE.replace("return [", "1/0 #")}, "ZeroDivisionError"),
        ({"module": MODULE.replace("return [", "raise SystemExit #")}, "SystemExit"),
        ({"module": MODULE.replace("return [", "return None #")}, "TypeError"),
        ({"module": "import no_such_library"}, "its rule packs are not known: it needs the module"),
        ({"module": MODULE.replace("rule_packs", "rules_packs")}, "its rule packs are not known"),
        ({"module": MODULE.replace("@hookimpl\n", "")}, "`rule_packs` has no @hookimpl"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_keeps_a_pack_from_loading_keeps_everybody_from_judging(
    discover: Callable[..., Plugins], files: dict[str, str], says: str
) -> None:
    assert files.get("pack") != PACK
    assert files.get("module") != MODULE
    found = discover(files)
    assert broken(found)
    with pytest.raises(PackError, match=r"^plugin rules-1: ") as refused:
        found.rulebook()
    assert says in str(refused.value)
    assert "or leave the plugin out with the setting `plugins`" in str(refused.value)


def test_one_name_is_not_brought_by_two_plugins(discover: Callable[..., Plugins]) -> None:
    found = discover({}, {})
    (second,) = broken(found)
    assert (second.kind, second.name) == ("rules", "sample")
    assert second.reason == "plugin rules-2: pack sample: there are two of this name; rename one"
    with pytest.raises(PackError, match="two of this name"):
        found.rulebook()


def test_all_that_is_missing_is_counted(discover: Callable[..., Plugins]) -> None:
    with pytest.raises(PackError, match=r"\(and 2 more\)"):
        discover({"pack": WRONG}, {"pack": WRONG}, {"module": "1/0"}).rulebook()


def test_a_channel_that_breaks_beside_a_good_pack_takes_no_rules_away(
    discover: Callable[..., Plugins],
) -> None:
    module = f"{MODULE}\n@hookimpl\ndef channels():\n    raise RuntimeError('no bird')\n"
    found = discover({"module": module})
    assert [each.kind for each in broken(found)] == ["package"]
    assert found.rulebook().law_of("ZZ")


def test_a_package_that_is_not_allowed_brings_no_rules_and_is_not_missed(
    discover: Callable[..., Plugins],
) -> None:
    book = discover({}, {"pack": WRONG}, allow={"rules-1"}).rulebook()
    assert [pack.name for pack in book.law_of("ZZ")] == ["sample"]


def test_a_package_that_the_settings_insist_on_has_to_be_there(
    discover: Callable[..., Plugins],
) -> None:
    found = discover({}, allow={"rules-1", "strict-rules"})
    assert [each.name for each in broken(found)] == ["strict-rules"]
    with pytest.raises(PackError, match=r"plugin strict-rules: .* it is not installed"):
        found.rulebook()


def test_a_bundled_plugin_without_its_extra_brings_no_rules_to_miss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "duecourse_letter", None)
    found = Plugins.discover({})
    assert [each.name for each in broken(found)] == ["letter"]
    assert found.rulebook().packs


def test_the_house_of_api_and_worker_judges_by_the_plugins_rules(
    discover: Callable[..., Plugins], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = discover({})
    monkeypatch.setattr(Plugins, "discover", lambda *_, **__: found)
    with House.open(Settings(data=tmp_path / "data"), upgrade=True) as house:
        assert house.rules.law_of("ZZ")
