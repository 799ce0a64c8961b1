"""Rule packs: the dated, cited rules of one jurisdiction, with examples that prove them.

A pack whose examples are missing or do not come out as written does not load.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

import msgspec

from duecourse.rules.clock import find_zone, now
from duecourse.rules.hours import Calendar
from duecourse.rules.kinds import ContactHours, Counter, QuietHours, Rule, Vector, VectorContact
from duecourse.rules.names import Names, names_of
from duecourse.rules.places import lies_within
from duecourse.rules.predicates import Origin, Standing, speak
from duecourse.rules.situation import PastContact, Situation
from duecourse.rules.toml_files import BadFile, read

EVERYWHERE: Final = "*"
MAX_PACKS: Final = 500

PackName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Jurisdiction = Annotated[str, msgspec.Meta(pattern=r"^(\*|[A-Z]{2}(-[A-Z0-9]{1,3})?)$")]


class PackError(BadFile):
    """A pack that must not be used. Names the pack, the rule and the example."""


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Rules that hold together. `jurisdiction` is ISO 3166, `EU`, or `*`: wherever the debtor lives.

    They bind in every part of the place (`US` in `US-MA`) and in its `members`. With `base` they
    are no place's whole law: where only bases apply, the law is not known.

    In force from and until, both days included, on the debtor's clock. `time_zone` is the clock
    of the examples. `layer` says whose rules these are; it orders findings, and changes no answer.
    """

    name: PackName
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    jurisdiction: Jurisdiction
    layer: Literal["core", "law", "house"] = "law"
    time_zone: str
    effective_from: date
    effective_to: date | None = None
    note: str = ""
    members: Annotated[frozenset[Jurisdiction], msgspec.Meta(max_length=300)] = frozenset()
    base: bool = False
    calendars: Annotated[tuple[Calendar, ...], msgspec.Meta(max_length=50)] = ()
    rules: Annotated[tuple[Rule, ...], msgspec.Meta(min_length=1, max_length=500)]

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )

    def covers(self, jurisdiction: str) -> bool:
        return lies_within(jurisdiction, self.jurisdiction, self.members)

    def name_of(self, rule: Rule) -> str:
        """What a finding calls the rule: `cn.quiet_hours`."""
        return f"{self.origin.prefix}{rule.id}"

    @cached_property
    def origin(self) -> Origin:
        # The core's own rules are called by their plain names.
        prefix = "" if self.layer == "core" else f"{self.name}."
        calendars = {calendar.name: calendar for calendar in self.calendars}
        return Origin(prefix, f"{self.name} {self.version}", self.layer, calendars)

    @cached_property
    def standing(self) -> tuple[Standing, ...]:
        return tuple(Standing.of(rule, self.origin) for rule in self.rules)


class Asked(msgspec.Struct, frozen=True):
    """The rules that one act is put to, and whether the place has a law of its own among them."""

    rules: tuple[Standing, ...]
    own_law: bool


class RuleBook(msgspec.Struct, frozen=True, dict=True):
    """The packs in use: some by jurisdiction, some everywhere."""

    packs: tuple[Pack, ...] = ()

    def asked(self, jurisdiction: str, act: str, channel: str, day: date) -> Asked:
        """Whom an act has to ask on the debtor's day; looked up, as few days differ from others."""
        since = self._turns[bisect_right(self._turns, day) - 1]
        return self._asked(jurisdiction, act, channel, since)

    @cached_property
    def _turns(self) -> list[date]:
        """The days from which on other rules are in force than on the day before, sorted."""
        dated = [each for pack in self.packs for each in (pack, *pack.rules)]
        ends = {each.effective_to for each in dated} - {None, date.max}
        return sorted(
            {date.min}
            | {each.effective_from for each in dated}
            | {end + timedelta(days=1) for end in ends if end is not None}
        )

    @cached_property
    def _asked(self) -> Callable[[str, str, str, date], Asked]:
        return lru_cache(maxsize=4096)(self._find_asked)

    def _find_asked(self, jurisdiction: str, act: str, channel: str, day: date) -> Asked:
        standing = tuple(
            each
            for pack in self.applying(jurisdiction)
            if pack.in_force(day)
            for each in pack.standing
            if each.rule.in_force(day) and each.rule.is_about(act, channel)
        )
        own_law = any(
            pack.jurisdiction == jurisdiction and pack.in_force(day)
            for pack in self.law_of(jurisdiction)
        )
        return Asked(standing, own_law)

    @cached_property
    def names(self) -> Names:
        """The words that the rules of this book look for."""
        return names_of(rule for pack in self.packs for rule in pack.rules)

    def reach(self, act: str, channel: str) -> timedelta:
        """How long ago a contact can have ended that still matters to such an act."""
        return self._reach(act, channel)

    @cached_property
    def _reach(self) -> Callable[[str, str], timedelta]:
        return lru_cache(maxsize=1024)(self._find_reach)

    def _find_reach(self, act: str, channel: str) -> timedelta:
        counters = (
            rule
            for pack in self.packs
            for rule in pack.rules
            if isinstance(rule, Counter) and rule.is_about(act, channel)
        )
        return max((counter.reach for counter in counters), default=timedelta(0))

    def applying(self, jurisdiction: str) -> tuple[Pack, ...]:
        return tuple(
            p for p in self.packs if p.jurisdiction == EVERYWHERE or p.covers(jurisdiction)
        )

    def law_of(self, jurisdiction: str) -> tuple[Pack, ...]:
        """The packs of that place and of those it lies in; without any, its law is not known."""
        if jurisdiction == EVERYWHERE:
            return ()
        return tuple(
            p for p in self.packs if p.layer == "law" and not p.base and p.covers(jurisdiction)
        )

    def with_packs(self, packs: Iterable[Pack]) -> Self:
        """Return a book that has these packs as well. Raises PackError for a name twice."""
        together = (*self.packs, *packs)
        names = [pack.name for pack in together]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise PackError(f"pack {twice[0]}: there are two of this name; rename one")
        return type(self)(together)


def load_rulebook(extra: Path | None = None) -> RuleBook:
    """Load the packaged packs, and those of `extra`: a TOML file, or a folder of them.

    Raises BadFile for a pack that cannot be read and PackError for one whose examples fail.
    """
    packaged = _toml_in(resources.files("duecourse.rules") / "packs")
    book = RuleBook().with_packs(map(load_pack, packaged))
    if extra is None:
        return book
    return book.with_packs(map(load_pack, _toml_in(extra) if extra.is_dir() else [extra]))


def load_pack(file: Traversable) -> Pack:
    """Read one pack and try its examples. Raises BadFile or PackError."""
    pack = read(file, Pack)
    check_pack(pack)
    return pack


def _toml_in(folder: Traversable) -> list[Traversable]:
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name
    )
    if len(files) > MAX_PACKS:
        raise PackError(f"{folder.name}: more than {MAX_PACKS} packs")
    return files


def check_pack(pack: Pack) -> None:
    """Try every example of every rule. Raises PackError at the first that does not come out."""
    names = {calendar.name for calendar in pack.calendars}
    seen: set[str] = set()
    for rule in pack.rules:
        where = f"pack {pack.name}, rule {rule.id}"
        if rule.id in seen:
            raise PackError(f"{where}: there are two rules of this id")
        seen.add(rule.id)
        _check_rule(rule, names, where)
        expected = {vector.expect for vector in rule.vectors}
        for needed in ("allow", rule.outcome):
            if needed not in expected:
                raise PackError(f'{where}: has no vector with expect = "{needed}"; add one')
        for number, vector in enumerate(rule.vectors, 1):
            _try(rule, vector, pack, f"{where}, vector {number} ({vector.at})")


def _check_rule(rule: Rule, calendars: set[str], where: str) -> None:
    if rule.effective_to is not None and rule.effective_to < rule.effective_from:
        raise PackError(f"{where}: effective_to lies before effective_from")
    if isinstance(rule, ContactHours) and rule.calendar not in calendars | {""}:
        raise PackError(f"{where}: the pack has no calendar {rule.calendar!r}; add it")
    if isinstance(rule, ContactHours | QuietHours) and rule.agreement and rule.confidence == "C":
        raise PackError(
            f"{where}: confidence C may only tighten; leave out `agreement`, or read the source"
        )


def _try(rule: Rule, vector: Vector, pack: Pack, where: str) -> None:
    zone = find_zone(vector.time_zone or pack.time_zone)
    if zone is None:
        raise PackError(f"{where}: no such time zone: {vector.time_zone or pack.time_zone!r}")
    moment = _moment(vector.at, zone, vector.fold, where)
    finding = speak(rule, _situation(vector, rule, zone), now(moment, zone), pack.origin)
    answer = "allow" if finding is None else finding.outcome
    if answer != vector.expect:
        raise PackError(f"{where}: expected {vector.expect}, but the rule says {answer}")
    said = finding.next_lawful_at if finding is not None else None
    wanted = None if vector.next is None else _moment(vector.next, zone, 0, where)
    if wanted is not None and said != wanted:
        shown = "no moment" if said is None else said.astimezone(zone).replace(tzinfo=None)
        raise PackError(f"{where}: expected next = {vector.next}, but the rule says {shown}")


def _moment(local: datetime, zone: ZoneInfo, fold: int, where: str) -> datetime:
    moment = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) != local:
        raise PackError(f"{where}: clocks in {zone.key} never show {local}")
    return moment


def _situation(vector: Vector, rule: Rule, zone: ZoneInfo) -> Situation:
    """The act of an example. Without a channel it is the first that the rule names."""
    channel = vector.channel or (rule.channels[0] if rule.channels[0] != "*" else "sms")
    return Situation(
        act=vector.act or rule.acts[0],
        channel=channel,
        point_id=vector.point_id,
        holder=vector.holder,
        jurisdiction="",
        time_zone=zone.key,
        stage="closed" if vector.is_closed else vector.stage,
        is_closed=vector.is_closed,
        has_debt=vector.has_debt,
        holds=vector.holds,
        opted_out=vector.opted_out,
        past=tuple(_past(contact, zone) for contact in vector.past),
        licence=vector.licence,
        debt_types=vector.debt_types,
        limitation=vector.limitation,
        debts=vector.debts,
        accounts=vector.accounts,
        point_use=vector.point_use,
        refused_media=vector.refused_media,
        consents=vector.consents,
        agreed_hours=vector.agreed_hours,
        content=vector.content,
        facts=vector.facts,
        arrangements=vector.arrangements,
        due_on=vector.due_on,
    )


def _past(contact: VectorContact, zone: ZoneInfo) -> PastContact:
    consented = contact.consented_at
    return PastContact(
        at=contact.at.replace(tzinfo=zone),
        channel=contact.channel,
        point_id=contact.point_id,
        initiator=contact.initiator,
        kind=contact.kind,
        party=contact.party,
        debts=contact.debts,
        accounts=contact.accounts,
        by=contact.by,
        number_reached=contact.number_reached,
        consented_at=None if consented is None else consented.replace(tzinfo=zone),
    )
