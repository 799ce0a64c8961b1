"""Webhook signatures after the Standard Webhooks specification, symmetric scheme `v1`."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from duecourse import Forbidden, Secret, WebhookRequest

WINDOW: Final = timedelta(minutes=5)
LEAST_KEY_BYTES: Final = 24
MOST_SIGNATURES: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


def read_key(secret: Secret) -> bytes:
    """The key in `whsec_<base64>`. Raises ValueError, which does not show it."""
    try:
        key = base64.b64decode(secret.reveal().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook secret is written whsec_ and base64") from None
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"a webhook secret has at least {LEAST_KEY_BYTES} bytes")
    return key


def verify(request: WebhookRequest, keys: Sequence[bytes]) -> str:
    """Return the id of a genuine, fresh webhook; raises Forbidden for any other.

    Several keys are accepted, so that one can be replaced without losing a message. Freshness is
    by `request.received_at`. The same webhook may come twice: its id is the same.
    """
    if not keys:
        raise Forbidden("no webhook secret is configured")
    webhook_id = _header(request.headers, "webhook-id", _ID)
    timestamp = _header(request.headers, "webhook-timestamp", _TIMESTAMP)
    sent_at = datetime.fromtimestamp(int(timestamp), tz=UTC)
    signed = f"{webhook_id}.{timestamp}.".encode() + request.body
    given = request.headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    # Every key and signature is compared, so that the time taken says nothing.
    matches = [
        hmac.compare_digest(_sign(key, signed), each.encode()) for key in keys for each in given
    ]
    if not any(matches):
        raise Forbidden("the signature does not match")
    if abs(request.received_at - sent_at) > WINDOW:
        raise Forbidden("the timestamp is more than five minutes away")
    return webhook_id


def _sign(key: bytes, signed: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))


def _header(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not form.fullmatch(value):
        raise Forbidden(f"the header {name} is missing or malformed")
    return value
