"""What random lives of a case are made of: plausible values, and a driver that checks each step."""

from collections.abc import Callable, Collection
from datetime import date, time, timedelta
from typing import Any, Final, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM, Actor, Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError, Contradiction, Unknown
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.case.words import Blocks
from duecourse.money.amounts import Buckets
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, LEGAL
from duecourse.testing.sample import NOON, POINTS, SUBJECT

RULES: Final = load_rulebook()
TREATMENT: Final = load_treatment()
EVENTS = msgspec.json.Decoder(e.Event)
PEOPLE = (COLLECTOR, LEGAL, SYSTEM, Actor("legal-2", "legal"))
ALLOWED = {
    ("intake", "reminder"),
    ("intake", "negotiation"),
    ("intake", "pre_legal"),
    ("reminder", "negotiation"),
    ("reminder", "pre_legal"),
    ("negotiation", "reminder"),
    ("negotiation", "pre_legal"),
    ("pre_legal", "negotiation"),
    ("pre_legal", "reminder"),  # by another debt, on a case that was closed with nothing owed
    ("legal", "reminder"),  # likewise
    ("legal", "negotiation"),
}
# Asks that a refusal leaves no trace of in the case, so that the rules answer again.
ASKED_AGAIN = (c.RequestContact, c.ApproveReferral, c.RequestBureauReport)


def some(*kinds: Any) -> st.SearchStrategy[Any]:
    """One of the words of a Literal."""
    return st.sampled_from([word for kind in kinds for word in get_args(kind)])


ids = st.integers(100, 104).map(lambda n: UUID(int=n))
names = st.sampled_from(["a1", "b2", "c3", "d4"])
channels = st.sampled_from(["sms", "sms", "email", "letter", "letter", "call", "visit", "fax"])
words = st.sampled_from(["please wait", "why?", "我下周付", "x" * 500, "ＳＴＯＰ"])
everything = st.sampled_from(["sms", "email", "letter", "call", "all"])
reasons = st.sampled_from(["because", "原因", "r" * 500])
currencies = st.sampled_from(["CNY", "CNY", "CNY", "USD"])
amounts = st.one_of(st.integers(1, 20_000), st.sampled_from([1, 10_000, 60_000, 10**15]))
parts = st.sampled_from([0, 0, 1, 999, 5_000])
days = st.sampled_from([-1, 0, 1, 3, 3, 14, 14, 30, 400, 10**5])
places = st.sampled_from(
    [("Asia/Shanghai", "CN")] * 12
    + [("", "CN"), ("America/Santiago", "CN"), ("Nowhere/None", ""), ("Europe/London", "ZZ")]
)
waits = st.sampled_from(
    [timedelta(minutes=minutes) for minutes in (1, 60, 540, 24 * 60, 4 * 24 * 60, 35 * 24 * 60)]
)


@st.composite
def debts(draw: st.DrawFn) -> e.Debt:
    balance = Buckets(
        costs=draw(parts),
        fees=draw(parts),
        penalty=draw(parts),
        interest=draw(parts),
        principal=draw(st.sampled_from([0, 1, 5_000, 5_000, 60_000, 60_000])),
    )
    return e.Debt(
        debt_id=draw(ids),
        account="FICT-1",
        product="loan",
        currency=draw(currencies),
        balance=balance,
        due_on=draw(st.dates(date(2025, 11, 1), date(2026, 3, 1))),
    )


@st.composite
def openings(draw: st.DrawFn) -> c.OpenCase:
    return c.OpenCase(
        creditor="fictional-bank",
        creditor_name="Fictional Bank",
        subject_id=SUBJECT,
        borrower_ref="B-1",
        debtor=e.Debtor(name="林示例", time_zone="Asia/Shanghai", jurisdiction="CN"),
        contact_points=POINTS,
        debts=tuple(
            draw(st.lists(debts(), min_size=1, max_size=3, unique_by=lambda debt: debt.debt_id))
        ),
    )


def has(what: str) -> Callable[[Any], Any]:
    """A rule that needs something of a kind to be in the case."""
    return precondition(lambda machine: bool(getattr(machine.case, what)))


class Driver(RuleBasedStateMachine):
    """Asks, checks what happens on the way, and remembers."""

    case: Case

    def __init__(self) -> None:
        super().__init__()
        self.at = NOON
        self.events: list[e.Event] = []

    def ask(self, command: c.Command, actor: Actor = COLLECTOR) -> list[e.Event] | CaseError:
        """Decide, check what happened on the way, and ask the very same once more."""
        note(f"{self.at:%d %b %H:%M} {command}")
        try:
            events = self.decide(command, actor)
        except CaseError as error:
            # A report may name what the case never had, or contradict one before it; nothing
            # else is a reason to refuse it.
            excused = isinstance(error, Unknown | Contradiction)
            refused = isinstance(command, c.Report) and not excused
            if refused:
                raise AssertionError("a report was refused") from error
            return error
        for event in events:
            self.happen(event)
        self.ask_again(command, actor)
        return events

    def decide(self, command: c.Command, actor: Actor) -> list[e.Event]:
        case = self.case if self.events else None
        context = Context(at=self.at, actor=actor, rules=RULES, treatment=TREATMENT)
        return decide(case, command, context)

    def ask_again(self, command: c.Command, actor: Actor) -> None:
        try:
            again = self.decide(command, actor)
        except CaseError as error:
            raise AssertionError(f"a repeat was refused: {error}") from error
        if isinstance(command, ASKED_AGAIN):
            refusals = (e.ContactRefused, e.ActionRefused)
            again = [event for event in again if not isinstance(event, refusals)]
        assert again == [], "a repeat made something happen"

    def happen(self, event: e.Event) -> None:
        note(f"  {event}")
        assert EVENTS.decode(msgspec.json.encode(event)) == event
        if self.events:
            self.check_way(event)
        self.case = evolve(self.case if self.events else None, event)
        self.events.append(event)

    def check_way(self, event: e.Event) -> None:
        case = self.case
        match event:
            case e.StageMoved(to="legal"):
                assert isinstance(self.events[-1], e.LegalReferralApproved)
            case e.StageMoved():
                assert (case.stage, event.to) in ALLOWED
            case e.ContactPermitted():
                self.check_contact(event.channel, event.debts)
                assert event.contact_id not in case.contacts
            case e.ContactDispatching():
                contact = case.contacts[event.contact_id]
                self.check_contact(contact.channel, contact.debts)
                assert contact.status == "permitted"
                assert self.at < contact.expires_at
            case e.BureauReportPermitted():
                assert not self.is_held("bureau", event.debt_ids)
                assert case.facts["told_before_reporting"] <= case.today(self.at)
            case e.FilingStarted():
                assert not self.is_held("legal", case.referrals[event.referral_id].debt_ids)
                assert ZoneInfo(case.debtor.time_zone)
            case e.LegalReferralApproved():
                assert not self.is_held("legal", case.referrals[event.referral_id].debt_ids)
                assert event.approved_by != case.referrals[event.referral_id].proposed_by
            case _:
                pass

    def check_contact(self, channel: str, debts: Collection[UUID]) -> None:
        debtor = self.case.debtor
        local = self.at.astimezone(ZoneInfo(debtor.time_zone)).time()
        assert time(9) <= local < time(21)
        assert debtor.jurisdiction == "CN"
        assert not self.case.is_closed
        assert not self.has_opted_out(channel)
        assert not self.is_held("outreach", debts)

    def has_opted_out(self, channel: str) -> bool:
        """By the latest of what was said about this channel, or about all of them."""
        stopped = False
        for event in self.events:
            match event:
                case e.ChannelOptedOut(channel=said) | e.ChannelOptedIn(channel=said) if said in (
                    channel,
                    "all",
                ):
                    stopped = isinstance(event, e.ChannelOptedOut)
                case _:
                    pass
        return stopped

    def is_held(self, what: Blocks, debts: Collection[UUID]) -> bool:
        """Whether a hold protects any of these debts; none named are all of them."""
        today = self.case.today(self.at)
        return any(
            what in hold.blocks
            and (hold.until is None or hold.until >= today)
            and (hold.debt_id is None or not debts or hold.debt_id in debts)
            for hold in self.case.holds.values()
        )

    def known(self, data: st.DataObject, keys: Any) -> Any:
        return data.draw(st.sampled_from(list(keys)))

    def day(self, offset: int) -> date:
        return self.case.today(self.at) + timedelta(days=offset)
