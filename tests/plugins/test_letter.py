"""Letters: what stands on them, and how they come to lie in the spool once."""

import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from letters import CHINESE, ENGLISH, SENT_AT

from duecourse import Accepted, Outbound, Permanent, Transient, documents, page_count, pdfa_level
from duecourse.testing.pdf import page_texts
from duecourse_letter import LetterConfig, LetterSpool, channels


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def channel(spool: Path) -> LetterSpool:
    return LetterSpool(
        LetterConfig(
            folder=str(spool),
            sender_address=("虚构市示例大道1号",),
            sender_phone="021-00000000",
            time_zone="Asia/Shanghai",
        )
    )


def changed(message: Outbound = CHINESE, /, **changes: object) -> Outbound:
    return msgspec.structs.replace(message, **changes)


def sent_text(channel: LetterSpool, spool: Path, message: Outbound) -> str:
    reference = channel.send(message).reference
    return "".join(page_texts((spool / f"{reference}.pdf").read_bytes()))


def test_the_plugin_offers_the_letter_channel() -> None:
    assert [each.name for each in channels()] == ["letter-spool", "letter-ipp"]
    assert LetterSpool.capabilities.guarantee == "idempotent"


def test_a_letter_is_one_pdfa_file_named_by_its_reference(
    channel: LetterSpool, spool: Path
) -> None:
    accepted = channel.send(CHINESE)
    assert accepted == Accepted(reference="contact-1", units=1)
    assert [each.name for each in spool.iterdir()] == ["contact-1.pdf"]
    content = (spool / "contact-1.pdf").read_bytes()
    # A reader repairs a file cut short; a printer may not.
    assert (pdfa_level(content), content[-5:]) == ("2B", b"%%EOF")


def test_a_chinese_letter_says_what_it_was_given(channel: LetterSpool, spool: Path) -> None:
    assert sent_text(channel, spool, CHINESE) == (
        "样例银行（虚构）虚构市示例大道1号021-00000000"
        "虚构省样例市示例路100号样例小区3幢201室样例人物（收）"
        "2026年3月5日关于您账户的说明"
        "尊敬的样例人物：您的账户有一期款项已到期。如有困难，请与我们联系。此致"
    )


def test_an_english_letter_says_what_it_was_given(channel: LetterSpool, spool: Path) -> None:
    assert sent_text(channel, spool, ENGLISH).startswith(
        "ExampleBank(fictional)虚构市示例大道1号021-00000000"
        "SampleTestperson1FictionRoadSampletown5March2026Aboutyouraccount"
        "DearSampleTestperson,Pleasetalktous."
    )


def test_markup_in_any_field_is_printed_as_it_is(channel: LetterSpool, spool: Path) -> None:
    attack = '#panic()$x$\\]"*b*'
    message = changed(to=attack, to_name=attack, subject=attack, body=attack, sender_name=attack)
    assert sent_text(channel, spool, message).count(attack) == 5


def test_the_same_key_twice_makes_one_letter(channel: LetterSpool, spool: Path) -> None:
    first = channel.send(CHINESE)
    before = (spool / "contact-1.pdf").stat()
    again = channel.send(changed(at=SENT_AT + timedelta(hours=1)))
    after = (spool / "contact-1.pdf").stat()
    assert first == again
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_collected_letter_is_not_made_again(channel: LetterSpool, spool: Path) -> None:
    first = channel.send(CHINESE)
    (spool / "collected").mkdir()
    (spool / "contact-1.pdf").rename(spool / "collected" / "contact-1.pdf")
    assert channel.send(CHINESE) == first
    assert [each.name for each in spool.glob("*.pdf")] == []


def test_threads_sending_one_message_leave_one_whole_letter(
    channel: LetterSpool, spool: Path
) -> None:
    with ThreadPoolExecutor(4) as pool:
        accepted = set(pool.map(lambda _: channel.send(CHINESE).reference, range(8)))
    assert accepted == {"contact-1"}
    assert [page_count(each.read_bytes()) for each in spool.iterdir()] == [1]


@pytest.mark.parametrize("key", ["../escape", "a/b", "A", "", ".hidden", "a" * 101, "样", "a."])
def test_no_key_leaves_the_folder(channel: LetterSpool, spool: Path, key: str) -> None:
    reference = channel.send(changed(key=key)).reference
    assert reference.startswith("sha256-")
    assert [each.name for each in spool.iterdir()] == [f"{reference}.pdf"]


def test_keys_that_differ_never_share_a_file(channel: LetterSpool, spool: Path) -> None:
    digest = channel.send(changed(key="Ä")).reference
    references = {channel.send(changed(key=key)).reference for key in ("a", "A", digest)}
    assert len(references | {digest}) == 4


def test_a_long_letter_is_billed_by_its_pages(channel: LetterSpool) -> None:
    assert channel.send(changed(body="\n\n".join(["一段话。" * 100] * 6))).units == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"to": " \n "}, "1 to 8 lines; this has 0"),
        ({"to_name": " "}, "to_name"),
        ({"to_name": "样" * 101}, "to_name"),
        ({"to_name": "样\U0002a6d6"}, r"U\+2A6D6"),
        ({"body": ""}, "body"),
        ({"body": "字" * 20_001}, "body"),
        ({"body": "一\n" * 300}, "pages; max_pages is 4"),
        ({"body": "bell \x07"}, r"U\+0007"),
        ({"subject": "right \u202e left"}, r"U\+202E"),
        ({"to": "\n".join(["样" * 60] * 8)}, "address does not fit"),
        ({"expires_at": SENT_AT}, "expired"),
    ],
)
def test_a_letter_that_can_never_be_sent_is_refused_for_good(
    channel: LetterSpool, spool: Path, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(Permanent, match=reason):
        channel.send(changed(**changes))
    assert list(spool.iterdir()) == []


def test_a_missing_folder_is_worth_another_try(channel: LetterSpool, spool: Path) -> None:
    spool.rmdir()
    with pytest.raises(Transient, match="spool folder"):
        channel.send(CHINESE)
    with pytest.raises(Transient, match="spool folder"):
        channel.check()


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """The system's own refusal in the middle of a write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_refuses_leaves_nothing_and_the_next_try_succeeds(
    channel: LetterSpool, spool: Path
) -> None:
    with files_limited_to(1024), pytest.raises(Transient):
        channel.send(CHINESE)
    assert list(spool.iterdir()) == []
    assert channel.send(CHINESE).reference == "contact-1"


def test_a_missing_font_is_worth_another_try(
    channel: LetterSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_CHINESE", ())
    documents._typefaces.cache_clear()
    try:
        with pytest.raises(Transient, match=r"duecourse\[fonts\]"):
            channel.check()
    finally:
        documents._typefaces.cache_clear()


def test_check_passes_and_leaves_nothing(channel: LetterSpool, spool: Path) -> None:
    channel.check()
    assert list(spool.iterdir()) == []


def test_a_wrong_time_zone_is_refused_by_name(spool: Path) -> None:
    channel = LetterSpool(LetterConfig(folder=str(spool), time_zone="Asia/Nowhere"))
    with pytest.raises(Permanent, match="Asia/Nowhere"):
        channel.check()


def test_an_unknown_setting_is_an_error_that_names_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="foldr"):
        msgspec.convert({"folder": "x", "foldr": "y"}, LetterConfig)


def test_a_postal_address_is_trimmed(channel: LetterSpool) -> None:
    assert channel.normalise("  1 Fiction Road \r\n\n\u3000Sampletown\t") == (
        "1 Fiction Road\nSampletown"
    )


@pytest.mark.parametrize(
    "address", ["", "\n", "x\n" * 9, "x" * 61, "a\x00b", "a\u202eb", "a\x85b", "a\u2028b"]
)
def test_what_is_no_postal_address_is_refused(channel: LetterSpool, address: str) -> None:
    with pytest.raises(Permanent, match="postal address"):
        channel.normalise(address)
