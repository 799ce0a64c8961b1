"""A chat to try the channel with, on this machine: it shows what is posted, and reports it as read.

    python -m duecourse_chat.room --port 9000 --secret fictional \
        --report http://127.0.0.1:8000/webhooks/sms
"""

import argparse
import json
import threading
import time
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from duecourse import Secret

from duecourse_chat import sign

PATIENCE_SECONDS = 60.0
_ids: dict[str, str] = {}
_lock = threading.Lock()


class Room(BaseHTTPRequestHandler):
    secret = Secret("")
    report = ""

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        with _lock:
            is_new = key not in _ids
            name = _ids.setdefault(key, f"m-{len(_ids) + 1}-{time.time_ns()}")
        if is_new:
            print(f"{name}: {told['text'][:60]!r}", flush=True)
            if self.report:
                threading.Thread(target=self._tell, args=(name,)).start()
        answer = json.dumps({"id": name}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _tell(self, name: str) -> None:
        """Report it as read; again until it is taken, for the sender may not know its name yet."""
        at = datetime.now(UTC).isoformat()
        event = {"type": "seen", "id": f"seen-{name}", "message": name, "status": "read", "at": at}
        body = json.dumps(event).encode()
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            now = str(int(time.time()))
            headers = {"chat-timestamp": now, "chat-signature": sign(self.secret, now, body)}
            request = urllib.request.Request(self.report, body, headers)
            try:
                urllib.request.urlopen(request, timeout=10).close()
            except OSError:
                time.sleep(0.2)
            else:
                return

    def log_message(self, format: str, *args: object) -> None:
        """What is posted is shown, not every request."""


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=9000)
    arguments.add_argument("--secret", default="fictional")
    arguments.add_argument("--report", default="")
    given = arguments.parse_args()
    Room.secret, Room.report = Secret(given.secret), given.report
    print(f"the room listens on http://127.0.0.1:{given.port}/hooks/fictional", flush=True)
    ThreadingHTTPServer(("127.0.0.1", given.port), Room).serve_forever()


if __name__ == "__main__":
    main()
