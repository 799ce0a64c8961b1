"""Reading whole histories: nothing is written, nothing opened, nobody waited for."""

from collections.abc import Callable
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from backtesting import ask_for, book, dispatch, forget_all, replayed
from office import RULES, Ledger, Office
from psycopg import sql

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.flow.backtest import Backtest, Question
from duecourse.rules.backtest import Counts
from duecourse.store.database import Database
from duecourse.store.histories import Page, histories_of


@pytest.fixture
def office(new_office: Callable[..., Office], ledger: Ledger, database: Database) -> Office:
    """An office with an empty past."""
    forget_all(database.dsn)
    return new_office({"sms": ledger})


def all_rows(dsn: str) -> dict[str, list[str]]:
    """Everything that is in the database: the rows of all tables, and where the sequences are."""
    with psycopg.connect(dsn) as owner:
        tables = owner.execute("SELECT schemaname, relname FROM pg_stat_user_tables").fetchall()
        found = {
            f"{schema}.{table}": [
                row[0]
                for row in owner.execute(
                    sql.SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(
                        sql.Identifier(schema, table)
                    )
                )
            ]
            for schema, table in tables
        }
        sequences = owner.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
    return found | {name: [str(last)] for name, last in sequences}


def test_nothing_is_written(office: Office, database: Database) -> None:
    case_id = office.open()
    dispatch(office, case_id, ask_for(office, case_id))
    ask_for(office, case_id, "call")
    before = all_rows(database.dsn)
    assert replayed(office, Question(book=RULES)).total.decisions == 3
    assert all_rows(database.dsn) == before
    assert len(before["public.case_events"]) > 3


def test_the_transaction_that_reads_may_not_write(office: Office) -> None:
    with histories_of(office.engine.log) as histories:
        refused = pytest.raises(psycopg.errors.ReadOnlySqlTransaction)
        with refused:
            histories._connection.execute("INSERT INTO settings VALUES ('x', 'y')")


def test_what_a_worker_writes_meanwhile_is_not_seen(office: Office) -> None:
    case_id = office.open()
    ask_for(office, case_id)
    with histories_of(office.engine.log) as histories:
        position = histories.position
        ask_for(office, case_id, "call")
        office.open()
        report = Backtest(Question(book=RULES)).run(histories.read())
    assert report.total.decisions == 1
    assert position < office.engine.log.last_position()


def test_pages_break_anywhere_within_a_case_and_progress_ends_at_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duecourse.store.histories.PAGE", 3)
    for _ in range(3):
        case_id = office.open()
        for channel in ("sms", "call"):
            ask_for(office, case_id, channel)
    told: list[tuple[int, int]] = []
    with histories_of(office.engine.log) as histories:
        pages = list(histories.read(lambda done, total: told.append((done, total))))
        report = Backtest(Question(book=RULES)).run(pages)
    assert report.total == Counts(decisions=6, unchanged=6, still_allowed=6)
    ids = [case_id for page in pages for case_id in page.case_ids]
    assert len([each for each, after in pairwise(ids) if each is not after]) == 2
    assert told[-1] == (len(ids), len(ids))
    assert max(len(page.events) for page in pages) == 3


def read_whole(office: Office) -> list[Page]:
    with histories_of(office.engine.log) as histories:
        return list(histories.read())


def test_no_personal_text_is_opened(office: Office) -> None:
    case_id = office.open()
    office.ask(case_id, c.RecordOptOut(channel="email", how="r" * 500))
    seen = [event for page in read_whole(office) for event in page.events]
    (opened,) = (event for event in seen if isinstance(event, e.CaseOpened))
    texts = [opened.debtor.name, opened.borrower_ref, opened.contact_points[0].address]
    assert all(text.startswith("~1.") for text in texts)
    # What is too long for its field once it is sealed is read as if it were erased.
    (out,) = (event for event in seen if isinstance(event, e.ChannelOptedOut))
    assert out.how == "[erased]"


def test_an_erased_case_is_judged_as_it_was(office: Office, database: Database) -> None:
    case_id = office.open()
    ask_for(office, case_id)
    before = replayed(office, Question(book=book("cn")))
    with psycopg.connect(database.dsn) as owner:
        owner.execute("DELETE FROM subject_keys")
    assert replayed(office, Question(book=book("cn"))) == before


def spoil(dsn: str, case_id: UUID, column: str, value: object) -> None:
    with psycopg.connect(dsn) as owner:
        owner.execute("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only")
        owner.execute(
            f"UPDATE case_events SET {column} = %s WHERE originator_id = %s"
            " AND topic = 'ChannelOptedOut'",
            (value, case_id),
        )
        owner.execute("ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only")


@pytest.mark.parametrize(("column", "value"), [("state", b"{"), ("topic", "NobodyKnows")])
def test_a_case_that_cannot_be_read_is_named_and_keeps_no_other_from_being_judged(
    office: Office, database: Database, column: str, value: object
) -> None:
    spoiled, whole = office.open(), office.open()
    for case_id in (spoiled, whole):
        ask_for(office, case_id)
        office.ask(case_id, c.RecordOptOut(channel="all", how="reply"))
        ask_for(office, case_id)
    spoil(database.dsn, spoiled, column, value)
    report = replayed(office, Question(book=RULES))
    assert report.unreadable == [spoiled]
    assert report.total == Counts(decisions=3, unchanged=3, still_allowed=2, still_refused=1)
