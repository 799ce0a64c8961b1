"""Running the parts."""

import os
import signal
import socket
import threading
from types import FrameType

import rich_click as click

from duecourse.cli.settings import ReadSettings
from duecourse.cycles import look_for_cycles_rarely
from duecourse.flow.house import House, dsn_of
from duecourse.settings import Settings
from duecourse.store.migrate import migrate as run_migrations

_until_stdin_closes = click.option(
    "--until-stdin-closes",
    is_flag=True,
    hidden=True,
    help="Stop when whoever started this is gone.",
)


def _stop_at_end_of_input() -> None:
    """Wait, in a thread, for the starter's end of the pipe to close, then stop as if told to."""

    def wait() -> None:
        # Not through sys.stdin: its lock, held by a waiting thread, would abort the shutdown.
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@_until_stdin_closes
@click.pass_context
def serve(context: click.Context, host: str, port: int, *, until_stdin_closes: bool) -> None:
    """Serve the HTTP API. Put a proxy that speaks TLS before it."""
    try:
        import uvicorn  # noqa: PLC0415 - an extra, only this command needs it

        from duecourse_api.app import create_app  # noqa: PLC0415
        from duecourse_api.services import services_of  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"{missing}; install duecourse[api]") from missing
    settings: Settings = context.obj(first_key=True)
    if until_stdin_closes:
        _stop_at_end_of_input()
    with House.open(settings) as house:
        app = create_app(services_of(house))
        house.engine.start()
        look_for_cycles_rarely()
        config = uvicorn.Config(
            app,
            log_level="warning",
            timeout_graceful_shutdown=3,
            access_log=False,
            # Nothing asks for the client's address or scheme.
            proxy_headers=False,
        )
        with _listening(host, port) as listener:
            click.echo(f"serving on {_address_of(listener)}; Ctrl-C stops it", err=True)
            uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as refused:
        why = str(refused.strerror).partition(" (")[0]
        raise click.ClickException(
            f"cannot listen on {host} port {port}: {why}; choose another with --host and --port"
        ) from refused


def _address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@click.command()
@_until_stdin_closes
@click.pass_obj
def worker(settings: ReadSettings, *, until_stdin_closes: bool) -> None:
    """Send what is permitted and do what is due, until told to stop."""
    stop = threading.Event()

    def finish(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    if until_stdin_closes:
        _stop_at_end_of_input()
    with House.open(settings(first_key=True)) as house:
        for each in house.plugins.listing:
            if each.state == "broken":
                click.echo(f"{each.instance or each.name} is broken: {each.reason}", err=True)
        look_for_cycles_rarely()
        click.echo("working; Ctrl-C stops it", err=True)
        house.worker().run(stop.is_set)


@click.command()
@click.pass_obj
def migrate(settings: ReadSettings) -> None:
    """Bring the tables of the database up to date. May be run at any time, by many at once."""
    applied = run_migrations(dsn_of(settings.anew()))
    click.echo(f"applied: {', '.join(applied)}" if applied else "the database is up to date")
