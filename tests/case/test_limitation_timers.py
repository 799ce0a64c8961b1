"""The last day for which a timer warns is the one that the whole clock tells."""

from datetime import date, timedelta
from random import Random
from typing import get_args
from uuid import UUID

from msgspec.structs import replace

from duecourse.case.evolve import fold
from duecourse.case.limitation import last_day, standing
from duecourse.case.state import Case, ClockAct, LimitationTerms
from duecourse.money.limitation_laws import Contract, law_names
from duecourse.money.limitation_terms import Act, Feature
from duecourse.testing.sample import DEBT, OTHER_DEBT, debt, opened

DEBTS = (DEBT, OTHER_DEBT)
PLACES = ("CN", "DE", "GB", "GB-SCT", "GB-NIR", "US-CA", "US-TX", "FR")
OPENED = fold(opened(debt(DEBT), debt(OTHER_DEBT)))


def test_the_last_day_is_that_of_the_whole_clock_on_the_day_of_the_last_act() -> None:
    random = Random(20261130)
    with_acts = 0
    for _ in range(1500):
        case, today = some_case(random), some_day(random)
        for debt_id in DEBTS:
            days = [act.on for act in case.clock_acts.values() if debt_id in act.debt_ids]
            whole = standing(case, debt_id, max([today, *days]))
            assert last_day(case, case.debts[debt_id], today) == whole.expires_on, (case, today)
            with_acts += bool(days)
    assert with_acts > 1000


def some_case(random: Random) -> Case:
    """Two debts of one place, with acts of any kind that are about one of them or both."""
    acts = {f"act:{n}": some_act(random) for n in range(random.randrange(5))}
    debts = {
        key: replace(
            account,
            debt=replace(account.debt, due_on=some_day(random)),
            limitation_expires_on=maybe(random, some_day(random)),
        )
        for key, account in OPENED.debts.items()
    }
    terms = {DEBT: some_terms(random, debts[DEBT].debt.due_on)} if random.random() < 0.6 else {}
    debtor = replace(OPENED.debtor, jurisdiction=random.choice(PLACES))
    return replace(OPENED, clock_acts=acts, debts=debts, limitation_terms=terms, debtor=debtor)


def some_act(random: Random) -> ClockAct:
    about: tuple[UUID, ...] = random.choice((DEBTS, DEBTS[:1], DEBTS[1:]))
    proved = random.sample(get_args(Feature), random.randrange(len(get_args(Feature))))
    return ClockAct(
        act=random.choice(get_args(Act)),
        debt_ids=about,
        on=some_day(random),
        until=maybe(random, some_day(random)),
        has=tuple(proved),
    )


def some_terms(random: Random, due_on: date) -> LimitationTerms:
    starts_on = maybe(random, some_day(random))
    known_on = (starts_on or due_on) + timedelta(days=random.randrange(2000))
    return LimitationTerms(
        law=random.choice(("", *law_names())),
        contract=random.choice(get_args(Contract)),
        starts_on=starts_on,
        known_on=maybe(random, known_on),
    )


def some_day(random: Random) -> date:
    return date(2010, 1, 1) + timedelta(days=random.randrange(9000))


def maybe(random: Random, day: date) -> date | None:
    return day if random.random() < 0.5 else None
