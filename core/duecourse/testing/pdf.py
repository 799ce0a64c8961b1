"""Read back what a page says. For documents whose fonts map their glyphs to Unicode (PDF/A)."""

import io
import re
from typing import Final

import pikepdf

_CHAR: Final = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_RANGE: Final = re.compile(_CHAR.pattern + rb"\s*<([0-9A-Fa-f]+)>")


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page, in the order it was drawn, without spaces and line breaks."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return [_page_text(page) for page in document.pages]


def _page_text(page: pikepdf.Page) -> str:
    fonts = {
        name: _glyphs(font.ToUnicode.read_bytes())
        for name, font in page.Resources.get("/Font", {}).items()
    }
    drawn: list[str] = []
    glyphs: dict[bytes, str] = {}
    for instruction in pikepdf.parse_content_stream(page):
        operands = list(instruction.operands)
        match str(instruction.operator):
            case "Tf":
                glyphs = fonts[str(operands[0])]
            case "Tj":
                drawn += _decoded(bytes(operands[0]), glyphs)
            case "TJ":
                for each in operands[0]:
                    if isinstance(each, pikepdf.String):
                        drawn += _decoded(bytes(each), glyphs)
            case _:
                pass
    return "".join("".join(drawn).split())


def _decoded(drawn: bytes, glyphs: dict[bytes, str]) -> list[str]:
    """Two bytes a glyph (Identity-H)."""
    return [glyphs.get(drawn[at : at + 2], "") for at in range(0, len(drawn), 2)]


def _glyphs(cmap: bytes) -> dict[bytes, str]:
    glyphs: dict[bytes, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for code, text in _CHAR.findall(block):
            glyphs[bytes.fromhex(code.decode())] = _unicode(text)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for first, last, text in _RANGE.findall(block):
            start = int(first, 16)
            for code in range(start, int(last, 16) + 1):
                glyphs[code.to_bytes(2, "big")] = chr(ord(_unicode(text)) + code - start)
    return glyphs


def _unicode(text: bytes) -> str:
    return bytes.fromhex(text.decode()).decode("utf-16-be")
