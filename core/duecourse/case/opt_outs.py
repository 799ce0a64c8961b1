"""Whether somebody's own words say: no more of this.

Whole messages only, so that "stop by the branch tomorrow" is none; of an e-mail also its first
paragraph. What is quoted, ours or theirs, says nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

# As a text message; in an e-mail a single letter is a slip, or how a greeting begins.
_LETTERS: Final = "t|r|n"
# 47 CFR 64.1200(a)(10), GSM practice, and what Chinese carriers oblige senders to take.
_KEYWORDS: Final = (
    "stop|stopall|stopit|unsubscribe|unsubscribeme|cancel|end|quit|revoke|optout|optmeout|removeme|td|"
    "(请|回复|回|发送|发)?(td|退订|退訂|拒收|取消|取消订阅|取消訂閱|停止|停止发送)(短信|信息|消息|邮件|郵件)?|"
    # de, fr, es, it, nl, pt
    "stopp|abmelden|abmeldung|abbestellen|austragen|arret|arreter|desabonner|desinscription|baja|"
    "alto|parar|cancelar|cancellami|disiscrivimi|afmelden|uitschrijven|sair"
)
_MESSAGES_DE: Final = "(sms|emails?|mails?|nachrichten|briefe|erinnerungen)"
_NO_MORE: Final = "(donot|dont|stop|不要|别|勿)(再)?"
_AGAIN: Final = "(again|anymore|了)?"
_SENDING: Final = (
    f"{_NO_MORE}(发|发送|发短信|text(ing)?|messag(e|ing)|email(ing)?|writ(e|ing))"
    f"((给)?我|(to)?me)?{_AGAIN}|"
    "nomore(texts|textmessages|messages|sms|emails|mails|letters)|"
    f"(keine{_MESSAGES_DE}mehr|keineweiteren{_MESSAGES_DE})(senden|schicken)?|"
    f"(senden|schicken|schreiben)siemir(keine{_MESSAGES_DE}mehr|nichtmehr)|"
    "nichtmehr(schreiben|anschreiben)"
)
_CALLING: Final = (
    f"{_NO_MORE}(给我)?(call(ing)?|phon(e|ing)|打电话|打|来电|致电)((给)?我|me)?{_AGAIN}|nomorecalls|"
    "(mich)?nichtmehranrufen|keineanrufemehr|rufensiemichnicht(mehr|wieder)an"
)
_ANYTHING: Final = (
    f"{_NO_MORE}(contact(ing)?|联系|骚扰)(我|me)?{_AGAIN}|leavemealone|"
    "(mich)?nichtmehrkontaktieren|keinkontaktmehr|kontaktierensiemichnicht(mehr|wieder)|"
    "lassensiemichinruhe"
)
_BEFORE: Final = "(please|plz|pls|bitte|请|請|hi|hello|你好|您好){0,2}"
_AFTER: Final = "(please|thanks|thankyou|now|bitte|danke|谢谢)?"


def _whole(words: str) -> re.Pattern[str]:
    return re.compile(f"{_BEFORE}({words}){_AFTER}")


_CHANNEL: Final = _whole(f"{_KEYWORDS}|{_SENDING}")
_CHANNEL_BY_LETTER: Final = re.compile(f"(请|回复|回)?({_LETTERS})")
_CALLS: Final = _whole(_CALLING)
_ALL: Final = _whole(_ANYTHING)

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
_PARAGRAPH_ENDS: Final = re.compile(r"\n[ \t]*\n")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\u0085\u2028\u2029]")


def left_by(text: str, medium: str) -> str:
    """What somebody's own words say is to stop: a channel, `all`; empty when they say no such thing.

    Width, case, accents, blanks, quotation marks and punctuation do not matter, but a question is
    none.
    """
    own = _own_words(text)
    heads = [_plain(own)]
    if medium == "email":
        heads.append(_plain(_PARAGRAPH_ENDS.split(own.strip(), maxsplit=1)[0]))
    elif _CHANNEL_BY_LETTER.fullmatch(heads[0]):
        return medium
    answers = ((_CHANNEL, medium), (_CALLS, "call"), (_ALL, "all"))
    return next(
        (left for head in heads for pattern, left in answers if pattern.fullmatch(head)), ""
    )


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
