"""Where the lint stands: before a template is used, and on the command line."""

import random
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from duecourse import rendering
from duecourse.cli import duecourse
from duecourse.rendering import MessageFacts, TemplateProblem, check_templates, render
from duecourse.rules.lint import LintFacts, lint

FACTS = MessageFacts(
    debtor_name="Robin Testperson",
    creditor_name="Sample Finance",
    amount="20.00",
    currency="CNY",
    due_on=date(2026, 3, 2),
    days_past_due=3,
    account_last4="4321",
    ways_to_pay="https://pay.example.com",
    contact_line="400-000-0000",
    reference="00C0FFEE",
)


@pytest.fixture
def templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the packaged templates that a test may change."""
    folder = tmp_path / "templates"
    copytree(Path(rendering.__file__).parent / "templates", folder)
    monkeypatch.setattr(rendering, "_folder", lambda language: folder / language)
    caches: tuple[Callable[[], None], ...] = (
        rendering._sources.cache_clear,
        rendering._environment.cache_clear,
        rendering._unfit.cache_clear,
    )
    for clear in caches:
        clear()
    yield folder
    for clear in caches:
        clear()


def test_every_packaged_template_is_clean() -> None:
    assert check_templates() == {}


@pytest.mark.parametrize(
    ("language", "text", "rule"),
    [
        ("en", "Pay now or you will be arrested. {{ amount }}", "en.arrest"),
        ("zh", "欠款{{ amount }}，再不还款就联系您的单位", "zh.third_party"),
        ("en", "Pay {{ amount }} and a fee of CNY 15.", "core.figure"),
        ("zh", "我们已向法院起诉。{{ amount }}", "zh.claim_filed"),
    ],
)
def test_a_template_that_the_lint_refuses_is_not_used_and_harms_no_other(
    templates: Path, language: rendering.Language, text: str, rule: str
) -> None:
    (templates / language / "bad.toml").write_text(f'media = ["sms"]\nsms = "{text}"\n', "utf-8")
    with pytest.raises(TemplateProblem, match=rule) as refused:
        render("bad", "sms", language, FACTS)
    assert "arrested" not in str(refused.value)
    assert list(check_templates()) == [(language, "bad")]
    assert render("reminder-first", "sms", language, FACTS).body


def test_a_template_for_filed_cases_may_say_so(templates: Path) -> None:
    text = 'media = ["sms"]\nreferral = "filed"\nsms = "我们已向法院起诉。{{ amount }}"\n'
    (templates / "zh" / "filed.toml").write_text(text, "utf-8")
    assert render("filed", "sms", "zh", FACTS).body


def run(*arguments: str, text: str) -> tuple[int, str]:
    done = CliRunner().invoke(duecourse, ["lint", *arguments, "-"], input=text)
    return done.exit_code, done.output


def test_the_command_lists_what_it_finds_and_exits_with_1() -> None:
    code, output = run(text="We will contact your employer.")
    assert code == 1
    assert "en.third_party" in output
    assert "12 CFR 1006.6(d)" in output


def test_the_command_says_when_there_is_nothing() -> None:
    assert run("--language", "en", text="Thank you for your payment.") == (0, "nothing found\n")


def test_the_command_knows_the_stage() -> None:
    text = "我们可能会考虑向法院起诉，但目前尚未作出决定。"
    assert run("--stage", "negotiation", text=text)[0] == 0
    assert run("--stage", "intake", text=text)[0] == 1
    assert run("--stage", "negotiation", "--time-barred", text=text)[0] == 1
    assert run("--referral", "filed", text="我们已向法院起诉")[0] == 0
    assert run("--amount", "40", text="40.00元未还")[0] == 0
    assert run("--amount", "40", text="41元未还")[0] == 1


def test_no_amount_reference_or_account_reads_as_a_threat() -> None:
    """Figures and codes are the case's own, whatever they look like: 110 is a number of yuan too."""
    draw = random.Random(110)
    for number in range(60):
        amount = f"{draw.choice((110, 911, 1100, 11000, draw.randrange(1, 999_999)))}.{number:02}"
        facts = replace(
            FACTS,
            amount=amount,
            reference=f"{draw.randrange(16**8):08X}",
            account_last4=f"{draw.randrange(10_000):04}",
        )
        for template, medium, language in (
            ("reminder-first", "sms", "zh"),
            ("reminder-first", "sms", "en"),
            ("reminder-second", "email", "zh"),
            ("letter-balance", "letter", "zh"),
            ("letter-balance", "letter", "en"),
        ):
            message = render(template, medium, language, facts)
            said = f"{message.subject}\n{message.body}"
            found = [(x.id, x.quote) for x in lint(said, language, LintFacts(stage="reminder"))]
            assert found == [], said
