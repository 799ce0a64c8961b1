"""What the proofs of the gate have to tell."""

import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def report() -> Callable[[str], None]:
    """Say a number: it is shown with -s, or with -rP at the end."""
    return lambda line: print(line, file=sys.stderr)  # noqa: T201 - for whoever runs the tests
