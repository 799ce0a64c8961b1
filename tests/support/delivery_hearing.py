"""Where the gateway's reports arrive: a server on this machine that answers as the API does."""

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from duecourse import Forbidden, WebhookRequest
from duecourse.flow.signals import Signals
from duecourse_sms import SmsChannel


class Hearing:
    """A server on this machine that takes the gateway's reports; the answer says how many."""

    def __init__(self, channel: SmsChannel, signals: Signals) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, recorded = _heard(channel, signals, body, headers)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(str(recorded).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/sms"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _heard(
    channel: SmsChannel, signals: Signals, body: bytes, headers: dict[str, str]
) -> tuple[int, int]:
    """As the API answers."""
    request = WebhookRequest(body=body, headers=headers, query={}, received_at=datetime.now(UTC))
    try:
        said = list(channel.receive(request))
    except Forbidden:
        return 403, 0
    taken = signals.record("sms", said, "webhook")
    return (503 if taken.later else 202), taken.recorded
