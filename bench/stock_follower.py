"""The library's own projection runner: each event is processed and tracked in a transaction."""

import argparse
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from bench import children
from bench.closed_loop import peak_mb, report, wait_for_start
from bench.contender import Contender, Sample
from bench.servers import Server
from bench.stock import Dossiers, environment, new_dossier

_EVENTS_A_SECOND: Final = 5_000
"""More than it can follow."""
_AT_ONCE: Final = 500
_LOOK: Final = 0.005


class Counts(PostgresTrackingRecorder):
    """How many events there were of each aggregate."""

    def create_table(self) -> None:
        super().create_table()
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS counts (id uuid PRIMARY KEY, events bigint NOT NULL)"
            )

    def count(self, originator_id: object, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO counts AS known VALUES (%s, 1)"
                " ON CONFLICT (id) DO UPDATE SET events = known.events + 1",
                (originator_id,),
                prepare=True,
            )


class Counting(Projection[Counts]):
    name = "counting"
    topics = ()

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401
        self.view.count(domain_event.originator_id, tracking)


def contenders(server: Server) -> Iterator[Contender]:
    yield Contender(key="stock follower", part="reads", run=partial(_run, server))


def _run(server: Server, seconds: float) -> Sample:
    with server.fresh() as database:
        command = children.module("bench.stock_follower", server.dsn(database), seconds)
        return children.run([command], seconds)


def _fill(env: dict[str, str], events: int) -> str:
    app = Dossiers(env=env)
    for _ in range(0, events, _AT_ONCE):
        app.save(*(new_dossier() for _ in range(_AT_ONCE)))
    app.close()
    return app.name


def _position(view: Counts, name: str) -> int:
    return view.max_tracking_id(name) or 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("seconds", type=float)
    asked = parser.parse_args()
    env = environment(asked.dsn, 5)
    events = max(1_000, int(_EVENTS_A_SECOND * asked.seconds))
    name = _fill(env, events)
    wait_for_start()
    with ProjectionRunner(
        application_class=Dossiers, projection_class=Counting, view_class=Counts, env=env
    ) as runner:
        while _position(runner.view, name) == 0:
            time.sleep(_LOOK)
        began, first = time.perf_counter(), _position(runner.view, name)
        ends = began + asked.seconds
        while time.perf_counter() < ends and _position(runner.view, name) < events:
            time.sleep(_LOOK)
        done = _position(runner.view, name) - first
        rate = done / (time.perf_counter() - began)
    report({"per_second": rate, "peak_mb": peak_mb()})


if __name__ == "__main__":
    main()
