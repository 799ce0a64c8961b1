"""Runs the demo: starts everything, tells the story, and makes the weeks pass."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
from rich.console import Console

from duecourse.case.context import Actor
from duecourse.demo import story
from duecourse.demo.api import Api
from duecourse.demo.errors import DemoFailed
from duecourse.demo.processes import Process
from duecourse.demo.setting import OwnPlugin, Setting, read_keys, write_private
from duecourse.demo.story import Scene
from duecourse.demo.summary import (
    Summary,
    missing_receipts,
    reporting,
    sent_through,
    summarise,
)
from duecourse.flow.clock import FileClock
from duecourse.flow.house import House
from duecourse.intake.importer import import_payments, import_portfolio
from duecourse.intake.mapping import load_mapping
from duecourse.intake.people import write_payments, write_portfolio
from duecourse.intake.report import ImportReport
from duecourse.peers.mailbox import Mailbox
from duecourse.peers.process import GatewayProcess
from duecourse.settings import read_settings
from duecourse.store.api_keys import ApiKeys
from duecourse.store.errors import DatabaseUnavailable

IMPORTER: Final = Actor("demo-import", "operator")
MEDIA: Final = ("sms", "email", "letter")
ROLES: Final = ("collector", "legal", "analyst", "auditor", "operator")
SEED: Final = 20260302
QUIET_SECONDS: Final = 0.02
# The clock stops on the half hour, so that what is due at about the same time is done together.
STRIDE: Final = timedelta(minutes=30)
REAL_FILE: Final = Path("../shared/data/credit_default.csv")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    data: Path
    borrowers: int = 500
    real_accounts: int = 1_000
    api_port: int = 8000
    days: int = story.DAYS
    own: Mapping[str, OwnPlugin] = {}


class Act(msgspec.Struct, frozen=True):
    """Something that people do at a moment of the demo's time."""

    at: datetime
    do: Callable[[], None]


class Demo:
    """Everything the demo started; `play` may be called again on the same data."""

    def __init__(
        self,
        *,
        options: Options,
        setting: Setting,
        house: House,
        api: Api,
        processes: tuple[Process, ...],
        console: Console,
    ) -> None:
        self.setting = setting
        self.house = house
        self.console = console
        self.clock = FileClock(setting.clock)
        self._options = options
        self._api = api
        self._processes = processes
        self._runner = house.runner()
        self._brought: dict[str, dict[str, str]] = {}
        self._sent_before = self.summary().contacts if options.own else {}

    def keep_alive(self) -> None:
        _ensure(self._processes)

    def case_id(self, name: str) -> UUID:
        return UUID(self._brought[name]["case_id"])

    def take_in(self) -> list[ImportReport]:
        """Import the fictional borrowers, and the real accounts where the file is there."""
        folder, as_of = self.setting.folder, story.START
        portfolio = folder / "portfolio.csv"
        write_portfolio(portfolio, self._options.borrowers, SEED, as_of)
        reports = [self._import(portfolio, None)]
        if self._options.real_accounts and REAL_FILE.exists():
            part = folder / "real-accounts.csv"
            _first_lines(REAL_FILE, part, self._options.real_accounts)
            reports.append(self._import(part, "credit-default"))
        return reports

    def _import(self, file: Path, mapping: str | None) -> ImportReport:
        return import_portfolio(
            file,
            self.house.engine,
            self.house.vault,
            IMPORTER,
            as_of=story.START,
            errors_path=file.with_name(f"{file.name}.errors.csv"),
            mapping=load_mapping(mapping) if mapping else None,
        )

    def play(self, progress: Callable[[datetime], None]) -> None:
        """Let everything happen that the story tells and that becomes due, day after day."""
        acts = self._acts()
        end = acts[0].at + timedelta(days=self._options.days)
        while True:
            self._until_quiet()
            if acts and acts[0].at <= self.clock():
                acts.pop(0).do()
                continue
            ahead = self._next_moment(acts[:1])
            if ahead is None or ahead > end:
                break
            self.clock.advance(ahead)
            progress(ahead)
        self.clock.advance(end)
        self._until_quiet()

    def _acts(self) -> list[Act]:
        told = [Act(scene.at, partial(self._tell, scene)) for scene in story.scenes()]
        files = [
            Act(at, partial(self._take_in_payments, at, rows))
            for at, rows in story.bank_files(self._options.borrowers, SEED)
        ]
        return sorted([*told, *files], key=lambda act: act.at)

    def _next_moment(self, acts: Sequence[Act]) -> datetime | None:
        """When something happens next; what is due by itself is rounded up to the half hour."""
        due = self.house.timers.next_due()
        moments = [act.at for act in acts]
        moments += [_rounded_up(due)] if due is not None else []
        return min(moments, default=None)

    def _take_in_payments(self, at: datetime, rows: Sequence[Mapping[str, str]]) -> None:
        file = self.setting.folder / f"payments-{at:%Y-%m-%d}.csv"
        write_payments(file, rows)
        import_payments(
            file,
            self.house.engine,
            self.house.vault,
            IMPORTER,
            as_of=at.astimezone(story.CLOCK).date(),
            errors_path=file.with_name(f"{file.name}.errors.csv"),
        )

    def _tell(self, scene: Scene) -> None:
        known = self._brought.setdefault(scene.case, {})
        answer = self._api.post(scene.path.format_map(known), scene.role, scene.body, scene.key)
        known |= story.brought(answer)
        local = scene.at.astimezone(story.CLOCK).strftime("%d %b %H:%M")
        self.console.print(f"[dim]{local}[/]  the borrower of [bold]{scene.case}[/] {scene.says}")
        for event in answer["events"]:
            if event["type"] == "ContactRefused":
                self.console.print(
                    f"              [yellow]refused[/]: {event['says']} ({event['citation']});"
                    f" {_not_before(event['next_lawful_at'])}"
                )

    def _until_quiet(self) -> None:
        """Wait until the worker has done all that is due now, whatever died meanwhile."""
        while True:
            self.keep_alive()
            with suppress(DatabaseUnavailable):
                if self._runner.is_quiet(self.clock()):
                    return
            time.sleep(QUIET_SECONDS)

    def until_receipts_are_in(self, seconds: float = 60.0) -> None:
        """Wait until every message is told of, where receipts come of themselves."""
        deadline = time.monotonic() + seconds
        while self._missing_receipts() and time.monotonic() < deadline:
            self.keep_alive()
            time.sleep(0.1)

    def _missing_receipts(self) -> int:
        waited_for = reporting(self._options.own, self.house.plugins.channels)
        return missing_receipts(self.summary(), waited_for) if waited_for else 0

    def summary(self) -> Summary:
        return summarise(self.house.engine)

    def sent_by_own(self, summary: Summary) -> dict[str, int]:
        """How many messages of this run went through each of the user's plugins."""
        used = {medium: plugin.use for medium, plugin in self._options.own.items()}
        return sent_through(used, summary.contacts, self._sent_before)


def _not_before(moment: str | None) -> str:
    if moment is None:
        return "until something else changes"
    local = datetime.fromisoformat(moment).astimezone(story.CLOCK)
    return f"not before {local:%d %b %H:%M}"


def _ensure(processes: Sequence[Process]) -> None:
    for process in processes:
        process.ensure()


def _rounded_up(at: datetime) -> datetime:
    seconds = STRIDE.total_seconds()
    return datetime.fromtimestamp(-(-at.timestamp() // seconds) * seconds, UTC)


def _first_lines(source: Path, target: Path, rows: int) -> None:
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for number, line in enumerate(lines):
            if number > rows:
                break
            out.write(line)


@contextmanager
def running(options: Options, console: Console) -> Iterator[Demo]:
    """Start the server, the peers, the API and the worker; stop them all at the end."""
    setting = Setting.prepare(options.data, options.api_port)
    FileClock(setting.clock, start=story.scenes()[0].at)
    with ExitStack() as peers:
        setting.write({name: _channel(name, options, setting, peers) for name in MEDIA})
        with (
            _house(setting, options) as house,
            _processes(setting) as processes,
            Api(setting.api_url, _keys(house, setting), lambda: _ensure(processes)) as api,
        ):
            demo = Demo(
                options=options,
                setting=setting,
                house=house,
                api=api,
                processes=processes,
                console=console,
            )
            api.wait_until_ready()
            yield demo


def _channel(name: str, options: Options, setting: Setting, peers: ExitStack) -> str:
    """The settings of one channel; the peer behind it is started, where it is ours."""
    if name in options.own:
        return setting.own(name, options.own[name])
    if name == "sms":
        callback = f"{setting.api_url}/webhooks/sms"
        return setting.sms(peers.enter_context(GatewayProcess(setting.folder / "sms", callback)))
    if name == "email":
        mailbox = Mailbox(setting.folder / "mail", deduplicates=True)
        return setting.email(peers.enter_context(mailbox))
    return setting.letter()


@contextmanager
def _house(setting: Setting, options: Options) -> Iterator[House]:
    """Raises DemoFailed when a plugin of the user's cannot be used, with the reason."""
    with House.open(read_settings(setting.config), upgrade=True) as house:
        for line in house.plugins.listing:
            if line.instance in options.own and line.state == "broken":
                raise DemoFailed(f"{line.name} cannot be used for {line.instance}: {line.reason}")
        yield house


@contextmanager
def _processes(setting: Setting) -> Iterator[tuple[Process, ...]]:
    environ = {"DUECOURSE_CONFIG": str(setting.config)}
    serve = ["duecourse", "serve", "--port", str(setting.api_port)]
    processes = (
        Process("API", serve, setting.folder / "api.log", environ),
        Process("worker", ["duecourse", "worker"], setting.folder / "worker.log", environ),
    )
    try:
        yield processes
    finally:
        for process in processes:
            process.stop()


def _keys(house: House, setting: Setting) -> dict[str, str]:
    """One key per role, made at the first start and kept beside the demo's settings."""
    keys = read_keys(setting.keys)
    store = ApiKeys(house.database)
    for role in ROLES:
        if role not in keys:
            keys[role] = store.create(f"demo-{role}", role)
            write_private(setting.keys, msgspec.json.encode(keys).decode())
    return keys
