"""Typeset PDF/A-2b documents. Needs the extra `letter` or `filing`.

    DocumentError            what cannot be typeset
    ├── ExtraMissing         the typesetting library is not installed
    ├── FontMissing          no Chinese font is installed
    ├── GlyphMissing         a character no font shows, or that must not be printed
    └── DoesNotFit           too much text for the place it is meant for

Data never becomes markup: it travels as JSON beside the template and is laid out as plain text.
"""

import functools
import importlib.util
import io
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

if TYPE_CHECKING:
    import pikepdf
    import typst

MAX_DATA_BYTES: Final = 4_000_000

_LATIN: Final = "Libertinus Serif"
"""Carried inside the typst wheel, so Latin text looks the same everywhere."""

# Simplified-Chinese faces that may be embedded, the best match to the Latin face first.
_CHINESE: Final = (
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Noto Serif SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Songti SC",
    "SimSun",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "AR PL UMing CN",
)

# Controls have no glyph, and bidirectional ones make a page read otherwise than its text.
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NOT_SHOWN: Final = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_RUST_ESCAPE: Final = re.compile(r"\\u\{([0-9a-f]+)\}|\\(.)")
_FIRST_EAST_ASIAN: Final = "\u2e80"

_PRELUDE: Final = """\
#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set text(font: json(bytes(sys.inputs.fonts)), fallback: false, lang: data.language)
"""


class DocumentError(Exception):
    """The document cannot be typeset."""


class ExtraMissing(DocumentError):
    """A library of the extras `letter` and `filing` is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(
            f"{library} is not installed; pip install 'duecourse[letter]' (or [filing])"
        )


class FontMissing(DocumentError):
    """The text has Chinese characters and no Chinese font is installed."""

    def __init__(self) -> None:
        super().__init__(
            "no Chinese font is installed; pip install 'duecourse[fonts]', or install a system "
            "package such as fonts-noto-cjk, then start again"
        )


class GlyphMissing(DocumentError):
    """`characters` cannot be shown, so nothing was typeset. A name is never printed as boxes."""

    def __init__(self, characters: str) -> None:
        self.characters = "".join(sorted(set(characters)))
        named = ", ".join(_named(each) for each in self.characters[:20])
        super().__init__(
            f"cannot be printed: {named}; correct the text, or install a font that has them"
        )


class DoesNotFit(DocumentError):
    """The template's own assertion: a text is too long for its place."""


class _Heading(msgspec.Struct, frozen=True, kw_only=True):
    """What every document says of itself."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    language: Literal["zh", "en"]
    dated: date


def typeset(source: str, data: Mapping[str, object]) -> bytes:
    """Typeset the Typst template `source` as PDF/A-2b; equal input gives equal bytes.

    The template finds `data` under that name, as JSON has it. Three keys are required: `title`,
    `language` (zh or en) and `dated`, the day the document bears and its creation date. Equal
    bytes hold for one version of Typst and of the fonts. May be called from several threads.
    Raises DocumentError; `source` must be trusted, `data` need not be.
    """
    text, heading = _checked(data)
    _require("typst")
    import typst  # noqa: PLC0415 - an optional extra

    faces = _typefaces()
    families = _families(heading.language, faces.chinese)
    inputs = {"data": text, "fonts": msgspec.json.encode(families).decode()}
    compiler = typst.Compiler(font_paths=faces.fonts, ignore_system_fonts=True)
    try:
        pdf, warnings = compiler.compile_with_warnings(
            (_PRELUDE + source).encode(),
            format="pdf",
            pdf_standards="a-2b",
            sys_inputs=inputs,
            timestamp=datetime.combine(heading.dated, time(), UTC),
        )
    except typst.TypstError as failure:
        raise _refusal(failure, has_chinese=bool(faces.chinese)) from None
    if warnings:
        raise DocumentError(f"the template gives a warning: {warnings[0].message}")
    if not isinstance(pdf, bytes):
        raise DocumentError("the typesetter returned no document")
    return pdf


def page_count(pdf: bytes) -> int:
    with _opened(pdf) as document:
        return len(document.pages)


def pdfa_level(pdf: bytes) -> str:
    """The PDF/A part and conformance that `pdf` claims, such as `2B`; empty when it claims none."""
    with _opened(pdf) as document, document.open_metadata(set_pikepdf_as_editor=False) as metadata:
        return str(metadata.pdfa_status)


def _checked(data: Mapping[str, object]) -> tuple[str, _Heading]:
    try:
        encoded = msgspec.json.encode(data, order="sorted")
    except UnicodeEncodeError as failure:
        raise GlyphMissing(failure.object[failure.start : failure.end]) from None
    if len(encoded) > MAX_DATA_BYTES:
        raise DoesNotFit(
            f"the data of the document is {len(encoded)} bytes; at most {MAX_DATA_BYTES} fit"
        )
    try:
        heading = msgspec.json.decode(encoded, type=_Heading)
    except msgspec.ValidationError as failure:
        raise DocumentError(f"the data of the document: {failure}") from None
    unprintable = {
        character
        for text in _texts(msgspec.json.decode(encoded))
        for character in _UNPRINTABLE.findall(text)
    }
    if unprintable:
        raise GlyphMissing("".join(unprintable))
    return encoded.decode(), heading


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for each in value.values():
                yield from _texts(each)
        case _:
            return


def _refusal(failure: "typst.TypstError", *, has_chinese: bool) -> DocumentError:
    missing = "".join(_unescaped(found) for found in _NOT_SHOWN.findall(failure.diagnostic))
    if missing and not has_chinese and any(each >= _FIRST_EAST_ASIAN for each in missing):
        return FontMissing()
    if missing:
        return GlyphMissing(missing)
    reason = failure.message.removeprefix("assertion failed: ")
    if reason != failure.message:
        return DoesNotFit(reason)
    return DocumentError(f"the template does not compile: {reason}")


def _unescaped(rust: str) -> str:
    return _RUST_ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], rust)


def _named(character: str) -> str:
    shown = f" {character}" if character.isprintable() else ""
    return f"U+{ord(character):04X}{shown}"


class _Typefaces(msgspec.Struct, frozen=True, kw_only=True):
    """The fonts, read once: opening them costs a hundred letters' time."""

    fonts: "typst.Fonts"
    chinese: str


@functools.cache
def _typefaces() -> _Typefaces:
    """Fonts of the system's folders; when none is Chinese, those the wheel `mplfonts` carries."""
    import typst  # noqa: PLC0415 - an optional extra

    fonts = typst.Fonts(include_system_fonts=True)
    chinese = _chinese_family(fonts)
    if not chinese and (folder := _wheel_folder()) is not None:
        fonts = typst.Fonts(include_system_fonts=True, font_paths=[str(folder)])
        chinese = _chinese_family(fonts)
    return _Typefaces(fonts=fonts, chinese=chinese)


def _families(language: Literal["zh", "en"], chinese: str) -> list[str | dict[str, str]]:
    if not chinese:
        return [_LATIN]
    if language == "en":
        return [_LATIN, chinese]
    # Quotation marks and dashes are set full width in Chinese text: there they are not Latin.
    return [{"name": _LATIN, "covers": "latin-in-cjk"}, chinese, _LATIN]


def _chinese_family(fonts: "typst.Fonts") -> str:
    installed = set(fonts.families())
    return next((family for family in _CHINESE if family in installed), "")


def _wheel_folder() -> Path | None:
    """Where the wheel `mplfonts` keeps its fonts. Found, not imported: it wants matplotlib."""
    found = importlib.util.find_spec("mplfonts")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "fonts"


def _opened(pdf: bytes) -> "pikepdf.Pdf":
    _require("pikepdf")
    import pikepdf  # noqa: PLC0415 - an optional extra

    return pikepdf.open(io.BytesIO(pdf))


def _require(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        raise ExtraMissing(library)
