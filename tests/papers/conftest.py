"""Papers read back, and the words that go into them before they are set."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from pdf_places import POINT, Glyph, glyphs

from duecourse.documents import _texts
from duecourse.papers import agreement, statement
from duecourse.papers.form import Letterhead
from duecourse.rules.lint import LintFacts, lint
from duecourse.testing.pdf import page_texts

CASE = UUID(int=77)
HEAD = Letterhead(
    creditor_name="Fictional Bank",
    debtor_name="林示例",
    reference="0000004D",
    ways_to_pay="https://pay.example.com",
    contact_line="400-000-0000",
)
HOSTILE = (
    '#panic("x") #data.title $x^2$ *b* _i_ `c` @ref <l> = h - i + n / t: d \\ // c /* c */ '
    "[a](b) {0} {amount} %s \"q\" 'q' -- --- ... ~ &amp; <b>"
)
NAMES = frozenset({HEAD.creditor_name, HEAD.debtor_name, HEAD.ways_to_pay, HEAD.contact_line})
LEFT, RIGHT, BOTTOM = 24.0, 210.0 - 22.0, 297.0 - 10.0
"""Millimetres: where the text begins, and where it has to end."""


def squeezed(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def said(pdf: bytes) -> str:
    """All that the pages say, without spaces."""
    return squeezed("".join(page_texts(pdf)))


def says(pdf: bytes, *texts: str) -> bool:
    found = said(pdf)
    missing = [each for each in texts if squeezed(each) not in found]
    assert not missing, f"{missing} not in {found}"
    return True


def _hangs(each: Glyph) -> float:
    """A full-width comma at the end of a line has its ink on the left, and half of it may hang."""
    return each.size / 2 * POINT + 0.5 if each.text in set("，。；：、）") else 0.5


def stands_inside(pdf: bytes, page: int = 0) -> bool:
    """Nothing runs over the margins."""
    beyond = [
        each
        for each in glyphs(pdf, page)
        if each.text.strip("\u200b \n")
        and not (
            each.left >= LEFT - 0.5 and each.right <= RIGHT + _hangs(each) and each.bottom <= BOTTOM
        )
    ]
    assert not beyond, beyond[:5]
    return True


class Words:
    """What was given to the typesetter, instead of a paper."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def take(self, _template: str, data: Any) -> bytes:
        self.texts = list(_texts(msgspec.to_builtins(data)))
        return b""

    def findings(self, language: Any, *, time_barred: bool = False) -> set[str]:
        facts = LintFacts(stage="reminder", time_barred=time_barred, names=NAMES)
        return {each.id for text in self.texts for each in lint(text, language, facts)} | {
            each.id for each in lint("\n\n".join(self.texts), language, facts)
        }


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> Words:
    taken = Words()
    for module in (agreement, statement):
        monkeypatch.setattr(module, "print_paper", taken.take)
    return taken
