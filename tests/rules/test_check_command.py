"""`duecourse rules`: asked from the command line, with no database at all."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from duecourse.case.words import HoldKind
from duecourse.cli import main
from duecourse.rules.names import HOLDS

Ask = Callable[..., tuple[int, str, str]]
CHECK = ["check", "--pack", "cn", "--channel", "call", "--tz", "Asia/Shanghai"]
NOON = "2026-03-02T12:00:00+08:00"


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Ask:
    """Run `duecourse rules …`: exit code, output, errors. A dict becomes the case file."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, case: Any = None) -> tuple[int, str, str]:
        more = []
        if case is not None:
            text = case if isinstance(case, str) else json.dumps(case)
            (tmp_path / "case.json").write_text(text, "utf-8")
            more = ["--case", "case.json"]
        monkeypatch.setattr(sys, "argv", ["duecourse", "rules", *arguments, *more])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_a_lawful_contact_is_permitted(ask: Ask) -> None:
    assert ask(*CHECK, "--at", NOON)[:2] == (0, "permitted: allow\n")


def test_a_refusal_says_which_rule_its_source_and_the_next_lawful_moment(ask: Ask) -> None:
    code, out, _ = ask(*CHECK, "--at", "2026-03-02T22:00:00+08:00")
    assert code == 3
    assert out.startswith("not permitted: block\nnext lawful moment: 2026-03-03T08:00:00+08:00\n")
    assert "cn.quiet_hours" in out
    assert "GB/T 45251-2025 section 5.3" in out


def test_json_has_every_finding(ask: Ask) -> None:
    code, out, _ = ask(*CHECK, "--at", "2026-03-02T22:00:00+08:00", "--json")
    answer = json.loads(out)
    assert (code, answer["permitted"], answer["outcome"]) == (3, False, "block")
    assert answer["next_lawful_at"] == "2026-03-03T00:00:00Z"
    finding = answer["findings"][0]
    assert finding["rule"] == "cn.quiet_hours"
    assert finding["confidence"] == "B"
    assert finding["inputs"]["quiet"] == "22:00-08:00"


@pytest.mark.parametrize(
    ("case", "rule"),
    [
        ({"holds": [{"kind": "dispute"}]}, "hold_blocks"),
        ({"opted_out": ["call"]}, "opted_out"),
        ({"refused_media": ["call"]}, "medium_refused"),
        ({"holder": "third_party"}, "third_party"),
        ({"stage": "closed"}, "closed"),
        ({"has_debt": False}, "nothing_owed"),
        ({"jurisdiction": "US"}, "unknown_jurisdiction"),
        ({"facts": {"assigned": "2026-01-01"}}, "cn.assignment_notice"),
        ({"limitation": "expired", "content": ["legal_threat"]}, "cn.no_threat_after_limitation"),
        ({"act": "bureau_report"}, "cn.told_before_reporting"),
        ({"agreed_hours": [{"start": "18:00:00", "end": "19:00:00"}]}, "cn.quiet_hours"),
        (
            {"past": [{"at": f"2026-03-02T{hour}:00:00+08:00"} for hour in ("08", "09", "10")]},
            "cn.conversations_per_day",
        ),
    ],
)
def test_what_the_case_file_says_counts(ask: Ask, case: dict[str, Any], rule: str) -> None:
    code, out, err = ask(*CHECK, "--at", NOON, "--json", case=case)
    assert (code, err) == (3, "")
    assert rule in {each["rule"] for each in json.loads(out)["findings"]}


def test_without_a_place_the_debtor_may_live_where_any_chosen_pack_holds(ask: Ask) -> None:
    line = [*CHECK, "--pack", "us-ma", "--pack", "us", "--at", NOON, "--json"]
    places = json.loads(ask(*line)[1])["findings"][0]["inputs"]
    assert places["place"] in {"CN Asia/Shanghai", "US-MA Asia/Shanghai"}


def test_a_pack_of_ones_own_is_asked(ask: Ask, tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "core/duecourse/rules/packs/in.toml"
    (tmp_path / "mine.toml").write_text(source.read_text("utf-8"), "utf-8")
    line = ["check", "--pack", "mine.toml", "--channel", "call", "--tz", "Asia/Kolkata"]
    assert ask(*line, "--at", "2026-03-02T18:59:59+05:30")[0] == 0
    assert ask(*line, "--at", "2026-03-02T19:00:00+05:30")[0] == 3


@pytest.mark.parametrize(
    ("change", "case", "complaint"),
    [
        (["--at", "2026-03-02T12:00:00"], None, "--at: .* has no offset; add one"),
        (["--at", "noon"], None, "--at: 'noon' is no moment; write it like"),
        (["--at", "0001-03-02T12:00:00Z"], None, "--at: .* out of all reason"),
        (["--at", NOON, "--tz", "Nowhere"], None, "--tz: there is no time zone 'Nowhere'; use"),
        (
            ["--at", NOON, "--channel", "Call!"],
            None,
            "--channel: no rule knows the channel 'Call!'; there are",
        ),
        (
            ["--at", NOON, "--pack", "xx"],
            None,
            "--pack: 'xx' is no file and no installed pack; those",
        ),
        ([], None, "Missing option '--at'"),
        (["--at", NOON], "{", "case.json: is not JSON: .*; mend"),
        (["--at", NOON], {"holdz": []}, "case.json: .*holdz.*; see docs/rules.md"),
        (["--at", NOON], {"past": [{"at": "x"}]}, r"case.json: past\[0\].at: Invalid RFC3339"),
        (["--at", NOON], {"past": [{"at": "2026-03-02T12:00:00"}]}, r"past\[0\].at: Expected"),
        (["--at", NOON], {"limitation": "soon"}, "limitation: is not one of .*; use one of: "),
        (["--at", NOON], {"facts": {"assigned": 5}}, r"facts\[...\]: Expected `date`"),
        (
            ["--at", NOON],
            {"agreed_hours": [{"start": "09:00:00", "end": "09:00:00"}]},
            r"agreed_hours\[0\]: `start` and `end` are the same",
        ),
        (
            ["--at", NOON],
            {"other_places": [{"jurisdiction": "US", "time_zone": "Mars"}]},
            r"other_places\[0\].time_zone: there is no time zone 'Mars'",
        ),
        # A misspelt word would let every rule that looks for it pass by.
        (
            ["--at", NOON, "--channel", "phone"],
            None,
            "--channel: no rule knows the channel 'phone'; there are",
        ),
        (["--at", NOON], {"licence": "fdcpa-collector"}, "licence: no rule knows 'fdcpa-col"),
        (["--at", NOON], {"opted_out": ["phone"]}, "opted_out: no rule knows 'phone'; there are"),
        (["--at", NOON], {"refused_media": ["text"]}, "refused_media: no rule knows 'text'"),
        (["--at", NOON], {"consents": ["tpca"]}, "consents: no rule knows 'tpca'; there are"),
        (["--at", NOON], {"content": ["legal-threat"]}, "content: no rule knows 'legal-threat'"),
        (["--at", NOON], {"facts": {"asigned": "2026-01-01"}}, "facts: no rule knows 'asigned'"),
        (["--at", NOON], {"holds": [{"kind": "disput"}]}, r"holds\[0\].kind: no rule knows"),
        (
            ["--at", NOON],
            {"holds": [{"kind": "dispute", "blocks": ["contact"]}]},
            r"holds\[0\].blocks\[0\]: is not one of .*; use one of: ",
        ),
        (
            ["--at", NOON],
            {"past": [{"at": NOON, "channel": "phone"}]},
            r"past\[0\].channel: no rule knows 'phone'",
        ),
        (
            ["--at", NOON],
            {"agreed_hours": [{"start": "18:00:00", "end": "20:00:00", "channels": ["phone"]}]},
            r"agreed_hours\[0\].channels: no rule knows 'phone'",
        ),
    ],
)
def test_bad_input_is_one_line_that_names_the_field_and_the_fix(
    ask: Ask, change: list[str], case: Any, complaint: str
) -> None:
    code, out, err = ask(*CHECK, *change, case=case)
    assert (code, out) == (2, "")
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert pytest.importorskip("re").search(complaint, err), err


def test_a_rule_is_explained_and_a_mistyped_one_gets_a_hint(ask: Ask) -> None:
    _, out, _ = ask("explain", "us.after_conversation")
    for part in ("12 CFR 1006.14(b)(2)(i)(B)", "confidence B", "fdcpa_collector", "2026-03-09"):
        assert part in out
    code, _, err = ask("explain", "us.after_conversations")
    assert (code, "us.after_conversation" in err) == (2, True)


def test_the_example_of_the_manual_is_answered_as_the_manual_says(ask: Ask) -> None:
    manual = (Path(__file__).parents[2] / "docs/rules.md").read_text("utf-8")
    case = manual.split("```json\n")[1].split("```")[0]
    line = ["check", "--pack", "us", "--channel", "call", "--tz", "America/New_York"]
    code, out, _ = ask(*line, "--at", "2026-03-05T12:00:00-05:00", case=case)
    assert code == 3
    assert "us.after_conversation" in out
    assert "next lawful moment: 2026-03-09T08:00:00-04:00" in out


def test_the_rules_know_every_hold_that_a_case_can_have() -> None:
    assert set(get_args(HoldKind)) == HOLDS
