"""Delivery receipts and replies of an SMSC, as octets: read, put together, refused."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse import Receipt
from duecourse_sms.addresses import sender_of
from duecourse_sms.assembly import MOST_SETS, WAIT_SECONDS, Assembly
from duecourse_sms.deliveries import Delivery, Place, read_delivery
from duecourse_sms.receipts import read_receipt, reference_of

NOW = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
TEXT = (
    "id:7b0a sub:001 dlvrd:001 submit date:2603021200 done date:2603021201 stat:{} err:027 text:x"
)


def deliver_sm(
    content: bytes = b"", *, esm_class: int = 0, coding: int = 0, options: bytes = b"",
    source: bytes = b"8615400000000", ton: int = 1,
) -> bytes:  # fmt: skip
    """The body of a PDU, written by the table of the standard."""
    return b"".join((
        b"\0", bytes((ton, 1)), source, b"\0", b"\0\0", b"10690000\0", bytes((esm_class, 0, 0)),
        b"\0", b"\0", b"\0\0", bytes((coding, 0, len(content))), content, options,
    ))  # fmt: skip


def tlv(tag: int, value: bytes) -> bytes:
    return tag.to_bytes(2) + len(value).to_bytes(2) + value


def receipt(
    text: str, options: bytes = b"", ids: str = "same", zone: ZoneInfo = UTC_ZONE
) -> Receipt | None:
    delivery = read_delivery(deliver_sm(text.encode("latin-1"), esm_class=4, options=options))
    return read_receipt(delivery, ids=ids, zone=zone, received_at=NOW)


@pytest.mark.parametrize(
    ("stat", "status"),
    [
        ("DELIVRD", "delivered"),
        ("EXPIRED", "expired"),
        ("DELETED", "failed"),
        ("UNDELIV", "failed"),
        ("REJECTD", "failed"),
        ("ACCEPTD", "sent"),
        ("ENROUTE", "sent"),
        ("UNKNOWN", "deferred"),
        ("delivrd", "delivered"),
    ],
)
def test_each_state_has_its_status(stat: str, status: str) -> None:
    read = receipt(TEXT.format(stat))
    assert read is not None
    assert (read.reference, read.status) == ("7b0a", status)
    assert read.occurred_at == datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
    assert read.detail == f"{stat.upper()} 027"


@pytest.mark.parametrize(
    ("stat", "word"),
    [
        ("DELIVERED", "DELIVRD"),
        ("Undelivered", "UNDELIV"),
        ("UNDELIVERABLE", "UNDELIV"),
        ("FAILED", "UNDELIV"),
        ("ACCEPTED", "ACCEPTD"),
        ("REJECTED", "REJECTD"),
        ("DELIVRD\0", "DELIVRD"),
        ("DELIVRD,", "DELIVRD"),
        ("UNDELIVRD", "UNDELIV"),
    ],
)
def test_a_state_that_is_spelled_out_is_the_one_of_seven_letters(stat: str, word: str) -> None:
    assert receipt(TEXT.format(stat)) == receipt(TEXT.format(word))


@pytest.mark.parametrize("told", ["1_000", "-5", "+5", "a b"])
def test_an_id_that_is_no_number_is_not_read_as_one(told: str) -> None:
    assert reference_of(told, "decimal-then-hex") in {told, ""}
    assert reference_of(told, "hex-then-decimal") in {told, ""}


def test_the_states_of_the_parameter_are_those_of_the_standard() -> None:
    told = [
        receipt("id:1", tlv(0x0427, bytes((state,)))).detail  # type: ignore[union-attr]
        for state in range(1, 9)
    ]
    assert told == [
        "ENROUTE",
        "DELIVRD",
        "EXPIRED",
        "DELETED",
        "UNDELIV",
        "ACCEPTD",
        "UNKNOWN",
        "REJECTD",
    ]


def test_the_parameters_win_over_the_text() -> None:
    options = tlv(0x001E, b"real\0") + tlv(0x0427, b"\x05") + tlv(0x1401, b"of a vendor")
    read = receipt(TEXT.format("DELIVRD"), options)
    assert read is not None
    assert (read.reference, read.status) == ("real", "failed")


def test_what_the_message_said_cannot_change_its_receipt() -> None:
    read = receipt("id:1 stat:UNDELIV err:001 text:id:2 stat:DELIVRD")
    assert read is not None
    assert (read.reference, read.status) == ("1", "failed")
    assert "DELIVRD" not in repr(read)


@pytest.mark.parametrize(
    ("ids", "answered", "in_receipt"),
    [
        ("same", "0A1b", "0A1b"),
        ("hex-then-decimal", "1A", "0000000026"),
        ("decimal-then-hex", "26", "0000001a"),
        ("hex-then-decimal", "no-number", "no-number"),
    ],
)
def test_an_id_is_found_again_in_whatever_base_it_comes(
    ids: str, answered: str, in_receipt: str
) -> None:
    read = receipt(f"id:{in_receipt} stat:DELIVRD", ids=ids)
    assert read is not None
    assert read.reference == reference_of(answered, ids)
    by_parameter = receipt("stat:DELIVRD", tlv(0x001E, answered.encode() + b"\0"), ids=ids)
    assert by_parameter is not None
    assert by_parameter.reference == read.reference


def test_a_receipt_is_dated_in_the_time_zone_of_the_smsc() -> None:
    read = receipt("id:1 done date:260302200130 stat:DELIVRD", zone=ZoneInfo("Asia/Shanghai"))
    assert read is not None
    assert read.occurred_at == datetime(2026, 3, 2, 12, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("date", ["", "2699999999", "260302", "2603021300", "９６０３０２１２００"])
def test_a_date_that_cannot_be_is_the_time_of_arrival(date: str) -> None:
    read = receipt(f"id:1 done date:{date.encode().decode('latin-1')} stat:DELIVRD")
    assert read is not None
    assert read.occurred_at == NOW


def test_the_same_receipt_has_the_same_id_and_another_state_another() -> None:
    ids = {receipt(TEXT.format(each)).receipt_id for each in ("DELIVRD", "DELIVRD", "EXPIRED")}  # type: ignore[union-attr]
    assert len(ids) == 2


@pytest.mark.parametrize("text", ["", "stat:DELIVRD", "id:1", "id:1 stat:BEAMED", "id:\x07 stat:X"])
def test_a_receipt_that_says_nothing_is_none(text: str) -> None:
    assert receipt(text) is None


def test_only_the_type_of_a_message_makes_it_a_receipt() -> None:
    words = TEXT.format("DELIVRD").encode()
    assert not read_delivery(deliver_sm(words)).is_receipt
    assert not read_delivery(deliver_sm(words, esm_class=0x40)).is_receipt
    assert read_delivery(deliver_sm(words, esm_class=0x04)).is_receipt
    assert read_delivery(deliver_sm(words, esm_class=0x20)).is_receipt


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(body: bytes) -> None:
    with suppress(ValueError):
        assert len(read_delivery(body).content) <= len(body)


@given(st.integers(0, 60))
def test_a_delivery_that_was_cut_off_is_refused(end: int) -> None:
    whole = deliver_sm(b"0123456789", options=tlv(0x0424, b"1234567890"))
    cut = whole[:end]
    if end < len(whole) and end != len(deliver_sm(b"0123456789")):
        with pytest.raises(ValueError, match="deliver_sm"):
            read_delivery(cut)


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("050003070201", Place(7, 2, 1)),
        ("0608040107 0302", Place(0x0107, 3, 2)),
        ("0b0504158a00000003070202", Place(7, 2, 2)),
        ("050003070101", None),
        ("050003070203", None),
        ("050003070200", None),
        ("0600030702", None),
        ("04240101", None),
    ],
)
def test_the_place_of_a_part_is_read_from_its_header(header: str, place: Place | None) -> None:
    read = read_delivery(deliver_sm(bytes.fromhex(header) + b"words", esm_class=0x40))
    assert read.place == place


def test_the_place_may_come_in_parameters_and_the_words_as_payload() -> None:
    options = tlv(0x020C, b"\1\7") + tlv(0x020E, b"\2") + tlv(0x020F, b"\1")
    read = read_delivery(deliver_sm(options=options + tlv(0x0424, b"words")))
    assert (read.place, read.content) == (Place(0x0107, 2, 1), b"words")


def part(number: int, total: int = 3, reference: int = 1, source: str = "a") -> Delivery:
    return Delivery(
        source=source, source_ton=1, destination="b", esm_class=0, data_coding=0,
        content=str(number).encode(), place=Place(reference, total, number),
    )  # fmt: skip


@given(st.permutations([1, 2, 3, 2, 1]))
def test_parts_in_any_order_and_twice_are_one_message(order: list[int]) -> None:
    assembly = Assembly()
    wholes = [assembly.add(part(number), f"{at}", 0.0) for at, number in enumerate(order)]
    (whole,) = (each for each in wholes if each is not None)
    assert [each.content for each in whole.parts] == [b"1", b"2", b"3"]


def test_parts_of_others_are_not_mixed_in() -> None:
    assembly = Assembly()
    others = (part(2, reference=2), part(2, total=4), part(2, source="c"))
    for at, each in enumerate((part(1), *others, part(3))):
        assert assembly.add(each, f"{at}", 0.0) is None
    assert assembly.add(part(2), "last", 0.0) is not None


def test_what_does_not_come_is_not_waited_for_for_ever() -> None:
    assembly = Assembly()
    assembly.add(part(1), "n", 0.0)
    assert list(assembly.overdue(WAIT_SECONDS - 1)) == []
    (whole,) = assembly.overdue(WAIT_SECONDS)
    assert (whole.names, len(whole.parts)) == (("n",), 1)
    assert list(assembly.overdue(WAIT_SECONDS)) == []


def test_no_more_than_some_messages_are_put_together_at_once() -> None:
    assembly = Assembly()
    for reference in range(MOST_SETS + 5):
        assembly.add(part(1, reference=reference), f"{reference}", 0.0)
    assert [each.names for each in assembly.overdue(0.0)] == [(f"{each}",) for each in range(5)]


@pytest.mark.parametrize(
    ("given", "region", "ton", "stored"),
    [
        ("8615400000000", "CN", 1, "+8615400000000"),
        ("15400000000", "CN", 2, "+8615400000000"),
        ("13012345678", "CN", 0, "+8613012345678"),
        ("8613012345678", "CN", 0, "+8613012345678"),
        ("447911123456", "CN", 0, "+447911123456"),
        ("+447911123456", "CN", 0, "+447911123456"),
        ("07911123456", "GB", 0, "+447911123456"),
        ("95588", "CN", 3, "95588"),
        ("MyBank", "CN", 5, "MyBank"),
        ("My\r\n\u202eBank", "CN", 5, "MyBank"),
    ],
)
def test_who_wrote_is_named_as_the_case_names_him(
    given: str, region: str, ton: int, stored: str
) -> None:
    assert sender_of(given, region, ton) == stored
