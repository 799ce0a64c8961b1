"""What shows through the window of the envelope, wherever the sheet has slipped."""

import itertools
import re
from pathlib import Path
from typing import Final

import msgspec
import pytest
from letters import CHINESE, ENGLISH, SENT_AT
from pdf_places import Glyph, glyphs, said, sheet, strokes

from duecourse import Measure, Outbound, Permanent, page_count, pdfa_level
from duecourse.testing.pdf import page_texts
from duecourse_letter import LetterConfig, LetterSpool

RETURN_LINE: Final = "Example Bank (fictional), 1 Fiction Road, 00000 Sampletown"
SENDER: Final = (
    "1 Fiction Road",
    "示例大厦 8 层 " * 6,
    *(f"Line {n} of the sender" for n in range(6)),
)


class Paper(msgspec.Struct, frozen=True):
    """Written down anew from the sources: envelope, window (left, top, right, bottom), sheet.

    The window may be off its place by `off`; `folds` are where the sheet is folded.
    """

    width: float
    height: float
    window: tuple[float, float, float, float]
    off: float
    sheet: tuple[float, float]
    folds: tuple[float, ...]
    clear: float
    lines: int
    """How many lines of an address it takes at least, with the name."""


PAPERS: Final = {
    # DL, DIN 680: 90 x 45, 20 from the left, 15 from the bottom.
    "din-b": Paper(220, 110, (20, 50, 110, 95), 1, (210, 297), (105, 210), 2, 8),
    # DL: 90 x 35, 20 from the left, 18 from the bottom.
    "dl-uk": Paper(220, 110, (20, 57, 110, 92), 1, (210, 297), (105, 210), 2, 7),
    # 9 1/2 x 4 1/8 in: 4 1/2 x 1 1/8, 7/8 from the left, 1/2 from the bottom.
    "us-10": Paper(
        241.3, 104.775, (22.225, 63.5, 136.525, 92.075), 0.79, (215.9, 279.4), (101.6, 203.2),
        3.17, 5,
    ),
    # ZL: 100 x 40, 25 from the left, 30 from the top.
    "cn-zl": Paper(230, 120, (25, 30, 125, 70), 2, (210, 297), (115, 230), 2, 8),
}  # fmt: skip
WINDOWS: Final = tuple(PAPERS)


def channel(folder: Path, window: str, **settings: object) -> LetterSpool:
    given = {
        "folder": str(folder),
        "window": window,
        "sender_address": SENDER,
        "sender_phone": "021-00000000",
        **settings,
    }
    return LetterSpool(msgspec.convert(given, LetterConfig))


def long(message: Outbound, lines: int, line: str = "Flat 12, Example House 3") -> Outbound:
    """Four pages to an address of so many lines, the name among them."""
    paragraph = "一段话。" * 100 if message.language == "zh" else "Words of a letter. " * 60
    return msgspec.structs.replace(
        message, to="\n".join([line] * (lines - 1)), body="\n\n".join([paragraph] * 12)
    )


def sent(where: LetterSpool, folder: Path, message: Outbound) -> bytes:
    reference = where.send(message).reference
    return (folder / f"{reference}.pdf").read_bytes()


def seen_through(
    paper: Paper, printed: list[Glyph], place: tuple[float, ...]
) -> tuple[list[Glyph], int]:
    """The glyphs wholly and partly in the window, the sheet and the window being at `place`."""
    right, down, off_x, off_y = place
    left, top, end, bottom = paper.window
    shown = (left + off_x - right, top + off_y - down, end + off_x - right, bottom + off_y - down)
    whole, touched = [], 0
    for each in printed:
        if each.top >= paper.folds[0]:
            continue
        inside = (
            each.left >= shown[0]
            and each.top >= shown[1]
            and each.right <= shown[2]
            and each.bottom <= shown[3]
        )
        apart = (
            each.right <= shown[0]
            or each.bottom <= shown[1]
            or each.left >= shown[2]
            or each.top >= shown[3]
        )
        whole += [each] if inside else []
        touched += not inside and not apart
    return whole, touched


def slips(paper: Paper) -> list[tuple[float, ...]]:
    """The corners of where the sheet may lie in its envelope, and the window may be off."""
    right = paper.width - paper.sheet[0]
    down = paper.height - paper.folds[0]
    off = (-paper.off, paper.off)
    return list(itertools.product((0, right / 2, right), (0, down / 2, down), off, off))


@pytest.mark.parametrize("message", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize("window", WINDOWS)
def test_wherever_the_sheet_slips_the_address_shows_and_nothing_else(
    window: str, message: Outbound, tmp_path: Path
) -> None:
    paper = PAPERS[window]
    letter = long(message, paper.lines)
    pdf = sent(channel(tmp_path, window), tmp_path, letter)
    printed = glyphs(pdf)
    assert (page_count(pdf), pdfa_level(pdf)) == (4, "2B")
    for place in slips(paper):
        whole, touched = seen_through(paper, printed, place)
        assert (said(whole), touched) == (_address(letter), 0), place


def _address(message: Outbound) -> str:
    if message.language == "zh":
        return "".join(f"{message.to}{message.to_name}（收）".split())
    return "".join(f"{message.to_name}{message.to}".split())


@pytest.mark.parametrize("window", WINDOWS)
def test_the_address_keeps_clear_of_the_edges_of_the_window(window: str, tmp_path: Path) -> None:
    paper = PAPERS[window]
    pdf = sent(channel(tmp_path, window), tmp_path, long(ENGLISH, paper.lines))
    address = [
        each for each in seen_through(paper, glyphs(pdf), (0, 0, 0, 0))[0] if each.text.strip()
    ]
    left, top, right, bottom = paper.window
    slip = paper.width - paper.sheet[0], paper.height - paper.folds[0]
    # A hair less above: accents of capitals, which this address has not, stand higher than they.
    assert min(each.left for each in address) >= left + paper.clear
    assert max(each.right for each in address) <= right - slip[0] - paper.clear
    assert min(each.top for each in address) >= top + paper.clear - 0.1
    assert max(each.bottom for each in address) <= bottom - slip[1] - paper.clear + 0.1


def test_form_b_of_din_5008_is_kept(tmp_path: Path) -> None:
    where = channel(tmp_path, "din-b", return_line=RETURN_LINE)
    pdf = sent(where, tmp_path, long(ENGLISH, 8))
    field = [each for each in glyphs(pdf) if 45 <= each.top < 90 and each.left < 105]
    assert said(field) == "".join(RETURN_LINE.split()) + _address(long(ENGLISH, 8))
    assert min(each.left for each in field) == pytest.approx(25, abs=0.5)
    assert all(each.left >= 20 and each.right <= 105 for each in field)
    assert all(each.top >= 45 and each.bottom <= 90 for each in field)
    marks = [(each.top, each.right - each.left) for each in strokes(pdf) if each.left < 10]
    assert [round(top, 1) for top, _ in sorted(marks)] == [105, 148.5, 210]


def test_the_return_line_shows_whole_and_small(tmp_path: Path) -> None:
    where = channel(tmp_path, "din-b", return_line=RETURN_LINE)
    pdf = sent(where, tmp_path, ENGLISH)
    printed = glyphs(pdf)
    small = [each for each in printed if each.size <= 7]
    assert said(small) == "".join(RETURN_LINE.split())
    for place in slips(PAPERS["din-b"]):
        whole, touched = seen_through(PAPERS["din-b"], printed, place)
        assert (said(whole), touched) == (said(small) + _address(ENGLISH), 0)


@pytest.mark.parametrize("window", WINDOWS)
def test_the_folded_sheet_fits_its_envelope_and_is_marked(window: str, tmp_path: Path) -> None:
    paper = PAPERS[window]
    pdf = sent(channel(tmp_path, window), tmp_path, ENGLISH)
    assert sheet(pdf) == pytest.approx(paper.sheet, abs=0.01)
    first, second = paper.folds
    panels = (first, second - first, paper.sheet[1] - second)
    assert max(panels) == first < paper.height
    marks = [each.top for each in strokes(pdf) if each.left < 10]
    assert all(any(abs(mark - fold) < 0.05 for mark in marks) for fold in paper.folds)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("line", ["样" * 60, "W" * 60, "W " * 29 + "W"])
def test_an_address_is_printed_inside_its_field_or_refused(
    window: str, line: str, tmp_path: Path
) -> None:
    where = channel(tmp_path, window)
    most = 0
    for lines in range(2, 10):
        letter = msgspec.structs.replace(ENGLISH, to="\n".join([line] * (lines - 1)))
        try:
            printed = glyphs(where.letter(letter))
        except Permanent as refusal:
            assert "address does not fit" in str(refusal)  # noqa: PT017 - either is right
            break
        most = lines
        for place in slips(PAPERS[window]):
            whole, touched = seen_through(PAPERS[window], printed, place)
            assert (said(whole), touched) == (_address(letter), 0), (lines, place)
    assert most < 9
    assert (most == 0) == (line == "W" * 60)


def test_the_taller_window_of_the_chinese_standard_shows_no_more(tmp_path: Path) -> None:
    taller = msgspec.structs.replace(PAPERS["cn-zl"], window=(25, 30, 125, 80))
    printed = glyphs(sent(channel(tmp_path, "cn-zl"), tmp_path, CHINESE))
    for place in slips(taller):
        whole, touched = seen_through(taller, printed, place)
        assert (said(whole), touched) == (_address(CHINESE), 0), place


def test_following_pages_say_which_they_are(tmp_path: Path) -> None:
    pages = page_texts(sent(channel(tmp_path, "din-b"), tmp_path, long(CHINESE, 4)))
    assert [page[-3:] for page in pages] == ["1/4", "2/4", "3/4", "4/4"]


def test_a_letter_of_one_page_has_no_number(tmp_path: Path) -> None:
    (page,) = page_texts(sent(channel(tmp_path, "din-b"), tmp_path, CHINESE))
    assert page.endswith("此致")


@pytest.mark.parametrize(
    "line", ["Example Debt Recovery", "样例催收公司", "Inkasso Muster", "逾期账款部"]
)
def test_a_return_line_that_tells_what_the_letter_is_about_is_refused(
    line: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="return_line is read from outside"):
        channel(tmp_path, "din-b", return_line=line)


@pytest.mark.parametrize("window", ["dl-uk", "us-10", "cn-zl"])
def test_a_return_line_only_where_the_standard_has_one(window: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="return_line has no place"):
        channel(tmp_path, window, return_line=RETURN_LINE)


def test_an_unknown_window_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"window"):
        channel(tmp_path, "c5")


def test_pages_are_measured_without_sending(tmp_path: Path) -> None:
    where = channel(tmp_path, "din-b")
    assert where.measure(long(CHINESE, 4)) == Measure(units=4, unit="page")
    assert where.measure(CHINESE) == where.measure(CHINESE) == Measure(units=1, unit="page")
    assert list(tmp_path.iterdir()) == []


def test_what_is_measured_is_what_is_sent_to_the_byte(tmp_path: Path) -> None:
    where, other = channel(tmp_path, "cn-zl"), channel(tmp_path, "cn-zl")
    assert where.letter(CHINESE) == other.letter(CHINESE)
    later = msgspec.structs.replace(CHINESE, at=SENT_AT.replace(day=5), key="other")
    assert where.letter(CHINESE) != where.letter(later)


def test_the_most_pages_are_a_setting_that_the_core_may_read(tmp_path: Path) -> None:
    assert channel(tmp_path, "din-b", max_pages=2).capabilities.max_units == 2
    assert channel(tmp_path, "din-b").capabilities.max_units == 4


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("written", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize(
    "word",
    ["W" * 3000, "x" * 120, "0" * 120, "一" + "。" * 90, "no\u00a0break\u00a0" * 20],
    ids=["W", "x", "0", "stops", "glued"],
)
def test_no_word_is_so_long_that_it_leaves_the_margins(
    word: str, written: Outbound, window: str, tmp_path: Path
) -> None:
    message = msgspec.structs.replace(written, subject=f"See {word[:150]}", body=f"See {word} now.")
    pdf = sent(channel(tmp_path, window), tmp_path, message)
    found = [glyph for page in range(page_count(pdf)) for glyph in glyphs(pdf, page)]
    wide, _ = sheet(pdf)
    inked = [each for each in found if each.text.strip("\u200b \u00a0")]
    outside = [each for each in inked if each.left < 19.9 or _ink_ends(each) > wide - 19.9]
    assert outside == []
    read = re.sub("[1-4]/[1-4]|\u200b", "", said(found))
    assert read.count("".join(word.split())) == 1 + (len(word) <= 150)


def _ink_ends(glyph: Glyph) -> float:
    """A closing mark of the Chinese script fills the left half of its box."""
    halved = glyph.text.strip("\u200b") in {"。", "，", "）"}
    return (glyph.left + glyph.right) / 2 if halved else glyph.right
