"""From a text to the fields of `submit_sm`: alphabet, parts and their headers."""

from typing import Annotated, Final, Literal

import msgspec
from smpplib import consts  # type: ignore[import-untyped]

from duecourse_sms.alphabets import UCS2, Alphabet, encode_gsm7, pack
from duecourse_sms.units import is_gsm7, split

_HEADER_OCTETS: Final = 6
_LAST_OF_LATIN_1: Final = 0xFF
Ton = Literal[0, 1, 2, 3, 4, 5, 6]
Npi = Literal[0, 1, 3, 4, 6, 8, 9, 10, 14, 18]
Sender = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(\+?[0-9]{1,20}|[A-Za-z0-9][A-Za-z0-9 ._-]{0,10})?\Z",
        description="use a number, a short code, or up to 11 letters, digits, blanks and . _ -",
    ),
]
"""A number, a short code, or up to eleven letters."""


class HalfSent(Exception):
    """Some parts of a message left and another one did not: what the phone shows is unknown."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One short message: what `submit_sm` says of its text."""

    esm_class: int
    data_coding: int
    short_message: bytes


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """From whom a message seems to come."""

    source_addr: str
    source_addr_ton: int
    source_addr_npi: int


def parts_of(text: str, alphabet: Alphabet) -> list[str]:
    """The text of each part."""
    return split(text, gsm7=is_default(text, alphabet))


def is_default(text: str, alphabet: Alphabet) -> bool:
    """Whether data coding 0 has all the letters. Phones have GSM 7-bit, whatever the SMSC takes."""
    return is_gsm7(text) and (
        alphabet != "latin-1" or all(ord(each) <= _LAST_OF_LATIN_1 for each in text)
    )


def encode_parts(text: str, alphabet: Alphabet, reference: int) -> list[Part]:
    """The parts of `text`, joined by an 8-bit `reference` where there are several."""
    default = is_default(text, alphabet)
    texts = split(text, gsm7=default)
    if len(texts) == 1:
        return [_part(text, b"", alphabet if default else None)]
    return [
        _part(each, join_header(reference, len(texts), number), alphabet if default else None)
        for number, each in enumerate(texts, start=1)
    ]


def join_header(reference: int, total: int, number: int) -> bytes:
    """User data header with one element: concatenated short messages, 8-bit reference."""
    return bytes((_HEADER_OCTETS - 1, 0x00, 0x03, reference, total, number))


def _part(text: str, header: bytes, alphabet: Alphabet | None) -> Part:
    return Part(
        esm_class=consts.SMPP_GSMFEAT_UDHI if header else consts.SMPP_MSGMODE_DEFAULT,
        data_coding=UCS2 if alphabet is None else 0,
        short_message=header + _octets(text, alphabet, len(header)),
    )


def _octets(text: str, alphabet: Alphabet | None, header: int) -> bytes:
    match alphabet:
        case None:
            return text.encode("utf-16-be")
        case "latin-1":
            return text.encode("latin-1")
        case "gsm7-packed":
            return pack(encode_gsm7(text), header)
        case "gsm7":
            return encode_gsm7(text)


def source_of(sender: str, ton: Ton | None, npi: Npi | None) -> Source:
    """Ton and npi by the form of the sender, where the settings do not say."""
    if sender.startswith("+"):
        form = (consts.SMPP_TON_INTL, consts.SMPP_NPI_ISDN)
    elif sender.isdigit() or not sender:
        form = (consts.SMPP_TON_UNK, consts.SMPP_NPI_UNK)
    else:
        form = (consts.SMPP_TON_ALNUM, consts.SMPP_NPI_UNK)
    return Source(
        source_addr=sender.removeprefix("+"),
        source_addr_ton=form[0] if ton is None else ton,
        source_addr_npi=form[1] if npi is None else npi,
    )
