"""python -m bench.django_peer.run migrate|save HOST PORT DATABASE CLIENTS SECONDS: threads that save."""
# mypy: ignore-errors
# Django is installed for the peer alone, in a venv of its own.

import sys
from datetime import UTC, datetime

import django
from django.conf import settings
from django.core.management import call_command

from bench.closed_loop import report, run_threads, wait_for_start

NOTE = {
    "status": "in_review",
    "assignee": "officer-00417",
    "note": "Applicant supplied the missing payslip, checked against the register and accepted.",
    "at": datetime(2026, 11, 23, 21, tzinfo=UTC),
    "ref": "3f0d6a4e9c1b4d2aa9d1",
    "n": 42,
}


def configure(host: str, port: str, database: str) -> None:
    where = {"HOST": host, "PORT": port, "NAME": database, "USER": "postgres"}
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "CONN_MAX_AGE": None,
                **where,
            }
        },
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "simple_history",
            "bench.django_peer.apps.DossierConfig",
        ],
        USE_TZ=True,
        LOGGING_CONFIG=None,
    )
    django.setup()


def main() -> None:
    action, host, port, database, clients, seconds = sys.argv[1:]
    configure(host, port, database)
    if action == "migrate":
        # The history refers to users, and tables without migrations are made before all others.
        call_command("migrate", "auth", verbosity=0)
        call_command("migrate", run_syncdb=True, verbosity=0)
        return
    from bench.django_peer.models import Dossier  # noqa: PLC0415 - after django.setup()

    wait_for_start()
    report(run_threads(lambda _: Dossier(**NOTE).save(), int(clients), float(seconds)))


if __name__ == "__main__":
    main()
