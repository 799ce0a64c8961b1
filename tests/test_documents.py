"""PDF/A documents: same bytes, all glyphs, data that stays data."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from duecourse import (
    DocumentError,
    DoesNotFit,
    ExtraMissing,
    FontMissing,
    GlyphMissing,
    documents,
    page_count,
    pdfa_level,
    typeset,
)
from duecourse.testing.pdf import page_texts

PLAIN = "#data.text"


def data(text: str = "样张 sample", /, **changes: object) -> dict[str, object]:
    return {"title": "样张", "language": "zh", "dated": date(2026, 3, 5), "text": text} | changes


@pytest.fixture
def no_chinese_font(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(documents, "_CHINESE", ())
    documents._typefaces.cache_clear()
    yield
    documents._typefaces.cache_clear()


def test_a_document_claims_pdfa_2b_and_counts_its_pages() -> None:
    pdf = typeset("#data.text\n#pagebreak()\n#data.text", data())
    assert (pdfa_level(pdf), page_count(pdf)) == ("2B", 2)


def test_equal_input_gives_equal_bytes_in_another_process() -> None:
    program = (
        "import hashlib; from datetime import date; from duecourse import typeset\n"
        "print(hashlib.sha256(typeset('#data.text', {'text': '样张 sample', 'title': '样张',"
        " 'dated': date(2026, 3, 5), 'language': 'zh'})).hexdigest())"
    )
    environments = [{"TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1"}, {"TZ": "UTC"}]
    digests = {
        subprocess.run(
            [sys.executable, "-c", program], env=each, capture_output=True, text=True, check=True
        ).stdout.strip()
        for each in environments
    }
    assert digests == {hashlib.sha256(typeset(PLAIN, data())).hexdigest()}


def test_the_day_it_bears_is_part_of_the_bytes() -> None:
    assert typeset(PLAIN, data()) != typeset(PLAIN, data(dated=date(2026, 3, 6)))


@pytest.mark.parametrize(
    "text",
    [
        '#import "@preview/cetz:0.1.0"',
        "#panic(1)",
        "$x^2$",
        "a\\b",
        "]#[",
        '"quoted"',
        "*strong*_em_`raw`",
        "= heading",
        "@label<label>",
        "//comment/*",
        "https://example.com",
        "{{template}}",
        "{data.title}",
    ],
)
def test_markup_in_the_data_is_printed_as_it_is(text: str) -> None:
    assert page_texts(typeset(PLAIN, data(text))) == [text.replace(" ", "")]


@pytest.mark.parametrize("character", ["\x07", "\x1b", "\x7f", "\u202e", "\u2066", "\ud800"])
def test_a_control_character_is_refused_by_its_code_point(character: str) -> None:
    with pytest.raises(GlyphMissing, match=f"U\\+{ord(character):04X}"):
        typeset(PLAIN, data(rows=[{"name": f"a{character}b"}]))


def test_every_character_without_a_glyph_is_named() -> None:
    with pytest.raises(GlyphMissing) as refused:
        typeset(PLAIN, data('ก 样 "\U0002a6d6" \ue000'))
    assert refused.value.characters == "ก\ue000\U0002a6d6"


def test_rare_characters_of_names_are_shown() -> None:
    assert page_texts(typeset(PLAIN, data("𠮷䶮喆堃"))) == ["𠮷䶮喆堃"]


def test_without_a_chinese_font_the_refusal_says_what_to_install(no_chinese_font: None) -> None:
    with pytest.raises(FontMissing, match=r"duecourse\[fonts\]"):
        typeset(PLAIN, data())


def test_without_a_chinese_font_latin_text_is_still_set(no_chinese_font: None) -> None:
    assert page_texts(typeset(PLAIN, data("sample", title="t", language="en"))) == ["sample"]


def test_quotation_marks_are_full_width_in_chinese_only() -> None:
    def width_of_fonts(language: str) -> int:
        return typeset(PLAIN, data("“a”", language=language, title="t")).count(b"CIDFontType0")

    assert width_of_fonts("zh") > width_of_fonts("en")


def test_an_assertion_of_the_template_says_what_does_not_fit() -> None:
    with pytest.raises(DoesNotFit, match="address too tall"):
        typeset('#assert(false, message: "address too tall")', data())


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("#missing", {}),
        ('#set text(font: "No Such Face")\nx', {}),
        (PLAIN, {"language": "fr"}),
        (PLAIN, {"dated": "2026-02-30"}),
        (PLAIN, {"title": ""}),
        (PLAIN, {"text": "x" * documents.MAX_DATA_BYTES}),
    ],
)
def test_what_cannot_be_typeset_is_a_document_error(
    source: str, changes: dict[str, object]
) -> None:
    with pytest.raises(DocumentError):
        typeset(source, data(**changes))


@pytest.mark.parametrize("library", ["typst", "pikepdf"])
def test_a_missing_library_names_the_extra(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = typeset(PLAIN, data())
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExtraMissing, match=r"duecourse\[letter\]"):
        page_count(pdf) if library == "pikepdf" else typeset(PLAIN, data())


def test_importing_duecourse_loads_no_typesetter_and_typesetting_no_font_package() -> None:
    program = (
        "import sys, duecourse; assert not {'typst', 'pikepdf'} & set(sys.modules)\n"
        "duecourse.typeset('x', {'title': '样', 'dated': '2026-03-05', 'language': 'zh'})\n"
        "assert not {'mplfonts', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_several_threads_typeset_at_once() -> None:
    texts = [f"sample{number}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        pdfs = list(pool.map(lambda text: typeset(PLAIN, data(text)), texts))
    assert [page_texts(pdf) for pdf in pdfs] == [[text] for text in texts]
