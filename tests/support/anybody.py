"""A debtor to whom anything happens that makes a difference to the gate, in any order."""

from datetime import timedelta
from random import Random
from uuid import UUID

from hypothesis import strategies as st
from office import RULES, TREATMENT

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.testing import COLLECTOR
from duecourse.testing.sample import NOON, debt, open_case

DAY = timedelta(days=1)
HOURS = (*10 * (0,), 1, 2, 13, 24, 100)


class Anybody:
    """A life by chance: whatever makes a difference to the gate happens, in any order."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.at = NOON
        self.case: Case | None = None
        self.events: list[e.Event] = []
        debts = [debt(self.new_id(), principal=10_000), debt(self.new_id(), principal=50_000)]
        self.ask(open_case(*debts))

    def new_id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128))

    def ask(self, command: c.Command) -> None:
        context = Context(
            at=self.at,
            actor=COLLECTOR,
            rules=RULES,
            treatment=TREATMENT,
            licences={"fictional-bank": "first_party"},
            contents={
                ("reminder-first", channel, "zh"): ("opt_out_line", "letter_of_claim")
                for channel in ("sms", "letter")
            },
        )
        try:
            events = decide(self.case, command, context)
        except CaseError:
            return
        for event in events:
            self.case = evolve(self.case, event)
        self.events += events

    def live(self, steps: int) -> list[e.Event]:
        for _ in range(steps):
            self.at += timedelta(hours=self.random.choice(HOURS))
            self.ask(self.anything())
        return self.events

    def anything(self) -> c.Command:
        assert self.case is not None
        contacts = self.case.contacts
        open_ones = [key for key, each in contacts.items() if each.status == "permitted"]
        contact_id = self.random.choice([*contacts, *3 * open_ones, self.new_id()])
        debts = tuple(self.random.sample(list(self.case.debts), self.random.choice([0, 0, 1])))
        if self.random.random() < 0.15:
            return self.random.choice(self.what_changes_the_case(debts))
        return self.random.choice(self.what_becomes_of_contacts(contact_id, debts))

    def what_becomes_of_contacts(
        self, contact_id: UUID, debts: tuple[UUID, ...]
    ) -> list[c.Command]:
        at, pick = self.at, self.random.choice
        channel = pick(["sms", "email", "letter", "letter", "call"])
        request = c.RequestContact(
            contact_id=self.new_id(), channel=channel, template="reminder-first", debts=debts
        )
        talk = c.LogConversation(
            # Anybody may give a conversation the id of a contact.
            conversation_id=pick([contact_id, self.new_id()]),
            channel="call",
            occurred_at=at - DAY / 3,
            outcome=pick(["busy", "no_answer", "right_party_contact"]),
            debts=debts,
            point_id=pick(["", "mobile"]),
            initiator=pick(["debtor", "creditor"]),
        )
        receipt = c.RecordReceipt(
            contact_id=contact_id,
            receipt_id=str(self.new_id()),
            occurred_at=at,
            status=pick(["delivered", "returned", "read"]),
        )
        dispatch = c.StartDispatch(contact_id=contact_id, plugin="p", body_sha256="0")
        accepted = c.RecordAccepted(contact_id=contact_id, reference="r")
        postponed = c.RecordPostponed(contact_id=contact_id, until=at + DAY / 24, reason="r")
        return [
            *4 * [request],
            *8 * [dispatch],
            *5 * [accepted],
            talk,
            receipt,
            postponed,
            c.RecordRejected(contact_id=contact_id, reason="r"),
            c.RecordUnknown(contact_id=contact_id, reason="r"),
            c.ReconcileContact(
                contact_id=contact_id, outcome=pick(["sent", "not_sent"]), evidence="e"
            ),
            c.CancelContact(contact_id=contact_id, reason="r"),
        ]

    def what_changes_the_case(self, debts: tuple[UUID, ...]) -> list[c.Command]:
        at, pick = self.at, self.random.choice
        zone = pick(["Asia/Shanghai", "Asia/Shanghai", "Asia/Tokyo", "America/Santiago", ""])
        consent = c.RecordConsent(
            consent_id=str(self.new_id()), consent="tcpa", given_at=at + DAY / 2, how="h"
        )
        hold = c.PlaceHold(
            hold_id=str(self.new_id()),
            kind=pick(["dispute", "complaint"]),
            authority="a",
            until=at.date() + pick([0, 2]) * DAY,
            debt_id=pick([None, *debts]),
        )
        payment = c.RecordPayment(
            payment_id=str(self.new_id()), currency="CNY", amount_minor=9_000, value_on=at.date()
        )
        return [
            consent,
            hold,
            payment,
            c.RecordOptOut(channel=pick(["sms", "email", "all"]), how="h"),
            *2 * [c.RecordOptIn(channel="all", how="h")],
            c.MoveDebtor(time_zone=zone, jurisdiction=pick(["CN", "CN", "CN", "ZZ"])),
            *2 * [c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction="CN")],
            c.AddPossiblePlace(time_zone="Asia/Urumqi", jurisdiction="CN"),
            *[c.RecordLimitation(debt_id=each, expires_on=at.date(), how="h") for each in debts],
            c.RecordFact(fact="letter_of_claim", on=pick([None, at.date()]), how="h"),
            c.CloseCase(reason="uneconomic"),
            *3 * [c.ReopenCase(reason="r")],
        ]


lives = st.integers(0, 2**32).map(lambda seed: Anybody(Random(seed)).live(80))
