"""Places within places: whose rules apply to somebody who lives there."""

from functools import lru_cache


@lru_cache(maxsize=4096)
def path(jurisdiction: str) -> tuple[str, ...]:
    """`US-MA` lies in `US`: the names from the widest place to the narrowest."""
    parts = jurisdiction.split("-")
    return tuple("-".join(parts[: n + 1]) for n in range(len(parts)))


def lies_within(jurisdiction: str, wider: str, members: frozenset[str]) -> bool:
    """Whether `jurisdiction` is `wider`, a part of it, or in one of its `members`."""
    steps = path(jurisdiction)
    return wider in steps or not members.isdisjoint(steps)
