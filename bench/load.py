"""Load on an HTTP server: connections that are kept alive, each with one request at a time.

python -m bench.load HOST PORT CLIENTS SECONDS FILE: the file has the paths, BENCH_KEY is the API key.
"""

import argparse
import asyncio
import json
import os
import sys
from itertools import cycle

from bench.closed_loop import report, run_coroutines, wait_for_start
from duecourse.chance import new_id


class Connection(asyncio.Protocol):
    """One request at a time, over one socket."""

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if end and len(body) >= _length(head) and self._answer is not None:
            self._received = b""
            self._answer.set_result(head)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server hung up"))

    async def request(self, content: bytes) -> None:
        """Raises RuntimeError if the answer is not a success."""
        self._answer = asyncio.get_running_loop().create_future()
        assert self._transport is not None
        self._transport.write(content)
        head = await self._answer
        status = head.split(b" ", 2)[1]
        if not status.startswith(b"2"):
            raise RuntimeError(f"answered with {status.decode()}")


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def payment(path: str, key: str) -> bytes:
    """The whole request that enters a new payment at a path."""
    body = json.dumps(
        {
            "payment_id": str(new_id()),
            "currency": "CNY",
            "amount_minor": 100,
            "value_on": "2026-03-01",
            "reference": "fictional transfer",
        }
    )
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: bench",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "",
        body,
    ]
    return "\r\n".join(lines).encode()


async def _run(asked: argparse.Namespace, paths: list[str], key: str) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(Connection, asked.host, asked.port))[1]
        for _ in range(asked.clients)
    ]
    rounds = [cycle(paths[number :: asked.clients]) for number in range(asked.clients)]

    async def ask(number: int) -> None:
        await connections[number].request(payment(next(rounds[number]), key))

    wait_for_start()
    return await run_coroutines(ask, asked.clients, asked.seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("clients", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("paths", type=argparse.FileType())
    asked = parser.parse_args()
    paths = asked.paths.read().split()
    if len(paths) < asked.clients:
        sys.exit(f"{len(paths)} paths are not enough for {asked.clients} clients")
    report(asyncio.run(_run(asked, paths, os.environ["BENCH_KEY"])))


if __name__ == "__main__":
    main()
