"""The page about the live case names everything that the rules may look at."""

import re
from pathlib import Path

from duecourse.rules.situation import Situation

PAGE = Path(__file__).parents[2] / "docs" / "live-case.md"


def test_the_page_says_of_every_field_where_it_comes_from() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(
        Situation.__struct_fields__
    )
