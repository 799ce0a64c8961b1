"""Where on the page each character stands, read from the PDF itself."""

import io
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pikepdf

from duecourse.testing.pdf import _glyphs as _glyph_texts

POINT: Final = 25.4 / 72


class Glyph(msgspec.Struct, frozen=True):
    """Millimetres from the upper left corner of the sheet: a box that holds all of the ink."""

    left: float
    top: float
    right: float
    bottom: float
    size: float
    text: str


class Stroke(msgspec.Struct, frozen=True):
    """A straight line, from left to right."""

    left: float
    top: float
    right: float


def glyphs(pdf: bytes, page: int = 0) -> list[Glyph]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return list(_glyphs(document.pages[page]))


def strokes(pdf: bytes, page: int = 0) -> list[Stroke]:
    """Level lines drawn on the page: fold marks, underlines."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return list(_strokes(document.pages[page]))


def sheet(pdf: bytes) -> tuple[float, float]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        box = [float(each) for each in document.pages[0].mediabox]
    return box[2] * POINT, box[3] * POINT


def _glyphs(page: pikepdf.Page) -> Iterator[Glyph]:
    fonts = {name: _Font(font) for name, font in page.Resources.Font.items()}
    height = float(page.mediabox[3])
    matrix, stack, font, size = pikepdf.Matrix(), [], None, 0.0
    for instruction in pikepdf.parse_content_stream(page):
        operands: list[Any] = list(instruction.operands)
        match str(instruction.operator):
            case "q":
                stack.append(matrix)
            case "Q":
                matrix = stack.pop()
            case "cm":
                matrix = pikepdf.Matrix(*map(float, operands)) @ matrix
            case "Tf":
                font, size = fonts[str(operands[0])], float(operands[1])
            case "Tm":
                text = pikepdf.Matrix(*map(float, operands))
            case "Tj" | "TJ":
                shown = operands[0] if str(instruction.operator) == "TJ" else [operands[0]]
                assert font is not None
                yield from _shown(font, size, text @ matrix, shown, height)
            case _:
                pass


def _shown(
    font: "_Font", size: float, matrix: pikepdf.Matrix, shown: Any, height: float
) -> Iterator[Glyph]:
    pen = 0.0
    for each in shown:
        if not isinstance(each, pikepdf.String):
            pen -= float(each) / 1000 * size
            continue
        raw = bytes(each)
        for at in range(0, len(raw), 2):
            code = int.from_bytes(raw[at : at + 2], "big")
            wide = font.widths.get(code, font.default) / 1000 * size
            left, baseline = matrix.transform((pen, 0.0))
            right, _ = matrix.transform((pen + wide, 0.0))
            yield Glyph(
                left * POINT,
                (height - baseline - font.ascent / 1000 * size) * POINT,
                right * POINT,
                (height - baseline - font.descent / 1000 * size) * POINT,
                size,
                font.texts.get(raw[at : at + 2], ""),
            )
            pen += wide


def _strokes(page: pikepdf.Page) -> Iterator[Stroke]:
    height = float(page.mediabox[3])
    matrix, stack, start = pikepdf.Matrix(), [], (0.0, 0.0)
    for instruction in pikepdf.parse_content_stream(page):
        operands: list[Any] = list(instruction.operands)
        match str(instruction.operator):
            case "q":
                stack.append(matrix)
            case "Q":
                matrix = stack.pop()
            case "cm":
                matrix = pikepdf.Matrix(*map(float, operands)) @ matrix
            case "m":
                start = matrix.transform(tuple(map(float, operands)))
            case "l":
                end = matrix.transform(tuple(map(float, operands)))
                if abs(end[1] - start[1]) < 0.01:
                    left, right = sorted((start[0] * POINT, end[0] * POINT))
                    yield Stroke(left, (height - start[1]) * POINT, right)
            case _:
                pass


class _Font:
    """Widths, ascent and descent of a composite font, in thousandths of its size."""

    def __init__(self, font: Any) -> None:
        inner = font.DescendantFonts[0]
        self.texts = _glyph_texts(font.ToUnicode.read_bytes())
        self.ascent = float(inner.FontDescriptor.Ascent)
        self.descent = float(inner.FontDescriptor.Descent)
        self.default = float(inner.get("/DW", 1000))
        self.widths: dict[int, float] = {}
        given = list(inner.get("/W", []))
        while given:
            first, second, *given = given
            if isinstance(second, pikepdf.Array):
                for number, wide in enumerate(second):
                    self.widths[int(first) + number] = float(wide)
            else:
                wide, *given = given
                for code in range(int(first), int(second) + 1):
                    self.widths[code] = float(wide)


def said(found: list[Glyph]) -> str:
    """What the glyphs say, without spaces."""
    return "".join("".join(each.text for each in found).split())
