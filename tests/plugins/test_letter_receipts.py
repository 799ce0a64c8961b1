"""What the folders of the spool say of a letter, each thing once."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from letters import CHINESE

from duecourse import Polled, Transient
from duecourse_letter import LetterConfig, LetterSpool
from duecourse_letter.spool import MOST_RECEIPTS


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    for name in ("collected", "returned"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def channel(spool: Path) -> LetterSpool:
    return LetterSpool(LetterConfig(folder=str(spool)))


def said(polled: Polled) -> list[tuple[str, str]]:
    return [(each.reference, each.status) for each in polled.signals]


def collect(spool: Path, name: str = "contact-1") -> None:
    (spool / f"{name}.pdf").rename(spool / "collected" / f"{name}.pdf")


def test_a_letter_that_nobody_took_says_nothing(channel: LetterSpool) -> None:
    channel.send(CHINESE)
    assert channel.poll(b"").signals == ()


def test_a_collected_letter_is_sent_and_said_once(channel: LetterSpool, spool: Path) -> None:
    reference = channel.send(CHINESE).reference
    collect(spool)
    first = channel.poll(b"")
    assert said(first) == [(reference, "sent")]
    assert said(channel.poll(first.cursor)) == []
    assert said(channel.poll(b"")) == []


def test_what_was_not_recorded_comes_again_with_the_same_ids(
    channel: LetterSpool, spool: Path
) -> None:
    channel.send(CHINESE)
    collect(spool)
    assert channel.poll(b"") == channel.poll(b"") == channel.poll(b"\xff not ours")


@pytest.mark.parametrize("ending", ["pdf", "jpg", "txt"])
def test_a_letter_that_came_back_is_returned(
    channel: LetterSpool, spool: Path, ending: str
) -> None:
    channel.send(CHINESE)
    collect(spool)
    cursor = channel.poll(b"").cursor
    (spool / "returned" / f"contact-1.{ending}").touch()
    polled = channel.poll(cursor)
    assert said(polled) == [("contact-1", "returned")]
    assert said(channel.poll(polled.cursor)) == []


def test_a_letter_moved_from_collected_to_returned_is_returned(
    channel: LetterSpool, spool: Path
) -> None:
    channel.send(CHINESE)
    collect(spool)
    cursor = channel.poll(channel.poll(b"").cursor).cursor
    (spool / "collected" / "contact-1.pdf").rename(spool / "returned" / "contact-1.pdf")
    assert said(channel.poll(cursor)) == [("contact-1", "returned")]


@pytest.mark.parametrize("ending", ["pdf", "jpg"])
def test_a_letter_that_came_back_is_not_made_again(
    channel: LetterSpool, spool: Path, ending: str
) -> None:
    accepted = channel.send(CHINESE)
    (spool / "contact-1.pdf").rename(spool / "returned" / f"contact-1.{ending}")
    if ending != "pdf":
        (spool / "returned" / "contact-1.jpg").write_bytes(b"a scan")
    assert channel.send(CHINESE) == accepted
    assert list(spool.glob("*.pdf")) == []


def test_two_files_of_one_letter_are_one_receipt(channel: LetterSpool, spool: Path) -> None:
    for ending in ("pdf", "jpg"):
        (spool / "returned" / f"contact-1.{ending}").touch()
    assert said(channel.poll(b"")) == [("contact-1", "returned")]


def test_what_is_no_letter_of_ours_is_passed_over(channel: LetterSpool, spool: Path) -> None:
    for name in (".contact-1.pdf", "Contact-1.pdf", "notes", "a b.pdf", "样.pdf", "-x.pdf"):
        (spool / "collected" / name).touch()
    (spool / "collected" / "folder.pdf").mkdir()
    (spool / "collected" / "link.pdf").symlink_to(spool / "elsewhere")
    assert channel.poll(b"").signals == ()


def test_many_receipts_come_in_portions_and_all_of_them(channel: LetterSpool, spool: Path) -> None:
    names = {f"{number:0100d}" for number in range(MOST_RECEIPTS + 50)}
    for name in names:
        (spool / "collected" / f"{name}.pdf").touch()
    first = channel.poll(b"")
    second = channel.poll(first.cursor)
    third = channel.poll(second.cursor)
    assert [len(each.signals) for each in (first, second, third)] == [MOST_RECEIPTS, 50, 0]
    assert {name for name, _ in said(first) + said(second)} == names
    assert len(first.cursor) < 65_536


def test_the_marks_of_letters_that_were_removed_are_removed(
    channel: LetterSpool, spool: Path
) -> None:
    channel.send(CHINESE)
    collect(spool)
    channel.poll(channel.poll(b"").cursor)
    assert len(list((spool / ".recorded").iterdir())) == 1
    (spool / "collected" / "contact-1.pdf").unlink()
    channel.poll(b"")
    assert list((spool / ".recorded").iterdir()) == []


def test_a_cursor_never_names_a_file_outside_the_folder(channel: LetterSpool, spool: Path) -> None:
    forged = msgspec.msgpack.encode([[["../../escaped", "sent"], ["contact-9", "sent"]]])
    before = sorted(spool.parent.iterdir())
    assert channel.poll(forged).signals == ()
    assert sorted(spool.parent.iterdir()) == before
    assert list((spool / ".recorded").iterdir()) == []


def test_a_receipt_bears_the_time_at_which_the_file_came_there(
    channel: LetterSpool, spool: Path
) -> None:
    channel.send(CHINESE)
    collect(spool)
    (receipt,) = channel.poll(b"").signals
    assert receipt.occurred_at.tzinfo is UTC
    changed_at = (spool / "collected" / "contact-1.pdf").stat().st_ctime
    assert receipt.occurred_at == datetime.fromtimestamp(changed_at, UTC)


def test_a_spool_without_the_two_folders_says_nothing(tmp_path: Path) -> None:
    assert LetterSpool(LetterConfig(folder=str(tmp_path))).poll(b"").signals == ()


def test_a_spool_that_is_gone_is_worth_another_try(tmp_path: Path) -> None:
    with pytest.raises(Transient, match="spool folder"):
        LetterSpool(LetterConfig(folder=str(tmp_path / "gone"))).poll(b"")
