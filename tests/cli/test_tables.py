"""A list loses nothing, however narrow the place it is printed in."""

import io

import pytest
from rich.console import Console

from duecourse.cli.tables import show

CASE = "01234567-89ab-4cde-8f01-23456789abcd"
HEADERS = ("case", "what", "why")
ROWS = [
    (CASE, "a-code-without-any-blank-in-it", "[red]words that go on and on, line\nafter line[/]")
]


def printed(width: int, *, terminal: bool) -> str:
    console = Console(width=width, force_terminal=terminal, no_color=True, file=io.StringIO())
    show(HEADERS, ROWS, ids=("case",), console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_an_id_is_whole_on_a_terminal_of_any_width(width: int) -> None:
    assert CASE in printed(width, terminal=True)


@pytest.mark.parametrize("width", [80, 200])
def test_nothing_is_left_out_where_there_is_room_for_the_ids(width: int) -> None:
    text = printed(width, terminal=True)
    assert "\u2026" not in text
    assert "[red]" in text


def test_without_a_terminal_a_row_is_one_line_of_whole_fields() -> None:
    lines = printed(20, terminal=False).splitlines()
    assert lines == [
        "case\twhat\twhy",
        f"{CASE}\ta-code-without-any-blank-in-it\t[red]words that go on and on, line after line[/]",
    ]
