"""What waits for a person, on the terminal: unknown outcomes and unmatched signals."""

import base64
import json
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result
from office import Office

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.cli import duecourse
from duecourse.store.database import Database
from duecourse.store.references import References

Run = Callable[..., Result]
SEEN = ("--outcome", "not-sent", "--evidence", "not in the log of the gateway")


@pytest.fixture
def run(migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"DATABASE_URL": migrated_dsn, "DUECOURSE_MASTER_KEY": key}
    config = tmp_path_factory.mktemp("settings") / "duecourse.toml"
    config.touch()

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(duecourse, ["--config", str(config), *arguments], env=environ)

    return invoke


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, {}, {}, {})


@pytest.fixture
def lost(office: Office) -> Iterator[tuple[UUID, UUID]]:
    """A contact of which nobody knows what became."""
    case_id, contact_id = office.open(), uuid4()
    for command in (
        c.RequestContact(contact_id=contact_id, channel="sms", template="reminder-first"),
        c.StartDispatch(contact_id=contact_id, plugin="fake", body_sha256="0" * 64),
        c.RecordUnknown(contact_id=contact_id, reason="a crash while sending"),
    ):
        office.ask(case_id, command)
    yield case_id, contact_id
    if office.case(case_id).contacts[contact_id].status == "unknown":
        office.ask(
            case_id, c.ReconcileContact(contact_id=contact_id, outcome="sent", evidence="the end")
        )


def test_what_is_unknown_is_listed_and_settled(
    run: Run, office: Office, lost: tuple[UUID, UUID]
) -> None:
    case_id, contact_id = map(str, lost)
    (line,) = run("contacts", "unknown", "--json").stdout.splitlines()
    row = json.loads(line)
    assert (row["case_id"], row["contact_id"], row["plugin"]) == (case_id, contact_id, "fake")
    assert f"{case_id}\t{contact_id}\tsms\tfake\t" in run("contacts", "unknown").stdout
    assert run("contacts", "unknown", "--channel", "email", "--json").stdout == ""
    done = run("contacts", "reconcile", case_id, contact_id, *SEEN)
    assert (done.exit_code, done.stdout) == (0, "not-sent is on record\n"), done.output
    again = run("contacts", "reconcile", case_id, contact_id, *SEEN)
    assert (again.exit_code, again.stdout) == (0, "not-sent was on record already\n")
    assert run("contacts", "unknown", "--json").stdout == ""
    last = office.engine.history(lost[0])[-1]
    assert isinstance(last.event, e.ContactReconciled)
    assert (last.event.evidence, last.actor.role) == ("not in the log of the gateway", "operator")


def test_what_cannot_be_settled_is_a_clear_error(run: Run, lost: tuple[UUID, UUID]) -> None:
    case_id, contact_id = map(str, lost)
    nobody = str(uuid4())
    for arguments, words in (
        ((nobody, contact_id, *SEEN), "there is no case"),
        ((case_id, nobody, *SEEN), "no permitted contact"),
        ((case_id, contact_id, "--outcome", "sent", "--evidence", "  "), "blank"),
        ((case_id, contact_id, "--outcome", "sent", "--evidence", "x" * 2001), "2000"),
        ((case_id, contact_id, "--outcome", "lost", "--evidence", "x"), "lost"),
        ((case_id, contact_id, "--outcome", "sent"), "--evidence"),
    ):
        refused = run("contacts", "reconcile", *arguments)
        assert refused.exit_code in {1, 2}
        assert words in refused.output
    run("contacts", "reconcile", case_id, contact_id, *SEEN)
    other = run("contacts", "reconcile", case_id, contact_id, "--outcome", "sent", *SEEN[2:])
    assert other.exit_code == 1
    assert "found out before that it was not sent" in other.output


def test_signals_that_fit_nothing_are_listed(run: Run, database: Database) -> None:
    references = References(database)
    references.note_unmatched("sms", "receipt", "r-1", "gw-1")
    references.note_unmatched("email", "reply", "m-1", "")
    lines = run("signals", "unmatched", "--json").stdout.splitlines()
    assert [json.loads(line)["signal_id"] for line in lines] == ["m-1", "r-1"]
    table = run("signals", "unmatched", "--channel", "sms").stdout
    assert "\tsms\treceipt\tr-1\tgw-1\n" in table
    assert "m-1" not in table
    assert len(run("signals", "unmatched", "--limit", "1", "--json").stdout.splitlines()) == 1
