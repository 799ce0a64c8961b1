"""Letters that were collected or came back are removed after a while, and nothing else is."""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from letters import CHINESE

from duecourse import Outbound
from duecourse_letter import LetterConfig, LetterSpool, retention

KEY = "0b5c0000-0000-4000-8000-000000004711"
LETTER: Outbound = msgspec.structs.replace(CHINESE, key=KEY)
DAY = 86_400.0

Wait = Callable[..., None]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    for name in ("collected", "returned"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def channel(spool: Path) -> LetterSpool:
    return LetterSpool(LetterConfig(folder=str(spool), keep_days=30))


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Sets our clock forward, and that which dates the files, or only one of them."""
    now, utime = time.time, os.utime

    def sleep(days: float, *, ours: bool = True, theirs: bool = True) -> None:
        def dated(path: Path) -> None:
            at = now() + (days * DAY if theirs else 0)
            utime(path, (at, at))

        monkeypatch.setattr(retention.time, "time", lambda: now() + (days * DAY if ours else 0))
        monkeypatch.setattr(retention.os, "utime", lambda path, *_, **__: dated(path))

    return sleep


def collect(spool: Path, key: str = KEY) -> Path:
    taken = spool / "collected" / f"{key}.pdf"
    (spool / f"{key}.pdf").rename(taken)
    return taken


def come_back(spool: Path, ending: str = "jpg") -> Path:
    scan = spool / "returned" / f"{KEY}.{ending}"
    scan.write_bytes(b"a scan of the cover")
    return scan


def told(channel: LetterSpool) -> bytes:
    """Poll until everything is recorded, as the core does."""
    cursor = channel.poll(b"").cursor
    return channel.poll(cursor).cursor


def test_a_collected_letter_is_removed_after_the_days_it_is_kept(
    channel: LetterSpool, spool: Path, wait: Wait
) -> None:
    channel.send(LETTER)
    letter = collect(spool)
    cursor = told(channel)
    wait(29.9)
    channel.poll(cursor)
    assert letter.exists()
    wait(30.1)
    assert channel.poll(cursor).signals == ()
    assert not letter.exists()
    channel.poll(cursor)
    assert list((spool / ".recorded").iterdir()) == []


@pytest.mark.parametrize("ending", ["pdf", "jpg", "txt"])
def test_what_came_back_is_removed_too_however_it_ends(
    channel: LetterSpool, spool: Path, wait: Wait, ending: str
) -> None:
    scan = come_back(spool, ending)
    cursor = told(channel)
    wait(31)
    channel.poll(cursor)
    assert not scan.exists()


def test_letters_are_kept_for_ninety_days_unless_set_and_for_ever_with_nought(
    spool: Path, wait: Wait
) -> None:
    by_default = LetterSpool(LetterConfig(folder=str(spool)))
    for_ever = LetterSpool(LetterConfig(folder=str(spool), keep_days=0))
    by_default.send(LETTER)
    letter = collect(spool)
    told(by_default)
    wait(89)
    by_default.poll(b"")
    assert letter.exists()
    wait(5000)
    for_ever.poll(b"")
    assert letter.exists()
    wait(91)
    by_default.poll(b"")
    assert not letter.exists()


def test_what_is_still_to_be_collected_stays_however_old_it_is(
    channel: LetterSpool, spool: Path, wait: Wait
) -> None:
    channel.send(LETTER)
    # It was taken, said so, and was laid back.
    collect(spool)
    told(channel)
    (spool / "collected" / f"{KEY}.pdf").rename(spool / f"{KEY}.pdf")
    wait(5000)
    channel.poll(b"")
    assert (spool / f"{KEY}.pdf").exists()


def test_a_letter_stays_until_its_receipt_is_recorded(
    channel: LetterSpool, spool: Path, wait: Wait
) -> None:
    channel.send(LETTER)
    letter = collect(spool)
    wait(31)
    for _ in range(3):
        assert [each.reference for each in channel.poll(b"").signals] == [KEY]
    assert letter.exists()


def test_the_days_are_counted_from_the_recording_of_the_receipt(
    channel: LetterSpool, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.send(LETTER)
    letter = collect(spool)
    time.sleep(0.05)
    cursor = told(channel)
    mark = spool / ".recorded" / f"{KEY}.sent"
    for since, stays in ((letter, True), (mark, False)):
        now = since.stat().st_ctime + 30 * DAY + 0.01
        monkeypatch.setattr(retention, "_now", lambda _, now=now: now)
        channel.poll(cursor)
        assert letter.exists() == stays


def test_a_file_that_came_later_is_kept_as_long_as_the_first(
    channel: LetterSpool, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = come_back(spool)
    cursor = told(channel)
    now = (spool / ".recorded" / f"{KEY}.returned").stat().st_ctime + 30 * DAY + 0.01
    time.sleep(0.05)
    second = come_back(spool, "png")
    monkeypatch.setattr(retention, "_now", lambda _: now)
    channel.poll(cursor)
    assert (first.exists(), second.exists()) == (False, True)


def test_a_receipt_of_the_one_folder_says_nothing_of_the_other(
    channel: LetterSpool, spool: Path, wait: Wait
) -> None:
    channel.send(LETTER)
    letter = collect(spool)
    told(channel)
    scan = come_back(spool)
    wait(31)
    assert [each.status for each in channel.poll(b"").signals] == ["returned"]
    assert (letter.exists(), scan.exists()) == (False, True)


@pytest.mark.parametrize("wrong", ["ours", "theirs"])
def test_nothing_is_removed_while_one_clock_says_it_is_new(
    channel: LetterSpool, spool: Path, wait: Wait, wrong: str
) -> None:
    channel.send(LETTER)
    letter = collect(spool)
    cursor = told(channel)
    wait(5000, **{each: each == wrong for each in ("ours", "theirs")})
    channel.poll(cursor)
    assert letter.exists()


def test_a_file_that_is_dated_in_the_future_stays(
    channel: LetterSpool, spool: Path, wait: Wait
) -> None:
    channel.send(LETTER)
    letter = collect(spool)
    cursor = told(channel)
    wait(-5000)
    channel.poll(cursor)
    assert letter.exists()


def test_what_others_laid_there_stays(channel: LetterSpool, spool: Path, wait: Wait) -> None:
    collected, returned = spool / "collected", spool / "returned"
    kept = [
        collected / "notes.txt",
        collected / "price-list.pdf",
        collected / f"{KEY}.txt",
        collected / f"{KEY}.pdf.part",
        returned / "statistics.csv",
        spool / "notes.txt",
        spool / ".hidden",
    ]
    for path in kept:
        path.write_text("of the print house")
    (collected / f"{KEY}.pdf").mkdir()
    (returned / f"{KEY}.link").symlink_to(spool / "notes.txt")
    scan = come_back(spool)
    cursor = told(channel)
    wait(5000)
    channel.poll(cursor)
    assert not scan.exists()
    assert [path for path in kept if not path.exists()] == []
    assert (collected / f"{KEY}.pdf").is_dir()
    assert (returned / f"{KEY}.link").is_symlink()


def test_what_a_crash_left_of_a_letter_is_removed_in_the_end(
    channel: LetterSpool, spool: Path, wait: Wait
) -> None:
    left = spool / ".ab12_xyz.part"
    left.write_bytes(b"half a letter")
    channel.poll(b"")
    assert left.exists()
    wait(31)
    channel.poll(b"")
    assert not left.exists()


def test_many_old_letters_are_removed_in_portions(
    channel: LetterSpool, spool: Path, wait: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_REMOVED", 3)
    for number in range(7):
        key = f"0b5c0000-0000-4000-8000-00000000{number:04d}"
        (spool / "collected" / f"{key}.pdf").touch()
    cursor = told(channel)
    wait(31)
    left = []
    for _ in range(3):
        channel.poll(cursor)
        left.append(len(list((spool / "collected").iterdir())))
    assert left == [4, 1, 0]


def test_receipts_come_also_where_nothing_can_be_removed(
    channel: LetterSpool,
    spool: Path,
    wait: Wait,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says why, and does not name the letter; and the other folder is seen to."""
    unlink = Path.unlink

    def refuse(path: Path, *, missing_ok: bool) -> None:
        if path.parent.name == "collected":
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    channel.send(LETTER)
    collect(spool)
    scan = come_back(spool)
    told(channel)
    another = spool / "returned" / "0b5c0000-0000-4000-8000-000000004712.jpg"
    another.touch()
    wait(31)
    monkeypatch.setattr(Path, "unlink", refuse)
    with caplog.at_level(logging.WARNING):
        assert [each.status for each in channel.poll(b"").signals] == ["returned"]
    assert not scan.exists()
    assert "Permission denied" in caplog.text
    assert str(spool) in caplog.text
    assert KEY not in caplog.text
