"""The tables are made once, in order, and only by code that knows them."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse.case.context import SYSTEM
from duecourse.store import migrate as migrations
from duecourse.store.append import Entry, MissedEvent, append
from duecourse.store.database import Database
from duecourse.store.errors import DatabaseUnavailable, SchemaMismatch
from duecourse.store.migrate import migrate, pending, require_current, shipped


def test_what_is_missing_is_applied_once(fresh_dsn: str) -> None:
    names = list(shipped())
    assert names[0] == "0001_events.sql"
    assert pending(fresh_dsn) == names
    assert migrate(fresh_dsn) == names
    assert migrate(fresh_dsn) == pending(fresh_dsn) == []
    require_current(fresh_dsn)


def test_a_database_without_its_tables_is_refused(fresh_dsn: str) -> None:
    with pytest.raises(SchemaMismatch, match="duecourse migrate"):
        require_current(fresh_dsn)


def test_migrations_at_the_same_time_apply_each_file_once(fresh_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = [name for names in pool.map(migrate, [fresh_dsn] * 4) for name in names]
    assert applied == list(shipped())


def test_a_file_changed_after_it_was_applied_is_refused(fresh_dsn: str) -> None:
    scripts = {"0001_a.sql": b"CREATE TABLE a ()"}
    migrate(fresh_dsn, scripts)
    scripts["0001_a.sql"] += b" "
    for check in (migrate, pending):
        with pytest.raises(SchemaMismatch, match=r"0001_a\.sql was changed"):
            check(fresh_dsn, scripts)


def test_a_database_newer_than_the_code_is_refused(fresh_dsn: str) -> None:
    scripts = {"0001_a.sql": b"CREATE TABLE a ()", "0002_b.sql": b"CREATE TABLE b ()"}
    migrate(fresh_dsn, scripts)
    with pytest.raises(SchemaMismatch, match=r"newer than this code: it has 0002_b\.sql"):
        migrate(fresh_dsn, {"0001_a.sql": scripts["0001_a.sql"]})


def test_a_file_that_fails_leaves_nothing_behind(fresh_dsn: str) -> None:
    scripts = {"0001_a.sql": b"CREATE TABLE a ()", "0002_b.sql": b"CREATE TABLE b (); SELECT 1/0"}
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(fresh_dsn, scripts)
    assert pending(fresh_dsn, scripts) == ["0002_b.sql"]
    with psycopg.connect(fresh_dsn) as connection:
        row = connection.execute("SELECT to_regclass('a'), to_regclass('b')").fetchone()
    assert row == ("a", None)


def test_a_database_of_before_keeps_its_log_and_answers_as_today(fresh_dsn: str) -> None:
    scripts = shipped()
    case_id, before = uuid.uuid4(), "0005"
    migrate(fresh_dsn, {name: script for name, script in scripts.items() if name < before})
    with psycopg.connect(fresh_dsn) as connection:
        connection.execute(
            "INSERT INTO case_events (originator_id, originator_version, topic, state)"
            " VALUES (%s, 1, 'Test', '{}')",
            (case_id,),
        )
    assert migrate(fresh_dsn) == [name for name in scripts if name > before]
    late = Entry(
        command_id=uuid.uuid4(),
        case_id=case_id,
        first_version=1,
        fingerprint=b"f",
        actor=SYSTEM,
        causation="",
        events=(("Test", b"{}"),),
    )
    with Database(fresh_dsn) as database, database.connection() as connection:
        (verdict,) = append(connection, [late]).verdicts
        assert verdict.missed == (MissedEvent(1, "Test", b"{}"),)


@pytest.fixture
def other_role(server_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An application role that no database of the cluster has yet."""
    name = f"duecourse_app_{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(migrations, "APP_ROLE", name)
    yield name
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_two_databases_of_a_cluster_can_make_the_role_at_once(
    server_dsn: str, other_role: str
) -> None:
    start = threading.Barrier(8)

    def ensure(_: int) -> None:
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            start.wait()
            migrations._ensure_role(connection)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ensure, range(8)))
    with psycopg.connect(server_dsn) as connection:
        assert migrations._role_exists(connection)


@pytest.fixture
def login(server_dsn: str) -> Iterator[Callable[[str], str]]:
    """A maker of logins with the attributes given, owners of nothing."""
    names: list[str] = []

    def make(attributes: str) -> str:
        names.append(f"login_{uuid.uuid4().hex[:8]}")
        with psycopg.connect(server_dsn, autocommit=True) as server:
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'test' " + attributes)  # type: ignore[arg-type]
            server.execute(create.format(sql.Identifier(names[-1])))
        return names[-1]

    yield make
    with psycopg.connect(server_dsn, autocommit=True) as server:
        for name in names:
            server.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
            server.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_login_that_may_not_make_roles_is_told_what_to_ask_for(
    server_dsn: str, other_role: str, login: Callable[[str], str]
) -> None:
    dsn = make_conninfo(server_dsn, user=login(""), password="test")
    with pytest.raises(SchemaMismatch, match=f"CREATE ROLE {other_role} NOLOGIN; GRANT"):
        migrate(dsn)


def test_a_login_that_may_make_roles_makes_it_and_can_act_as_it(
    server_dsn: str, other_role: str, login: Callable[[str], str]
) -> None:
    name = login("CREATEROLE")
    dsn = make_conninfo(server_dsn, user=name, password="test")
    with psycopg.connect(dsn, autocommit=True) as connection:
        migrations._ensure_role(connection)
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(other_role)))


def test_a_login_without_the_role_is_told_the_grant(
    migrated_dsn: str, login: Callable[[str], str]
) -> None:
    name = login("")
    with pytest.raises(SchemaMismatch, match=f'GRANT duecourse_app TO "{name}"'):
        Database(make_conninfo(migrated_dsn, user=name, password="test"))


def test_an_unreachable_server_is_reported_without_the_password() -> None:
    dsn = "postgresql://somebody:hidden@127.0.0.1:1/nothing"
    for opening in (migrate, Database):
        with pytest.raises(DatabaseUnavailable, match=r"127\.0\.0\.1") as refused:
            opening(dsn)
        assert "hidden" not in str(refused.value)


def _rights(dsn: str) -> list[tuple[object, ...]]:
    """Who may do what with every table, column and function here."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            """
            SELECT 'table', c.relname, '', a.grantee::regrole::text, a.privilege_type
              FROM pg_class AS c, aclexplode(c.relacl) AS a
             WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'column', c.relname, t.attname, a.grantee::regrole::text, a.privilege_type
              FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid,
                   aclexplode(t.attacl) AS a
             WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'function', p.proname, '', a.grantee::regrole::text, a.privilege_type
              FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
             WHERE p.pronamespace = 'public'::regnamespace
             ORDER BY 1, 2, 3, 4, 5
            """
        ).fetchall()


def _lose_rights(dsn: str) -> None:
    """As `pg_dump --no-privileges` does: nobody but the owner, and functions for everybody."""
    with psycopg.connect(dsn) as connection:
        connection.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM duecourse_app")
        connection.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM duecourse_app")
        connection.execute("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC")


def test_rights_lost_by_a_restore_are_told_and_given_again_exactly(fresh_dsn: str) -> None:
    migrate(fresh_dsn)
    before = _rights(fresh_dsn)
    _lose_rights(fresh_dsn)
    assert pending(fresh_dsn) == []
    with pytest.raises(
        SchemaMismatch, match=r"lacks rights on .+ more, .+; run `duecourse migrate`"
    ):
        require_current(fresh_dsn)
    assert migrate(fresh_dsn) == ["the rights of duecourse_app"]
    assert _rights(fresh_dsn) == before
    require_current(fresh_dsn)
    assert migrate(fresh_dsn) == []


@pytest.mark.parametrize(
    "loss",
    [
        "REVOKE SELECT ON settings FROM duecourse_app",
        "REVOKE DELETE ON timers FROM duecourse_app",
        "REVOKE ALL ON case_events FROM duecourse_app",
        "GRANT EXECUTE ON FUNCTION append_events TO PUBLIC",
    ],
)
def test_the_loss_of_one_right_is_noticed(fresh_dsn: str, loss: str) -> None:
    migrate(fresh_dsn)
    before = _rights(fresh_dsn)
    with psycopg.connect(fresh_dsn) as connection:
        connection.execute(loss)  # type: ignore[arg-type]
    with pytest.raises(SchemaMismatch, match="duecourse migrate"):
        require_current(fresh_dsn)
    migrate(fresh_dsn)
    assert _rights(fresh_dsn) == before


def test_a_login_that_does_not_own_the_tables_is_told_so(
    fresh_dsn: str, login: Callable[[str], str]
) -> None:
    migrate(fresh_dsn)
    _lose_rights(fresh_dsn)
    name = login("")
    with psycopg.connect(fresh_dsn) as connection:
        connection.execute(sql.SQL("GRANT duecourse_app TO {}").format(sql.Identifier(name)))
    stranger = make_conninfo(fresh_dsn, user=name, password="test")
    for check in (pending, migrate):
        with pytest.raises(
            SchemaMismatch, match=f'the login "{name}" lacks rights .* --role="{name}"'
        ):
            check(stranger)
