"""Collectors, careless and hostile, who try to reach debtors under a virtual clock.

They ask the real decisions, one life of a case after the other. A witness who knows the law on its
own hears every event, and what it calls unlawful is kept with the seed of that life.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cache
from itertools import pairwise
from random import Random
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from meddling import Meddling
from strategies import (
    CHANNELS,
    CONTACTS_PER_LIFE,
    CONTENTS,
    CREDITOR,
    DAY,
    EDGES,
    FROM,
    KINDS,
    LICENCES,
    MINUTE,
    PLACES,
    POINTS,
    SECOND,
    STRATEGIES,
    TEMPLATES,
    TO,
    Place,
    Tally,
)
from witness import Witness

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.case.words import ConversationOutcome
from duecourse.rules.gate import RuleBook
from duecourse.rules.treatment import Treatment
from duecourse.testing import COLLECTOR

DECLARED = {
    (template, channel, "zh"): content
    for template, content in CONTENTS.items()
    for channel in KINDS
}

OUTCOMES: Sequence[ConversationOutcome] = (
    "no_answer", "busy", "voicemail", "hung_up", "right_party_contact", "asked_to_stop",
    "wrong_party", "disputes_debt",
)  # fmt: skip

Party = Literal["debtor", "representative", "third_party", "nobody"]
PARTIES: Mapping[str, Party] = {"friend": "third_party", "lawyer": "representative"}


class Life(Meddling):
    """One case and one collector."""

    def __init__(
        self, seed: str, book: RuleBook, treatment: Treatment, places: Sequence[Place], tally: Tally
    ) -> None:
        self.seed, self.book, self.treatment, self.tally = seed, book, treatment, tally
        self.pick = Random(seed)
        self.strategy = self.pick.choice(list(STRATEGIES))
        self.home = self.pick.choice(places)
        self.at = FROM + self.pick.random() * (TO - FROM)
        self.next_at: datetime | None = None
        self.target: tuple[str, str] = ("", "")
        self.ids = 0
        self.asked = 0
        self.licence = self.pick.choice(LICENCES)
        house = any(pack.name == "house" for pack in book.packs)
        self.witness = Witness(house=house, licence=self.licence)
        self.case: Case | None = None
        self.waits = self._chances("wait_")
        self.deeds = self._chances("do_")
        self._open()

    def _open(self) -> None:
        debtor = e.Debtor(name="Fictional", jurisdiction=self.home[0], time_zone=self.home[1])
        self.do(
            c.OpenCase(
                creditor=CREDITOR,
                creditor_name="Fictional Bank",
                subject_id=UUID(int=1),
                borrower_ref="B-1",
                debtor=debtor,
                contact_points=POINTS,
                debts=(self.debt(), self.debt()),
            )
        )
        if self.pick.random() < 0.5:
            self.consent("tcpa")

    def _chances(self, kind: str) -> tuple[list[str], list[int]]:
        chosen = {
            name: chance
            for name, chance in STRATEGIES[self.strategy].items()
            if name.startswith(kind)
        }
        return list(chosen), list(chosen.values())

    def live(self, contacts: int) -> None:
        while self.asked < contacts:
            for names, chances in (self.waits, self.deeds):
                getattr(self, self.pick.choices(names, chances)[0])()
            if self.pick.random() < 0.06:
                self.make_peace()

    # --- asking ------------------------------------------------------------------------------

    def do(self, command: c.Command, actor: Actor = COLLECTOR) -> list[e.Event]:
        """The real decision; a senseless ask is none."""
        context = Context(
            at=self.at,
            actor=actor,
            rules=self.book,
            treatment=self.treatment,
            licences={CREDITOR: self.licence},
            contents=DECLARED,
        )
        try:
            events = decide(self.case, command, context)
        except CaseError:
            self.tally.answers["senseless"] += 1
            return []
        for event in events:
            self.case = evolve(self.case, event)
            self._note(event)
            for broken in self.witness.told(event):
                self._keep(event, broken)
        return events

    def _note(self, event: e.Event) -> None:
        match event:
            case e.ContactRefused():
                self.next_at = event.next_lawful_at
                self.tally.answers[f"refused at {event.moment}"] += 1
                self.tally.refused_by[event.rule] += 1
            case e.ContactPermitted():
                self.tally.answers["permitted"] += 1
            case e.ContactCancelled():
                self.tally.answers["cancelled"] += 1
            case e.ContactDispatching():
                self.tally.answers["left"] += 1
                self.tally.left[self.current.debtor.jurisdiction] += 1
                self.tally.by[self.strategy] += 1
            case _:
                pass

    def _keep(self, event: e.Event, broken: str) -> None:
        self.tally.unlawful.append(
            f"{broken}; {type(event).__name__} at {event.at}, {self.witness.places},"
            f" {self.strategy}, seed {self.seed}"
        )

    @property
    def current(self) -> Case:
        assert self.case is not None
        return self.case

    def new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    # --- waiting -----------------------------------------------------------------------------

    def wait_second(self) -> None:
        self.at += self.pick.randint(0, 90) * SECOND

    def wait_minutes(self) -> None:
        self.at += self.pick.randint(1, 90) * MINUTE

    def wait_hours(self) -> None:
        self.at += self.pick.randint(1, 60) * 37 * MINUTE

    def wait_edge(self) -> None:
        """To a moment at which hours begin or end, today or on a day that is out of the common."""
        zone = ZoneInfo(self.home[1])
        today = self.at.astimezone(zone).date()
        days = [today, today, today + DAY, *_special_days(self.home[1], today)]
        edges = [datetime.combine(self.pick.choice(days), self.pick.choice(EDGES), zone)]
        edges += [datetime.combine(today, edge, zone) for edge in EDGES]
        later = [edge for edge in edges if edge > self.at]
        edge = (later or [datetime.combine(today + DAY, EDGES[0], zone)])[0]
        self._until(edge.astimezone(UTC))

    def wait_expiry(self) -> None:
        ends = [each.expires_at for each in self.witness.permits.values()]
        self._until(self.pick.choice(ends) if ends else self.at + 5 * MINUTE)

    def wait_next(self) -> None:
        """Until it is lawful again, as the refusal said."""
        self._until(self.next_at or self.at + self.pick.randint(1, 600) * MINUTE)
        self.next_at = None

    def _until(self, moment: datetime) -> None:
        near = moment + self.pick.choice([-1, 0, 0, 1, 59]) * SECOND
        self.at = max(self.at, near.replace(microsecond=0))

    # --- doing -------------------------------------------------------------------------------

    def do_ask(self, channel: str = "", point_id: str | None = None) -> UUID:
        channel = channel or self.pick.choice(CHANNELS)
        point = self.point_for(channel) if point_id is None else point_id
        contact_id = self.new_id()
        self.do(
            c.RequestContact(
                contact_id=contact_id,
                channel=channel,
                template=self.pick.choice(TEMPLATES),
                point_id=point,
                debts=self.some_debts(),
            )
        )
        self.asked += 1
        self.tally.asked += 1
        return contact_id

    def point_for(self, channel: str) -> str:
        """Mostly one that fits; now and then one of another kind, or whichever comes first."""
        fitting = [p.point_id for p in self.current.points.values() if p.kind == KINDS[channel]]
        chance = self.pick.random()
        if chance < 0.1 or not fitting:
            return ""
        return self.pick.choice(fitting) if chance < 0.97 else "mail"

    def some_debts(self) -> tuple[UUID, ...]:
        """None is all of them; mostly one that is owed."""
        accounts = self.current.debts
        owed = [key for key, each in accounts.items() if each.outstanding.total]
        chance = self.pick.random()
        if chance < 0.5 or not owed:
            return ()
        return (self.pick.choice(owed if chance < 0.95 else list(accounts)),)

    def do_send(self, channel: str = "", point_id: str | None = None) -> None:
        """Ask, and use it at once: a machine sends or dials, a person calls and writes it down."""
        contact_id = self.do_ask(channel, point_id)
        contact = self.current.contacts.get(contact_id)
        if contact is None or contact.status != "permitted":
            return
        if contact.channel in {"call", "visit"} and self.pick.random() < 0.6:
            self.log(contact.channel, contact.point_id, contact.debts)
            return
        self.use(contact_id)
        if self.pick.random() < 0.8:
            self.do(c.RecordAccepted(contact_id=contact_id, reference="ref"))

    def do_use(self) -> None:
        """Any contact, whatever became of it: most have no permission any more."""
        permitted = [key for key in self.witness.permits if isinstance(key, UUID)]
        known = list(self.current.contacts)
        if permitted and self.pick.random() < 0.85:
            self.use(self.pick.choice(permitted))
        elif known:
            self.use(self.pick.choice(known))

    def use(self, contact_id: UUID) -> None:
        self.do(c.StartDispatch(contact_id=contact_id, plugin="any", body_sha256="ab" * 32))

    def do_hammer(self) -> None:
        """The same address on the same channel, a few times on end."""
        if not self.target[0] or self.pick.random() < 0.05:
            channel = self.pick.choice(CHANNELS)
            self.target = channel, self.point_for(channel)
        for _ in range(self.pick.randint(1, 4)):
            self.do_send(*self.target)
            self.at += self.pick.randint(0, 400) * SECOND

    def do_spread(self) -> None:
        """A dozen calls on end, each to the next number."""
        for point in ("mobile", "second", "office", "lawyer") * 3:
            contact_id = self.do_ask("call", point)
            if contact_id in self.current.contacts and self.pick.random() < 0.7:
                self.use(contact_id)
            self.at += self.pick.randint(1, 20) * MINUTE

    def do_log(self) -> None:
        """Somebody reports a call or a visit, also one that nobody permitted, or of the debtor."""
        channel = self.pick.choice(["call", "call", "call", "visit"])
        before = self.pick.choice([0, 0, 5, 240, 2000])
        by_debtor = self.pick.random() < 0.3
        self.log(channel, self.point_for(channel), self.some_debts(), before, by_debtor=by_debtor)

    def log(
        self,
        channel: str,
        point: str,
        debts: tuple[UUID, ...],
        before: int = 0,
        *,
        by_debtor: bool = False,
    ) -> None:
        outcome = self.pick.choices(OUTCOMES, (50, 10, 5, 5, 20, 1, 1, 1))[0]
        party = PARTIES.get(point, "debtor")
        if outcome in {"no_answer", "busy", "voicemail"}:
            party = "nobody"
        self.do(
            c.LogConversation(
                conversation_id=self.new_id(),
                channel=channel,
                outcome=outcome,
                occurred_at=self.at - before * MINUTE,
                initiator="debtor" if by_debtor else "creditor",
                party=party,
                point_id=point,
                debts=debts,
            )
        )

    def do_settle(self) -> None:
        """What the channel says of one that is on its way."""
        going = [k for k, each in self.current.contacts.items() if each.status == "dispatching"]
        if not going:
            return
        key = self.pick.choice(going)
        answers: tuple[c.Command, ...] = (
            c.RecordAccepted(contact_id=key, reference="ref"),
            c.RecordRejected(contact_id=key, reason="no such number"),
            c.RecordUnknown(contact_id=key, reason="timed out"),
            c.RecordPostponed(contact_id=key, until=self.at + 5 * MINUTE, reason="busy"),
            c.RecordReceipt(
                contact_id=key, receipt_id="r", status="complained", occurred_at=self.at
            ),
        )
        self.do(self.pick.choices(answers, [4, 2, 2, 4, 1])[0])


@cache
def _special_days(zone: str, after: date) -> tuple[date, ...]:
    """The last day of the month, and the next day on which the clock is put on or back."""
    month_end = (after.replace(day=1) + 32 * DAY).replace(day=1) - DAY
    noons = [datetime.combine(after + n * DAY, time(12), ZoneInfo(zone)) for n in range(30)]
    changed = [b.date() for a, b in pairwise(noons) if a.utcoffset() != b.utcoffset()]
    return (month_end, month_end + DAY, *changed)


def simulate(
    contacts: int,
    book: RuleBook,
    treatment: Treatment,
    *,
    places: Sequence[Place] = PLACES,
    seed: str = "2026",
    until: str = "",
) -> Tally:
    """Live until so many contacts were asked for; most lives without the house's own policy.

    With `until` no longer than until something unlawful of that name was seen.
    """
    tally = Tally()
    law_only = RuleBook(tuple(pack for pack in book.packs if pack.name != "house"))
    while tally.asked < contacts:
        chosen = book if tally.lives % 5 == 0 else law_only
        life = Life(f"{seed}-{tally.lives}", chosen, treatment, places, tally)
        tally.lives += 1
        life.live(CONTACTS_PER_LIFE)
        if until and any(until in broken for broken in tally.unlawful):
            break
    return tally
