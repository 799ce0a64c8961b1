import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from duecourse import Secret, WebhookRequest
from duecourse.testing import ChannelContract

from duecourse_chat import Chat, sign

STATUSES = ("sent", "delivered", "read", "failed")


class TestChat(ChannelContract):
    channel = Chat

    def sign(self, body: bytes) -> WebhookRequest:
        now = str(int(time.time()))
        secret = Secret(str(self.table["webhook_secret"]))
        return WebhookRequest(
            body=body,
            headers={"chat-timestamp": now, "chat-signature": sign(secret, now, body)},
            query={},
            received_at=datetime.now(UTC),
        )

    def receipts(self) -> Sequence[WebhookRequest]:
        return [
            self._told(type="seen", id=f"event-{status}", message="m-1", status=status)
            for status in STATUSES
        ]

    def reply(self, text: str) -> WebhookRequest:
        return self._told(type="wrote", id="event-1", sender="+8615400000047", text=text)

    def _told(self, **event: str) -> WebhookRequest:
        return self.sign(json.dumps(event | {"at": datetime.now(UTC).isoformat()}).encode())
