"""Whether somebody's own words say: no more of this.

A whole message or a whole clause, so that "stop by the branch tomorrow" is none; of an e-mail also
its first paragraph. The words are in `opt_out_words`. What is quoted, ours or theirs, says nothing,
nor does how one greets and takes leave.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

from duecourse.case.opt_out_words import (
    AFTER,
    ANYTHING,
    ASKED,
    BEFORE,
    CALLING,
    KEYWORDS,
    LETTERS,
    MEDIA,
    MORE_THAN_A_WISH,
    SENDING,
    WEAK_KEYWORDS,
)


class Reading(NamedTuple):
    """What is to stop: a channel, `all`, or empty; and whether the whole message says only that."""

    left: str
    is_all: bool


def _whole(*words: str) -> re.Pattern[str]:
    return re.compile(f"({BEFORE})({'|'.join(words)}){AFTER}")


_CHANNEL: Final = _whole(f"({'|'.join((*KEYWORDS, *WEAK_KEYWORDS))}){{1,3}}", *SENDING)
_CHANNEL_IN_PART: Final = _whole(f"({'|'.join(KEYWORDS)}){{1,3}}", *SENDING)
# Verbs that may only begin what is said: cancel | my appointment.
_BEGINNING: Final = _whole(*WEAK_KEYWORDS)
_CHANNEL_BY_LETTER: Final = re.compile(f"(请|回复|回)?({LETTERS})")
_CALLS: Final = _whole(*CALLING)
_ALL: Final = _whole(*ANYTHING)
_ASKED: Final = tuple(
    (re.compile(rf"{BEFORE}({ASKED}){BEFORE}({'|'.join(words)}){AFTER}(吗|嗎)?\??"), left)
    for words, left in ((SENDING, ""), (CALLING, "call"), (ANYTHING, "all"))
)
_MEDIA: Final = {medium: re.compile(words) for medium, words in MEDIA.items()}
_MORE: Final = re.compile(MORE_THAN_A_WISH)

# A line that goes on in small letters is no new sentence.
_GOES_ON: Final = re.compile(r"\s*\n\s*(?=[a-zà-öø-ÿ])")
_NEW_CLAUSE: Final = re.compile(
    r"(?<=\bstop)\s+(?=(?:i|i['’]?m|we|this is|that is|it['’]?s|it is|not mine|wrong)\b)|"
    r"\b(?:and i|but|because|und ich|aber|et je|mais)\b|但是|因为|因為",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[^.!?。！？,，;；:：、…\n]+[?？]?")

# Where a mail program puts what is answered to, and what it puts below.
_WROTE: Final = r"(wrote|schrieb|a [ée]crit|escribi[óo]|ha scritto|schreef|escreveu|写道|寫道)"
_ATTRIBUTION: Final = re.compile(
    r"^[ \t]*((on|am|le|el|il|op|em)\b|在|於|于)[^\n]{0,200}(\n[^\n]{1,200})?"
    rf"{_WROTE}[^\n]{{0,200}}(\n[^\n]{{1,200}})?[:：][ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_CHINESE_ATTRIBUTION: Final = re.compile(
    r"^[^\n]{1,200}(写道|寫道)[ \t]*[:：][ \t]*$", re.MULTILINE
)
_BELOW: Final = re.compile(
    r"^[ \t]*(-- ?|_{5,}|-{3,}[^\n]{0,60}-{3,}|"
    r"(from|von|de|da|van|发件人|發件人|寄件者)[ \t]*[:：][^\n]*|"
    r"(sent from my|von meinem|gesendet (mit|von)|envoy[ée] de mon|enviado desde|get outlook for|"
    r"发自我的|從我的)[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
# de, en, fr, es, it, nl, pt, zh
_GREETING: Final = re.compile(
    r"(guten? (tag|morgen|abend)|hallo|moin|grüezi|sehr geehrte[rs]?|liebe[rs]?|werte[rs]?|"
    r"dear|hello|hi|hey|good (morning|afternoon|evening|day)|to whom it may concern|sirs?|madam|"
    r"bonjour|bonsoir|madame|monsieur|ch[eè]re?s?|hola|buen[oa]s (d[ií]as|tardes|noches)|"
    r"estimad[oa]s?|buongiorno|buonasera|salve|gentil[ei]|egregi[oa]?|spett(\.|abile)|"
    r"geachte|beste|goede(n|mor|mid|na)\w*|ol[áa]|bom dia|boa (tarde|noite)|prezad[oa]s?|car[oa]s?|"
    r"尊敬的|您好|你好)(?![^\W\u3000-\u9fff])[^\n]{0,60}",
    re.IGNORECASE,
)
_LEAVE: Final = re.compile(
    r"^[ \t]*(mit (freundlich|best|lieb|viel)en gr(ü|ue)(ß|ss)en|(viele|beste|liebe|freundliche|sch(ö|oe)ne) "
    r"gr(ü|ue)(ß|ss)e|gr(u|ü)(ß|ss)e?|mfg|lg|vg|hochachtungsvoll|(vielen |besten )?dank|danke|"
    r"((best|kind|warm|many)( and kind)? )?(regards|wishes)|best|cheers|(many )?thanks|thank you|thx|"
    r"(yours )?(sincerely|faithfully|truly)( yours)?|(bien )?cordialement|bien à vous|salutations|merci|"
    r"(un )?(cordial(es)? )?saludos?( cordial(es)?)?|atentamente|gracias|(cordiali|distinti) saluti|"
    r"saluti|grazie|(met )?(vriendelijke )?groet(en)?|mvg|bedankt|atenciosamente|"
    r"(com os melhores )?cumprimentos|obrigad[oa]|此致|敬礼|祝好|谢谢|多谢)"
    r"[ \t]*([,.!，。！][^\n]{0,40})?$",
    re.IGNORECASE | re.MULTILINE,
)
_PARAGRAPH_ENDS: Final = re.compile(r"\n[ \t]*\n")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\u0085\u2028\u2029]")


# How an addressee is called: no words that say something.
_ADDRESSEE: Final = re.compile(
    r"(?:(?:sirs?|madam|or|and|damen|und|herren|team|all|there|客服|女士|先生|们)[ \t]*)*[,.!:，。！：]?",
    re.IGNORECASE,
)
_NAME: Final = re.compile(
    r"(?:(?:[^\W\d_a-z][a-zß-ÿ'’.-]*[ \t]*){1,3}|(?![^\n]*[不没沒非我])[\u4e00-\u9fff]{2,4})?"
)


def left_by(text: str, medium: str) -> str:
    """What somebody's own words say is to stop: a channel, `all`; empty when they say no such thing."""
    return read(text, medium).left


def read(text: str, medium: str) -> Reading:
    """Whether somebody's own words ask for no more, and whether they say anything else.

    Width, case, accents, blanks, quotation marks and punctuation do not matter, but a question is
    none, unless it asks us to stop.
    """
    own = _own_words(text)
    said = _without_courtesies(own)
    if medium != "email" and _CHANNEL_BY_LETTER.fullmatch(_plain(own)):
        return Reading(medium, is_all=True)
    for words, is_bare in ((own, True), (said, _has_bare_courtesies(own))):
        if left := _left(_plain(words), medium):
            return Reading(left, is_all=is_bare and not _MORE.search(_plain(words)))
    parts = [_first_paragraph(each) for each in (own, said)] if medium == "email" else []
    found = [_left(_plain(each), medium) for each in parts]
    found += [_left(_plain(each), medium, in_part=True) for each in _clauses(own)]
    return Reading(_most({each for each in found if each}), is_all=False)


def _left(plain: str, medium: str, *, in_part: bool = False) -> str:
    channel = _CHANNEL_IN_PART if in_part else _CHANNEL
    if channel.fullmatch(plain):
        return _named(plain, medium)
    if _CALLS.fullmatch(plain):
        return "call"
    if _ALL.fullmatch(plain):
        return "all"
    asked = (left for pattern, left in _ASKED if pattern.fullmatch(plain))
    left = next(asked, None)
    return "" if left is None else left or _named(plain, medium)


def _named(plain: str, medium: str) -> str:
    """The medium it came by, or all, where the words name another one."""
    named = {name for name, words in _MEDIA.items() if words.search(plain)}
    return "all" if named and medium in _MEDIA and medium not in named else medium


def _most(left: set[str]) -> str:
    """Who leaves more than one channel may mean any of them."""
    return "all" if len(left) > 1 else next(iter(left), "")


def _clauses(text: str) -> Iterator[str]:
    """What stands between two signs of punctuation, or two words that join sentences."""
    for sentence in _CLAUSE.findall(_GOES_ON.sub(" ", text.strip())):
        yield from _NEW_CLAUSE.split(sentence)


def _first_paragraph(text: str) -> str:
    """The first paragraph where it stands for itself; nothing where the next one goes on with it."""
    first, *rest = _PARAGRAPH_ENDS.split(text.strip(), maxsplit=1)
    next_words = rest[0].split() if rest else []
    goes_on = len(next_words) > 2 and next_words[0][0].islower()  # noqa: PLR2004 - a name has two
    return "" if goes_on and _BEGINNING.fullmatch(_plain(first)) else first


def _without_courtesies(text: str) -> str:
    """Without a greeting on the first line, and from where its author takes leave."""
    first, _, rest = text.strip().partition("\n")
    words = rest.strip() if _GREETING.fullmatch(first.strip()) else text.strip()
    leave = _LEAVE.search(words)
    return words[: leave.start()] if leave else words


def _has_bare_courtesies(text: str) -> bool:
    """Whether what was left out names nothing but people."""
    first, _, rest = text.strip().partition("\n")
    greeting = _GREETING.fullmatch(first.strip())
    words = rest if greeting else text
    leave = _LEAVE.search(words)
    called = first.strip()[greeting.end(1) :].strip() if greeting else ""
    names = " ".join(words[leave.end() :].split()) if leave else ""
    return bool(_ADDRESSEE.fullmatch(called) and _NAME.fullmatch(names))


def _own_words(text: str) -> str:
    """Without what is quoted, and without the signature."""
    lines = _LINE_ENDS.sub("\n", text).split("\n")
    marked = [_is_quoted(line) for line in lines]
    own = "\n".join(line for line, quoted in zip(lines, marked, strict=True) if not quoted)
    for attribution in (_ATTRIBUTION, _CHINESE_ATTRIBUTION):
        if any(marked):
            # What it introduces is gone already; what comes below may be an answer.
            own = attribution.sub("", own)
        elif found := attribution.search(own):
            own = own[: found.start()]
    below = _BELOW.search(own)
    return own[: below.start()] if below else own


def _is_quoted(line: str) -> bool:
    return unicodedata.normalize("NFKC", line).lstrip().startswith(">")


def _plain(text: str) -> str:
    return "".join(_letters(unicodedata.normalize("NFKD", text).casefold()))


def _letters(text: str) -> Iterator[str]:
    """Without blanks, marks, symbols and punctuation; a question mark stays."""
    for each in text:
        category = unicodedata.category(each)
        if each == "?" or not (category[0] in "ZCP" or category in {"Mn", "So", "Sk"}):
            yield each
