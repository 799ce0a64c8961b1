"""The library as it comes: `eventsourcing`'s own Application on PostgreSQL, one thread per client.

Each client opens new aggregates, the fastest that the library can do: nothing is read first.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from bench import children
from bench.closed_loop import report, run_threads, wait_for_start
from bench.contender import Contender, Sample
from bench.servers import Server


class Dossier(Aggregate):
    @event("Opened")
    def __init__(self, *, status: str, assignee: str, note: str, at: str, ref: str, n: int) -> None:
        self.status = status
        self.assignee = assignee
        self.last = (note, at, ref, n)


def new_dossier() -> Dossier:
    return Dossier(
        status="in_review",
        assignee="officer-00417",
        note="Applicant supplied the missing payslip, checked against the register and accepted.",
        at="2026-11-23T21:00:00Z",
        ref="3f0d6a4e9c1b4d2aa9d1",
        n=42,
    )


class Dossiers(Application[Any]):
    def open_one(self) -> None:
        self.save(new_dossier())


def environment(dsn: str, connections: int) -> dict[str, str]:
    """The library's settings for a database."""
    given = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given["port"]),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": "not-asked-for",
        "POSTGRES_POOL_SIZE": str(connections),
        "POSTGRES_MAX_OVERFLOW": "5",
    }


def contenders(server: Server) -> Iterator[Contender]:
    for clients in (1, 8, 32):
        yield Contender(
            key=f"stock {clients}",
            part="stock",
            run=partial(_run, server, clients),
        )


def _run(server: Server, clients: int, seconds: float) -> Sample:
    with server.fresh() as database:
        command = children.module("bench.stock", server.dsn(database), clients, seconds)
        return children.run([command], seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("clients", type=int)
    parser.add_argument("seconds", type=float)
    asked = parser.parse_args()
    app = Dossiers(env=environment(asked.dsn, asked.clients))
    app.open_one()
    wait_for_start()
    report(run_threads(lambda _: app.open_one(), asked.clients, asked.seconds))
    app.close()


if __name__ == "__main__":
    main()
