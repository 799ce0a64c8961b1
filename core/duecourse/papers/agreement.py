"""A plan agreement as a paper: what both sides sign, or the offer of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from duecourse.case.agreement import AgreedDebt, PlanAgreement, agreement
from duecourse.case.plan_preview import PlanLine
from duecourse.case.restarts import Restart, if_accepted
from duecourse.case.state import Case
from duecourse.case.words import Language
from duecourse.money.amounts import sum_buckets
from duecourse.papers.form import (
    Letterhead,
    PaperProblem,
    ending,
    figure,
    heads_of,
    letterhead_of,
    money,
    one_line,
    print_paper,
    written,
)
from duecourse.papers.words import Words
from duecourse.rules.treatment import Treatment
from duecourse.settings import CreditorDetails

_SAID_OF: Final[Mapping[str, str]] = {"active": "active", "completed": "completed"}


class _Column(msgspec.Struct, frozen=True, kw_only=True):
    """`wide` takes what room is left and may have notes; `sum` stands on the right."""

    title: str
    wide: bool = False
    sum: bool = False


class _Table(msgspec.Struct, frozen=True, kw_only=True):
    """A cell is what it says, and notes below it."""

    caption: str
    columns: list[_Column]
    rows: list[list[list[str]]]
    total: list[str]


class _Section(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    paragraphs: list[str]
    tables: list[_Table] = []


def print_agreement(
    case_id: UUID,
    case: Case,
    plan_id: UUID,
    treatment: Treatment,
    *,
    details: CreditorDetails | None,
    language: Language | None,
    on: date,
) -> bytes:
    """The agreement of a plan as it is on the day `on`.

    Raises Unknown for a plan that was never offered, PaperProblem or DocumentError.
    """
    found = agreement(case, plan_id, treatment)
    restarts = tuple(if_accepted(case, found.currency, on)) if found.accepted_on is None else ()
    head = letterhead_of(case_id, case, details)
    return agreement_paper(found, head, restarts, language or found.language, on)


def agreement_paper(
    found: PlanAgreement,
    head: Letterhead,
    restarts: Iterable[Restart],
    language: Language,
    on: date,
) -> bytes:
    """PDF/A-2b, drawn up on the day `on`; the same agreement gives the same bytes.

    `restarts` is what the debtor's yes would do to the limitation period of each debt. Raises
    PaperProblem for an offer that is no longer open, DocumentError where it cannot be typeset.
    """
    is_offer = found.accepted_on is None
    if is_offer and (found.status != "offered" or on > found.expires_on):
        raise PaperProblem("the offer is no longer open, and was not accepted; offer a new plan")
    say = Words("agreement", language)
    paper = _Paper(found, head, tuple(restarts), say, on)
    return print_paper(
        "agreement",
        {
            "title": say("offer_title" if is_offer else "title"),
            "language": language,
            "dated": on,
            "creditor": head.creditor_name,
            "footer": {
                "left": f"{say('reference')} {head.reference}",
                "right": written(on, language),
            },
            "parties": paper.parties(),
            "opening": list(paper.opening()),
            "sections": list(paper.sections()),
            "signing": [say("signing")],
            "signatures": paper.signatures(),
        },
    )


class _Paper(msgspec.Struct, frozen=True):
    found: PlanAgreement
    head: Letterhead
    restarts: tuple[Restart, ...]
    say: Words
    on: date

    @property
    def language(self) -> Language:
        return self.say.language

    def money(self, minor: int) -> str:
        return money(minor, self.found.currency, self.language)

    def day(self, day: date) -> str:
        return written(day, self.language)

    def parties(self) -> list[tuple[str, str]]:
        return [
            (self.say("creditor"), self.head.creditor_name),
            (self.say("debtor"), self.head.debtor_name),
            (self.say("reference"), self.head.reference),
            (self.say("kind"), self.say(self.found.kind)),
            (self.say("printed"), self.day(self.on)),
        ]

    def opening(self) -> Iterator[str]:
        found = self.found
        if found.accepted_on is None:
            yield self.say(
                "offered", offered=self.day(found.offered_on), expires=self.day(found.expires_on)
            )
        else:
            said = _SAID_OF.get(found.status, "ended")
            yield self.say(said, accepted=self.day(found.accepted_on))
        if found.replaces is not None:
            yield self.say("replaces")
        if found.paid_minor:
            yield self.say("paid", amount=self.money(found.paid_minor))

    def sections(self) -> Iterator[_Section]:
        yield _Section(
            title=self.say("debts"),
            tables=[self.debts()],
            paragraphs=[self.say("settles", amount=self.money(self.found.settled_minor))],
        )
        yield _Section(
            title=self.say("schedule"),
            tables=list(self.schedules()),
            paragraphs=[self.say("in_all", amount=self.total_of("amount_minor"))],
        )
        yield _Section(title=self.say("interest"), paragraphs=list(self.interest()))
        if self.found.waived_minor:
            said = "waived_end" if self.found.waive == "on_completion" else "waived_in_step"
            amount = self.money(self.found.waived_minor)
            yield _Section(title=self.say("waiver"), paragraphs=[self.say(said, amount=amount)])
        yield _Section(title=self.say("missed"), paragraphs=list(self.missed()))
        free = "free" if self.found.interest_minor else "free_plain"
        early = [self.say(self.found.early_payment), self.say(free)]
        yield _Section(title=self.say("early"), paragraphs=early)
        yield _Section(title=self.say("rights"), paragraphs=list(self.rights()))
        if self.found.acceptance_restarts_limitation or self.restarts:
            yield _Section(title=self.say("limitation"), paragraphs=list(self.limitation()))
        reference = self.say("give_reference", reference=self.head.reference)
        yield _Section(title=self.say("to_pay"), paragraphs=[self.head.ways_to_pay, reference])
        yield _Section(title=self.say("to_ask"), paragraphs=[self.head.contact_line])

    def debts(self) -> _Table:
        found = self.found
        owed = sum_buckets(each.owed for each in found.debts)
        return _Table(
            caption=self.say("debts_on", on=self.day(self.on), currency=found.currency),
            columns=[
                _Column(title=self.say("debt"), wide=True),
                _Column(title=self.say("owed"), sum=True),
            ],
            rows=[
                [
                    [self.name_of(each), *self.notes_of(each)],
                    [figure(each.owed.total, found.currency)],
                ]
                for each in found.debts
            ],
            total=[self.say("total"), figure(owed.total, found.currency)],
        )

    def name_of(self, debt: AgreedDebt) -> str:
        product = one_line("product", debt.product)
        return self.say("debt_name", product=product, ending=ending(debt.account_last4))

    def notes_of(self, debt: AgreedDebt) -> Iterator[str]:
        if debt.contract_on is not None:
            yield self.say("contract_on", on=self.day(debt.contract_on))
        parts = [
            f"{self.say(head)} {figure(minor, self.found.currency)}"
            for head, minor in heads_of(debt.owed)
        ]
        if parts:
            yield ("；" if self.language == "zh" else "; ").join(parts)

    def schedules(self) -> Iterator[_Table]:
        found = self.found
        yield self.schedule("schedule_in", found.instalments)
        if found.current != found.instalments:
            yield self.schedule("current", found.current)

    def schedule(self, caption: str, lines: tuple[PlanLine, ...]) -> _Table:
        """Without the columns in which there would be nothing."""
        shown = ["amount_minor"]
        if any(each.interest_minor for each in lines):
            shown.append("interest_minor")
        if any(each.waived_minor for each in lines):
            shown.append("waived_minor")
        titles = {
            "amount_minor": "amount",
            "interest_minor": "of_interest",
            "waived_minor": "forgiven",
        }
        currency = self.found.currency
        sums = [sum(getattr(each, name) for each in lines) for name in shown]
        return _Table(
            caption=self.say(caption, currency=currency),
            columns=[
                _Column(title=self.say("number"), sum=True),
                _Column(title=self.say("due_on"), wide=True),
                *(_Column(title=self.say(titles[name]), sum=True) for name in shown),
                _Column(title=self.say("left"), sum=True),
            ],
            rows=[
                [
                    [str(each.number)],
                    [self.day(each.due_on)],
                    *([figure(getattr(each, name), currency)] for name in shown),
                    [figure(each.left_minor, currency)],
                ]
                for each in lines
            ],
            total=["", self.say("total"), *(figure(each, currency) for each in sums), ""],
        )

    def total_of(self, name: str) -> str:
        """As the schedule stands now: early payment saves interest."""
        return self.money(sum(getattr(each, name) for each in self.found.current))

    def interest(self) -> Iterator[str]:
        found = self.found
        amount = self.total_of("interest_minor")
        if found.percent not in {"", "0"}:
            basis = self.say("periodic") if found.basis == "periodic" else found.basis
            yield self.say("rate", percent=found.percent, basis=basis, amount=amount)
        elif found.interest_minor:
            yield self.say("some_interest", amount=amount)
        else:
            yield self.say("no_interest")
        yield self.say("instead")
        if found.frozen_minor:
            yield self.say("frozen", amount=self.money(found.frozen_minor))

    def missed(self) -> Iterator[str]:
        found = self.found
        if found.grace_days:
            unit = "day" if found.grace_days == 1 else "days"
            yield self.say("grace", days=str(found.grace_days), unit=unit)
        else:
            yield self.say("no_grace")
        most = found.breaks_after_missed
        count = self.say("many_missed", count=str(most)) if most > 1 else self.say("one_missed")
        yield self.say("breaks", count=count)
        if found.waived_minor:
            yield self.say("not_forgiven")
        yield self.say("tell_us")

    def rights(self) -> Iterator[str]:
        if self.found.accepted_on is None:
            yield self.say("decline")
        for each in ("review", "law", "complain"):
            yield self.say(each)

    def limitation(self) -> Iterator[str]:
        yield self.say("restarts" if self.found.accepted_on is None else "restarted")
        names = {each.debt_id: self.name_of(each) for each in self.found.debts}
        for each in self.restarts:
            debt, citation = names.get(each.debt_id, ""), each.citation
            if each.after_expiry:
                says = each.zh if self.language == "zh" else each.says
                yield self.say("too_late", debt=debt, says=says, citation=citation)
                continue
            was, becomes = (
                self.say("unknown_day") if day is None else self.day(day)
                for day in (each.was, each.becomes)
            )
            yield self.say(
                "restart",
                debt=debt, on=self.day(self.on), was=was, becomes=becomes, citation=citation,
            )  # fmt: skip

    def signatures(self) -> list[dict[str, str]]:
        date_of = self.say("date")
        return [
            {"role": self.say("sign_debtor"), "name": self.head.debtor_name, "date": date_of},
            {"role": self.say("sign_creditor"), "name": self.head.creditor_name, "date": date_of},
        ]
