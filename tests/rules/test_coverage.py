"""docs/rules-coverage.md says what is encoded: the ids are there, and its counts are right."""

import re
from pathlib import Path

from duecourse.rules.gate import load_rulebook

TEXT = (Path(__file__).parents[2] / "docs/rules-coverage.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("|") and not line.startswith(("| row |", "|---"))
]
IDS = {
    found
    for _, state, ids, _ in ROWS
    if state == "encoded"
    for found in re.findall(r"`([^`]+)`", ids)
}
BOOK = load_rulebook()


def test_every_rule_that_is_called_encoded_exists_and_every_rule_of_law_is_there() -> None:
    of_law = {
        pack.name_of(rule) for pack in BOOK.packs if pack.layer == "law" for rule in pack.rules
    }
    assert of_law == IDS


def test_every_row_is_encoded_or_has_its_reason() -> None:
    for name, state, what, _ in ROWS:
        assert name
        assert what
        assert state in {"encoded", "listed"}
        assert (state == "encoded") == what.startswith("`"), name


def test_the_counts_at_the_top_are_right() -> None:
    encoded = [row for row in ROWS if row[1] == "encoded"]
    assert (
        f"**{len(ROWS)} rows: {len(encoded)} encoded by {len(IDS)} rules,"
        f" {len(ROWS) - len(encoded)} listed.**" in TEXT
    )
