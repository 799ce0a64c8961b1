"""The limit: what PostgreSQL itself manages, as its own pgbench sees it."""

import re
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from psycopg import sql

from bench.children import output_of
from bench.closed_loop import percentiles
from bench.contender import Contender, Failed, Sample
from bench.servers import Server

PAYLOAD: Final = (
    '{"status":"in_review","assignee":"officer-00417","note":"Applicant supplied the missing '
    'payslip, which was checked against the register and accepted.","at":"2026-11-23T21-00-00Z",'
    '"ref":"3f0d6a4e9c1b4d2aa9d1","n":42}'
)
"""About 200 bytes. No colon before a letter: pgbench would take it for a variable."""
_TABLE: Final = """
CREATE TABLE limit_events (
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    topic text NOT NULL,
    state bytea NOT NULL,
    notification_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    PRIMARY KEY (originator_id, originator_version)
)"""
_UUID7_SINCE: Final = 18
_SAMPLED: Final = 0.1
_TEMPLATE: Final = "limit"


def contenders(server: Server) -> Iterator[Contender]:
    server.create(_TEMPLATE)
    server.execute(sql.SQL(_TABLE), _TEMPLATE)
    for clients in (1, 8, 32):
        yield Contender(
            key=f"pgbench {clients}",
            part="limits",
            run=partial(_pgbench, server, clients, 1),
            quick=clients != 8,
        )
    for clients in (1, 2):
        yield Contender(
            key=f"pgbench {clients} x100 rows",
            part="limits",
            run=partial(_pgbench, server, clients, 100),
            quick=clients == 1,
        )


def _pgbench(server: Server, clients: int, rows: int, seconds: float) -> Sample:
    with server.fresh(_TEMPLATE) as database, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = folder / "insert.sql"
        script.write_text(_insert(server, rows))
        command = server.program("pgbench", database)
        options = ["--no-vacuum", "--protocol=prepared", f"--client={clients}"]
        options += [f"--jobs={min(clients, 2)}", f"--time={max(1, round(seconds))}"]
        options += [f"--file={script}", "--log", f"--log-prefix={folder / 'latency'}"]
        options += [f"--sampling-rate={_SAMPLED}"]
        said = output_of([command[0], *options, *command[1:]], seconds)
        found = re.search(r"tps = ([0-9.]+)", said)
        if found is None:
            raise Failed(f"pgbench said: {said[-200:]}")
        latencies = [each for path in folder.glob("latency.*") for each in _logged(path)]
    return Sample(per_second=rows * float(found[1]), **percentiles(latencies))


def _insert(server: Server, rows: int) -> str:
    major = int(server.version.partition(".")[0])
    new_id = "uuidv7()" if major >= _UUID7_SINCE else "gen_random_uuid()"
    return (
        "INSERT INTO limit_events (originator_id, originator_version, topic, state)"  # noqa: S608
        f" SELECT {new_id}, 1, 'NoteAdded', '{PAYLOAD}'::bytea FROM generate_series(1, {rows})"
        " RETURNING notification_id;\n"
    )


def _logged(path: Path) -> Iterator[float]:
    """Seconds that each logged transaction took."""
    for line in path.read_text().splitlines():
        yield int(line.split()[2]) / 1e6
