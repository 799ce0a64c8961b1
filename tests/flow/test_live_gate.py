"""The rules are told in the live case what they ask for, from the settings and the templates too."""

import base64
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from msgspec.structs import replace
from office import DETAILS, Ledger, Office

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.evolve import fold
from duecourse.case.state import Contact
from duecourse.channels import Capabilities, Secret
from duecourse.flow.facts import lint_facts
from duecourse.flow.house import House, contents_of, rules_of
from duecourse.rendering import MessageFacts, PlanLine, TemplateInfo, list_templates, render
from duecourse.rules.gate import RuleBook, Situation, judge, load_rulebook
from duecourse.rules.pack import PackError
from duecourse.rules.situation import PastContact
from duecourse.rules.toml_files import BadFile
from duecourse.settings import HouseSettings, Settings, SettingsError, read_settings
from duecourse.store.database import Database
from duecourse.testing import COLLECTOR
from duecourse.testing.sample import DEBTOR, NOON, debt, open_case, opened

NewOffice = Callable[..., Office]
AMERICAN = replace(
    DEBTOR,
    name="Robin Testperson",
    time_zone="America/New_York",
    jurisdiction="US",
    language="en",
)
NOON_THERE = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
FACTS = MessageFacts(
    debtor_name="Robin Testperson",
    creditor_name="Sample Finance",
    amount="1250.00",
    currency="CNY",
    due_on=date(2026, 3, 2),
    days_past_due=42,
    account_last4="4321",
    ways_to_pay="https://pay.example.com",
    contact_line="400-000-0000",
    reference="00C0FFEE",
    plan=(PlanLine(due_on=date(2026, 4, 1), amount="650.00"),),
    paid_amount="300.00",
    paid_on=date(2026, 3, 1),
)


def american(office: Office) -> UUID:
    office.now = NOON_THERE
    case_id = uuid.uuid4()
    opening = open_case(debt(uuid.uuid4()), debtor=AMERICAN)
    office.ask(case_id, replace(opening, subject_id=uuid.uuid4()))
    return case_id


def text_message() -> c.RequestContact:
    return c.RequestContact(contact_id=uuid.uuid4(), channel="sms", template="reminder-first")


def the_contact(office: Office, case_id: UUID) -> Contact:
    (contact,) = office.case(case_id).contacts.values()
    return contact


# --- from the settings and the templates -----------------------------------------------------


def test_an_american_who_consented_is_sent_a_text_message_and_others_are_not(
    new_office: NewOffice, ledger: Ledger
) -> None:
    details = {"fictional-bank": replace(DETAILS, licence="fdcpa_collector")}
    office = new_office({"sms": ledger}, creditors=details)
    case_id, other = american(office), american(office)
    given = c.RecordConsent(consent_id="c-1", consent="tcpa", given_at=NOON_THERE, how="signed")
    office.ask(case_id, given)
    office.ask(case_id, text_message())
    refused = office.ask(other, text_message()).events[-1]
    assert isinstance(refused, e.ContactRefused)
    assert refused.rule == "us.tcpa_consent"
    office.runner.catch_up()
    office.work()
    assert [each.case_id for each in ledger.taken] == [case_id]
    contact = the_contact(office, case_id)
    assert (contact.status, contact.content) == ("accepted", ("asks_whole_sum", "opt_out_line"))
    assert office.case(case_id).licence == "fdcpa_collector"


def test_a_template_is_known_by_what_it_contains_under_every_channel_of_its_medium() -> None:
    backup = Ledger()
    post = Ledger("letter")
    found = contents_of({"sms-backup": backup, "post": post})
    assert found["reminder-first", "sms-backup", "zh"] == ("asks_whole_sum", "opt_out_line")
    assert found["letter-before-action", "post", "en"] == (
        "letter_of_claim", "legal_threat", "asks_whole_sum",
    )  # fmt: skip
    assert found["reminder-first", "post", "en"] == ("asks_whole_sum",)
    assert not [key for key in found if key[1] == "sms"]


@pytest.mark.parametrize(
    "template", list_templates(), ids=lambda each: f"{each.language}/{each.code}"
)
def test_a_template_declares_the_way_out_that_its_text_gives(template: TemplateInfo) -> None:
    for medium in template.media:
        body = render(template.code, medium, template.language, FACTS).body
        says_so = any(word in body for word in ("STOP", "TD", "退订"))
        assert says_so == ("opt_out_line" in template.contains[medium]), medium


def test_the_lint_knows_when_a_debt_can_no_longer_be_sued_for() -> None:
    for last_day, is_barred in ((date(2026, 3, 2), False), (date(2026, 3, 1), True), (None, False)):
        case = fold(opened(debt(limitation_expires_on=last_day)))
        assert case is not None
        assert lint_facts(case, FACTS).time_barred is is_barred


# --- the house policy ------------------------------------------------------------------------

STRICT = """
name = "quiet-house"
version = "1"
title = "House policy of a quiet house"
jurisdiction = "*"
layer = "house"
time_zone = "Asia/Shanghai"
effective_from = 1970-01-01

[[rules]]
id = "quiet_hours"
kind = "quiet_hours"
says = "House policy: nobody is contacted in the afternoon, the evening or at night."
citation = "House policy of a quiet house"
confidence = "house"
effective_from = 1970-01-01
start = 12:30:00
end = 09:00:00
vectors = [
  { at = 2026-03-02T12:29:59, expect = "allow" },
  { at = 2026-03-02T12:30:00, expect = "block", next = 2026-03-03T09:00:00 },
]
"""
LOOSE = (
    STRICT.replace("start = 12:30:00", "start = 23:58:00")
    .replace("end = 09:00:00", "end = 23:59:00")
    .replace(
        """  { at = 2026-03-02T12:29:59, expect = "allow" },
  { at = 2026-03-02T12:30:00, expect = "block", next = 2026-03-03T09:00:00 },""",
        """  { at = 2026-03-02T12:29:59, expect = "allow" },
  { at = 2026-03-02T23:58:00, expect = "block", next = 2026-03-02T23:59:00 },""",
    )
)


def book_with(folder: Path, text: str) -> RuleBook:
    pack = folder / "pack.toml"
    pack.write_text(text)
    return rules_of(load_rulebook(), Settings(house=HouseSettings(pack=pack)))


def call(*past: PastContact) -> Situation:
    return Situation(
        channel="call",
        point_id="mobile",
        holder="debtor",
        jurisdiction="CN",
        time_zone="Asia/Shanghai",
        stage="reminder",
        is_closed=False,
        has_debt=True,
        past=past,
    )


def shanghai(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 3, day, hour - 8, minute, tzinfo=UTC)


def test_a_house_policy_of_ones_own_takes_the_place_of_the_packaged_one(tmp_path: Path) -> None:
    book = book_with(tmp_path, STRICT)
    assert judge(load_rulebook(), call(), shanghai(12, 30)).permitted
    verdict = judge(book, call(), shanghai(12, 30))
    assert verdict.first is not None
    assert verdict.first.rule == "quiet-house.quiet_hours"
    assert [pack.name for pack in book.packs if pack.layer == "house"] == ["quiet-house"]


def test_a_looser_house_policy_permits_nothing_that_the_law_forbids(tmp_path: Path) -> None:
    """At every quarter of an hour of a day, and after any number of calls."""
    loose = book_with(tmp_path, LOOSE)
    law = RuleBook(tuple(each for each in load_rulebook().packs if each.layer != "house"))
    made = [
        PastContact(
            at=shanghai(hour),
            channel="call",
            point_id="mobile",
            initiator="creditor",
            kind="conversation",
            party="debtor",
        )
        for hour in (9, 10, 11)
    ]
    forbidden = 0
    for count in range(len(made) + 1):
        for quarter in range(24 * 4):
            at = datetime(2026, 3, 2, quarter // 4, 15 * (quarter % 4), tzinfo=UTC)
            seen = call(*made[:count])
            by_law = judge(law, seen, at).permitted
            assert judge(loose, seen, at).permitted <= by_law
            forbidden += not by_law
    assert forbidden > 0


@pytest.mark.parametrize(
    "changed",
    [
        STRICT.replace('layer = "house"', 'layer = "law"'),
        STRICT.replace('jurisdiction = "*"', 'jurisdiction = "CN"'),
    ],
)
def test_what_is_no_house_policy_is_not_taken_for_one(tmp_path: Path, changed: str) -> None:
    with pytest.raises(SettingsError, match=r"\[house\] pack: pack.toml"):
        book_with(tmp_path, changed)


def test_a_house_policy_cannot_take_the_name_of_a_law(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="two of this name"):
        book_with(tmp_path, STRICT.replace("quiet-house", "cn"))


def test_a_house_policy_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    settings = Settings(house=HouseSettings(pack=tmp_path / "none.toml"))
    with pytest.raises(BadFile, match=r"none\.toml"):
        rules_of(load_rulebook(), settings)


def test_the_settings_name_the_policy_and_the_licence(tmp_path: Path) -> None:
    file = tmp_path / "duecourse.toml"
    creditor = '[creditors.bank]\nways_to_pay = "w"\ncontact_line = "c"\nlicence = "first_party"\n'
    file.write_text(f'{creditor}[house]\npack = "mine.toml"\n')
    settings = read_settings(file, {})
    assert settings.house.pack == Path("mine.toml")
    assert settings.creditors["bank"].licence == "first_party"


def test_a_misspelt_licence_is_refused_as_it_would_loosen_the_rules(tmp_path: Path) -> None:
    file = tmp_path / "duecourse.toml"
    file.write_text('[creditors.b]\nways_to_pay = "w"\ncontact_line = "c"\nlicence = "fdcpa"\n')
    with pytest.raises(SettingsError, match="licence"):
        read_settings(file, {})


def test_a_channel_of_no_known_medium_has_no_templates() -> None:
    other = Ledger()
    other.capabilities = Capabilities(medium="other", guarantee="opaque")
    assert contents_of({"fax": other}) == {}


def test_the_house_tells_the_rules_which_medium_a_channel_is(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the office's vault, which may have been here first.
    monkeypatch.setenv("DUECOURSE_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())
    archive = {"use": "letter-spool", "folder": str(tmp_path)}
    settings = Settings(
        data=tmp_path, database_url=Secret(database.dsn), channels={"archive": archive}
    )
    with House.open(settings) as house:
        context = house.context_for(COLLECTOR, NOON)
    assert (context.medium_of("archive"), context.medium_of("call")) == ("letter", "call")
