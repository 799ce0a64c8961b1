"""What a person wrote: the words, as they stand, out of whatever mail programs make of them."""

import codecs
import re
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser
from typing import Final

from duecourse_email.headers import inside, subject

MOST_TEXT: Final = 2000
"""As much as a case keeps."""
MOST_PART: Final = 256 * 1024
MOST_PAGE: Final = 8 * 1024
MOST_PARTS: Final = 100
MOST_SUBJECT: Final = 300
# What servers put before it in a subject, and what mail programs call an answer.
_REPLY: Final = re.compile(
    r"\A((\[[^\]]{1,40}\]|\*++[^*]{1,40}\*++|\(?(extern(al)?|spam)\)?\s*[:：])\s*)*"
    r"(re|aw|sv|vs|rv|tr|wg|r|i|rif|res|enc|odp|pd|antw|antwort|réf|fwd?"
    r"|回复|回覆|答复|答覆|转发|轉寄)"
    r"\s*([\[(]\d+[\])])?\s*[:：]",
    re.IGNORECASE,
)
_NO_SUBJECT: Final = re.compile(
    r"\W*(no subject|kein betreff|ohne betreff|sans objet|sin asunto|无主题|無主題)\W*",
    re.IGNORECASE,
)
# Said in a subject it is not for what comes below to weaken.
_STOP: Final = re.compile(
    r"\W*((please|bitte|请)\s*)?(stop|stopp|unsub|unsubscribe( me)?|opt[ -]?out|remove me|abmelden"
    r"|abmeldung|abbestellen|arr[êe]t|d[ée]sabonner|d[ée]sinscription|baja|cancellami|afmelden|sair"
    r"|td|退订|退訂|拒收|取消订阅)\W*",
    re.IGNORECASE,
)
# Among the codecs there are some that take the square of the length, and some that are no charset.
_CHARSET: Final = re.compile(
    r"(utf-(7|8|16|32).*|ascii|latin.*|iso8859.*|cp\d+|gb.*|big5.*|hz|koi8.*|shift_jis.*|euc_.*"
    r"|iso2022_.*|mac-.*|tis-620)",
    re.ASCII,
)
_LARGER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "ascii": "utf-8"}


def read_text(mail: Message) -> str:
    """The words of `mail`, bounded: first its text, then a subject that is no answer to ours.

    A subject that says stop comes first, or alone.
    """
    given, body = subject(mail)[:MOST_SUBJECT], _body(mail)
    own = _REPLY.sub("", given, count=1).strip()
    if not body.strip():
        return own if _STOP.fullmatch(own) or own == given else ""
    if own != given or _NO_SUBJECT.fullmatch(given) or not given:
        return body[:MOST_TEXT]
    if _STOP.fullmatch(given):
        return f"{given}\n\n{body}"[:MOST_TEXT]
    return f"{body[: MOST_TEXT - len(given) - 2].rstrip()}\n\n{given}"


def _body(mail: Message) -> str:
    parts = [part for part in _flat(mail, [MOST_PARTS]) if not _is_file(part)]
    for kind, read in (("text/plain", str), ("text/html", html_text)):
        for part in parts:
            if part.get_content_type() == kind:
                text = read(_decoded(part))
                if text.strip():
                    return text
    return ""


def _flat(mail: Message, left: list[int]) -> Iterator[Message]:
    """The parts of `mail` in their order; not those of a mail that is only quoted in it."""
    if mail.get_content_maintype() != "multipart" or not mail.is_multipart():
        yield mail
        return
    for part in inside(mail):
        left[0] -= 1
        if left[0] < 0:
            return
        yield from _flat(part, left)


def _is_file(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    raw = content[:MOST_PART] if isinstance(content, bytes) else b""
    text = raw.decode(_charset(part.get_content_charset() or "utf-8"), "replace")
    # Half letters and NUL are nothing that anybody can have meant, or that can be stored.
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    return text.replace("\r\n", "\n")


def _charset(named: str) -> str:
    try:
        name = codecs.lookup(named).name
    except (LookupError, ValueError):
        return "utf-8"
    return _LARGER.get(name, name) if _CHARSET.fullmatch(name) else "utf-8"


def html_text(page: str) -> str:
    """The words that a page shows, with its lines and paragraphs."""
    # Past the styles, which may be long; and not far: broken tags cost the square of their number.
    body = max(0, page.lower().find("<body"))
    reader = _Words()
    reader.feed(page[body : body + MOST_PAGE])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    _UNSEEN: Final = frozenset({"script", "style", "head", "title", "template"})
    _LINES: Final = frozenset({"br", "li", "tr", "hr"})
    _PARAGRAPHS: Final = frozenset(
        {"p", "div", "table", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in self._UNSEEN:
            self._unseen += 1
        elif tag == "body":
            # A head that nobody closed.
            self._unseen = 0
        elif tag in self._LINES or tag in self._PARAGRAPHS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in self._PARAGRAPHS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)
