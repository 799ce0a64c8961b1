"""Puts the parts of one process together: store, rules, plugins, clock."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any, Final, Self

from duecourse.case.context import Actor, Context
from duecourse.channels import Channel
from duecourse.flow.clock import FileClock, system_clock
from duecourse.flow.filings import Filings
from duecourse.flow.lanes import lanes_of
from duecourse.flow.outreach import Outreach
from duecourse.flow.polls import Polls
from duecourse.flow.projector import Projector
from duecourse.flow.signals import Signals
from duecourse.flow.worker import Worker
from duecourse.plugins import Plugins
from duecourse.rendering import list_templates
from duecourse.rules.gate import RuleBook
from duecourse.rules.pack import EVERYWHERE, load_pack
from duecourse.rules.treatment import Treatment, load_treatment
from duecourse.settings import Settings, SettingsError
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.embedded import dsn_from_env
from duecourse.store.engine import Engine
from duecourse.store.follower import Follower
from duecourse.store.masterkey import load_master_key
from duecourse.store.migrate import migrate, require_current
from duecourse.store.pace import Pace
from duecourse.store.polls import PollTable
from duecourse.store.rebuild import Rebuild
from duecourse.store.references import References
from duecourse.store.rests import Rests
from duecourse.store.runner import Runner
from duecourse.store.timers import Timers
from duecourse.store.vault import Vault

PACKAGED_POLICY: Final = "house"


def dsn_of(settings: Settings) -> str:
    """The database of the settings, else the embedded one in the data folder, started if need be."""
    if settings.database_url is not None:
        return settings.database_url.reveal()
    return dsn_from_env(settings.data)


def rules_of(book: RuleBook, settings: Settings) -> RuleBook:
    """The packs at hand, with the house policy of the settings in the place of the packaged one.

    It can only tighten: a rule takes away, and no pack can permit what another one forbids.
    Raises SettingsError for a pack of another layer, BadFile or PackError for one that is broken.
    """
    file = settings.house.pack
    if file is None:
        return book
    pack = load_pack(file)
    if pack.layer != "house" or pack.jurisdiction != EVERYWHERE:
        raise SettingsError(
            f'[house] pack: {file.name} must have layer = "house" and jurisdiction = "*"'
        )
    others = tuple(each for each in book.packs if each.name != PACKAGED_POLICY)
    return RuleBook(others).with_packs([pack])


def contents_of(
    channels: Mapping[str, Channel[Any]],
) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """What each template says it contains, by its code, the channel and the language."""
    return {
        (each.code, name, each.language): content
        for each in list_templates()
        for name, channel in channels.items()
        for medium, content in each.contains.items()
        if medium == channel.capabilities.medium
    }


def media_of(channels: Mapping[str, Channel[Any]]) -> dict[str, str]:
    """By which rules each channel is judged: those of its medium, or of a kind of its own."""
    media = {name: channel.capabilities.medium for name, channel in channels.items()}
    return {name: name if medium == "other" else medium for name, medium in media.items()}


def _check_lease(settings: Settings, plugins: Plugins) -> None:
    """A call that outlasts the lease would have another worker ask what became of it."""
    for name, limits in plugins.limits.items():
        if limits.call_seconds * 2 > settings.lease_seconds:
            raise SettingsError(
                f"[channels.{name}.limits] call_seconds {limits.call_seconds:g} is more than half of"
                f" lease_seconds {settings.lease_seconds:g}; lower it, or raise lease_seconds"
            )


class House:
    """Everything a process needs, opened once and closed once."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings = settings
        self.database = database
        self.clock: Callable[[], datetime] = (
            FileClock(settings.clock) if settings.clock else system_clock
        )
        self.clock()  # a broken one is told at the start, not at every turn
        self.treatment: Treatment = load_treatment(settings.treatment)
        self.plugins = Plugins.discover(
            settings.plugin_tables, settings.plugins, folder=settings.plugin_folder
        )
        with ExitStack() as undo:
            # An isolated channel runs already, and must not outlive what cannot be opened.
            undo.callback(self.plugins.close)
            _check_lease(settings, self.plugins)
            self.rules: RuleBook = rules_of(self.plugins.rulebook(), settings)
            self.vault = Vault(database, load_master_key(settings.data))
            undo.pop_all()
        self._licences = {code: each.licence for code, each in settings.creditors.items()}
        self._orders = {
            code: each.allocation
            for code, each in settings.creditors.items()
            if each.allocation is not None
        }
        self._contents = contents_of(self.plugins.channels)
        self._media = media_of(self.plugins.channels)
        self.engine = Engine(database, self.vault, context_for=self.context_for, clock=self.clock)
        self.timers = Timers(database)
        self.rests = Rests(database)
        self.addresses = Addresses(database, self.vault)
        self.references = References(database)
        self.signals = Signals(self.engine, self.references, self.addresses, self.clock)

    @classmethod
    def open(cls, settings: Settings, *, upgrade: bool = False) -> Self:
        """Connect. With `upgrade` missing migrations are run first; else they are an error."""
        dsn = dsn_of(settings)
        if upgrade:
            migrate(dsn)
        else:
            require_current(dsn)
        database = Database(dsn)
        try:
            return cls(settings, database)
        except BaseException:
            database.close()
            raise

    def context_for(self, actor: Actor, at: datetime) -> Context:
        return Context(
            at=at,
            actor=actor,
            rules=self.rules,
            treatment=self.treatment,
            licences=self._licences,
            contents=self._contents,
            media=self._media,
            orders=self._orders,
        )

    def followers(self) -> list[Follower]:
        return [Projector(self.engine, self.timers, self.addresses, self.treatment)]

    def runner(self) -> Runner:
        return Runner(self.database, self.engine, self.followers())

    def rebuild(self, name: str) -> Rebuild:
        """Raises UnknownFollower, or CannotRebuild."""
        runner = self.runner()
        return Rebuild(self.database, self.engine.log, runner, runner.named(name))

    def polls(self) -> Polls:
        return Polls(
            self.plugins.channels,
            PollTable(self.database),
            self.signals,
            engine=self.engine,
            timers=self.timers,
            clock=self.clock,
            lease_seconds=self.settings.lease_seconds,
        )

    def worker(self) -> Worker:
        channels, lease_seconds = self.plugins.channels, self.settings.lease_seconds
        outreach = Outreach(self.engine, channels, self.settings.creditors, self.rules, self.clock)
        return Worker(
            engine=self.engine,
            runner=self.runner(),
            timers=self.timers,
            outreach=outreach,
            lanes=lanes_of(
                channels,
                self.plugins.limits,
                outreach=outreach,
                timers=self.timers,
                pace=Pace(self.database),
                rests=self.rests,
                clock=self.clock,
                lease_seconds=lease_seconds,
            ),
            filings=Filings(self.engine, self.plugins.filings),
            polls=self.polls(),
            clock=self.clock,
            lease_seconds=lease_seconds,
            configured=self.settings.channels,
        )

    def close(self) -> None:
        self.plugins.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
