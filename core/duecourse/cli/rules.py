"""The rules of contact: listed, explained, and asked about a contact that nobody has to make."""

import sys
from collections.abc import Iterator
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import rich_click as click
from msgspec.structs import fields, replace
from rich.console import Console

from duecourse.cli.lazy import LazyGroup
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
from duecourse.flow.house import rules_of
from duecourse.input_words import misfit
from duecourse.plugins import Plugins
from duecourse.rules.casefile import CaseFile, check_names, read_case
from duecourse.rules.clock import find_zone, is_aware
from duecourse.rules.gate import Place, Situation, Verdict, judge
from duecourse.rules.kinds import Rule, RuleData, Vector
from duecourse.rules.names import Names, names_of
from duecourse.rules.pack import EVERYWHERE, Pack, RuleBook, load_pack
from duecourse.rules.places import lies_within
from duecourse.rules.toml_files import BadFile

NOT_PERMITTED: Final = 3
_MAX_CASE_BYTES: Final = 10_000_000


@click.group(cls=LazyGroup, lazy={"backtest": "backtest:backtest"})
def rules() -> None:
    """The rules of contact."""


def rulebook(settings: ReadSettings) -> RuleBook:
    """What the worker judges by: packaged packs, those of plugins, and the policy of the settings."""
    read = settings.without_data()
    return rules_of(Plugins.discover({}, read.plugins, folder=read.plugin_folder).rulebook(), read)


@rules.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_rules(settings: ReadSettings, *, as_json: bool) -> None:
    """List every rule with its source and how sure we are of it."""
    packs = rulebook(settings).packs
    if as_json:
        click.echo(msgspec.json.encode(packs))
        return
    rows = (
        (
            f"{pack.name} {pack.version}",
            pack.name_of(rule),
            rule.says,
            rule.citation,
            rule.confidence,
            str(rule.effective_from),
        )
        for pack in packs
        for rule in pack.rules
    )
    show(("pack", "rule", "says", "citation", "confidence", "from"), rows, ids=("rule",))


# --- explain ---------------------------------------------------------------------------------


@rules.command("explain")
@click.argument("rule_id")
@click.pass_obj
def explain_rule(settings: ReadSettings, rule_id: str) -> None:
    """Say all about one rule: its words, source, parameters and examples."""
    packs = rulebook(settings).packs
    known = {pack.name_of(rule): (pack, rule) for pack in packs for rule in pack.rules}
    if rule_id not in known:
        near = get_close_matches(rule_id, known, n=3, cutoff=0.3)
        hint = f"perhaps {', '.join(near)}" if near else "see `duecourse rules list`"
        raise click.UsageError(f"RULE_ID: there is no rule {rule_id!r}; {hint}")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in _explained(*known[rule_id], rule_id):
        console.print(line)


def _explained(pack: Pack, rule: Rule, name: str) -> Iterator[str]:
    until = f" until {rule.effective_to}" if rule.effective_to else ""
    yield f"{name}: {rule.says}"
    if rule.zh is not None:
        yield f"in Chinese: {rule.zh.says}"
    yield f"source: {rule.citation} (confidence {rule.confidence})"
    yield f"pack: {pack.name} {pack.version}, {pack.title}"
    yield f"in force: from {rule.effective_from}{until}, on the debtor's clock"
    yield f"answers: {rule.outcome}, about: {', '.join(rule.acts)}"
    but = f", but not {', '.join(rule.except_channels)}" if rule.except_channels else ""
    yield f"channels: {', '.join(rule.channels)}{but}"
    if conditions := _differing(rule.when, ()):
        yield f"only when: {conditions}"
    common = {field.name for field in fields(RuleData)}
    if parameters := _differing(rule, common):
        yield f"{_kind(rule)}: {parameters}"
    if rule.note:
        yield f"note: {rule.note}"
    yield "examples:"
    for vector in rule.vectors:
        yield f"  {_example(vector)}"


def _kind(rule: Rule) -> str:
    return str(msgspec.to_builtins(rule)["kind"])


def _differing(struct: msgspec.Struct, without: set[str] | tuple[str, ...]) -> str:
    """The fields that are not at their defaults, as `name = value`."""
    shown = {
        field.name: getattr(struct, field.name)
        for field in fields(struct)
        if field.name not in without and getattr(struct, field.name) != field.default
    }
    plain = msgspec.to_builtins({name: value for name, value in shown.items() if value})
    return ", ".join(f"{name} = {_value(value)}" for name, value in plain.items())


def _value(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _example(vector: Vector) -> str:
    after = f", next {vector.next}" if vector.next else ""
    others = _differing(vector, {"at", "expect", "next"})
    return f"{vector.at}: {vector.expect}{after}{f' ({others})' if others else ''}"


# --- check -----------------------------------------------------------------------------------


@rules.command("check")
@click.option(
    "--pack",
    "packs",
    multiple=True,
    metavar="NAME|FILE",
    help="A pack that is installed, or one of your own. May be given again. Default: all installed.",
)
@click.option("--channel", required=True, help="call, sms, email, letter, visit, …")
@click.option("--at", required=True, metavar="RFC3339", help="2026-03-02T21:00:00+08:00")
@click.option(
    "--tz", "time_zone", required=True, metavar="ZONE", help="The debtor's: Asia/Shanghai."
)
@click.option(
    "--case",
    "case_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What else is known, as JSON; see docs/rules.md.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def check(
    settings: ReadSettings,
    *,
    packs: tuple[str, ...],
    channel: str,
    at: str,
    time_zone: str,
    case_file: Path | None,
    as_json: bool,
) -> None:
    """May this contact be made? Exits with 0 when it may, with 3 when not. Needs no database."""
    installed = rulebook(settings)
    try:
        book = book_of(packs, installed)
        names = names_of(rule for pack in installed.packs + book.packs for rule in pack.rules)
        case = CaseFile() if case_file is None else _read(case_file, names)
        moment, zone = read_moment(at), _zone("--tz", time_zone)
        wanted = _placed(case, book, _channel(channel, names), zone.key)
    except BadFile as bad:
        raise click.UsageError(str(bad)) from bad
    verdict = judge(book, wanted, moment)
    if as_json:
        click.echo(msgspec.json.encode(_as_json(verdict, moment)))
    else:
        _print(verdict, zone)
    sys.exit(0 if verdict.permitted else NOT_PERMITTED)


def book_of(names: tuple[str, ...], installed: RuleBook, option: str = "--pack") -> RuleBook:
    """The chosen packs, and always the principles that hold everywhere."""
    if not names:
        return installed
    by_name = {pack.name: pack for pack in installed.packs}
    chosen = [_pack(name, by_name, option) for name in dict.fromkeys(names) if name != "core"]
    return RuleBook((by_name["core"],)).with_packs(chosen)


def _pack(name: str, installed: dict[str, Pack], option: str) -> Pack:
    if name in installed:
        return installed[name]
    file = Path(name)
    if not file.is_file():
        _wrong(
            option,
            f"{name!r} is no file and no installed pack",
            f"those are {', '.join(installed)}",
        )
    return load_pack(file)


def _read(file: Path, names: Names) -> CaseFile:
    if file.stat().st_size > _MAX_CASE_BYTES:
        _wrong("--case", f"larger than {_MAX_CASE_BYTES} bytes", "leave out old contacts")
    try:
        case = read_case(file.read_bytes(), file.name)
    except msgspec.ValidationError as error:
        wrong = misfit(error, CaseFile)
        raise BadFile(f"{file.name}: {wrong}; see docs/rules.md") from error
    check_names(case, names, file.name)
    for number, place in enumerate(case.other_places):
        _zone(f"{file.name}: other_places[{number}].time_zone", place.time_zone)
    return case


def read_moment(at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        _wrong("--at", f"{at!r} is no moment", "write it like 2026-03-02T21:00:00+08:00")
    if not is_aware(moment):
        _wrong("--at", f"{at!r} has no offset", "add one, as in 2026-03-02T21:00:00+08:00")
    if moment.year not in range(1900, 9000):
        _wrong("--at", f"{at!r} is out of all reason", "take a year from 1900 to 8999")
    return moment


def _zone(field: str, name: str) -> ZoneInfo:
    zone = find_zone(name)
    if zone is None:
        _wrong(field, f"there is no time zone {name!r}", "use an IANA name, such as Asia/Shanghai")
    return zone


def _channel(name: str, names: Names) -> str:
    if name not in names.channels:
        there_are = ", ".join(sorted(names.channels))
        _wrong("--channel", f"no rule knows the channel {name!r}", f"there are {there_are}")
    return name


def _placed(case: CaseFile, book: RuleBook, channel: str, time_zone: str) -> Situation:
    """Without a place in the case, the debtor lives where the chosen packs hold: in any of them."""
    situation = case.situation(channel, time_zone)
    if case.jurisdiction:
        return situation
    law = {
        pack.jurisdiction: pack
        for pack in book.packs
        if pack.jurisdiction != EVERYWHERE and not pack.base
    }
    narrow = [
        place
        for place in law
        if not any(other != place and lies_within(other, place, frozenset()) for other in law)
    ]
    if not narrow:
        _wrong(
            "jurisdiction", "not known", "name it in the --case file, or choose a --pack of a place"
        )
    others = tuple(Place(jurisdiction=place, time_zone=time_zone) for place in narrow[1:])
    return replace(
        situation, jurisdiction=narrow[0], other_places=(*others, *situation.other_places)
    )


def _wrong(field: str, what: str, fix: str) -> NoReturn:
    raise click.UsageError(f"{field}: {what}; {fix}")


def _as_json(verdict: Verdict, at: datetime) -> dict[str, object]:
    return {"permitted": verdict.permitted, "at": at} | msgspec.structs.asdict(verdict)


def _print(verdict: Verdict, zone: ZoneInfo) -> None:
    click.echo(f"{'permitted' if verdict.permitted else 'not permitted'}: {verdict.outcome}")
    if not verdict.permitted:
        click.echo(f"next lawful moment: {_shown(verdict.next_lawful_at, zone)}")
    rows = (
        (
            finding.outcome,
            finding.rule,
            finding.says,
            finding.citation,
            finding.confidence,
            _shown(finding.next_lawful_at, zone),
            ", ".join(f"{key}: {value}" for key, value in finding.inputs.items()),
        )
        for finding in verdict.findings
    )
    headers = ("outcome", "rule", "says", "citation", "confidence", "until", "inputs")
    if verdict.findings:
        show(headers, rows, ids=("rule",))


def _shown(moment: datetime | None, zone: ZoneInfo) -> str:
    return "not known" if moment is None else moment.astimezone(zone).isoformat()
