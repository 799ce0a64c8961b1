"""Reading the settings: what is written wrong is named, what is secret never shows."""

from pathlib import Path

import pytest

from duecourse import Config, Rate, Secret
from duecourse.settings import (
    ChannelLimits,
    ChannelOptions,
    Settings,
    SettingsError,
    convert,
    read_settings,
)


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


def test_the_folder_of_one_file_plugins_is_named_in_the_file(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, 'plugin_folder = "plugins"'), {})
    assert settings.plugin_folder == Path("plugins")


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
        ("data = 7", ": data: expected a path"),
        ("data = ", "not TOML"),
        ('database_url = "postgresql://u:hunter2@h"', "a secret is written"),
        ('database_url = { env = "X", file = "hunter2" }', "a secret is written"),
        ('database_url = { env = "NOT_SET" }', "NOT_SET is not set"),
        ('[creditors.acme]\nways = "x"', ": creditors[...]: Object contains"),
        ("[creditors.x]\nways_to_pay = ''\ncontact_line = ''\nlicence = 'hunter2'", "use one of: "),
        ("channels = 3", ": channels: Expected"),
        ('plugin_folder = ""', "expected a path"),
        ("plugin_folder = 3", ": plugin_folder: expected a path"),
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


class Careful(Config, kw_only=True):
    token: Secret

    def __post_init__(self) -> None:
        raise ValueError(f"{self.token.reveal()} is too short")


def test_a_check_of_the_settings_that_quotes_a_secret_is_told_without_it() -> None:
    with pytest.raises(SettingsError, match=r"\*\*\* is too short"):
        convert({"token": {"env": "TOKEN"}}, Careful, where="here", environ={"TOKEN": "hunter2"})


def test_a_channel_is_told_by_whom_it_runs_and_how_far_it_is_trusted() -> None:
    table = {"isolated": True, "limits": {"memory_mb": 256, "rate": {"messages": 3}}}
    options = convert(table, ChannelOptions, where="[channels.sms]")
    assert options == ChannelOptions(
        isolated=True, limits=ChannelLimits(memory_mb=256, rate=Rate(3, 1.0))
    )
    with pytest.raises(SettingsError, match=r"\[channels.sms\]: .*unknown field `memory`"):
        convert({"limits": {"memory": 1}}, ChannelOptions, where="[channels.sms]")


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
