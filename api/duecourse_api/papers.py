"""What a debtor keeps, as PDF/A: the statement of account and the agreement of a plan."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from duecourse.case.evolve import fold
from duecourse.case.words import Language
from duecourse.documents import DocumentError, DoesNotFit, GlyphMissing
from duecourse.flow.statement import statement
from duecourse.papers.agreement import print_agreement
from duecourse.papers.form import PaperProblem, letterhead_of
from duecourse.papers.statement import statement_paper
from duecourse_api.asking import versioned
from duecourse_api.bodies import FIRST_YEAR, LAST_YEAR
from duecourse_api.login import Caller
from duecourse_api.problems import INVALID_FIELD, MEDIA_TYPE, PROBLEMS, Kind, Problem, Refused
from duecourse_api.services import Services

PDF: Final = "application/pdf"
NO_PAPER: Final = Kind("no-paper", "There is no paper of this as it stands", 409)
UNPRINTABLE: Final = Kind("unprintable", "A text cannot be printed", 422)
NO_PRINTING: Final = Kind("no-printing", "Papers cannot be made on this machine", 501)

_NOT_HERE: Final = ResponseSpec(
    data_container=Problem,
    description="A library or a font is not installed; the detail says which.",
    media_type=MEDIA_TYPE,
    generate_examples=False,
)
_prints: Final = partial(
    get, sync_to_thread=True, media_type=PDF, responses={**PROBLEMS, 501: _NOT_HERE}
)
_InLanguage = Annotated[
    Language | None, QueryParameter(description="The debtor's, if left out.")
]  # fmt: skip


@_prints("/cases/{case_id:uuid}/statement.pdf")
def print_statement(
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    *,
    on: Annotated[
        date | None, QueryParameter(description="Today on the debtor's clock, if left out.")
    ] = None,
    language: _InLanguage = None,
) -> Response[bytes]:
    """The statement of account on a day, to be given to the debtor."""
    events = [each.event for each in services.engine.history(case_id)]
    case = fold(events)
    assert case is not None, "a case has a history"
    if on is not None and not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise Refused(INVALID_FIELD, f"it must be in the years {FIRST_YEAR} to {LAST_YEAR}", "on")
    day = on or case.today(max(services.clock(), case.at))
    found = statement(case_id, events, day, language or case.debtor.language)
    with _refusals():
        head = letterhead_of(case_id, case, services.creditors.get(case.creditor))
        pdf = statement_paper(found, head)
    return _paper(pdf, f"statement-{day}.pdf", len(events))


@_prints("/cases/{case_id:uuid}/plans/{plan_id:uuid}/agreement.pdf")
def print_plan_agreement(
    request: Request[Caller, object, object],  # type: ignore[type-var]
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    *,
    language: _InLanguage = None,
) -> Response[bytes]:
    """The agreement of a plan that was accepted, or the offer of one that is open."""
    loaded = services.engine.load(case_id)
    case = loaded.case
    now = max(services.clock(), case.at)
    with _refusals():
        pdf = print_agreement(
            case_id,
            case,
            plan_id,
            services.context_for(request.user.actor, now).treatment,
            details=services.creditors.get(case.creditor),
            language=language,
            on=case.today(now),
        )
    return _paper(pdf, "plan-agreement.pdf", loaded.version)


def _paper(pdf: bytes, name: str, version: int) -> Response[bytes]:
    """The name of the file tells nothing of anybody: it is seen in lists of downloads."""
    headers = {
        **versioned(version),
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf, media_type=PDF, headers=headers)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except PaperProblem as wrong:
        raise Refused(NO_PAPER, str(wrong)) from None
    except (GlyphMissing, DoesNotFit) as wrong:
        raise Refused(UNPRINTABLE, str(wrong)) from None
    except DocumentError as wrong:
        raise Refused(NO_PRINTING, str(wrong)) from None


HANDLERS = [print_statement, print_plan_agreement]
