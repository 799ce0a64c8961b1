"""Whether somebody's own words say: no more of this.

Whole messages only, so that "stop by the branch tomorrow" is none; of an e-mail also its first
paragraph. What is quoted, ours or theirs, says nothing, nor does how one greets and takes leave.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

# As a text message; in an e-mail a single letter is a slip, or how a greeting begins.
_LETTERS: Final = "t|r|n"
# 47 CFR 64.1200(a)(10), GSM practice, and what Chinese carriers oblige senders to take.
_KEYWORDS: Final = (
    "stop|stopall|stopit|unsub|unsubscribe(me|all)?|cancel|end|quit|revoke|optout|optmeout|td|"
    "removeme(from(your|the|this)(mailing|contact)?lists?)?|"
    "(请|回复|回|发送|发|我要)?(td|退订|退訂|拒收|取消|取消订阅|取消訂閱|停止|停止发送)(短信|信息|消息|邮件|郵件)?|"
    # de, fr, es, it, nl, pt
    "stopp|abmelden|abmeldung|abbestellen|austragen|arret|arreter|desabonner|desinscription|baja|"
    "alto|parar|cancelar|cancellami|disiscrivimi|afmelden|uitschrijven|sair"
)
_MESSAGES: Final = "(texts?|textmessages?|messages?|sms|emails?|mails?|letters?)"
_MESSAGES_DE: Final = "(sms|emails?|mails?|nachrichten|briefe|erinnerungen)"
_NO_MORE: Final = "(donot|dont|stop|不要|别|勿|停止)(再)?"
_AGAIN: Final = "(again|anymore|了)?"
_SENDING: Final = (
    f"{_NO_MORE}(给我)?(发送?(短信|信息|消息|邮件|郵件)?|text(ing)?|messag(e|ing)|email(ing)?|writ(e|ing))"
    f"((给)?我|(to)?me)?{_AGAIN}|"
    f"(nomore|stop(all|the|these|your)?){_MESSAGES}|"
    f"(donotsend|dontsend|stopsending)(me)?(any)?(more)?{_MESSAGES}{_AGAIN}|"
    f"(keine{_MESSAGES_DE}mehr|keineweiteren{_MESSAGES_DE}(mehr)?)(senden|schicken)?|"
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


_CHANNEL: Final = _whole(f"({_KEYWORDS}){{1,3}}|{_SENDING}")
# Verbs that may only begin what is said: cancel | my appointment.
_BEGINNING: Final = _whole("cancel|end|quit|revoke|cancelar|parar")
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


def left_by(text: str, medium: str) -> str:
    """What somebody's own words say is to stop: a channel, `all`; empty when they say no such thing.

    Width, case, accents, blanks, quotation marks and punctuation do not matter, but a question is
    none.
    """
    own = _own_words(text)
    said = _without_courtesies(own)
    heads = [_plain(own), _plain(said)]
    if medium == "email":
        heads += [_plain(_first_paragraph(each)) for each in (own, said)]
    elif _CHANNEL_BY_LETTER.fullmatch(heads[0]):
        return medium
    answers = ((_CHANNEL, medium), (_CALLS, "call"), (_ALL, "all"))
    return next(
        (left for head in heads for pattern, left in answers if pattern.fullmatch(head)), ""
    )


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
