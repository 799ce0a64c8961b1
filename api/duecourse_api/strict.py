"""Reading a request strictly: what is not exactly right is refused with 400, never guessed."""

from typing import Any, Final

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from duecourse_api.problems import INVALID_FIELD, MALFORMED, PLAIN_NAME, Refused, invalid_body

MAX_BODY_BYTES: Final = 1 << 20


class StrictRequest(Request[Any, Any, State]):
    """Decodes a JSON body into its type in one strict step; Litestar would let "5" be a number."""

    async def json(self) -> Any:  # noqa: ANN401 - the type is the handler's
        field = self.route_handler.parsed_data_field
        return read_json(await self.body(), field.annotation if field else Any)


def read_json(raw: bytes, kind: Any) -> Any:  # noqa: ANN401 - whatever type is asked for
    """The body as `kind`. Raises Refused, which names the field and never quotes a value."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise invalid_body(error, kind) from None
    except UnicodeDecodeError:
        raise Refused(MALFORMED, "the body is not UTF-8") from None
    except RecursionError:
        raise Refused(MALFORMED, "the body is nested too deeply") from None
    except msgspec.DecodeError:
        raise Refused(MALFORMED, "the body is not JSON") from None


async def refuse_unknown_parameters(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A misspelt `dry_run` must not become a real payment.

    Async although it waits for nothing: Litestar would run it in a thread.
    """
    if not connection.scope["query_string"] or handler.opt.get("any_query"):
        return
    fields = {
        name: field
        for name, field in handler.parsed_fn_signature.parameters.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    known = fields.keys()
    given = [name for name, _ in connection.query_params.multi_items()]
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        there_are = ", ".join(sorted(known)) or "none"
        field = unknown if PLAIN_NAME.fullmatch(unknown) else "?"
        raise Refused(INVALID_FIELD, f"unknown query parameter; there are: {there_are}", field)
    once = [name for name in given if not _is_list(fields[name])]
    if len(set(once)) < len(once):
        raise Refused(INVALID_FIELD, "a query parameter is given twice")


def _is_list(field: FieldDefinition) -> bool:
    """Whether a parameter may be given again: `list[UUID]`, or nothing."""
    return any(each.is_non_string_sequence for each in (field, *field.inner_types))
