"""Finding the amounts of money that a text names, in digits or in Chinese numerals."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

MOST_DIGITS: Final = 18
UNIT: Final = 10_000
"""Values are whole numbers of its parts: no currency has more than four decimals."""
_BEFORE: Final = (
    r"(?:\b(?:cny|rmb|usd|eur|gbp|aud|inr|hkd|twd|sgd|chf|jpy|cad|nzd|us\$|hk\$|nt\$|rs\.?)"
    r"|[¥$€£₹]|人民币|人民幣"
    r"|\b(?:owe|owed|owing|pay|paid|balance(?: is| of)?|amount(?: is| of)?|total(?: is| of)?)"
    r"|欠款?|未还|未還|未付|共计|共計|合计|合計|总计|總計|金额为?|金額為?|支付|归还|歸還|还款|還款)"
)
_NUMBER: Final = r"(?P<{0}>[0-9][0-9, ]{{0,24}}(?:\.[0-9]{{1,4}})?)"
_UNIT: Final = (
    r"(?:(?P<{0}>[千万萬亿億k])?\s?(?:多|余|餘)?"
    r"(?:元|块|塊|圆|圓|美元|欧元|歐元|英镑|港币|yuan|renminbi|rmb|cny|dollars?|euros?|pounds?|rupees?|quid|bucks)"
    r"|(?P<{1}>[千万萬亿億k](?![a-z])))"
)
_NOT_MONEY: Final = (
    r"(?!\s?(?:[-年月日天期号號笔筆次个個%\uff05:/h]|days?|weeks?|months?|instal|years?|hours?|pm|am|"
    r"january|february|march|april|may|june|july|august|september|october|november|december))"
)
_HAN: Final = "零〇一二两兩三四五六七八九十百千万萬亿億壹贰貳叁參肆伍陆陸柒捌玖拾佰仟"
_AMOUNT: Final = re.compile(
    f"{_BEFORE}[\\s:]{{0,2}}{_NUMBER.format('after')}(?![0-9])"
    f"(?:{_UNIT.format('much', 'many')}|{_NOT_MONEY})"
    f"|(?<![0-9.,]){_NUMBER.format('plain')}\\s?{_UNIT.format('scale', 'none')}(?<![千万萬亿億])"
    f"|(?P<han>[{_HAN}]{{1,24}})(?:多|余|餘)?(?:元|块钱|塊錢|圆|圓|美元)(?!旦|宵|素|件|月)"
)
# Unified ideographs stand for themselves, and most of a Chinese text is made of them.
_FIRST_HAN: Final = "\u4e00"
_LAST_HAN: Final = "\u9fff"
_DIGITS: Final = {
    **{each: n for n, each in enumerate("零一二三四五六七八九")},
    **{each: n for n, each in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    "两": 2, "兩": 2, "貳": 2, "參": 3, "陸": 6,
}  # fmt: skip
_SMALL: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "k": 1000}
_GREAT: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}


def figures(text: str) -> Iterator[tuple[tuple[int, int], int]]:
    """Each amount with its place in `text`. Dates, counts and telephone numbers are none."""
    shown, places = _digits_shown(text)
    for found in _AMOUNT.finditer(shown):
        written = found["after"] or found["plain"]
        scale = found["much"] or found["many"] or found["scale"] or ""
        value = _han_value(found["han"]) if written is None else value_of(written, scale)
        yield (places[found.start()], places[found.end() - 1] + 1), value


def _digits_shown(text: str) -> tuple[str, list[int]]:
    """Full-width and other digits as plain ones, invisible marks taken out, in lower case."""
    shown: list[str] = []
    places: list[int] = []
    for at, raw in enumerate(text):
        if raw.isascii() or _FIRST_HAN <= raw <= _LAST_HAN:
            shown.append(raw.lower())
            places.append(at)
            continue
        if unicodedata.category(raw) in {"Cf", "Mn", "Me"}:
            continue
        digit = unicodedata.digit(raw, None)
        wide = unicodedata.normalize("NFKC", raw).lower() if digit is None else str(digit)
        shown += wide
        places += [at] * len(wide)
    return "".join(shown), places


def value_of(written: str, scale: str = "") -> int:
    """What a plain decimal is worth; `scale` is a word such as 万 behind it."""
    digits = written.replace(",", "").replace(" ", "")
    if len(digits) > MOST_DIGITS:
        return UNIT * 10**MOST_DIGITS
    whole, _, decimals = digits.partition(".")
    value = int(whole) * UNIT + int(decimals[:4].ljust(4, "0"))
    return value * (_SMALL.get(scale) or _GREAT.get(scale) or 1)


def _han_value(written: str) -> int:
    total = section = digit = 0
    for each in written:
        if each in _DIGITS:
            digit = digit * 10 + _DIGITS[each] if digit else _DIGITS[each]
        elif each in _SMALL:
            section += (digit or 1) * _SMALL[each]
            digit = 0
        else:
            total = (total + section + digit) * _GREAT[each]
            section = digit = 0
    return (total + section + digit) * UNIT
