"""`duecourse doctor`: what runs where, and what is missing."""

import sys
import time
from datetime import date, timedelta
from typing import Final

import rich_click as click
from rich.console import Console
from rich.text import Text

from duecourse.case.words import MANUAL_CHANNELS
from duecourse.cli.settings import ReadSettings
from duecourse.flow.house import House, dsn_of
from duecourse.plugins import Plugins, PluginStatus
from duecourse.rules.kinds import ContactHours
from duecourse.rules.pack import RuleBook
from duecourse.rules.treatment import load_treatment
from duecourse.settings import Settings
from duecourse.store.embedded import Description, EmbeddedError, describe
from duecourse.store.migrate import pending, require_current

OVERDUE: Final = timedelta(minutes=1)
"""What is due for longer, and with nobody, waits for a worker that does not run."""
SECOND_LOOK: Final = 2.0
"""A worker that runs has taken something by then."""
TELL_BEFORE: Final = timedelta(days=180)
"""How long before the end of a calendar of holidays that is said."""


class Report:
    """Lines for people; those that tell of trouble are red."""

    def __init__(self) -> None:
        self.is_well = True
        self._console = Console(soft_wrap=True)

    def say(self, line: str) -> None:
        # As text: a bracket in it, as in [channels.sms], is no style of rich's.
        self._console.print(Text(line))

    def trouble(self, line: str) -> None:
        self.is_well = False
        self._console.print(Text(line, "red"))


@click.command()
@click.pass_obj
def doctor(settings: ReadSettings) -> None:
    """Say what runs where, and what is missing. Exits with 1 when something is."""
    read = settings.anew()
    report = Report()
    found = describe(read.data)
    report.say(f"data folder: {found.data}")
    report.say(f"database: {_database(read, found)}")
    if found.problem and read.database_url is None:
        raise EmbeddedError(found.problem)
    settings(first_key=True)
    waiting = pending(dsn_of(read))
    if waiting:
        report.trouble(f"migrations to run: {', '.join(waiting)} (duecourse migrate)")
    else:
        require_current(dsn_of(read))
    can_judge = _look_at_plugins(read, report)
    if can_judge and not waiting:
        with House.open(settings()) as house:
            _look_at_calendars(house.rules, house.clock().date(), report)
            _look_at_followers(house, report)
            _look_for_a_worker(house, report)
    sys.exit(0 if report.is_well else 1)


def _database(settings: Settings, found: Description) -> str:
    if settings.database_url is not None:
        return "the server that the settings name"
    if found.binaries is None:
        return "embedded, and nothing here can run it"
    server = f"embedded, PostgreSQL {found.binaries.version} from {found.binaries.folder}"
    if found.running is None:
        return f"{server}, not running: it is started when it is needed"
    return f"{server}, running as process {found.running.server}"


def _look_at_plugins(settings: Settings, report: Report) -> bool:
    """Say what is broken, and what the schedule sends by. Returns whether the rules are whole."""
    plugins = Plugins.discover(
        settings.plugin_tables, settings.plugins, folder=settings.plugin_folder
    )
    plugins.close()
    for line in plugins.listing:
        if line.state == "broken":
            report.trouble(f"{_named(line)}: {line.reason}")
    if plugins.missing:
        report.trouble("until that is mended neither the API nor a worker starts")
    schedule = load_treatment(settings.treatment)
    used = {step.channel for step in schedule.steps} - {""} - MANUAL_CHANNELS
    if absent := sorted(used - plugins.channels.keys()):
        report.trouble(
            f"the schedule {schedule.name} sends by {', '.join(absent)}, which the settings do not"
            f" configure: add [channels.{absent[0]}]"
        )
    return not plugins.missing


def _named(line: PluginStatus) -> str:
    kind = "rule pack" if line.kind == "rules" else "plugin"
    return f"{kind} {line.name} as {line.instance}" if line.instance else f"{kind} {line.name}"


def _look_at_calendars(rules: RuleBook, today: date, report: Report) -> None:
    """Where the holidays are not known nobody is contacted: that is told in good time."""
    for pack in rules.packs:
        for calendar in pack.calendars:
            bound = [
                pack.name_of(rule)
                for rule in pack.rules
                if isinstance(rule, ContactHours) and rule.calendar == calendar.name
            ]
            if not bound or today <= calendar.covers_to - TELL_BEFORE:
                continue
            tell = report.say if calendar.covers(today) else report.trouble
            tell(
                f"rule pack {pack.name}: its holidays {calendar.name} are known until"
                f" {calendar.covers_to}; after that nobody is contacted where these apply:"
                f" {', '.join(bound)}"
            )


def _look_at_followers(house: House, report: Report) -> None:
    for each in house.runner().lag():
        behind = each.events > 0 and each.seconds > OVERDUE.total_seconds()
        tell = report.trouble if each.parked or behind else report.say
        tell(
            f"follower {each.name}: {each.events} events behind ({each.seconds:.0f} s),"
            f" {each.parked} cases parked"
        )


def _resting(house: House, report: Report) -> list[str]:
    """The channels that rest, or are just tried again: what waits for these lacks no worker."""
    due = house.timers.due_by_lane(house.clock())
    names = []
    for name in house.plugins.channels:
        rest = house.rests.of(name)
        if rest is None or rest.seconds < -OVERDUE.total_seconds():
            continue
        names.append(name)
        report.trouble(
            f"channel {name}: it rests until {rest.until:%Y-%m-%d %H:%M:%S} UTC, and"
            f" {due.get(name, 0)} messages wait for it: {rest.reason} (duecourse channels list)"
        )
    return names


def _look_for_a_worker(house: House, report: Report) -> None:
    """Nobody registers as a worker: that none runs is seen by what is left undone."""
    resting = _resting(house, report)
    waits = house.timers.unclaimed(house.clock() - OVERDUE, resting)
    if waits:
        time.sleep(SECOND_LOOK)
        waits = min(waits, house.timers.unclaimed(house.clock() - OVERDUE, resting))
    if waits:
        report.trouble(
            f"worker: {waits} things are due for more than a minute and nobody does them;"
            " start one, or one more (duecourse worker)"
        )
    else:
        report.say("worker: nothing waits for one")
