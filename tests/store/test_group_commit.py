"""Commands that meet are written together, and nobody is told before it is on the disk."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import CaseError, CaseNotFound
from duecourse.store import pipeline
from duecourse.store.append import Entry, Mode
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.errors import DatabaseUnavailable, StoreError
from duecourse.store.writer import Writer

Asking = Callable[..., Request]
Opening = Callable[..., c.OpenCase]
Paying = Callable[..., c.RecordPayment]
NewEngine = Callable[..., Engine]
MODES: tuple[Mode, ...] = ("locked", "early")


async def _all(engine: Engine, requests: list[Request]) -> list[Outcome | BaseException]:
    asked = [engine.execute(request) for request in requests]
    return await asyncio.gather(*asked, return_exceptions=True)


def _batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that are written from now on."""
    sizes: list[int] = []
    append = Writer.append

    def counted(self: Writer, entries: list[Entry]) -> None:
        sizes.append(len(entries))
        append(self, entries)

    monkeypatch.setattr(Writer, "append", counted)
    return sizes


@pytest.mark.parametrize("mode", MODES)
def test_coroutines_that_ask_at_once_share_a_few_commits(
    new_engine: NewEngine,
    asking: Asking,
    opening: Opening,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
) -> None:
    sizes = _batches(monkeypatch)
    requests = [asking(opening()) for _ in range(200)]
    answers = asyncio.run(_all(new_engine(mode=mode), requests))
    assert [answer.version for answer in answers if isinstance(answer, Outcome)] == [2] * 200
    assert sum(sizes) == 200
    assert len(sizes) < 20


def test_fifty_copies_from_everywhere_have_one_effect_and_one_answer(
    new_engine: NewEngine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    request = asking(paying("p-1"), opened)
    engines = [new_engine() for _ in range(5)]

    def ask(number: int) -> list[Outcome | BaseException]:
        engine = engines[number % len(engines)]
        if number % 2:
            return [engine.execute_sync(request)]
        return asyncio.run(_all(engine, [request] * 9))

    with ThreadPoolExecutor(10) as pool:
        answers = [answer for many in pool.map(ask, range(10)) for answer in many]
    outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
    assert len(outcomes) == len(answers) == 50
    assert len({(each.version, each.position, each.events) for each in outcomes}) == 1
    assert sum(not each.repeated for each in outcomes) == 1
    assert len(engines[0].history(opened)) == 3


def test_threads_and_coroutines_are_served_by_the_same_thread(
    engine: Engine, asking: Asking, opening: Opening
) -> None:
    with ThreadPoolExecutor(8) as pool:
        sync = pool.map(engine.execute_sync, [asking(opening()) for _ in range(40)])
        answers = asyncio.run(_all(engine, [asking(opening()) for _ in range(40)]))
        assert {each.version for each in sync} == {2}
    assert {each.version for each in answers if isinstance(each, Outcome)} == {2}
    assert sum(each.name == "duecourse-engine" for each in threading.enumerate()) == 1


def test_what_goes_wrong_with_one_command_is_raised_where_it_was_asked(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    requests = [asking(paying("p-1")), asking(paying("p-1"), opened), asking(paying("\ud800"))]
    nowhere, paid, unstorable = asyncio.run(_all(engine, requests))
    assert isinstance(nowhere, CaseNotFound)
    assert isinstance(paid, Outcome)
    assert isinstance(unstorable, CaseError)


def test_a_caller_that_goes_away_does_not_take_its_command_along(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    request = asking(paying("p-1"), opened)

    async def ask_and_leave() -> None:
        asked = asyncio.ensure_future(engine.execute(request))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

    asyncio.run(ask_and_leave())
    assert engine.execute_sync(request).version == 3
    assert len(engine.history(opened)) == 3


def test_nobody_is_told_before_the_flush_has_ended(
    new_engine: NewEngine,
    asking: Asking,
    paying: Paying,
    opened: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flushing, on_disk = threading.Event(), threading.Event()
    has_flushed = Writer.has_flushed

    def held_up(self: Writer) -> bool:
        if self.is_flushing:
            flushing.set()
            on_disk.wait(10)
        return has_flushed(self)

    monkeypatch.setattr(Writer, "has_flushed", held_up)
    engine = new_engine(mode="early")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(engine.execute_sync, asking(paying("p-1"), opened))
        assert flushing.wait(10)
        assert len(engine.history(opened)) == 3, "others may see it already"
        time.sleep(0.05)
        assert not asked.done()
        on_disk.set()
        assert asked.result().version == 3


@pytest.mark.parametrize(("others", "early"), [(0, False), (1, True)])
def test_the_lock_is_released_early_when_another_process_writes_too(
    new_engine: NewEngine,
    asking: Asking,
    opening: Opening,
    monkeypatch: pytest.MonkeyPatch,
    others: int,
    early: bool,  # noqa: FBT001
) -> None:
    flushes: list[bool] = []
    flush = Writer.flush

    def noted(self: Writer) -> None:
        flushes.append(True)
        flush(self)

    monkeypatch.setattr(Writer, "flush", noted)
    for _ in range(others):
        new_engine().execute_sync(asking(opening()))
    flushes.clear()
    new_engine().execute_sync(asking(opening()))
    assert bool(flushes) is early


def test_more_commands_than_may_wait_are_refused_and_none_is_half_taken(
    engine: Engine, asking: Asking, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "MAX_WAITING", -1)
    request = asking(opening())
    for ask in (engine.execute_sync, lambda each: asyncio.run(engine.execute(each))):
        with pytest.raises(DatabaseUnavailable, match="too many"):
            ask(request)
    monkeypatch.setattr(pipeline, "MAX_WAITING", 100)
    assert not engine.execute_sync(request).repeated


def test_what_the_server_will_not_take_harms_only_its_own_command(
    new_engine: NewEngine,
    asking: Asking,
    opening: Opening,
    paying: Paying,
    opened: UUID,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = new_engine()
    seal = engine.log.mapper.seal

    def spoilt(case_id: UUID, *about: object) -> tuple[str, bytes]:
        topic, state = seal(case_id, *about)  # type: ignore[arg-type]
        return ("\x00" if case_id == opened else topic), state

    monkeypatch.setattr(engine.log.mapper, "seal", spoilt)
    answers = asyncio.run(
        _all(engine, [asking(opening()), asking(paying("p-1"), opened), asking(opening())])
    )
    assert [type(answer) for answer in answers] == [Outcome, StoreError, Outcome]


def test_a_defect_of_the_engine_leaves_nobody_waiting(
    engine: Engine, asking: Asking, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asking(opening())
    with monkeypatch.context() as planted:
        planted.setattr(Writer, "append", lambda *_: {}["a defect"])
        with pytest.raises(StoreError, match="a defect of ours"):
            engine.execute_sync(request)
    assert not engine.execute_sync(request).repeated


def test_a_closed_engine_has_finished_what_it_took_and_starts_again_when_asked(
    new_engine: NewEngine, asking: Asking, opening: Opening
) -> None:
    engine = new_engine()
    request = asking(opening())

    async def ask_and_close() -> Outcome:
        asked = asyncio.ensure_future(engine.execute(request))
        await asyncio.sleep(0)
        await asyncio.to_thread(engine.close)
        return await asked

    assert not asyncio.run(ask_and_close()).repeated
    assert engine.execute_sync(request).repeated


@pytest.mark.parametrize("mode", MODES)
def test_many_commands_for_a_few_cases_from_two_engines_all_count_once(
    new_engine: NewEngine, asking: Asking, opening: Opening, paying: Paying, mode: Mode
) -> None:
    engines = [new_engine(mode=mode), new_engine(mode=mode)]
    cases = [engines[0].execute_sync(asking(opening())).case_id for _ in range(5)]
    requests = [asking(paying(str(uuid.uuid4())), cases[n % 5]) for n in range(100)]

    def ask(engine: Engine) -> list[Outcome | CaseError]:
        return engine.execute_batch(requests)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, engines)
    for ours, theirs in zip(first, second, strict=True):
        assert isinstance(ours, Outcome)
        assert isinstance(theirs, Outcome)
        assert (ours.version, ours.events) == (theirs.version, theirs.events)
        assert {ours.repeated, theirs.repeated} == {True, False}
    for case_id in cases:
        kinds = [type(each.event) for each in engines[0].history(case_id)]
        assert kinds == [e.CaseOpened, e.DebtPlaced, *[e.PaymentRecorded] * 20]
