"""The forms that all handlers share."""

from functools import partial
from typing import Annotated, Final

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import SecurityRequirement
from litestar.params import PathParameter, QueryParameter

from duecourse_api.asking import Answer
from duecourse_api.problems import PROBLEMS

__all__ = ["OPEN", "DryRun", "PathName", "changes", "creates", "reads"]

NOTHING_NEW: Final = ResponseSpec(
    data_container=Answer,
    description="Nothing was created: it was there already, a rule refused, or it is a dry run.",
    generate_examples=False,
)

# Reads wait for the database in a thread; commands meet in the engine, and need none.
reads: Final = partial(get, sync_to_thread=True, responses=PROBLEMS)
changes: Final = partial(post, responses=PROBLEMS, status_code=200)
creates: Final = partial(post, responses={200: NOTHING_NEW, **PROBLEMS}, status_code=201)
OPEN: Final[list[SecurityRequirement]] = [{}]
"""For the schema: no key is needed. What is let in is said in roles.py."""

PathName = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=100)]
DryRun = Annotated[bool, QueryParameter(description="Decide and answer, but record nothing.")]
