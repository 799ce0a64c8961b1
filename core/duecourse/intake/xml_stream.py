"""XML from outside as a stream: no document type, no entities, bounded depth, names and texts.

expat reads the bytes; whoever listens gets each element when it ends. Nothing else is loaded, no
file and no address is ever opened, and memory does not grow with the file.
"""

from collections.abc import Iterator
from typing import Final, NoReturn
from xml.parsers import expat

from duecourse.intake.problems import Refused

CHUNK: Final = 64 * 1024
MAX_BYTES: Final = 2 * 1024**3
MAX_DEPTH: Final = 48
MAX_ATTRIBUTES: Final = 50
MAX_TEXT: Final = 10_000
MAX_KEPT: Final = 20_000
"""Elements and texts of one part that is kept; a statement's entry has a few hundred."""
_MAX_MARKUP: Final = 1024**2
_BOMS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_SEPARATOR: Final = " "
_ENCODING_ERRORS: Final = frozenset(
    expat.errors.codes[words]
    for words in (
        expat.errors.XML_ERROR_UNKNOWN_ENCODING,
        expat.errors.XML_ERROR_INCORRECT_ENCODING,
    )
)


class XmlRefused(Refused):
    """The file as a whole cannot be read; `line` is where that showed."""

    def __init__(self, line: int, problem: str, fix: str) -> None:
        super().__init__(problem, fix)
        self.line = line


class Node:
    """An element with what is in it; `currency` is the one attribute that amounts have."""

    __slots__ = ("children", "currency", "line", "name", "text")

    def __init__(self, name: str, line: int, currency: str = "") -> None:
        self.name = name
        self.line = line
        self.currency = currency
        self.text = ""
        self.children: list[Node] = []

    def find(self, path: str) -> "Node | None":
        """The first element down a path of names such as `Refs/EndToEndId`."""
        found = self
        for name in path.split("/"):
            for each in found.children:
                if each.name == name:
                    found = each
                    break
            else:
                return None
        return found

    def all(self, path: str) -> Iterator["Node"]:
        """Every element at the end of a path."""
        first, _, rest = path.partition("/")
        for each in self.children:
            if each.name == first:
                if rest:
                    yield from each.all(rest)
                else:
                    yield each

    def value(self, *paths: str) -> str:
        """The text at the first of the paths that has any."""
        for path in paths:
            found = self.find(path)
            if found is not None and (text := found.text.strip()):
                return text
        return ""


class Listener:
    """What is done with the elements. `wants` decides which are kept, with all that is in them."""

    line = 0

    def wants(self, path: list[str], namespace: str) -> bool:
        """Asked when an element begins that is not inside one that is kept."""
        raise NotImplementedError

    def ended(self, node: Node, within: list[Node]) -> bool:
        """Told when a kept element ends; `within` are those it is in. True: forget it now."""
        raise NotImplementedError

    def left(self, path: list[str]) -> None:
        """Told when an element ends that was not kept."""


class XmlStream:
    """Feeds a stream to a listener. Raises XmlRefused."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._path: list[str] = []
        self._kept: list[Node] = []
        self._count = 0
        self._names: dict[str, tuple[str, str]] = {}
        self._fed = 0
        self._parser = self._new_parser()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        return parser

    def feed(self, data: bytes) -> None:
        self._fed += len(data)
        if self._fed > MAX_BYTES:
            self._refuse(f"the file is larger than {MAX_BYTES} bytes", "ask for it in parts")
        self._parse(data, last=False)
        # A piece of markup without end would be read from its beginning again and again.
        if self._fed - max(self._parser.CurrentByteIndex, 0) > _MAX_MARKUP:
            self._refuse("one piece of markup is longer than 1 MiB", "export the file again")

    def close(self) -> None:
        self._parse(b"", last=True)

    def _parse(self, data: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as broken:
            raise _not_xml(broken) from None
        except Refused:
            raise
        except (ValueError, LookupError):
            # Before the first element it can only be the encoding: expat asks Python for one that
            # it does not know, and Python's may have more than one byte, be no text, or not exist.
            if self._names:
                raise
            line = self._parser.CurrentLineNumber
            raise XmlRefused(line, "its encoding is not read here", "save it as UTF-8") from None

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        path, kept = self._path, self._kept
        namespace, name = self._names.get(full) or self._named(full)
        path.append(name)
        if len(path) > MAX_DEPTH:
            self._refuse(f"elements are nested deeper than {MAX_DEPTH}", "export the file again")
        if len(attributes) > MAX_ATTRIBUTES:
            self._refuse(f"an element has more than {MAX_ATTRIBUTES} attributes", "export it again")
        line = self._parser.CurrentLineNumber
        self._listener.line = line
        if not kept and not self._listener.wants(path, namespace):
            return
        node = Node(name, line, attributes.get("Ccy", ""))
        if kept:
            kept[-1].children.append(node)
        kept.append(node)
        self._count += 1
        if self._count > MAX_KEPT:
            self._refuse(f"one entry has more than {MAX_KEPT} elements", "export the file again")

    def _named(self, full: str) -> tuple[str, str]:
        namespace, _, name = full.rpartition(_SEPARATOR)
        if len(self._names) > MAX_KEPT or len(full) > MAX_TEXT:
            self._refuse("more element names than any bank file has", "export the file again")
        self._names[full] = (namespace, name)
        return namespace, name

    def _end(self, _full: str) -> None:
        kept = self._kept
        if not kept:
            self._listener.left(self._path)
            self._path.pop()
            return
        self._path.pop()
        node = kept.pop()
        if not kept:
            self._count = 0
        if self._listener.ended(node, kept) and kept:
            kept[-1].children.pop()
            self._count = sum(len(each.children) for each in kept)

    def _text(self, text: str) -> None:
        if self._kept:
            node = self._kept[-1]
            node.text += text
            if len(node.text) > MAX_TEXT:
                self._refuse(f"{node.name} is longer than {MAX_TEXT} characters", "shorten it")

    def _doctype(self, *_: object) -> None:
        self._refuse(
            "the file declares a document type or entities, which no bank does",
            "do not use it; ask the bank for the file again",
        )

    def _refuse(self, problem: str, fix: str) -> NoReturn:
        raise XmlRefused(self._parser.CurrentLineNumber, problem, fix)


def check_beginning(head: bytes) -> None:
    """Say what a file is that is no XML, as far as that shows."""
    for magic, what in ((b"PK\x03\x04", "a ZIP archive"), (b"\x1f\x8b", "a gzip archive")):
        if head.startswith(magic):
            raise XmlRefused(1, f"the file is {what}", "unpack it first")
    if not head.strip():
        raise XmlRefused(0, "the file is empty", "export it again")
    for bom in _BOMS:
        head = head.removeprefix(bom)
    if not head.replace(b"\0", b"").lstrip().startswith(b"<"):
        raise XmlRefused(1, "the file is not XML", "for CSV give a --mapping that says what it is")


def _not_xml(broken: expat.ExpatError) -> XmlRefused:
    # expat's words name what is wrong and quote nothing of the file.
    problem = f"not well-formed XML: {expat.ErrorString(broken.code)}"
    is_encoding = broken.code in _ENCODING_ERRORS
    fix = "save it as UTF-8" if is_encoding else "it may be cut off; get the file again"
    return XmlRefused(broken.lineno, problem, fix)
