"""Reading the settings: what is written wrong is named, what is secret never shows."""

from pathlib import Path

import pytest

from duecourse.settings import Settings, SettingsError, read_settings


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "duecourse.toml"
    path.write_text(text)
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings(environ={}) == Settings()


def test_the_file_that_the_environment_names_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, 'data = "here"\n[channels.sms]\nuse = "sms-http"\n')
    settings = read_settings(environ={"DUECOURSE_CONFIG": str(path)})
    assert settings.data == Path("here")
    assert settings.plugin_tables == {"channels": {"sms": {"use": "sms-http"}}, "filings": {}}


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, 'data = "here"\ndatabase_url = { env = "DB" }\n')
    environ = {"DB": "postgresql://a", "DATABASE_URL": "postgresql://b", "DUECOURSE_DATA": "there"}
    settings = read_settings(path, environ)
    assert settings.database_url is not None
    assert (settings.data, settings.database_url.reveal()) == (Path("there"), "postgresql://b")


def test_a_secret_file_gives_its_text_without_the_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://user:pw@host/db\n")
    path = write(tmp_path, f'database_url = {{ file = "{tmp_path}/url" }}\n')
    settings = read_settings(path, {})
    assert settings.database_url is not None
    assert settings.database_url.reveal() == "postgresql://user:pw@host/db"
    assert "pw" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("chanels = {}", "unknown field `chanels`"),
        ("data = 7", "$.data"),
        ("data = ", "not TOML"),
        ('database_url = "postgresql://u:hunter2@h"', "a secret is written"),
        ('database_url = { env = "X", file = "hunter2" }', "a secret is written"),
        ('database_url = { env = "NOT_SET" }', "NOT_SET is not set"),
        ('[creditors.acme]\nways = "x"', "$.creditors"),
        ("channels = 3", "$.channels"),
    ],
)
def test_what_is_written_wrong_is_named_without_showing_a_secret(
    tmp_path: Path, text: str, says: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        read_settings(path, {})
    assert says in str(raised.value)
    assert str(path) in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_named_but_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "none.toml", {})
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(environ={"DUECOURSE_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff", b"x" * 70_000])
def test_a_secret_file_that_cannot_be_one_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    path = write(tmp_path, f'database_url = {{ file = "{tmp_path}/secret" }}\n')
    with pytest.raises(SettingsError, match="the secret file"):
        read_settings(path, {})
