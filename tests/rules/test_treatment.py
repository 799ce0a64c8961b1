"""The treatment schedule reads as it is meant, or says what is wrong with it."""

from collections.abc import Callable
from datetime import time, timedelta
from importlib import resources
from pathlib import Path

import pytest

from duecourse.rules.toml_files import BadFile
from duecourse.rules.treatment import Step, load_treatment

STANDARD = (resources.files("duecourse.rules") / "treatments/standard.toml").read_text("utf-8")

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "mine.toml"
        file.write_text(text, "utf-8")
        return file

    return write


def test_the_standard_schedule_goes_from_a_reminder_by_way_of_help_to_a_proposal() -> None:
    steps = load_treatment().steps
    assert [(step.dpd, step.do, step.channel, step.template) for step in steps] == [
        (1, "contact", "sms", "reminder-first"),
        (5, "contact", "email", "reminder-second"),
        (12, "contact", "letter", "letter-balance"),
        (20, "contact", "sms", "offer-of-help"),
        (30, "offer_plan", "email", "plan-offer"),
        (60, "contact", "letter", "letter-before-action"),
        (90, "propose_referral", "", ""),
    ]


def test_the_standard_terms_are_in_force() -> None:
    treatment = load_treatment()
    assert treatment.contact_from == time(10)
    assert treatment.permission_lifetime == timedelta(hours=2)
    assert treatment.missed_instalments_break_plan == 2
    offer = treatment.steps[4]
    assert (offer.instalments, offer.first_after_days, offer.offer_days) == (6, 14, 14)


def test_a_step_rests_as_long_as_it_says_and_otherwise_as_long_as_the_schedule_does() -> None:
    pauses = [step.pause_days for step in load_treatment().steps]
    assert pauses == [3, 5, 7, 7, 14, 30, 0]


def test_a_schedule_of_ones_own_is_read(write: Write) -> None:
    head = STANDARD[: STANDARD.index("[[steps]]")]
    step = '[[steps]]\nid = "only"\ndpd = 3\ndo = "contact"\nchannel = "sms"\ntemplate = "t"\n'
    treatment = load_treatment(write(head + step))
    assert treatment.steps == (
        Step(id="only", dpd=3, do="contact", channel="sms", template="t", pause_days=3),
    )


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('id = "second-reminder"', 'id = "first-reminder"', "step first-reminder: there are two"),
        ("dpd = 12", "dpd = 4", "step balance-letter: dpd 4 comes after 5"),
        ("dpd = 12", "dpd = -1", r"dpd|>= 0"),
        ('template = "reminder-first"', "", 'step first-reminder: do = "contact" needs `template`'),
        ('template = "reminder-first"', 'template = ""', r"steps\[0\]\.template"),
        ('channel = "letter"', 'channel = "Letter!"', r"steps\[2\]\.channel"),
        ("instalments = 6", "", 'step plan-offer: do = "offer_plan" needs `instalments`'),
        ("instalments = 6", "instalments = 0", r"steps\[4\]\.instalments"),
        ("pause_days = 30", "instalments = 3", "step letter-before-action: `instalments` means nothing"),
        ('do = "propose_referral"', 'do = "propose_referral"\nchannel = "sms"', "legal-proposal: `channel` means"),
        ('do = "propose_referral"', 'do = "sue"', r"sue.*steps\[6\]\.do"),
        ("pause_days = 5", "pause_day = 5", r"unknown field `pause_day`.*steps\[1\]"),
        ("contact_from = 10:00:00", "contact_form = 10:00:00", r"contact_form|contact_from"),
        ("permission_minutes = 120", "permission_minutes = 0", "permission_minutes"),
    ],
)  # fmt: skip
def test_a_bad_schedule_is_refused_and_says_where(
    write: Write, old: str, new: str, complaint: str
) -> None:
    assert old in STANDARD
    with pytest.raises(BadFile, match=complaint):
        load_treatment(write(STANDARD.replace(old, new, 1)))


def test_a_schedule_without_steps_is_refused(write: Write) -> None:
    head = STANDARD[: STANDARD.index("[[steps]]")]
    with pytest.raises(BadFile, match="steps"):
        load_treatment(write(head + "steps = []\n"))
