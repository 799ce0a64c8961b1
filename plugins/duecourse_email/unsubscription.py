"""One-click unsubscription (RFC 8058): what a mail program posts, and what it proves."""

from email import message_from_bytes, policy
from typing import Final
from urllib.parse import parse_qsl

from duecourse import Forbidden, OptOut, WebhookRequest
from duecourse_email.headers import inside, plain
from duecourse_email.tokens import Marker

MOST_BODY: Final = 4096
ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
HOW: Final = "list-unsubscribe"
TOKEN: Final = "token"  # noqa: S105 - the name of a parameter


def read_one_click(request: WebhookRequest, marker: Marker | None) -> list[OptOut]:
    """The opt-out in a genuine POST. Whoever only looks at the link, as scanners do, gets none.

    Raises Forbidden for a link that we did not make, and for a POST that says another thing.
    """
    if marker is None:
        raise Forbidden("no link_secret is configured")
    key = marker.read("unsubscribe", request.query.get(TOKEN, ""))
    if key is None:
        raise Forbidden("the link is none of ours")
    if request.method != "POST":
        return []
    if ONE_CLICK not in _fields(request):
        raise Forbidden("the body is not List-Unsubscribe=One-Click")
    return [
        OptOut(
            reference=key,
            opt_out_id=opt_out_id(key),
            occurred_at=request.received_at,
            how=HOW,
        )
    ]


def opt_out_id(key: str) -> str:
    """The same for every way and every time that one mail is used to unsubscribe."""
    return f"unsubscribe-{key}"


def _fields(request: WebhookRequest) -> list[tuple[str, str]]:
    """The form in the body; RFC 8058 lets mail programs choose between two ways to write it."""
    if len(request.body) > MOST_BODY:
        raise ValueError(f"the body is longer than {MOST_BODY} bytes")
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(kind, request.body)
    return parse_qsl(request.body.decode("ascii", "replace"), max_num_fields=8)


def _multipart(kind: str, body: bytes) -> list[tuple[str, str]]:
    if not (kind.isascii() and kind.isprintable()):
        raise ValueError("the content type is unreadable")
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    form = message_from_bytes(head + body, policy=policy.compat32)
    return [
        (str(part.get_param("name", header="content-disposition")), plain(part).strip())
        for part in inside(form)
    ]
