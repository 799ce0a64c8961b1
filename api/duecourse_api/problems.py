"""Errors as RFC 9457 problems. No answer repeats a personal value, a stack or a query."""

import logging
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ExceptionHandlersMap

from duecourse.case import errors as case
from duecourse.channels import Forbidden
from duecourse.input_words import misfit, misfit_at
from duecourse.store import errors as store

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 30

logger = logging.getLogger(__name__)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`type` is stable and made for programs; `field` names the part that is wrong, if one is."""

    type: str
    title: str
    status: int
    detail: str
    field: str = ""


class Kind(msgspec.Struct, frozen=True):
    name: str
    title: str
    status: int

    def problem(self, detail: str, field: str = "") -> Problem:
        return Problem(
            type=f"urn:duecourse:problem:{self.name}",
            title=self.title,
            status=self.status,
            detail=detail,
            field=field,
        )


MALFORMED: Final = Kind("malformed", "The request cannot be read", 400)
INVALID_FIELD: Final = Kind("invalid-field", "A field is not of its form", 400)
NO_KEY: Final = Kind("no-key", "A valid key is needed", 401)
BAD_SIGNATURE: Final = Kind("bad-signature", "The signature is missing, wrong or too old", 401)
NOT_ALLOWED: Final = Kind("not-allowed", "The key's role may not do this", 403)
NOT_FOUND: Final = Kind("not-found", "There is no such thing", 404)
METHOD_NOT_ALLOWED: Final = Kind("method-not-allowed", "Not with this method", 405)
MOVED: Final = Kind("case-has-moved-on", "The case has changed meanwhile", 412)
TOO_LARGE: Final = Kind("too-large", "The body is too large", 413)
UNKNOWN: Final = Kind("unknown", "The case does not have what the request names", 422)
INVALID: Final = Kind("invalid", "A field does not fit the case", 422)
ID_REUSED: Final = Kind("idempotency-key-reused", "The Idempotency-Key was used before", 422)
DEFECT: Final = Kind("defect", "A defect of ours", 500)
UNAVAILABLE: Final = Kind("unavailable", "Not now; try again", 503)

_BY_STATUS: Final[Mapping[int, Kind]] = {
    401: NO_KEY,
    403: NOT_ALLOWED,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: TOO_LARGE,
}

CASE_PROBLEMS: Final[Mapping[type[case.CaseError], Kind]] = {
    case.CaseNotFound: NOT_FOUND,
    case.NotAllowed: NOT_ALLOWED,
    case.Unknown: UNKNOWN,
    case.Invalid: INVALID,
    case.WrongState: Kind("wrong-state", "Not while the case is as it is", 409),
    case.CaseIsClosed: Kind("case-is-closed", "The case is closed", 409),
    case.Contradiction: Kind("contradiction", "It was recorded before, and differently", 409),
    case.StageNotReady: Kind("stage-not-ready", "The stage's conditions are not met", 409),
    case.TooEarly: Kind("too-early", "The day has not come yet", 409),
    store.CommandIdReused: ID_REUSED,
    store.CaseMoved: MOVED,
    store.CaseBusy: UNAVAILABLE,
    store.DecisionFailed: DEFECT,
    case.CaseError: INVALID,
}
"""An error that is not here is answered as the class it derives from."""


class Refused(Exception):
    """The request is refused before it reaches a case."""

    def __init__(
        self, kind: Kind, detail: str, field: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.field = field
        self.headers = dict(headers or {})


AnyRequest = Request[Any, Any, Any]


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[Problem]:
    retry = {"Retry-After": str(RETRY_SECONDS)} if problem.status == UNAVAILABLE.status else {}
    return Response(
        problem,
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **retry, **(headers or {})},
    )


def on_refused(_request: AnyRequest, error: Refused) -> Response[Problem]:
    return answer(error.kind.problem(str(error), error.field), error.headers)


def on_case_error(request: AnyRequest, error: case.CaseError) -> Response[Problem]:
    kind = next(CASE_PROBLEMS[each] for each in type(error).__mro__ if each in CASE_PROBLEMS)
    if kind is UNKNOWN and error.field in request.path_params:
        kind = NOT_FOUND
    if kind is ID_REUSED:
        detail = "it came with another request; use a new one for a new request"
        return answer(kind.problem(detail, "Idempotency-Key"))
    return answer(kind.problem(str(error), error.field))


def on_store_error(_request: AnyRequest, error: store.StoreError) -> Response[Problem]:
    if isinstance(error, store.DatabaseUnavailable):
        return answer(UNAVAILABLE.problem("the database cannot be reached"))
    return on_defect(_request, error)


def on_forbidden(_request: AnyRequest, _error: Forbidden) -> Response[Problem]:
    return answer(BAD_SIGNATURE.problem("the channel does not accept this as its own"))


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[Problem]:
    if isinstance(error, ValidationException):
        return answer(_of_parameter(request, error))
    if error.status_code >= DEFECT.status:
        return on_defect(request, error)
    kind = _BY_STATUS.get(error.status_code, MALFORMED)
    detail = error.detail if kind is MALFORMED else kind.title.lower()
    if kind is NOT_FOUND:
        detail = "there is nothing at this path; ids are UUIDs, and the schema has all paths"
    return answer(kind.problem(detail), error.headers)


def _of_parameter(request: AnyRequest, error: ValidationException) -> Problem:
    """Litestar found a path, query or header parameter that is not of its form."""
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    name = field = str(first.get("key", "")) if isinstance(first, dict) else ""
    words = str(first.get("message", "")) if isinstance(first, dict) else ""
    if isinstance(first, dict) and first.get("source") == "header":
        field = "-".join(word.capitalize() for word in field.split("_"))
    if field == "data":
        return MALFORMED.problem("a JSON body is needed")
    if not words:
        found = _MISSING.match(error.detail)
        words, field = "it is required", found[1] if found else ""
    kind = request.route_handler.signature_model.__annotations__.get(name, Any)
    return INVALID_FIELD.problem(misfit_at("", words, kind).said, field)


def on_defect(request: AnyRequest, error: Exception) -> Response[Problem]:
    logger.error(
        "request failed",
        extra={
            "method": request.scope.get("method", ""),
            "route": request.scope.get("path_template", ""),
            "error": store.origin(error),
        },
    )
    return answer(DEFECT.problem("the request failed; nothing is known to be recorded"))


# msgspec quotes the name where a field is unknown.
_UNKNOWN_FIELD: Final = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING_FIELD: Final = re.compile(r"Object missing required field `([a-z_]+)`")
_MISSING: Final = re.compile(r"Missing required .* parameter '([A-Za-z_-]+)'")
PLAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
_OWN_CHECK: Final = re.compile(r"([a-z_]+): (.*)", re.DOTALL)


def invalid_body(error: msgspec.ValidationError, kind: Any) -> Refused:  # noqa: ANN401 - the body's type
    """Name the field: `debts[0].balance`. Only the first one is found."""
    wrong = misfit(error, kind)
    words, place = wrong.said, wrong.field
    if unknown := _UNKNOWN_FIELD.fullmatch(words):
        name = unknown[1] if PLAIN_NAME.fullmatch(unknown[1]) else "?"
        words = "there is no such field here; leave it out"
    elif missing := _MISSING_FIELD.fullmatch(words):
        name, words = missing[1], "this field is missing; give it"
    elif own := _OWN_CHECK.fullmatch(words):
        name, words = own.groups()
    else:
        name = ""
    field = ".".join(part for part in (place, name) if part)
    return Refused(INVALID_FIELD, words, field)


HANDLERS: Final[ExceptionHandlersMap] = {
    Refused: on_refused,
    case.CaseError: on_case_error,
    store.StoreError: on_store_error,
    Forbidden: on_forbidden,
    HTTPException: on_http_error,
    Exception: on_defect,
}


def _spec(description: str) -> ResponseSpec:
    return ResponseSpec(
        data_container=Problem,
        description=description,
        media_type=MEDIA_TYPE,
        generate_examples=False,
    )


PROBLEMS: Final[Mapping[int, ResponseSpec]] = {
    400: _spec("The request cannot be read, or a field is not of its form."),
    401: _spec("No key, or not a valid one."),
    403: _spec("The key's role may not do this."),
    404: _spec("There is no such case, or it has no such part."),
    409: _spec("Not while the case is as it is."),
    412: _spec("If-Match named another version."),
    413: _spec("The body is too large."),
    422: _spec("A field fits neither the case nor what is configured, or an old Idempotency-Key."),
    503: _spec("Not now; try again after Retry-After seconds."),
}
