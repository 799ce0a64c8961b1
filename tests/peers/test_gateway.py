"""The SMS gateway as a process of its own: it forgets nothing and doubles nothing."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty
from uuid import UUID, uuid4

import httpx2
import pytest
from msgspec.structs import replace

from duecourse import (
    ChannelError,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Signal,
    Transient,
    WebhookRequest,
)
from duecourse.peers.ledger import Ledger, read_ledger
from duecourse.peers.process import GatewayProcess
from duecourse_sms import SmsChannel, SmsConfig

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
UNUSED = "http://127.0.0.1:9/receipts"
PATIENCE = 30.0


class Callback:
    """Keeps each webhook that arrives; answers `status`, which a test may change."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[WebhookRequest] = queue.Queue()
        self.status = 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(outer.status)
                self.end_headers()
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.arrived.put(
                    WebhookRequest(
                        body=body, headers=headers, query={}, received_at=datetime.now(UTC)
                    )
                )

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/sms"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def callback() -> Iterator[Callback]:
    made = Callback()
    yield made
    made.close()


@contextmanager
def using(gateway: GatewayProcess, token: str = "") -> Iterator[SmsChannel]:
    config = SmsConfig(
        url=gateway.url,
        token=Secret(token or gateway.token_file.read_text()),
        timeout=PATIENCE,
        webhook_secrets=(Secret(gateway.secret_file.read_text()),),
    )
    made = SmsChannel(config)
    yield made
    made.close()


def outbound(number: int = 0, body: str = "您好") -> Outbound:
    key = UUID(int=number) if number else uuid4()
    return Outbound(
        key=str(key),
        contact_id=key,
        case_id=uuid4(),
        to="+447700900123",
        to_name="林示例三",
        subject="",
        body=body,
        language="zh",
        sender_name="示例消费金融",
        at=AT,
        expires_at=AT + timedelta(hours=2),
    )


def messages(gateway: GatewayProcess) -> list[str]:
    return [each["key"] for each in gateway.entries() if each["entry"] == "message"]


def signal(channel: SmsChannel, callback: Callback, timeout: float = PATIENCE) -> Signal:
    (found,) = channel.receive(callback.arrived.get(timeout=timeout))
    return found


def test_a_key_is_taken_once_even_across_a_kill(tmp_path: Path) -> None:
    gateway, message = GatewayProcess(tmp_path, UNUSED), outbound()
    with gateway, using(gateway) as channel:
        first = channel.send(message)
        assert channel.send(message) == first
        gateway.kill()
        gateway.start()
        assert channel.send(message) == first
        assert channel.find(message) == first
    assert messages(gateway) == [message.key]


def test_a_key_sent_by_many_threads_at_once_is_taken_once(tmp_path: Path) -> None:
    message = outbound()
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway) as channel:
        with ThreadPoolExecutor(8) as pool:
            references = {each.reference for each in pool.map(channel.send, [message] * 40)}
        assert len(references) == 1
        assert messages(gateway) == [message.key]


def test_what_was_acknowledged_before_a_kill_is_in_the_ledger(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway) as channel:
        enough, done = threading.Event(), threading.Event()

        def keep_sending() -> None:
            for number in range(1, 10_000):
                try:
                    channel.send(outbound(number))
                except Exception:  # noqa: BLE001 - the kill, whichever way it shows
                    break
                acknowledged.append(str(UUID(int=number)))
                if number == 20:
                    enough.set()
            done.set()

        thread = threading.Thread(target=keep_sending)
        thread.start()
        assert enough.wait(PATIENCE)
        gateway.kill()
        assert done.wait(PATIENCE)
        thread.join()
    kept = messages(gateway)
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) <= len(acknowledged) + 1


def test_another_text_under_a_used_key_is_no_success(tmp_path: Path) -> None:
    message = outbound()
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway) as channel:
        channel.send(message)
        with pytest.raises(Exception) as raised:  # noqa: PT011 - that it is no ChannelError
            channel.send(replace(message, body="other"))
    assert not isinstance(raised.value, ChannelError)


def test_find_knows_what_was_taken_and_what_was_not(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway) as channel:
        channel.check()
        assert channel.find(outbound()) is None


def test_a_wrong_token_is_permanent_and_nothing_is_taken(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway, "wrong") as channel:
        for attempt in (channel.check, lambda: channel.send(outbound())):
            with pytest.raises(Permanent):
                attempt()
        assert messages(gateway) == []


def test_a_stopped_gateway_is_transient(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway) as channel:
        gateway.stop()
        with pytest.raises(Transient):
            channel.send(outbound())


def test_a_receipt_comes_back_signed_and_dated_by_the_senders_clock(
    tmp_path: Path, callback: Callback
) -> None:
    with GatewayProcess(tmp_path, callback.url) as gateway, using(gateway) as channel:
        accepted = channel.send(outbound())
        assert signal(channel, callback) == Receipt(
            reference=accepted.reference,
            receipt_id=f"receipt-{accepted.reference}",
            status="delivered",
            occurred_at=AT + timedelta(seconds=2),
        )


def test_a_number_that_cannot_be_reached_fails(tmp_path: Path, callback: Callback) -> None:
    gateway = GatewayProcess(tmp_path, callback.url, fail_suffix="123")
    with gateway, using(gateway) as channel:
        channel.send(outbound())
        receipt = signal(channel, callback)
    assert isinstance(receipt, Receipt)
    assert receipt.status == "failed"


def test_a_receipt_is_sent_until_it_is_answered_also_after_a_kill(
    tmp_path: Path, callback: Callback
) -> None:
    callback.status = 500
    with GatewayProcess(tmp_path, callback.url) as gateway, using(gateway) as channel:
        channel.send(outbound())
        first = signal(channel, callback)
        assert signal(channel, callback) == first, "it was not answered with success"
        gateway.kill()
        callback.status = 204
        gateway.start()
        while {each["entry"] for each in gateway.entries()} != {"message", "confirmed"}:
            # The last one may have been answered, and not be in the ledger yet.
            with suppress(Empty):
                assert signal(channel, callback, timeout=0.2) == first
        gateway.stop()
        # Only what was under way when the answer changed may still lie here.
        while not callback.arrived.empty():
            assert signal(channel, callback) == first
        gateway.start()
        channel.send(outbound())
        assert signal(channel, callback) != first, "a confirmed receipt is not sent again"


def test_what_somebody_writes_back_arrives_verbatim(tmp_path: Path, callback: Callback) -> None:
    with GatewayProcess(tmp_path, callback.url) as gateway, using(gateway) as channel:
        answer = httpx2.post(
            gateway.inbound_url,
            json={"sender": "+447700900123", "text": " TD\n", "occurred_at": AT.isoformat()},
            headers={"Authorization": f"Bearer {gateway.token_file.read_text()}"},
        )
        assert answer.status_code == 202
        reply = signal(channel, callback)
    assert isinstance(reply, Reply)
    assert (reply.sender, reply.text, reply.occurred_at) == ("+447700900123", " TD\n", AT)


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{}", 422), (b"\xff", 422), (b"[" * 3000, 422), (b"x" * 70_000, 413)],
)
def test_garbage_is_answered_and_the_gateway_stays_up(
    tmp_path: Path, content: bytes, status: int
) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway, using(gateway) as channel:
        headers = {"Authorization": f"Bearer {gateway.token_file.read_text()}"}
        answer = httpx2.post(gateway.url, content=content, headers=headers)
        assert answer.status_code == status
        channel.send(outbound())


def test_the_token_and_the_secret_are_for_the_owner_only(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, UNUSED)
    for file in (gateway.token_file, gateway.secret_file):
        assert file.stat().st_mode & 0o077 == 0


def test_the_gateway_listens_on_this_machine_only_and_keeps_its_port(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway:
        url = gateway.url
        assert url.startswith("http://127.0.0.1:")
        gateway.kill()
        assert gateway.start().url == url


def test_a_port_that_somebody_took_meanwhile_is_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        tmp_path.mkdir(exist_ok=True)
        (tmp_path / "port").write_text(str(port))
        with GatewayProcess(tmp_path, UNUSED) as gateway:
            assert f":{port}/" not in gateway.url


def test_the_gateway_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway:
        process = gateway._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_the_gateway_stops_in_good_order_when_it_is_asked_to(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, UNUSED) as gateway:
        process = gateway._process
        assert process is not None
        gateway.stop()
        assert process.returncode == 0


def test_a_line_that_a_crash_cut_short_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append({"n": 1})
    with path.open("ab") as file:
        file.write(json.dumps({"n": 2}).encode()[:-1])
    assert read_ledger(path) == [{"n": 1}]
    with Ledger(path) as ledger:
        ledger.append({"n": 3})
    assert read_ledger(path) == [{"n": 1}, {"n": 3}]
