"""What a plugin may add. pluggy registers; Duecourse calls each object itself."""

from collections.abc import Sequence
from importlib.resources.abc import Traversable
from typing import Any

import pluggy

from duecourse.channels import Channel
from duecourse.filing import FilingAdapter

hookspec = pluggy.HookspecMarker("duecourse")
hookimpl = pluggy.HookimplMarker("duecourse")


@hookspec
def channels() -> Sequence[type[Channel[Any]]]:  # type: ignore[empty-body]
    """Ways to reach a debtor. Called at start-up, perhaps in several processes."""


@hookspec
def filings() -> Sequence[type[FilingAdapter[Any]]]:  # type: ignore[empty-body]
    """Ways to bring a claim before a court. Called at start-up, perhaps in several processes."""


@hookspec
def rule_packs() -> Sequence[Traversable]:  # type: ignore[empty-body]
    """Rules of contact: one TOML file each, by `importlib.resources` or a Path; see docs/rules.md.

    Called at start-up. Their examples are tried there, and a pack that fails keeps the
    program from starting: to judge without it could permit what it forbids.
    """
