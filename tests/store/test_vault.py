"""Keys are made once, kept wrapped, and never mistaken for another database's."""

import base64
import os
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from duecourse.store.database import Database
from duecourse.store.errors import WrongMasterKey
from duecourse.store.masterkey import load_master_key
from duecourse.store.vault import Vault

MASTER_KEY = bytes(range(32))


@pytest.fixture(autouse=True)
def _no_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUECOURSE_MASTER_KEY", raising=False)
    monkeypatch.delenv("DUECOURSE_MASTER_KEY_FILE", raising=False)


def test_a_wrong_master_key_is_noticed_at_once(database: Database, vault: Vault) -> None:
    with pytest.raises(WrongMasterKey, match="another master key"):
        Vault(database, bytes(32))


def test_a_short_master_key_is_refused(database: Database) -> None:
    with pytest.raises(WrongMasterKey, match="32 bytes"):
        Vault(database, b"short")


def test_a_subject_keeps_its_key(database: Database, vault: Vault) -> None:
    subjects = [uuid.uuid4() for _ in range(50)]
    made = vault.ensure(subjects)
    elsewhere = Vault(database, MASTER_KEY).ensure(subjects)
    assert {s: key.key_id for s, key in made.items()} == {
        s: key.key_id for s, key in elsewhere.items()
    }
    assert len({key.key_id for key in made.values()}) == 50


def test_what_one_process_seals_another_opens(database: Database, vault: Vault) -> None:
    subject = uuid.uuid4()
    key = vault.ensure([subject])[subject]
    sealed = key.cipher.encrypt(bytes(12), b"x", None)
    assert (
        Vault(database, MASTER_KEY).keys([key.key_id])[key.key_id].decrypt(bytes(12), sealed, None)
        == b"x"
    )


def test_processes_that_make_a_key_at_once_end_with_one(database: Database) -> None:
    subjects = [uuid.uuid4() for _ in range(200)]
    vaults = [Vault(database, MASTER_KEY) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda each: each.ensure(subjects), vaults))
    ids = [{s: key.key_id for s, key in answer.items()} for answer in answers]
    assert all(each == ids[0] for each in ids)


def test_no_key_is_stored_as_it_is(vault: Vault, dsn: str) -> None:
    vault.ensure([uuid.uuid4()])
    with psycopg.connect(dsn) as connection:
        sizes = connection.execute(
            "SELECT length(wrapped) FROM subject_keys UNION SELECT length(value) FROM settings"
        ).fetchall()
    assert sizes == [(40,)], "a wrapped key of 32 bytes has 40"


def test_a_key_that_was_destroyed_is_absent(vault: Vault) -> None:
    assert vault.keys([999_999_999]) == {}


def test_pseudonyms_depend_on_the_database_and_every_part(database: Database, vault: Vault) -> None:
    assert vault.pseudonym("case", "bank-a", "b-1") == Vault(database, MASTER_KEY).pseudonym(
        "case", "bank-a", "b-1"
    )
    different = {
        vault.pseudonym(*parts)
        for parts in [
            ("case", "bank-a", "b-1"),
            ("subject", "bank-a", "b-1"),
            ("case", "bank-a", "b-2"),
            ("case", "bank-ab", "-1"),
            ("case", "bank-a", "b", "-1"),
        ]
    }
    assert len(different) == 5


def test_a_pseudonym_is_a_version_8_uuid(vault: Vault) -> None:
    for number in range(100):
        made = vault.pseudonym("case", str(number))
        assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_a_key_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    key = load_master_key(tmp_path / "data")
    path = tmp_path / "data" / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_master_key(tmp_path / "data") == key
    assert [each.name for each in path.parent.iterdir()] == ["master.key"]


def test_processes_that_make_the_file_at_once_end_with_one_key(tmp_path: Path) -> None:
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(load_master_key, [folder] * 8))
        assert len(keys) == 1


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_master_key(tmp_path)
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(WrongMasterKey, match="chmod 600"):
        load_master_key(tmp_path)


def test_the_environment_comes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = os.urandom(32)
    monkeypatch.setenv("DUECOURSE_MASTER_KEY", base64.b64encode(key).decode())
    assert load_master_key(tmp_path) == key
    assert not list(tmp_path.iterdir())


def test_a_named_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = os.urandom(32)
    named = tmp_path / "secret"
    named.write_bytes(base64.b64encode(key) + b"\n")
    monkeypatch.setenv("DUECOURSE_MASTER_KEY_FILE", str(named))
    assert load_master_key(None) == key


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(bytes(31)).decode(), "é"])
def test_a_malformed_key_is_refused_and_not_repeated(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUECOURSE_MASTER_KEY", text)
    with pytest.raises(WrongMasterKey) as refused:
        load_master_key(None)
    assert "DUECOURSE_MASTER_KEY" in str(refused.value)
    assert text not in str(refused.value)


def test_without_any_key_the_fix_is_named() -> None:
    with pytest.raises(WrongMasterKey, match="set DUECOURSE_MASTER_KEY_FILE"):
        load_master_key(None)
