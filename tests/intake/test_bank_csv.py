"""Bank files as CSV, in our columns or in a bank's own with a mapping."""

import io
from datetime import date
from typing import Any

import pytest

from duecourse.intake.bank_csv import CsvSource
from duecourse.intake.camt import Item
from duecourse.intake.mapping import Mapping, MappingError, parse_mapping
from duecourse.intake.problems import Problem, Refused
from duecourse.intake.transactions import Statement, Transaction
from duecourse.intake.xml_stream import XmlRefused

AS_OF = date(2026, 3, 2)
OURS = b"""account,bank_reference,booked_on,value_on,currency,amount,text,payer_account,payer_name
DE02 1203,77,2026-03-01,2026-03-02,EUR,50.00,"thanks, B-000123",DE02500105170137075030,Sample T
DE021203,78,2026-03-01,2026-03-02,EUR,-7.50,rent,,
"""
THEIRS = """Buchung;Valuta;Betrag;W\u00e4hrung;Zweck;Konto;Name;Storno
01.03.2026;02.03.2026;1.250,00;EUR;Rate 3;DE02500105170137075030;Sample Testperson;
02.03.2026;02.03.2026;-1.250,00;EUR;R\u00fccklast;DE02500105170137075030;Sample Testperson;AC04
"""
MAPPING = """
kind = "bank"
delimiter = ";"

[columns]
account = { constant = "DE02120300000000202051" }
booked_on = { column = "Buchung", day = "dd.mm.yyyy" }
value_on = { column = "Valuta", day = "dd.mm.yyyy" }
amount = { column = "Betrag", decimal = "comma" }
currency = "W\u00e4hrung"
text = "Zweck"
payer_account = "Konto"
payer_name = "Name"
return_code = "Storno"
"""


def read(data: bytes, mapping: Mapping | None = None, **changes: Any) -> list[Item]:
    asked: dict[str, Any] = {"mapping": mapping, "as_of": AS_OF} | changes
    source = CsvSource(io.BytesIO(data), **asked)
    return list(source.items(io.BytesIO(data)))


def test_our_columns_are_read_as_they_are() -> None:
    statement, came, went = read(OURS)
    assert isinstance(statement, Statement)
    assert (statement.message, statement.account) == ("csv", "DE021203")
    assert isinstance(came, Transaction)
    assert (came.kind, came.amount_minor, came.currency) == ("credit", 50_00, "EUR")
    assert (came.entry_ref, came.value_on, came.text) == ("77", AS_OF, "thanks, B-000123")
    assert isinstance(went, Transaction)
    assert (went.kind, went.amount_minor) == ("debit", 7_50)


def test_a_banks_own_columns_are_read_with_a_mapping() -> None:
    _, came, back = read(THEIRS.encode(), parse_mapping(MAPPING.encode()))
    assert isinstance(came, Transaction)
    assert (came.amount_minor, came.booked_on, came.value_on) == (
        1_250_00,
        date(2026, 3, 1),
        date(2026, 3, 2),
    )
    assert isinstance(back, Transaction)
    assert (back.kind, back.return_code, back.amount_minor) == ("return", "AC04", 1_250_00)


@pytest.mark.parametrize(
    ("how", "given", "kept"),
    [
        ('decimal = "comma"', "1.250,00", "1250.00"),
        ('decimal = "comma"', "-1 250 000,5", "-1250000.5"),
        ('decimal = "comma"', "12,3", "12.3"),
        ('decimal = "comma"', "1.250.00", None),
        ('decimal = "comma"', "1,250.00", None),
        ('decimal = "point"', "1250.00", "1250.00"),
        ('decimal = "point"', "1250,00", None),
    ],
)
def test_an_amount_is_never_read_the_wrong_way_round(
    how: str, given: str, kept: str | None
) -> None:
    mapping = parse_mapping(MAPPING.replace('decimal = "comma"', how).encode())
    found = read(THEIRS.replace("1.250,00", given, 1).encode(), mapping)
    first = found[1] if kept else found[0]
    if kept is None:
        assert isinstance(first, list)
        assert first[0].field == "Betrag (amount)"
    else:
        assert isinstance(first, Transaction)
        assert f"{first.amount_minor / 100:.2f}" == f"{abs(float(kept)):.2f}"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b"50.00", b"5O.00", "amount"),
        (b"EUR,50", b"EURO,50", "currency"),
        (b"2026-03-02,EUR,50", b"02.03.2026,EUR,50", "value_on"),
        (b"DE021203,78", b"DE999999,78", "account"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_stops_nobody_else(
    old: bytes, new: bytes, field: str
) -> None:
    found = read(OURS.replace(old, new))
    bad = [each for each in found if isinstance(each, list)]
    assert [[x.field for x in each] for each in bad] == [[field]]
    assert sum(isinstance(each, Transaction) for each in found) == 1
    problem = bad[0][0]
    assert isinstance(problem, Problem)
    assert problem.line in {2, 3}


def test_a_header_that_is_not_known_refuses_the_file() -> None:
    with pytest.raises(XmlRefused, match="ammount: is not a known column"):
        read(OURS.replace(b"amount", b"ammount"))


@pytest.mark.parametrize(
    ("given", "header", "name"),
    [(",", THEIRS, "semicolons"), (None, OURS.decode(), "commas")],
)
def test_a_delimiter_that_is_given_wins_and_the_one_of_the_file_is_named(
    given: str | None, header: str, name: str
) -> None:
    """The mapping says semicolons."""
    mapping = parse_mapping(MAPPING.encode())
    with pytest.raises(Refused, match=f"separated by {name}, not by") as refused:
        read(header.encode(), mapping, delimiter=given)
    assert "--delimiter" in refused.value.fix


def test_a_delimiter_that_is_given_is_used_in_spite_of_the_mapping() -> None:
    mapping = parse_mapping(MAPPING.encode())
    tabs = THEIRS.replace(";", "\t").encode()
    assert read(tabs, mapping, delimiter="\t") == read(THEIRS.encode(), mapping)


def test_a_mapping_of_another_kind_is_refused() -> None:
    mapping = parse_mapping(MAPPING.encode())
    other = parse_mapping(
        b'kind = "payments"\n[columns]\npayment_id = "A"\ncreditor = "A"\nborrower_ref = "A"\n'
        b'currency = "A"\namount = "A"\nvalue_on = "A"\n'
    )
    assert read(THEIRS.encode(), mapping)
    with pytest.raises(MappingError, match="not for bank"):
        read(THEIRS.encode(), other)
