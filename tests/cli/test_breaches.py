"""`duecourse case show` names a call that nobody asked for, and the rules that forbade it."""

import json
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.channels import Secret
from duecourse.cli import duecourse
from duecourse.flow.house import House
from duecourse.settings import Settings
from duecourse.store.database import Database
from duecourse.store.engine import Request
from duecourse.testing import COLLECTOR
from duecourse.testing.sample import DAY, LATE, debt, open_case, talk


def test_a_call_at_night_is_shown_as_a_breach_with_its_rules(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = uuid.uuid4()
    said = replace(talk(at=LATE), conversation_id=uuid.uuid4())
    opening = replace(open_case(debt(uuid.uuid4())), subject_id=uuid.uuid4())
    with House.open(Settings(data=tmp_path, database_url=Secret(database.dsn))) as house:
        house.engine = type(house.engine)(
            house.database, house.vault, context_for=house.context_for, clock=lambda: LATE + DAY
        )
        for command in (opening, said):
            asked: c.Command = command
            house.engine.execute_sync(Request(case_id, asked, uuid.uuid4(), COLLECTOR))
    monkeypatch.setenv("DATABASE_URL", database.dsn)
    shown = CliRunner().invoke(duecourse, ["--data", str(tmp_path), "case", "show", str(case_id)])
    assert shown.exit_code == 0, shown.output
    (breach,) = json.loads(shown.stdout)["breaches"]
    assert breach["conversation_id"] == str(said.conversation_id)
    assert (breach["channel"], breach["reported_by"]) == ("call", "collector-1")
    assert "cn.quiet_hours" in {each["rule"] for each in breach["rules"]}
