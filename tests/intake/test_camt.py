"""camt.053 and camt.054 as banks write them: every credit is found, exactly, in every version."""

import io
import tracemalloc
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from bank_files import OURS, PAYER, detail, entry, file, money, statement, tag
from hypothesis import given
from hypothesis import strategies as st

from duecourse.intake.camt import Item, read_camt, survey
from duecourse.intake.problems import Problem
from duecourse.intake.transactions import Statement, StatementEnd, Transaction
from duecourse.intake.xml_stream import MAX_DEPTH, MAX_TEXT, XmlRefused


def read(data: bytes) -> list[Item]:
    return list(read_camt(io.BytesIO(data), survey(io.BytesIO(data))))


def transactions(data: bytes) -> list[Transaction]:
    return [each for each in read(data) if isinstance(each, Transaction)]


def only(data: bytes) -> Transaction:
    (found,) = transactions(data)
    return found


def refusal(data: bytes) -> XmlRefused:
    with pytest.raises(XmlRefused) as refused:
        survey(io.BytesIO(data))
    return refused.value


# --- what is read --------------------------------------------------------------------------------


@pytest.mark.parametrize("message", ["053", "054"])
@pytest.mark.parametrize("version", range(2, 14))
def test_a_payment_is_the_same_in_every_version(version: int, message: str) -> None:
    paid = detail(
        12_345, text="Rate 3", structured="RF18539007547034", e2e="E2E-1", version=version
    )
    data = file(
        statement(entry(12_345, paid, ref="B-1", value="2026-03-03", version=version)),
        version=version,
        message=message,
    )
    head, found, _end = read(data)
    assert isinstance(head, Statement)
    assert (head.message, head.account, head.version) == (
        message,
        OURS,
        f"camt.{message}.001.{version:02}",
    )
    assert isinstance(found, Transaction)
    assert (found.kind, found.currency, found.amount_minor) == ("credit", "EUR", 12_345)
    assert (found.booked_on, found.value_on) == (date(2026, 3, 2), date(2026, 3, 3))
    assert (found.entry_ref, found.end_to_end_id) == ("B-1", "E2E-1")
    assert (found.structured, found.text) == (("RF18539007547034",), "Rate 3")
    assert (found.payer_name, found.payer_account) == ("Sample Testperson", PAYER)
    assert (found.is_whole, found.pending) == (True, False)


def test_any_prefix_and_any_envelope_are_read_alike() -> None:
    inside = statement(entry(100, detail(100)))
    plain, prefixed = file(inside), file(inside, prefix="ns2")
    wrapped = b"<BizMsgEnvlp>" + plain.split(b"?>", 1)[1] + b"</BizMsgEnvlp>"
    seen = [
        (x.amount_minor, x.payer_account)
        for y in (plain, prefixed, wrapped)
        for x in transactions(y)
    ]
    assert seen == [(100, PAYER)] * 3


def test_each_detail_of_a_batch_is_a_payment_of_its_own() -> None:
    parts = [detail(100, e2e="A"), detail(250, e2e="B"), detail(1, e2e="C")]
    found = transactions(file(statement(entry(351, *parts, ref="BATCH"))))
    assert [(x.amount_minor, x.end_to_end_id, x.is_whole) for x in found] == [
        (100, "A", False),
        (250, "B", False),
        (1, "C", False),
    ]


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([detail(100), detail(249)], "do not add up"),
        ([detail(100), detail()], "how much each"),
        ([detail(), detail()], "how much each"),
        ([detail(100), detail(250, currency="USD")], "how much each"),
    ],
)
def test_a_batch_whose_details_are_not_to_be_believed_stays_one_sum(
    parts: list[str], why: str
) -> None:
    found = only(file(statement(entry(350, *parts))))
    assert (found.amount_minor, found.is_whole) == (350, True)
    assert why in found.doubt


def test_a_batch_may_be_the_difference_of_what_came_and_went() -> None:
    parts = [detail(400, direction="CRDT"), detail(50, direction="DBIT")]
    found = transactions(file(statement(entry(350, *parts))))
    assert [(x.kind, x.amount_minor) for x in found] == [("credit", 400), ("debit", 50)]


def test_a_detail_that_goes_the_other_way_is_not_believed() -> None:
    found = only(file(statement(entry(350, detail(350, direction="DBIT")))))
    assert (found.kind, found.doubt) == ("credit", "its detail goes the other way")


def test_one_detail_without_an_amount_has_that_of_its_entry() -> None:
    found = only(file(statement(entry(700, detail(e2e="X")))))
    assert (found.amount_minor, found.end_to_end_id, found.doubt) == (700, "X", "")


def test_what_was_booked_counts_and_not_what_was_instructed() -> None:
    assert only(file(statement(entry(995, detail(1_000))))).amount_minor == 995


def test_an_entry_without_details_is_read_whole() -> None:
    found = only(file(statement(entry(700, info="DANKE 1A2B3C4D"))))
    assert (found.amount_minor, found.text) == (700, "DANKE 1A2B3C4D")


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({}, "credit"),
        ({"credit": False}, "debit"),
        ({"credit": False, "reversal": True}, "return"),
        ({"reversal": True}, "own_return"),
    ],
)
def test_where_money_went(how: dict[str, Any], kind: str) -> None:
    assert only(file(statement(entry(100, detail(100), **how)))).kind == kind


@pytest.mark.parametrize("credit", [True, False])
def test_a_reason_of_return_makes_it_one(credit: bool) -> None:  # noqa: FBT001
    found = only(file(statement(entry(100, detail(100, returned="AC04"), credit=credit))))
    assert (found.kind, found.return_code) == ("own_return" if credit else "return", "AC04")


def test_an_unpaid_direct_debit_is_a_return_by_its_code_alone() -> None:
    family = tag("Fmly", tag("Cd", "IDDT"), tag("SubFmlyCd", "UPDD"))
    data = file(statement(entry(100, detail(100), credit=False))).replace(
        b"<Cd>PMNT</Cd>", b"<Cd>PMNT</Cd>" + family.encode()
    )
    assert only(data).kind == "return"


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
@pytest.mark.parametrize("version", [2, 8])
def test_what_is_not_booked_is_pending(status: str, version: int) -> None:
    found = only(file(statement(entry(1, status=status, version=version)), version=version))
    assert found.pending


def test_words_that_say_there_is_no_reference_are_none() -> None:
    for word in ("NOTPROVIDED", "NONREF", "000000", "n/a"):
        assert only(file(statement(entry(1, detail(1, e2e=word), ref=word)))).entry_ref == ""


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("EUR", "1", 100),
        ("EUR", "0001.5", 150),
        ("EUR", "+2.50", 250),
        ("EUR", "1.5000", 150),
        ("JPY", "1500", 1500),
        ("KWD", "1.005", 1005),
        ("EUR", "9999999999999.99", 999_999_999_999_999),
        ("EUR", "0.1", 10),
    ],
)
def test_amounts_are_exact(currency: str, text: str, minor: int) -> None:
    data = file(statement(entry(1, currency=currency)))
    data = data.replace(b">0.01<", f">{text}<".encode())
    assert only(data).amount_minor == minor


@pytest.mark.parametrize("text", ["1,00", "-1.00", "1e3", "1.005", "", "NaN", "\uff11", "1" * 19])
def test_an_amount_that_is_none_is_reported_with_its_line_and_not_guessed(text: str) -> None:
    data = file(statement(entry(1), entry(2)))
    found = read(data.replace(b">0.01<", f">{text}<".encode()))
    problems = [each for each in found if isinstance(each, Problem)]
    assert [(x.line, x.field) for x in problems] == [(3, "Ntry")]
    assert "Amt" in problems[0].problem
    assert [x.amount_minor for x in found if isinstance(x, Transaction)] == [2]


def test_an_entry_that_cannot_be_read_is_found_in_a_file_of_one_line() -> None:
    """By its place in its statement, by what the bank knows it by, and by its amount."""
    second = entry(55, currency="JPY", ref="J-2").replace("0.55", "5.5")
    unnamed = entry(1, currency="QQQ")
    third = entry(77, ref="NOTPROVIDED").replace("<Ntry>", "<Ntry><NtryRef>N-3</NtryRef>", 1)
    bad = third.replace("CRDT", "UP")
    found = read(
        file(
            statement(entry(1), second, number="S-7"), statement(unnamed, entry(2), bad, number="")
        )
    )
    problems = [(x.problem, x.value) for x in found if isinstance(x, Problem)]
    assert problems == [
        (
            (
                "Amt is too large, or has more decimals than JPY has, in entry 2 of statement S-7"
                " (AcctSvcrRef J-2)"
            ),
            "5.5 JPY",
        ),
        ("'QQQ' is not a currency, in entry 1 of statement no. 2 of the file", "0.01 QQQ"),
        (
            (
                "CdtDbtInd is neither CRDT nor DBIT, in entry 3 of statement no. 2 of the file"
                " (NtryRef N-3)"
            ),
            "0.77 EUR",
        ),
    ]


def test_a_detail_that_cannot_be_read_is_named_by_its_place() -> None:
    broken = detail(200).replace("2.00", "2,00")
    found = only(file(statement(entry(300, detail(100), broken))))
    assert found.doubt == "its detail 2: Amt is not a decimal number"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'Ccy="EUR"', b'Ccy="QQQ"'),
        (b">CRDT<", b">UP<"),
        (b"<Dt>2026-03-02</Dt>", b"<Dt>2026-02-30</Dt>"),
        (b"<Dt>2026-03-02</Dt>", b""),
    ],
)
def test_an_entry_that_lacks_what_it_needs_is_reported(old: bytes, new: bytes) -> None:
    found = read(file(statement(entry(1))).replace(old, new))
    assert [type(each) for each in found] == [Statement, Problem, StatementEnd]


def test_the_day_of_a_time_is_its_day() -> None:
    data = file(statement(entry(1))).replace(
        b"<Dt>2026-03-02</Dt>", b"<DtTm>2026-03-01T23:59:59.5+01:00</DtTm>"
    )
    assert only(data).value_on == date(2026, 3, 1)


def test_a_statement_is_added_up() -> None:
    entries = (entry(500), entry(200, credit=False), entry(7), entry(9, status="PDNG"))
    summary = tag("TxsSummry", tag("TtlCdtNtries", tag("NbOfNtries", "2"), tag("Sum", "5.07")))
    data = file(statement(*entries, opening=-1_000, closing=-693, summary=summary))
    *_, end = read(data)
    assert isinstance(end, StatementEnd)
    assert (end.opening_minor, end.booked_minor, end.closing_minor) == (-1_000, 307, -693)
    assert (end.credit_count, end.credit_minor) == (2, 507)
    assert (end.said_credit_count, end.said_credit_minor) == (2, 507)


def test_the_words_of_a_transaction_do_not_show_the_payer() -> None:
    found = only(file(statement(entry(1, detail(1, text="for Sample Testperson")))))
    assert PAYER not in repr(found)
    assert "Testperson" not in repr(found)


# --- property: nothing is lost and nothing made --------------------------------------------------

batches = st.lists(
    st.tuples(
        st.lists(st.integers(1, 10**9), min_size=0, max_size=5), st.booleans(), st.integers(0, 3)
    ),
    max_size=12,
)


@given(batches)
def test_the_transactions_add_up_to_the_entries(
    drawn: list[tuple[list[int], bool, int]],
) -> None:
    entries, total = [], Decimal(0)
    for parts, credit, error in drawn:
        minor = sum(parts) + error or 1
        entries.append(entry(minor, *map(detail, parts), credit=credit))
        total += Decimal(minor) / 100 * (1 if credit else -1)
    found = transactions(file(statement(*entries)))
    signed = [x.amount_minor if x.kind == "credit" else -x.amount_minor for x in found]
    assert Decimal(sum(signed)) / 100 == total


# --- attacks -------------------------------------------------------------------------------------

GOOD = file(statement(entry(1, detail(1))))
BOMB = b"""<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>"""
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>"""
REMOTE = b"""<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd">"""


@pytest.mark.parametrize("prologue", [BOMB, OUTSIDE, REMOTE, b"<!DOCTYPE Document>"])
def test_a_document_type_is_refused_whatever_it_declares(prologue: bytes) -> None:
    head, body = GOOD.split(b"?>", 1)
    refused = refusal(head + b"?>" + prologue + body)
    assert "document type" in refused.problem


def test_an_entity_that_nobody_declared_is_refused() -> None:
    assert "entity" in refusal(GOOD.replace(b"Sample", b"&sample;")).problem


def test_elements_may_not_be_nested_without_end() -> None:
    deep = b"<Ntry>" + b"<a>" * 100_000
    refused = refusal(GOOD.replace(b"<Ntry>", deep, 1))
    assert str(MAX_DEPTH) in refused.problem


def test_a_text_without_end_is_refused() -> None:
    long = b"<Ustrd>" + b"x" * (MAX_TEXT + 1)
    data = file(statement(entry(1, detail(1, text="y")))).replace(b"<Ustrd>", long)
    assert "Ustrd is longer" in refusal(data).problem


def test_a_tag_without_end_is_refused_before_it_is_read_again_and_again() -> None:
    data = GOOD.replace(b"<Ntry>", b'<Ntry a="' + b"x" * 4_000_000 + b'">', 1)
    assert "1 MiB" in refusal(data).problem


def test_an_entry_with_elements_without_number_is_refused() -> None:
    data = GOOD.replace(b"<Ntry>", b"<Ntry>" + b"<a/>" * 50_000, 1)
    assert "elements" in refusal(data).problem


def test_names_without_number_are_refused() -> None:
    many = b"".join(b"<n%d/>" % number for number in range(50_000))
    assert "names" in refusal(GOOD.replace(b"<GrpHdr>", many + b"<GrpHdr>")).problem


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x1f\x8b....", "gzip"),
        (b"a;b;c\n1;2;3\n", "not XML"),
        (GOOD[:-30], "well-formed"),
        (GOOD + b"<more/>", "well-formed"),
        (b"<html></html>", "no bank statement"),
        (GOOD.replace(b"BkToCstmrStmt", b"BkToCstmrAcctRpt"), "camt.052"),
        (GOOD.replace(b"camt.053.001.08", b"pain.001.001.03"), "namespace"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.001.01"), "namespace"),
        (GOOD.replace(b"camt.053.001.08", b"camt.053.001.14"), "namespace"),
        (GOOD.replace(b"camt.053.001.08", b"camt.054.001.08"), "namespace"),
    ],
)
def test_what_is_no_bank_file_is_refused_in_words(data: bytes, words: str) -> None:
    assert words in refusal(data).problem


def test_a_file_that_is_cut_off_gives_nothing_at_all() -> None:
    data = file(statement(*[entry(1)] * 2_000))
    assert refusal(data[: len(data) // 2]).line > 0


@pytest.mark.parametrize(
    "encoding",
    ["GBK", "GB18030", "Big5", "UTF-7", "utf-32", "x-nope", "rot13", "hex", "idna", "undefined"],
)
def test_a_file_in_an_encoding_that_is_not_read_says_which_to_use(encoding: str) -> None:
    data = GOOD.replace(b'encoding="UTF-8"', f'encoding="{encoding}"'.encode())
    assert data != GOOD
    refused = refusal(data)
    assert "encoding" in refused.problem
    assert refused.fix == "save it as UTF-8"


def test_sixteen_bit_text_is_read_as_well() -> None:
    text = GOOD.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert only(text.encode("utf-16")).amount_minor == 1


class Endless(io.RawIOBase):
    """A file of one batch entry with many details, made as it is read."""

    def __init__(self, count: int) -> None:
        head, tail = file(statement(entry(count, "@"))).split(b"@")
        part = detail(1, text="Rate").encode()
        self._parts = iter([head, *[part * 100] * (count // 100), tail])
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (more := next(self._parts, b"")):
            self._rest += more
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


@pytest.mark.slow
def test_memory_does_not_grow_with_a_batch() -> None:
    found = survey(Endless(20_000))  # type: ignore[arg-type]
    tracemalloc.start()
    count = sum(
        isinstance(each, Transaction)
        for each in read_camt(Endless(20_000), found)  # type: ignore[arg-type]
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, found.whole) == (20_000, {})
    assert peak < 3_000_000


def test_money_in_the_tests_is_money() -> None:
    assert money(12_345) == '<Amt Ccy="EUR">123.45</Amt>'
