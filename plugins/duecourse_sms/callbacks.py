"""What Kannel reports: it calls an address of ours, with our own token in it."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message
from typing import Final, Literal
from urllib.parse import urlencode

from duecourse import Forbidden, Receipt, Reply, Secret, WebhookRequest
from duecourse_sms.addresses import sender_of

LEAST_SECRET: Final = 24
MOST_BODY: Final = 64_000
MOST_TEXT: Final = 40_000
# Kannel's own bits, not those of SMPP.
STATUSES: Final[Mapping[str, Literal["queued", "sent", "delivered", "failed"]]] = {
    "1": "delivered",
    "2": "failed",
    "4": "queued",
    "8": "sent",
    "16": "failed",
}
_SECONDS: Final = re.compile(r"[0-9]{9,11}", re.ASCII)
_NAME: Final = re.compile(r"[!-~]{1,200}", re.ASCII)
_CHARSETS: Final = frozenset({"utf-8", "utf-16be", "iso-8859-1", "us-ascii"})


def read_secret(secret: Secret) -> bytes:
    """The key for our tokens. Raises ValueError, which does not show it."""
    key = secret.reveal().encode()
    if len(key) < LEAST_SECRET:
        raise ValueError(f"a secret of webhook_secrets has at least {LEAST_SECRET} characters")
    return key


def token_of(key: bytes, subject: str) -> str:
    return hmac.new(key, subject.encode(), hashlib.sha256).hexdigest()


def receipt_url(callback_url: str, key: bytes, message_key: str) -> str:
    """The address for the receipts of one message. Kannel fills in what begins with %."""
    known = {
        "kind": "receipt",
        "key": message_key,
        "token": token_of(key, f"receipt:{message_key}"),
    }
    return f"{callback_url}?{urlencode(known)}&status=%d&at=%T"


def read_callback(request: WebhookRequest, keys: Sequence[bytes], region: str) -> Receipt | Reply:
    """Raises Forbidden for what does not bear our token, ValueError for garbage that does."""
    if len(request.body) > MOST_BODY:
        raise ValueError(f"the webhook is longer than {MOST_BODY} bytes")
    match request.query.get("kind", ""):
        case "receipt":
            key = request.query.get("key", "")
            _verify(request, keys, f"receipt:{key}")
            if request.body:
                raise Forbidden("a receipt of Kannel has no body")
            return _receipt(request, key)
        case "reply":
            _verify(request, keys, "reply")
            return _reply(request, region)
        case _:
            raise Forbidden("the webhook is neither a receipt nor a reply")


def _verify(request: WebhookRequest, keys: Sequence[bytes], subject: str) -> None:
    given = request.query.get("token", "").encode()
    # Every key is compared, so that the time taken says nothing.
    matches = [hmac.compare_digest(token_of(key, subject).encode(), given) for key in keys]
    if not any(matches):
        raise Forbidden("the token is missing or wrong")


def _receipt(request: WebhookRequest, key: str) -> Receipt:
    told = request.query.get("status", "")
    if told not in STATUSES:
        raise ValueError("the webhook tells no status of Kannel")
    at = _moment(request)
    return Receipt(
        reference=key,
        receipt_id=f"dlr-{told}-{int(at.timestamp())}",
        status=STATUSES[told],
        occurred_at=at,
        detail=f"dlr {told}",
    )


def _reply(request: WebhookRequest, region: str) -> Reply:
    reply_id, sender = request.query.get("id", ""), request.query.get("sender", "")
    if not _NAME.fullmatch(reply_id) or not sender.strip():
        raise ValueError("the webhook of a reply lacks its id or its sender")
    return Reply(
        sender=sender_of(sender, region),
        reply_id=reply_id,
        text=_text(request)[:MOST_TEXT],
        occurred_at=_moment(request),
    )


def _text(request: WebhookRequest) -> str:
    """The words as they came: in the body of a POST, else in the address."""
    if not request.body:
        return request.query.get("text", "").replace("\0", "\ufffd")
    header = Message()
    header["Content-Type"] = request.headers.get("content-type", "text/plain")
    charset = header.get_content_charset("utf-8")
    if charset not in _CHARSETS:
        raise ValueError("the webhook of a reply is in no charset that we read")
    return request.body.decode(charset, errors="replace").replace("\0", "\ufffd")


def _moment(request: WebhookRequest) -> datetime:
    """Kannel's time, or ours where it told none."""
    told = request.query.get("at", "")
    if not _SECONDS.fullmatch(told):
        return request.received_at
    return datetime.fromtimestamp(int(told), UTC)
