"""What differs from one borrower to the next is not read again; everything else is."""

import random
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from duecourse.rendering import MessageFacts, TemplateProblem, list_templates, render
from duecourse.rules import lint_memory
from duecourse.rules.lint import LintFacts, lint
from duecourse.rules.lint_memory import lints_of

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
DATA = Path(__file__).parent / "data"
TALKING = LintFacts(stage="reminder")
REFUSED = [
    (text, language)
    for file in ("lint-refused", "lint-held-out-3-refused", "lint-measured-4-refused")
    for language, texts in tomllib.loads((DATA / f"{file}.toml").read_text("utf-8")).items()
    if language in {"zh", "en"}
    for text in texts
]


def test_every_refused_message_of_the_lists_is_refused_by_the_same_lints() -> None:
    for text, language in REFUSED:
        apart = {each.id for each in lint(text, language, TALKING)}
        assert lints_of(text, language, TALKING) == apart, text


def test_templates_with_any_names_and_figures_read_as_they_do_in_full() -> None:
    draw = random.Random(5)
    for template in list_templates():
        for medium in template.media:
            name = "".join(draw.choices("赵钱孙李周吴示例甲乙", k=draw.randrange(2, 5)))
            facts = replace(
                FACTS,
                debtor_name=name,
                amount=f"{draw.randrange(1, 10**6)}.{draw.randrange(100):02}",
                reference=f"{draw.randrange(16**8):08X}",
                account_last4=f"{draw.randrange(10_000):04}",
            )
            try:
                message = render(template.code, medium, template.language, facts)
            except TemplateProblem:  # it is about a plan or a payment
                continue
            said = f"{message.subject}\n\n{message.body}"
            known = replace(
                TALKING, names=frozenset({name, FACTS.creditor_name, FACTS.contact_line})
            )
            in_full = {each.id for each in lint(said, template.language, known)}
            assert lints_of(said, template.language, known) == in_full, said


@pytest.mark.parametrize("name", ["等着坐牢吧", "You will be arrested", "老赖"])
def test_a_name_that_is_itself_a_threat_is_refused(name: str) -> None:
    known = replace(TALKING, names=frozenset({name, "示例银行"}))
    assert lints_of(f"【示例银行】{name}您好，您的账户应于2026年2月27日还款。", "zh", known)


def test_a_threat_beside_a_name_is_refused_whatever_the_name() -> None:
    known = replace(TALKING, names=frozenset({"林示例"}))
    assert lints_of("林示例，再不还款，等着坐牢吧", "zh", known)


def test_figures_that_are_not_the_cases_own_are_seen_in_every_message() -> None:
    for amount in ("600.00", "60000.00", "6000000.00"):
        known = replace(TALKING, amounts=frozenset({amount}))
        assert lints_of(f"您现有{amount}元未还。", "zh", known) == frozenset()
        assert lints_of("您现有88888.00元未还。", "zh", known) == {"core.figure"}


@pytest.mark.parametrize(
    "facts",
    [LintFacts(stage="reminder"), LintFacts(stage="reminder", time_barred=True)],
)
def test_what_is_true_of_the_case_is_not_remembered_from_another(facts: LintFacts) -> None:
    text = "案件可能进入法律程序。"
    for each in (LintFacts(), facts, LintFacts(stage="legal", referral="filed"), facts):
        assert lints_of(text, "zh", each) == {found.id for found in lint(text, "zh", each)}


def test_a_thousand_borrowers_are_read_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(7)
    read: list[str] = []

    def reading(text: str, *rest: Any) -> Any:
        read.append(text)
        return lint(text, *rest)

    monkeypatch.setattr(lint_memory, "lint", reading)
    lint_memory._of_skeleton.cache_clear()
    for number in range(1_000):
        amount = f"{draw.randrange(100, 10**6)}.{draw.randrange(100):02}"
        facts = replace(FACTS, debtor_name=f"林{number}", amount=amount)
        message = render("reminder-first", "sms", "zh", facts)
        names = frozenset({facts.debtor_name, facts.creditor_name})
        lints_of(message.body, "zh", replace(TALKING, names=names, amounts=frozenset({amount})))
    longer = [text for text in read if not re.fullmatch("林[0-9]+|" + FACTS.creditor_name, text)]
    assert len(longer) < 5, longer
