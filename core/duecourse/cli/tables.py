"""Lists: a table for people on a terminal, fields between tabs for programs."""

from collections.abc import Collection, Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    ids: Collection[str] = (),
    console: Console | None = None,
) -> None:
    """Print whole fields. A column of `ids` is never broken; the others are folded around it."""
    console = console or Console()
    lines = [[_on_one_line(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        for line in (headers, *lines):
            console.file.write("\t".join(line) + "\n")
        return
    table = Table()
    for number, header in enumerate(headers):
        widest = max((len(line[number]) for line in lines), default=0)
        table.add_column(header, overflow="fold", min_width=widest if header in ids else None)
    for line in lines:
        # As text: a bracket in it is no style of rich's.
        table.add_row(*map(Text, line))
    console.print(table, crop=False)


def _on_one_line(cell: str) -> str:
    words = " ".join(cell.split())
    return "".join(each if each.isprintable() else "?" for each in words)
