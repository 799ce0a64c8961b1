"""Reminders leave by themselves and stop by themselves; what is due is done once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from office import TREATMENT, Ledger, Office

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.timers import Timer, timers_of
from duecourse.flow import worker
from duecourse.store import lag
from duecourse.store.database import Database
from duecourse.store.lag import Lag, lag_of
from duecourse.store.timers import DueTimer
from duecourse.testing.sample import NOON

NewOffice = Callable[..., Office]


def topics(office: Office, case_id: UUID) -> list[str]:
    return [type(each.event).__name__ for each in office.engine.history(case_id)]


def everywhere(ledger: Ledger) -> dict[str, Ledger]:
    """Three channels that write into one list."""
    return {
        "sms": ledger,
        "email": Ledger("email", beside=ledger),
        "letter": Ledger("letter", beside=ledger),
    }


def test_a_case_left_alone_is_reminded_offered_a_plan_and_proposed_for_legal_review(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open(limitation_expires_on=date(2029, 2, 27))
    office.pass_days(120)
    case = office.case(case_id)
    assert [step.outcome for step in case.steps.values()] == ["done"] * 7
    assert case.stage == "pre_legal"
    assert len(ledger.taken) == 6


def test_neither_a_threat_nor_a_claim_comes_once_it_is_too_late_for_a_court(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open(limitation_expires_on=date(2026, 3, 20))
    office.pass_days(120)
    steps = office.case(case_id).steps
    assert [key for key, step in steps.items() if step.outcome == "skipped"] == [
        "letter-before-action",
        "legal-proposal",
    ]
    assert len(ledger.taken) == 5


def test_reminders_stop_when_the_debt_is_paid(new_office: NewOffice, ledger: Ledger) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    office.work()
    office.ask(case_id, paid(600_00))
    office.pass_days(30)
    assert len(ledger.taken) == 1
    assert office.case(case_id).close_reason == "paid"


def paid(amount_minor: int) -> c.RecordPayment:
    return c.RecordPayment(
        payment_id="bank-1",
        currency="CNY",
        amount_minor=amount_minor,
        value_on=date(2026, 3, 3),
    )


def test_a_hold_rests_the_schedule_until_its_last_day_is_over(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    until = date(2026, 3, 12)
    hold = c.PlaceHold(hold_id="bs", kind="breathing_space", authority="adviser", until=until)
    office.ask(case_id, hold)
    office.pass_days(10)
    assert ledger.taken == []
    office.pass_days(1)
    assert "HoldExpired" in topics(office, case_id)
    assert len(ledger.taken) == 1


def agreed_plan(office: Office, case_id: UUID, days_apart: int) -> UUID:
    """Two instalments of 300.00, the first due in a week."""
    plan_id = uuid4()
    first = NOON.date() + timedelta(days=7)
    parts = tuple(
        e.Instalment(due_on=first + timedelta(days=days_apart * n), amount_minor=300_00)
        for n in range(2)
    )
    offer = c.OfferPlan(
        plan_id=plan_id, kind="instalments", currency="CNY", instalments=parts, expires_on=first
    )
    office.ask(case_id, offer)
    office.ask(case_id, c.AcceptPlan(plan_id=plan_id, evidence="agreed"))
    return plan_id


def test_a_missed_instalment_is_noticed_after_its_days_of_grace(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    plan_id = agreed_plan(office, case_id, days_apart=30)
    office.pass_days(10)
    assert "InstalmentMissed" not in topics(office, case_id)
    office.pass_days(1)
    assert "InstalmentMissed" in topics(office, case_id)
    office.pass_days(30)
    assert office.case(case_id).plans[plan_id].status == "broken"


def test_an_instalment_whose_payment_bounced_is_judged_again(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    plan_id = agreed_plan(office, case_id, days_apart=300)
    office.pass_days(12)
    office.ask(case_id, paid(300_00))
    office.ask(case_id, c.ReversePayment(payment_id="bank-1", reason="returned"))
    office.pass_days(1)
    assert office.case(case_id).plans[plan_id].missed == (1,)
    assert topics(office, case_id).count("InstalmentMissed") == 2


def test_a_promise_nobody_kept_is_broken_and_the_schedule_goes_on(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    promise = c.MakePromise(
        promise_id=uuid4(), currency="CNY", amount_minor=600_00, due_on=date(2026, 3, 6)
    )
    office.ask(case_id, promise)
    office.pass_days(4)
    assert ledger.taken == []
    office.pass_days(4)
    assert "PromiseBroken" in topics(office, case_id)
    assert len(ledger.taken) == 1


def test_timers_and_worklist_are_what_a_replay_would_make_of_the_state(
    new_office: NewOffice, ledger: Ledger, database: Database
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    office.pass_days(5)
    office.runner.catch_up()
    wanted = {(t.key, t.due_at) for t in timers_of(office.case(case_id), TREATMENT)}
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT key, due_at FROM timers WHERE case_id = %s", (case_id,)
        ).fetchall()
    assert set(rows) == wanted


def test_workers_at_the_same_moment_never_hold_the_same_timer(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    for _ in range(20):
        office.open()
    office.runner.catch_up()
    together = Barrier(6)

    def claim(_: int) -> list[DueTimer]:
        together.wait()
        return office.timers.claim(office.now, limit=20, lease_seconds=60)

    with ThreadPoolExecutor(6) as workers:
        # More than once: the first time connections are still being made.
        for _ in range(10):
            claimed = [due for part in workers.map(claim, range(6)) for due in part]
            assert len(claimed) == len({due.case_id for due in claimed}) == 20
            office.timers.lease(claimed, seconds=0)


def test_a_lease_keeps_others_away_until_it_ends(new_office: NewOffice, ledger: Ledger) -> None:
    office = new_office(everywhere(ledger))
    office.open()
    office.runner.catch_up()
    (held,) = office.timers.claim(office.now, limit=10, lease_seconds=60)
    assert office.timers.claim(office.now, limit=10, lease_seconds=60) == []
    office.timers.lease([held], seconds=0)
    (again,) = office.timers.claim(office.now, limit=10, lease_seconds=60)
    assert (again.case_id, again.timer) == (held.case_id, held.timer)


def test_who_was_too_slow_can_neither_finish_nor_release_what_another_has_claimed(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office(everywhere(ledger))
    office.open()
    office.runner.catch_up()
    (slow,) = office.timers.claim(office.now, limit=10, lease_seconds=0)
    (quick,) = office.timers.claim(office.now, limit=10, lease_seconds=60)
    assert office.timers.lease([slow], seconds=0) == []
    office.timers.done([slow])
    assert office.timers.claim(office.now, limit=10, lease_seconds=60) == [], (
        "still the quick one's"
    )
    assert office.timers.lease([quick], seconds=60) == [quick]
    office.timers.done([quick])
    next_due = office.timers.next_due()
    assert next_due is not None
    assert next_due > office.now + timedelta(days=365), "only the end of the limitation is left"


def test_a_timer_moved_to_another_time_is_no_longer_the_old_claims(
    new_office: NewOffice, ledger: Ledger, database: Database
) -> None:
    office = new_office(everywhere(ledger))
    case_id = office.open()
    office.runner.catch_up()
    (held,) = office.timers.claim(office.now, limit=10, lease_seconds=60)
    moved = Timer(held.timer.key, held.timer.due_at + timedelta(days=1))
    for timer in (moved, held.timer):
        with database.connection() as connection:
            office.timers.replace(connection, {case_id: [timer]})
    office.timers.done([held])
    assert office.timers.next_due() == held.timer.due_at


def test_what_fails_again_and_again_is_tried_again_less_and_less_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = Mock(side_effect=ValueError("each time"))
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
    looks = iter(range(30))
    worker._keep_on(tried, lambda: next(looks, None) is None)
    assert 1 < tried.call_count < 5


def test_what_is_done_while_somebody_asks_whether_all_is_quiet_is_not_overlooked(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office(everywhere(ledger))
    office.open()
    office.runner.catch_up()
    assert not office.runner.is_quiet(office.now), "the first reminder is due"

    def answer_and_work(*asked: Any) -> list[Lag]:
        monkeypatch.undo()
        answer = lag_of(*asked)
        assert office.worker.step() == 1
        return answer

    monkeypatch.setattr(lag, "lag_of", answer_and_work)
    assert not office.runner.is_quiet(office.now), "the reminder was permitted, and must now leave"
    office.work()
    assert office.runner.is_quiet(office.now)


def test_who_comes_too_late_with_an_old_claim_sends_nothing_again(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office(everywhere(ledger))
    cases = [office.open() for _ in range(3)]
    office.work_decisions()
    slow = office.timers.claim(office.now, limit=10, lease_seconds=0)
    assert {each.timer.kind for each in slow} == {"dispatch"}
    office.work()
    send = Mock(side_effect=ledger.send)
    monkeypatch.setattr(ledger, "send", send)
    office.dispatch("sms", slow)
    assert send.call_count == 0
    assert [topics(office, case_id).count("ContactDispatching") for case_id in cases] == [1, 1, 1]


def test_workers_whose_leases_always_run_out_fire_no_timer_twice(
    new_office: NewOffice, ledger: Ledger, database: Database
) -> None:
    offices = [new_office(everywhere(ledger)) for _ in range(3)]
    cases = [offices[0].open() for _ in range(10)]
    until = date(2026, 3, 3)
    for case_id in cases:
        hold = c.PlaceHold(hold_id="bs", kind="breathing_space", authority="adviser", until=until)
        offices[0].ask(case_id, hold)
    for office in offices:
        office.now += timedelta(days=3)
    timers = {
        case_id: next(
            timer
            for timer in timers_of(offices[0].case(case_id), TREATMENT)
            if timer.kind == "hold"
        )
        for case_id in cases
    }
    together = Barrier(3)

    def work(office: Office) -> None:
        together.wait()
        # Leases of no length: whatever one worker holds, the others take from it at once.
        office.work()

    with ThreadPoolExecutor(3) as workers:
        list(workers.map(work, offices))
    for case_id in cases:
        (expired,) = [
            each
            for each in offices[0].engine.history(case_id)
            if isinstance(each.event, e.HoldExpired)
        ]
        # What makes it once is the id of the command, whoever gives it and how often.
        assert expired.command_id == timers[case_id].command_id(case_id)
        assert topics(offices[0], case_id).count("ContactDispatching") == 1
    assert len(ledger.taken) == len(cases)
