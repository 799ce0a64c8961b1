"""What goes wrong is one line, `Error: <what>; <the fix>`, and leaves nothing behind."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from duecourse.intake.columns import PAYMENTS, PORTFOLIO

Run = Callable[..., subprocess.CompletedProcess[str]]
NOBODY = "00000000-0000-0000-0000-000000000000"
MIGRATED_ALREADY = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
LOOKS_ONLY = [
    ["case", "list"],
    ["case", "show", NOBODY],
    ["case", "timeline", NOBODY],
    ["case", "replay", NOBODY],
    ["rules", "list"],
    ["plugins", "list"],
    ["doctor"],
    ["keys", "list"],
    ["keys", "create", "anna", "--role", "collector"],
    ["keys", "revoke", "0123456789abcdef"],
    ["followers", "list"],
    ["serve"],
    ["worker"],
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command in an empty folder, with no settings but those given."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)

    def duecourse(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "duecourse", *arguments]
        return subprocess.run(
            line, capture_output=True, text=True, timeout=120, check=False,
            env=environ | more, cwd=tmp_path,
        )  # fmt: skip

    return duecourse


def words_of(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line that says what is wrong, after a look at its form."""
    first, *details = done.stderr.splitlines()
    assert re.fullmatch(r"Error: [^;]+; .+", first), done.stderr
    assert all(line.startswith("  ") for line in details), done.stderr
    assert done.returncode == code
    return first


@pytest.mark.parametrize("arguments", LOOKS_ONLY, ids=" ".join)
def test_a_mistyped_data_folder_is_refused_and_not_made(
    run: Run, tmp_path: Path, arguments: list[str]
) -> None:
    said = words_of(run("--data", "dtaa", *arguments), 1)
    assert f"no Duecourse data in {tmp_path / 'dtaa'}" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", LOOKS_ONLY[:4] + LOOKS_ONLY[7:8], ids=" ".join)
def test_a_mistyped_data_folder_does_not_get_a_master_key_either(
    run: Run, tmp_path: Path, arguments: list[str]
) -> None:
    said = words_of(run("--data", "dtaa", *arguments, **MIGRATED_ALREADY), 1)
    assert "no master key" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["rules", "list"], ["plugins", "list"]], ids=" ".join)
def test_what_needs_no_data_asks_for_none(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    assert run(*arguments).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_broken_plugin_fails_the_listing_which_is_whole_all_the_same(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "duecourse.toml").write_text('[channels.fax]\nuse = "no-such"\n')
    for form in ([], ["--json"]):
        done = run("plugins", "list", *form)
        assert done.returncode == 1
        assert "no-such" in done.stdout
        assert "broken" in done.stdout
        assert "letter-spool" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "nope"),
        (["case", "show", "abc"], "abc"),
        (["case", "show"], "CASE_ID"),
        (["keys", "create", "anna"], "--role"),
        (["keys", "create", "an na", "--role", "collector"], "NAME"),
        (["--config", "none.toml", "doctor"], "none.toml"),
        (["import", "portfolio", "none.csv"], "none.csv"),
        (["import", "portfolio", "rows.csv", "--delimiter", "x"], "--delimiter"),
        (["import", "portfolio", "rows.jsonl", "--delimiter", ";"], "JSON lines have none"),
        (["import", "portfolio", "rows.csv", "--mapping", "none"], "credit-default"),
        (["import", "portfolio", "rows.csv", "--errors", "rows.csv"], "--errors"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_wrong_command_line_is_told_in_one_line(
    run: Run, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "rows.jsonl").write_text("{}\n")
    assert said in words_of(run(*arguments), 2)
    assert {path.name for path in tmp_path.iterdir()} == {"rows.csv", "rows.jsonl"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lease_seconds = 0", "lease_seconds"),
        ("= 3", "duecourse.toml"),
        ('database_url = "postgresql://hunter2"', "env ="),
        ('treatment = "none.toml"', "none.toml"),
    ],
)
def test_settings_that_cannot_be_used_are_a_failure(
    run: Run, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "duecourse.toml").write_text(text)
    done = run("migrate") if said != "none.toml" else run("import", "portfolio", "duecourse.toml")
    assert said in words_of(done, 1)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ('kind = "portfolio"', "columns.creditor"),
        ("kind = 3", "kind"),
        ("kind", "not TOML"),
        ('kind = "payments"', "columns.payment_id"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_named_before_anything_is_begun(
    run: Run, tmp_path: Path, mapping: str, said: str
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / "own.toml").write_text(mapping)
    failed = words_of(run("import", "portfolio", "rows.csv", "--mapping", "own.toml"), 1)
    assert said in failed
    assert "own.toml" in failed
    assert not (tmp_path / "data").exists()


def test_a_mapping_for_the_other_kind_of_file_names_the_command_to_use(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    failed = words_of(run("import", "payments", "rows.csv", "--mapping", "credit-default"), 1)
    assert "duecourse import portfolio" in failed
    assert not (tmp_path / "data").exists()


HEADERS = {
    "empty": (b"", "the file is empty"),
    "foreign": (b"a,b,c\n1,2,3\n", "13 things"),
    "one column": (b"a\n1\n", "11 things"),
    "semicolons": (b"a;b;c\n1;2;3\n", "separated by semicolons, not by commas; give --delimiter"),
    "payments": (",".join(each.name for each in PAYMENTS).encode(), "duecourse import payments"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x08\n", "spreadsheet"),
    "bytes": (b'\x89\x00\x01"\xff\n', "not text"),
    "another encoding": ("\u503a\u6743\u4eba,b\n".encode("gbk"), "UTF-8"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize("name", HEADERS)
def test_a_file_that_is_refused_says_why_and_counts_nothing(
    run: Run, tmp_path: Path, data: str, name: str
) -> None:
    content, said = HEADERS[name]
    (tmp_path / "rows.csv").write_bytes(content)
    done = run("--data", data, "import", "portfolio", "rows.csv")
    assert said in words_of(done, 1)
    assert "rows.csv" in done.stderr
    assert done.stdout == ""


def test_the_delimiter_that_is_given_wins_over_the_mappings(
    run: Run, tmp_path: Path, data: str
) -> None:
    named = ("payment_id", "creditor", "borrower_ref", "currency", "amount", "value_on")
    mapping = [
        'kind = "payments"',
        'delimiter = ","',
        "[columns]",
        *(f'{x} = "{x}"' for x in named),
    ]
    (tmp_path / "own.toml").write_text("\n".join(mapping))
    for between, option in ((";", ";"), ("\t", "tab"), ("|", "|")):
        (tmp_path / "rows.csv").write_text(between.join(named) + "\n")
        line = ("import", "payments", "rows.csv", "--mapping", "own.toml", "--delimiter", option)
        done = run("--data", data, *line)
        assert done.returncode == 0, done.stderr
        (tmp_path / "rows.txt").write_text("value_on,text\n")
        line = ("import", "bank", "rows.txt", "--delimiter", option)
        assert "separated by commas, not by" in words_of(run("--data", data, *line), 1)


def test_each_column_that_is_wrong_is_named_with_its_fix(
    run: Run, tmp_path: Path, data: str
) -> None:
    (tmp_path / "rows.csv").write_text("credtor,b\n1,2\n")
    done = run("--data", data, "import", "portfolio", "rows.csv")
    assert "  credtor: is not a known column; rename it to creditor" in done.stderr
    assert "  due_on: the column is missing; add the column due_on" in done.stderr


def test_the_only_column_that_is_wrong_is_named_in_the_line_itself(
    run: Run, tmp_path: Path, data: str
) -> None:
    names = ",".join(each.name for each in PORTFOLIO)
    (tmp_path / "rows.csv").write_text(f"{names},DUE DATE\n")
    done = run("--data", data, "import", "portfolio", "rows.csv")
    assert "rows.csv, column DUE DATE: is not a known column" in words_of(done, 1)


def test_an_errors_file_that_cannot_be_written_is_named(
    run: Run, tmp_path: Path, data: str
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    done = run("--data", data, "import", "portfolio", "rows.csv", "--errors", "no/such/file.csv")
    assert "no/such/file.csv" in words_of(done, 1)
