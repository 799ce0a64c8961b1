"""What the demo did, counted from the log alone."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from duecourse.case import events as e
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.channels import Channel
from duecourse.money.amounts import format_minor
from duecourse.store.engine import Engine

PAGE = 5_000
Counts = dict[str, int]


class Summary(msgspec.Struct, kw_only=True):
    """Equal for equal logs; `events` tells at a glance whether a second run added anything."""

    events: int = 0
    cases: int = 0
    stages: Counts = {}
    permitted: Counts = {}
    refused: Counts = {}
    contacts: Counts = {}
    deliveries: Counts = {}
    allocated_minor: Counts = {}
    filings: int = 0
    plans: Counts = {}
    promises: Counts = {}
    closed: Counts = {}


def summarise(engine: Engine) -> Summary:
    """Fold every case, and count."""
    cases: dict[object, Case] = {}
    permitted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    events, position = 0, 0
    while page := engine.read_log(position, PAGE):
        for recorded in page:
            match recorded.event:
                case e.ContactPermitted(channel=channel):
                    permitted[channel] += 1
                case e.ContactRefused(rule=rule):
                    refused[rule] += 1
                case _:
                    pass
            cases[recorded.case_id] = evolve(cases.get(recorded.case_id), recorded.event)
        events += len(page)
        position = page[-1].position
    return _counted(list(cases.values()), events, permitted, refused)


def _counted(
    cases: list[Case], events: int, permitted: Counter[str], refused: Counter[str]
) -> Summary:
    contacts = [each for case in cases for each in case.contacts.values()]
    payments = [each for case in cases for each in case.payments.values() if not each.reversed]
    allocated: Counter[str] = Counter()
    for payment in payments:
        allocated[payment.currency] += payment.amount_minor - payment.unallocated_minor
    return Summary(
        events=events,
        cases=len(cases),
        stages=_sorted(Counter(case.stage for case in cases)),
        permitted=_sorted(permitted),
        refused=_sorted(refused),
        contacts=_sorted(Counter(f"{each.channel} {each.status}" for each in contacts)),
        deliveries=_sorted(
            Counter(f"{each.channel} {each.delivery}" for each in contacts if each.delivery)
        ),
        allocated_minor=_sorted(allocated),
        filings=sum(each.status == "filed" for case in cases for each in case.referrals.values()),
        plans=_sorted(Counter(plan.status for case in cases for plan in case.plans.values())),
        promises=_sorted(
            Counter(promise.status for case in cases for promise in case.promises.values())
        ),
        closed=_sorted(Counter(case.close_reason for case in cases if case.close_reason)),
    )


def _sorted(counts: Counter[str]) -> Counts:
    return dict(sorted(counts.items()))


def reporting(own: Collection[str], channels: Mapping[str, Channel[Any]]) -> set[str]:
    """The channels that tell by themselves what became of a message.

    Of ours the gateway does; the mailbox and the spool folder wait for somebody. Of the user's
    `own` those do that say so.
    """
    ours = {"sms"} - set(own)
    return ours | {name for name in own if channels[name].capabilities.receipts != "none"}


def missing_receipts(summary: Summary, channels: Collection[str]) -> int:
    """How many messages these channels took and have not told of."""
    taken = sum(summary.contacts.get(f"{name} accepted", 0) for name in channels)
    told = sum(
        count for key, count in summary.deliveries.items() if key.partition(" ")[0] in channels
    )
    return taken - told


def sent_through(own: Mapping[str, str], now: Counts, before: Counts) -> Counts:
    """What was sent since `before` through the user's plugins: `own` has each medium's."""
    return {
        f"{medium} through {plugin}": now.get(f"{medium} accepted", 0)
        - before.get(f"{medium} accepted", 0)
        for medium, plugin in own.items()
    }


def show(summary: Summary, console: Console, own: Counts) -> None:
    """`own` are the messages that went through plugins of the user's."""
    table = Table(title="What happened", show_header=False)
    table.add_row("cases", str(summary.cases))
    table.add_row("by stage", _line(summary.stages))
    table.add_row("contacts permitted", _line(summary.permitted))
    table.add_row("contacts refused, by rule", _line(summary.refused))
    table.add_row("what became of them", _line(summary.contacts))
    table.add_row("receipts", _line(summary.deliveries))
    if own:
        table.add_row("sent in this run", _line(own))
    money = {key: format_minor(minor, key) for key, minor in summary.allocated_minor.items()}
    table.add_row("money allocated", ", ".join(f"{text} {key}" for key, text in money.items()))
    table.add_row("plans", _line(summary.plans))
    table.add_row("promises", _line(summary.promises))
    table.add_row("closed", _line(summary.closed))
    table.add_row("claims filed", str(summary.filings))
    table.add_row("events in the log", str(summary.events))
    console.print(table)


def _line(counts: Counts) -> str:
    return ", ".join(f"{key} {count}" for key, count in counts.items()) or "none"
