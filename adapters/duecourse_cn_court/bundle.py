"""The bundle: complaint, evidence index, evidence, and the same as data. Pure."""

import hashlib
from importlib.resources import files
from typing import Final

import msgspec

from duecourse import FilingDocument, FilingPackage, FilingRequest, page_count, typeset
from duecourse_cn_court import complaint
from duecourse_cn_court.elements import Elements
from duecourse_cn_court.evidence import Exhibit, Table, exhibits
from duecourse_cn_court.wording import written

_INDEX_PAGES: Final = 1
"""The index has a fixed handful of rows: it is put before the evidence whose pages it names."""


def _template(name: str) -> str:
    folder = files("duecourse_cn_court")
    return "".join(
        folder.joinpath(each).read_text(encoding="utf-8") for each in ("sheet.typ", name)
    )


_COMPLAINT: Final = _template("complaint.typ")
_EXHIBIT: Final = _template("exhibit.typ")


class _IndexLine(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    proves: str
    sha256: str
    bytes: int
    first_page: int
    last_page: int


class _Index(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    notice: str
    documents: tuple[_IndexLine, ...]


def bundle(elements: Elements, request: FilingRequest) -> FilingPackage:
    """Typeset the documents in order, each numbered on from the last. Raises DocumentError."""
    written_complaint = _complaint(elements)
    lines = [_line(written_complaint, elements.form, "起诉状正本")]
    documents = [written_complaint]
    first = written_complaint.last_page + 1 + _INDEX_PAGES
    for each in exhibits(elements, request):
        document = _exhibit(elements, each, first)
        documents.append(document)
        lines.append(_line(document, each.title, each.proves))
        first = document.last_page + 1
    data = FilingDocument(name="elements.json", content=_json(elements))
    lines.append(_line(data, "要素数据", "供人工录入核对，非法院接口"))
    index = _index(elements, lines, written_complaint.last_page + 1)
    every = [*lines[:1], _line(index, "证据目录", "目录"), *lines[1:]]
    listing = _Index(reference=elements.reference, notice=elements.notice, documents=tuple(every))
    return FilingPackage(
        reference=elements.reference,
        documents=(
            documents[0],
            index,
            *documents[1:],
            data,
            FilingDocument(name="evidence-index.json", content=_json(listing)),
        ),
    )


def _complaint(elements: Elements) -> FilingDocument:
    content = typeset(
        _COMPLAINT,
        {
            **_heading(elements, elements.form, 1),
            "sections": complaint.sections(elements),
            "court": elements.court,
            "plaintiff": elements.plaintiff.name,
        },
    )
    return _pdf("01-complaint.pdf", content, 1)


def _exhibit(elements: Elements, exhibit: Exhibit, first: int) -> FilingDocument:
    content = typeset(
        _EXHIBIT,
        {
            **_heading(elements, exhibit.title, first),
            "notes": exhibit.notes,
            "tables": exhibit.tables,
        },
    )
    return _pdf(exhibit.name, content, first)


def _index(elements: Elements, lines: list[_IndexLine], first: int) -> FilingDocument:
    table = Table(
        caption="本卷文件",
        columns=("序号", "文件", "证明内容", "卷内页码", "SHA-256"),
        widths=(2, 6, 7, 3, 9),
        rows=[
            (str(n), f"{each.title}\n{each.name}", each.proves, _pages(each), _split(each.sha256))
            for n, each in enumerate(lines, start=1)
        ],
    )
    exhibit = Exhibit(
        name="02-evidence-index.pdf",
        title="证据目录",
        proves="",
        notes=("各文件的 SHA-256 摘要用于核对内容未被改动。页码为本卷连续页码。",),
        tables=(table,),
    )
    document = _exhibit(elements, exhibit, first)
    if document.last_page - first + 1 != _INDEX_PAGES:
        raise AssertionError("the evidence index outgrew its page")
    return document


def _heading(elements: Elements, title: str, first_page: int) -> dict[str, object]:
    return {
        "title": title,
        "language": "zh",
        "dated": elements.as_of,
        "as_of": written(elements.as_of),
        "reference": elements.reference,
        "first_page": first_page,
    }


def _pdf(name: str, content: bytes, first: int) -> FilingDocument:
    return FilingDocument(
        name=name,
        content=content,
        first_page=first,
        last_page=first + page_count(content) - 1,
    )


def _line(document: FilingDocument, title: str, proves: str) -> _IndexLine:
    return _IndexLine(
        name=document.name,
        title=title,
        proves=proves,
        sha256=hashlib.sha256(document.content).hexdigest(),
        bytes=len(document.content),
        first_page=document.first_page,
        last_page=document.last_page,
    )


def _pages(line: _IndexLine) -> str:
    if not line.first_page:
        return "—"
    if line.first_page == line.last_page:
        return str(line.first_page)
    return f"{line.first_page}–{line.last_page}"


def _split(digest: str) -> str:
    """Four groups of sixteen, to be compared by eye."""
    return "\n".join(digest[at : at + 16] for at in range(0, 64, 16))


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
