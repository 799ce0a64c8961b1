"""Starting the API from the terminal."""

import base64
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable

import pytest

Start = Callable[[int], "subprocess.Popen[str]"]


@pytest.fixture
def serve(migrated_dsn: str) -> Start:
    key = base64.b64encode(bytes(range(32))).decode()
    environ = os.environ | {"DATABASE_URL": migrated_dsn, "DUECOURSE_MASTER_KEY": key}

    def start(port: int) -> "subprocess.Popen[str]":
        line = [sys.executable, "-m", "duecourse", "serve", "--port", str(port)]
        return subprocess.Popen(line, env=environ, stderr=subprocess.PIPE, text=True)

    return start


def test_a_port_that_is_taken_is_named_with_the_way_out(serve: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serve(port) as process:
            _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith(f"Error: cannot listen on 127.0.0.1 port {port}: ")
    assert said.endswith("; choose another with --host and --port\n")


def test_it_says_where_it_serves_and_stops_when_told_to(serve: Start) -> None:
    with serve(0) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        address = said.removeprefix("serving on ").partition(";")[0]
        with urllib.request.urlopen(f"{address}/health/live", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in {0, -signal.SIGTERM}
