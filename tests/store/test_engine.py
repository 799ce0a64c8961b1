"""Commands are executed exactly once and in order, whoever runs them."""

import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from unittest.mock import Mock
from uuid import UUID

import pytest

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError, CaseIsClosed, CaseNotFound, Invalid
from duecourse.case.state import Case
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Loaded, Outcome, Request
from duecourse.store.errors import CaseBusy, CaseMoved, CommandIdReused, DecisionFailed

Asking = Callable[..., Request]
Opening = Callable[..., c.OpenCase]
Paying = Callable[..., c.RecordPayment]


def test_a_command_is_answered_with_its_events_and_their_place(
    engine: Engine, asking: Asking, opening: Opening
) -> None:
    outcome = engine.execute_sync(asking(opening()))
    assert [type(event) for event in outcome.events] == [e.CaseOpened, e.DebtPlaced]
    assert (outcome.version, outcome.repeated) == (2, False)
    assert outcome.position == engine.log.last_position()
    assert engine.load(outcome.case_id).version == 2


def test_what_is_read_back_is_what_was_decided(
    engine: Engine, asking: Asking, opening: Opening
) -> None:
    request = asking(opening(name="Fictional Zhang San"))
    outcome = engine.execute_sync(request)
    history = engine.history(outcome.case_id)
    assert tuple(each.event for each in history) == outcome.events
    assert {each.command_id for each in history} == {request.command_id}
    assert {each.actor for each in history} == {request.actor}
    assert all(each.recorded_at.tzinfo is not None for each in history)


def test_another_process_reads_the_same_state(
    engine: Engine, new_engine: Callable[..., Engine], opened: UUID
) -> None:
    assert new_engine().load(opened) == engine.load(opened)


def test_history_ends_where_it_is_asked_to(engine: Engine, opened: UUID) -> None:
    assert [each.version for each in engine.history(opened, until_version=1)] == [1]


def test_an_unknown_case_is_not_found(engine: Engine) -> None:
    nobody = uuid.uuid4()
    assert not engine.exists(nobody)
    assert engine.load_many([nobody]) == {}
    for read in (engine.load, engine.history):
        with pytest.raises(CaseNotFound):
            read(nobody)


def test_a_repeat_gets_the_first_answer(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    request = asking(paying("p-1"), opened)
    first = engine.execute_sync(request)
    engine.execute_sync(asking(paying("p-2"), opened))
    again = engine.execute_sync(request)
    assert again.repeated
    assert (again.version, again.position, again.events) == (
        first.version,
        first.position,
        first.events,
    )


def test_a_command_id_cannot_be_used_for_something_else(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    request = asking(paying("p-1"), opened)
    engine.execute_sync(request)
    with pytest.raises(CommandIdReused):
        engine.execute_sync(asking(paying("p-1", amount_minor=101), opened, request.command_id))


def test_twenty_copies_of_a_command_have_one_effect_and_one_answer(
    new_engine: Callable[..., Engine], asking: Asking, opening: Opening, database: Database
) -> None:
    request = asking(opening())
    engines = [new_engine() for _ in range(20)]
    start = Barrier(len(engines))

    def execute(engine: Engine) -> Outcome:
        start.wait()
        return engine.execute_sync(request)

    with ThreadPoolExecutor(len(engines)) as pool:
        answers = list(pool.map(execute, engines))
    assert sum(not answer.repeated for answer in answers) == 1
    assert len({(answer.version, answer.position, answer.events) for answer in answers}) == 1
    assert len(engines[0].history(request.case_id)) == 2


def test_a_copy_that_runs_between_two_reads_is_still_noticed(
    new_engine: Callable[..., Engine],
    asking: Asking,
    opening: Opening,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request, ours, rival = asking(opening()), new_engine(), new_engine()
    read = ours._states.read

    def read_late(case_ids: Collection[UUID]) -> dict[UUID, Loaded]:
        rival.execute_sync(request)
        return read(case_ids)

    monkeypatch.setattr(ours._states, "read", read_late)
    outcome = ours.execute_sync(request)
    assert (outcome.repeated, len(outcome.events)) == (True, 2)


def test_commands_for_one_case_in_one_batch_are_executed_in_their_order(
    engine: Engine, asking: Asking, opening: Opening, paying: Paying
) -> None:
    opened = asking(opening())
    payments = [asking(paying(f"p-{number}"), opened.case_id) for number in range(5)]
    answers = engine.execute_batch([opened, *payments])
    assert [answer.version for answer in answers if isinstance(answer, Outcome)] == [
        2,
        3,
        4,
        5,
        6,
        7,
    ]
    assert list(engine.load(opened.case_id).case.payments) == [f"p-{number}" for number in range(5)]


def test_a_refused_command_does_not_harm_its_batch(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    answers = engine.execute_batch(
        [asking(paying("p-1")), asking(paying("p-1"), opened), asking(paying("p-\ud800"), opened)]
    )
    assert isinstance(answers[0], CaseNotFound)
    assert isinstance(answers[1], Outcome)
    assert isinstance(answers[2], Invalid)


def test_a_defect_in_one_decision_does_not_harm_its_batch(
    new_engine: Callable[..., Engine],
    asking: Asking,
    paying: Paying,
    opened: UUID,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def faulty(case: Case | None, command: c.Command, context: Context) -> Sequence[e.Event]:
        if isinstance(command, c.RecordReply):
            raise ZeroDivisionError(command.text)
        return decide(case, command, context)

    reply = c.RecordReply(reply_id="r-1", channel="sms", text="secret words", occurred_at=_later(0))
    answers = new_engine(deciding=faulty).execute_batch(
        [asking(reply, opened), asking(paying("p-1"), opened)]
    )
    assert isinstance(answers[0], DecisionFailed)
    assert isinstance(answers[1], Outcome)
    assert "secret words" not in caplog.text + str(answers[0])


def test_a_conflict_retries_only_its_own_command(
    new_engine: Callable[..., Engine], asking: Asking, opening: Opening, paying: Paying
) -> None:
    rival = new_engine()
    calm, contested = (rival.execute_sync(asking(opening())).case_id for _ in range(2))
    decided: list[str] = []

    def interrupted(case: Case | None, command: c.Command, context: Context) -> Sequence[e.Event]:
        assert isinstance(command, c.RecordPayment)
        decided.append(command.payment_id)
        if decided == ["contested"]:
            rival.execute_sync(asking(paying("rival"), contested))
        return decide(case, command, context)

    answers = new_engine(deciding=interrupted).execute_batch(
        [asking(paying("contested"), contested), asking(paying("calm"), calm)]
    )
    outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
    assert [(answer.version, answer.repeated) for answer in outcomes] == [(4, False), (3, False)]
    assert decided == ["contested", "calm", "contested"]


def test_what_is_meant_for_one_version_is_answered_by_the_conflict_itself(
    new_engine: Callable[..., Engine], asking: Asking, paying: Paying, opened: UUID
) -> None:
    decided: list[c.Command] = []
    rival = new_engine()

    def interrupted(case: Case | None, command: c.Command, context: Context) -> Sequence[e.Event]:
        decided.append(command)
        rival.execute_sync(asking(paying("rival"), opened))
        return decide(case, command, context)

    engine, asked = new_engine(deciding=interrupted), asking(paying("mine"), opened)
    meant = Request(opened, asked.command, asked.command_id, asked.actor, expected_version=2)
    with pytest.raises(CaseMoved):
        engine.execute_sync(meant)
    assert len(decided) == 1
    assert list(rival.load(opened).case.payments) == ["rival"]


def test_a_case_that_never_holds_still_is_given_up_on(
    new_engine: Callable[..., Engine], asking: Asking, opening: Opening, paying: Paying
) -> None:
    rival = new_engine()
    case_id = rival.execute_sync(asking(opening())).case_id

    def interrupted(case: Case | None, command: c.Command, context: Context) -> Sequence[e.Event]:
        rival.execute_sync(asking(paying(f"rival-{uuid.uuid4()}"), case_id))
        return decide(case, command, context)

    with pytest.raises(CaseBusy):
        new_engine(deciding=interrupted).execute_sync(asking(paying("mine"), case_id))
    assert "mine" not in rival.load(case_id).case.payments


def test_a_no_is_never_said_on_an_outdated_state(
    new_engine: Callable[..., Engine], asking: Asking, opening: Opening
) -> None:
    ours, theirs = new_engine(), new_engine()
    case_id = ours.execute_sync(asking(opening())).case_id
    close, reopen = c.CloseCase(reason="paid"), c.ReopenCase(reason="an error")
    # To close takes that nothing is owed; the debt is withdrawn first.
    debt_id = next(iter(ours.load(case_id).case.debts))
    ours.execute_sync(asking(c.WithdrawDebt(debt_id=debt_id, reason="sold"), case_id))
    ours.execute_sync(asking(close, case_id))
    with pytest.raises(CaseIsClosed):
        ours.execute_sync(asking(c.RetireContactPoint(point_id="phone-1", reason="dead"), case_id))
    theirs.execute_sync(asking(reopen, case_id))
    retired = ours.execute_sync(
        asking(c.RetireContactPoint(point_id="phone-1", reason="dead"), case_id)
    )
    assert [type(event) for event in retired.events] == [e.ContactPointRetired]


def test_nothing_to_do_is_an_answer_without_events(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    engine.execute_sync(asking(paying("p-1"), opened))
    outcome = engine.execute_sync(asking(paying("p-1"), opened))
    assert (outcome.events, outcome.position, outcome.version) == ((), None, 3)


def test_time_never_runs_backwards_within_a_case(
    new_engine: Callable[..., Engine], asking: Asking, opening: Opening, paying: Paying
) -> None:
    ahead = new_engine(clock=lambda: _later(60))
    behind = new_engine(clock=lambda: _later(0))
    case_id = ahead.execute_sync(asking(opening())).case_id
    outcome = behind.execute_sync(asking(paying("p-1"), case_id))
    assert outcome.events[0].at == _later(60)


def test_the_log_is_read_in_order_page_by_page(engine: Engine, opened: UUID) -> None:
    everything = engine.read_log(0, 10_000)
    assert [each.position for each in everything] == sorted(each.position for each in everything)
    pages, after = [], 0
    while page := engine.read_log(after, 3):
        assert len(page) <= 3
        pages += page
        after = page[-1].position
    assert pages == everything


def test_labels_that_cannot_be_stored_are_refused_at_once(asking: Asking, paying: Paying) -> None:
    with pytest.raises(ValueError, match="causation"):
        Request(uuid.uuid4(), paying("p"), uuid.uuid4(), asking(paying("p")).actor, "a\x00b")


def test_too_many_commands_at_once_are_refused(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    request = asking(paying("p-1"), opened)
    with pytest.raises(ValueError, match="too many"):
        engine.execute_batch([request] * 5_001)


def test_a_large_batch_opens_all_its_cases(
    engine: Engine, asking: Asking, opening: Opening
) -> None:
    answers = engine.execute_batch([asking(opening()) for _ in range(300)])
    assert not [answer for answer in answers if isinstance(answer, CaseError)]
    ids = {answer.case_id for answer in answers if isinstance(answer, Outcome)}
    assert len(engine.load_many(ids)) == 300


def _later(minutes: int) -> datetime:
    return datetime(2026, 3, 2, 4, 0, tzinfo=UTC) + timedelta(minutes=minutes)


def test_what_is_read_after_a_start_is_not_read_again_for_the_first_command(
    new_engine: Callable[..., Engine], opened: UUID, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = new_engine()
    engine.start()
    loaded = engine.load(opened)
    read = Mock(wraps=engine._states.read)
    monkeypatch.setattr(engine._states, "read", read)
    hold = c.PlaceHold(hold_id="started", kind="dispute", authority="said on the phone")
    assert engine.execute_sync(asking(hold, opened)).version == loaded.version + 1
    assert read.call_count == 0
