"""The letters of a short message as octets, and back (3GPP TS 23.038)."""

from typing import Final, Literal

_ESCAPE: Final = 0x1B
_CARRIAGE_RETURN: Final = 0x0D
_TABLE: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED: Final = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_SEPTETS: Final = {letter: bytes((code,)) for code, letter in enumerate(_TABLE)} | {
    letter: bytes((_ESCAPE, code)) for code, letter in _ESCAPED.items()
}

# The default alphabet without its escape; each letter is one septet.
BASIC: Final = frozenset(_TABLE) - {"\x1b"}
# Reached through the escape, so two septets.
EXTENSION: Final = frozenset(_ESCAPED.values())

Alphabet = Literal["gsm7", "gsm7-packed", "latin-1"]
"""How an SMSC writes data coding 0: a septet in each octet, septets packed, or ISO 8859-1."""

UCS2: Final = 8
# Data codings of SMPP beside the default alphabet and UCS-2.
_CODECS: Final = {1: "latin-1", 3: "latin-1", 6: "iso8859-5", 7: "iso8859-8", 14: "euc-kr"}
_BINARY: Final = frozenset({2, 4})
_LEAST_OF_GSM: Final = 0x10


def encode_gsm7(text: str) -> bytes:
    """One septet in each octet. Raises KeyError for a letter that the alphabet has not."""
    return b"".join(_SEPTETS[letter] for letter in text)


def decode_gsm7(septets: bytes) -> str:
    """What is no septet reads as U+FFFD; an escape before nothing known is passed over."""
    letters: list[str] = []
    escaped = False
    for code in septets:
        if code == _ESCAPE and not escaped:
            escaped = True
            continue
        plain = _TABLE[code] if code < len(_TABLE) and code != _ESCAPE else "\ufffd"
        letters.append(_ESCAPED.get(code, plain) if escaped else plain)
        escaped = False
    return "".join(letters)


def pack(septets: bytes, header: int = 0) -> bytes:
    """Eight septets in seven octets, to stand after a header of `header` octets."""
    fill = _fill(header)
    if (fill + 7 * len(septets)) % 8 == 1:
        # Seven bits are left over: a reader would see an @ in them.
        septets += bytes((_CARRIAGE_RETURN,))
    bits = sum(septet << 7 * place for place, septet in enumerate(septets)) << fill
    return bits.to_bytes((fill + 7 * len(septets) + 7) // 8, "little")


def unpack(octets: bytes, header: int = 0) -> bytes:
    fill = _fill(header)
    bits = int.from_bytes(octets, "little") >> fill
    room = 8 * len(octets) - fill
    septets = bytes(bits >> 7 * place & 0x7F for place in range(room // 7))
    padded = room > 0 and room % 7 == 0 and septets[-1] in {0, _CARRIAGE_RETURN}
    return septets[:-1] if padded else septets


def _fill(header: int) -> int:
    """The bits between the header and the next septet boundary."""
    return -8 * header % 7


def decode(octets: bytes, coding: int, alphabet: Alphabet, header: int = 0) -> str:
    """The words in `octets`, which stood after `header` octets; never an error."""
    kind = _kind(coding)
    if kind == "default":
        return _decode_default(octets, alphabet, header)
    text = octets.decode(kind, errors="replace")
    return text.replace("\0", "\ufffd")


def _decode_default(octets: bytes, alphabet: Alphabet, header: int) -> str:
    match alphabet:
        case "gsm7":
            return decode_gsm7(octets)
        case "gsm7-packed":
            return decode_gsm7(unpack(octets, header))
        case "latin-1":
            return octets.decode("latin-1").replace("\0", "\ufffd")


def _kind(coding: int) -> str:
    """A codec's name, or `default`."""
    if coding == UCS2:
        return "utf-16-be"
    if coding in _BINARY:
        return "latin-1"
    if coding < _LEAST_OF_GSM:
        return _CODECS.get(coding, "default")
    # The data coding scheme of GSM: a class of message, and its alphabet in two bits or one.
    if coding & 0xF0 == 0xF0:  # noqa: PLR2004 - as in TS 23.038, section 4
        return "latin-1" if coding & 0x04 else "default"
    return {0x04: "latin-1", 0x08: "utf-16-be"}.get(coding & 0x0C, "default")
