"""The OpenAPI 3.1 document, with what the framework cannot say for itself."""

from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme

from duecourse_api.examples import EXAMPLES


class SchemaFile(JsonRenderPlugin):
    """Serves /schema/openapi.json. The pages for people would load their scripts from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._rendered = b""

    def render(self, _request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if not self._rendered:
            self._rendered = _finished(openapi_schema)
        return self._rendered


def _finished(openapi_schema: dict[str, Any]) -> bytes:
    document = msgspec.json.decode(msgspec.json.encode(openapi_schema))
    _mend(document)
    for path in document["paths"].values():
        for operation in path.values():
            _give_example(operation)
    return msgspec.json.encode(document)


def _mend(node: Any) -> None:  # noqa: ANN401 - any JSON
    """Take out the empty schema that Litestar adds to the items of every `tuple[X, ...]`."""
    match node:
        case {"items": {"oneOf": [*options, empty]}} if empty == {}:
            node["items"] = options[0] if len(options) == 1 else {"oneOf": options}
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for each in below:
        _mend(each)


def _give_example(operation: dict[str, Any]) -> None:
    match operation:
        case {"requestBody": {"content": {"application/json": content}}}:
            name = content["schema"]["$ref"].rpartition("/")[2]
            content["example"] = EXAMPLES[name]


def openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Duecourse",
        version=version("duecourse"),
        description=(
            "Event-sourced case management for overdue debts. Amounts are integers of minor units"
            " with an ISO 4217 code; moments are RFC 3339; errors are RFC 9457 problems."
        ),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", description="dck_..."),
                "header": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
            }
        ),
        security=[{"key": []}, {"header": []}],
        use_handler_docstrings=True,
        render_plugins=[SchemaFile()],
    )
