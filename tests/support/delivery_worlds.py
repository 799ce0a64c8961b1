"""A world: a database, a seed, and the lives in it, one after the other until one is not killed."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import psycopg
from audit import check_acknowledged, check_followed, check_log, log_of
from delivery_checks import Evidence, failures
from delivery_orders import Born, Ended, Job, Stopped, UnderWay, messages_of
from faulty_gateway import SLOW_SECONDS, FaultyGateway
from lives import MASTER_KEY, Ack, Notes
from nursery import Nursery

from duecourse.store.database import Database
from duecourse.store.log import EventLog
from duecourse.store.vault import Vault

KILLED: Final = -9


class Ground(msgspec.Struct, frozen=True):
    """Where a world is: the gateway and the nursery may have had others before."""

    gateway: FaultyGateway
    nursery: Nursery
    dsn: str


class World:
    def __init__(self, ground: Ground, **fields: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="duecourse-"))
        self._ground = ground
        self._connection = psycopg.connect(ground.dsn, autocommit=True)
        self.job = Job(
            dsn=ground.dsn, folder=str(self.folder), gateway=ground.gateway.url, **fields
        )
        self.lives = 0
        self._outrun = False

    def live(self, *variants: dict[str, Any]) -> list[int]:
        """One life for each of these, beside each other. Returns how they ended."""
        jobs = [
            msgspec.structs.replace(self.job, number=self.lives, together=len(variants) > 1, **each)
            for each in variants
        ]
        codes = self._ground.nursery.raise_up(*jobs)
        self.lives += 1
        self._outrun |= len(jobs) > 1 and any(each.lease_seconds < SLOW_SECONDS for each in jobs)
        for job, code in zip(jobs, codes, strict=True):
            assert code in {0, KILLED}, f"{self.where(job)} ended with {code}: {self._errors()}"
        self._ground.gateway.settle()
        commands = check_log(log_of(self._connection))
        assert check_acknowledged(commands, self._notes("acks", Ack)) == []
        check_followed(self._connection)
        return codes

    def where(self, job: Job | None = None) -> str:
        """Enough to have the same run again, as far as the machine lets it be the same."""
        job = job or self.job
        return (
            f"{job.guarantee} with seed {job.seed}, {job.messages} messages, life {self.lives},"
            f" {job.point or 'no point'}:{job.hit} in mode {job.mode}"
        )

    def failures(self) -> list[str]:
        return failures(self.evidence())

    def evidence(self) -> Evidence:
        messages = messages_of(self.job.seed, self.job.messages)
        with Database(self._ground.dsn) as database:
            log = EventLog(database, Vault(database, MASTER_KEY))
            histories = {each.case_id: log.history(each.case_id) for each in messages}
        summary = (self.folder / "summary").read_bytes()
        return Evidence(
            guarantee=self.job.guarantee,
            forgetful=self.job.jumps and self.lives > 1,
            outrun=self._outrun,
            messages=messages,
            ledger=self._ground.gateway.entries(self.job.world),
            histories=histories,
            ended=msgspec.json.decode(summary, type=dict[str, Ended]),
            stopped=self._notes("stopped", Stopped),
            born=self._notes("born", Born),
        )

    def counts(self) -> dict[str, int]:
        """How often a life that counted came to each point."""
        counts: dict[str, int] = json.loads((self.folder / "counts").read_text())
        return counts

    def under_way(self) -> Sequence[UnderWay]:
        return self._notes("under way", UnderWay)

    def _notes(self, name: str, kind: type[Any]) -> list[Any]:
        notes = Notes(self.folder, name)
        try:
            return notes.read(kind)
        finally:
            notes.close()

    def _errors(self) -> str:
        written = self.folder / "errors"
        return written.read_text() if written.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        shutil.rmtree(self.folder)
