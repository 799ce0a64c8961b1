"""A Kannel of one test: a bearerbox with an SMSC behind it, and a smsbox before it."""

import hashlib
import hmac
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from smsc.peer import PASSWORD

from duecourse import WebhookRequest

USERNAME: Final = "duecourse"
USER_PASSWORD: Final = "opensesame"
SECRET: Final = "a-secret-between-us-and-kannel"
PATIENCE: Final = 20.0

# Kannel wants an empty line after every group.
_CONFIG: Final = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = {password}
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"

group = smsc
smsc = smpp
smsc-id = peer
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = kannel
smsc-password = {smsc_password}
system-type = "VMA"
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
mo-recode = {recode}
http-request-retry = 20
http-queue-delay = 1

group = sendsms-user
username = {user}
password = {password}

group = sms-service
keyword = default
catch-all = true
max-messages = 0
{way} = "{callback}?kind=reply&token={token}&sender=%p&id=%I&at=%T{text}"

"""


class Callbacks:
    """The address that Kannel calls; `take` says what is answered."""

    def __init__(self, take: Callable[[WebhookRequest], int]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                status = take(_request(self))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = _serve  # noqa: N815 - the base calls them so

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/sms"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _request(handler: BaseHTTPRequestHandler) -> WebhookRequest:
    """As the API hands it to a channel."""
    length = int(handler.headers.get("content-length") or 0)
    return WebhookRequest(
        body=handler.rfile.read(length),
        headers={name.lower(): value for name, value in handler.headers.items()},
        query=dict(parse_qsl(urlsplit(handler.path).query, keep_blank_values=True)),
        received_at=datetime.now(UTC),
        method=handler.command,
    )


class Kannel:
    """Replies come by POST, or by GET and then recoded to what an address can carry."""

    def __init__(self, folder: Path, smsc_port: int, callback: str, *, by_get: bool) -> None:
        if not shutil.which("bearerbox") or not shutil.which("smsbox"):
            pytest.skip("bearerbox and smsbox are not installed (Debian: kannel)")
        admin, boxes, sendsms = _free_ports(3)
        config = folder / "kannel.conf"
        token = hmac.new(SECRET.encode(), b"reply", hashlib.sha256).hexdigest()
        config.write_text(
            _CONFIG.format(
                admin=admin, boxes=boxes, sendsms=sendsms, smsc=smsc_port, callback=callback,
                smsc_password=PASSWORD, user=USERNAME, password=USER_PASSWORD, token=token,
                recode="true" if by_get else "false",
                way="get-url" if by_get else "post-url",
                text="&text=%b" if by_get else "",
            )
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{sendsms}/cgi-bin/sendsms"
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._start("bearerbox", config, boxes)
        self._start("smsbox", config, sendsms)

    def _start(self, program: str, config: Path, port: int) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            process = subprocess.Popen(
                [program, "-v", "2", config], cwd=self._folder, stdout=log, stderr=log
            )
        self._processes.append(process)
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        said = (self._folder / f"{program}.log").read_text(errors="replace")
        self.close()
        raise AssertionError(f"{program} did not start: {said[-2000:]}")

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
