"""Promises to pay: made, kept, broken, withdrawn."""

from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import CaseIsClosed, Invalid, TooEarly, Unknown, WrongState
from duecourse.case.promises import tolerance_of
from duecourse.rules.toml_files import BadFile
from duecourse.rules.treatment import load_treatment
from duecourse.testing import given
from duecourse.testing.sample import DAY, NOON, PROMISE, bounce, opened, pay, promise

JUDGE = c.JudgePromise(promise_id=PROMISE)
LAST_DAY = datetime(2026, 3, 10, 15, 59, tzinfo=UTC)  # one day of grace, 23:59 in Shanghai
TOO_LATE = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)


def promised() -> given:
    return given(*opened()).when(promise())


def test_a_promise_brings_the_case_to_negotiation() -> None:
    promised().then(
        e.PromiseMade(
            at=NOON,
            promise_id=PROMISE,
            currency="CNY",
            amount_minor=20_000,
            due_on=date(2026, 3, 9),
            tolerance_minor=200,
        ),
        e.StageMoved(at=NOON, to="negotiation", reason="a promise to pay was made"),
    ).when(promise()).then_nothing()


def test_nobody_promises_more_than_is_owed_or_for_the_past() -> None:
    given(*opened()).when(promise(60_001)).then_raises(Invalid, "amount_minor")
    given(*opened()).when(promise(due_on=date(2026, 3, 1))).then_raises(Invalid, "due_on")
    given(*opened()).when(promise(due_on=date(9999, 1, 1))).then_raises(Invalid, "due_on")
    in_dollars = replace(promise(), currency="USD")
    given(*opened()).when(in_dollars).then_raises(Invalid, "amount_minor")


def test_today_is_the_debtors_today() -> None:
    late = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # 3 March in Shanghai
    yesterday = promise(due_on=date(2026, 3, 2))
    given(*opened()).when(yesterday, at=late).then_raises(Invalid, "due_on")


def test_a_promise_is_kept_by_the_payments_made_since() -> None:
    story = promised().when(pay(15_000))
    story.when(pay(5_000, "pay-2")).then_one(e.PromiseKept)
    story.when(JUDGE, at=TOO_LATE).then_nothing()


def test_a_promise_is_kept_but_for_what_the_house_tolerates() -> None:
    """One per cent of 200.00: a fee of the bank on the way breaks nobody's word."""
    promised().when(pay(19_800)).then_one(e.PromiseKept)
    promised().when(pay(19_799)).when(JUDGE, at=TOO_LATE).then_one(e.PromiseBroken)


@pytest.mark.parametrize(
    ("amount", "percent", "minor", "tolerated"),
    [
        (20_000, "0", 0, 0),
        (20_000, "1", 0, 200),
        (20_000, "0.125", 0, 25),
        (20_000, "1", 500, 500),  # whichever is more
        (20_000, "5", 500, 1_000),
        (99, "1", 0, 0),  # below a unit there is nothing to tolerate
        (1, "99", 0, 0),
        (1, "0", 500, 0),  # never all of it
        (300, "0", 500, 299),
        (10**15, "1", 0, 10**13),
    ],
)
def test_the_tolerance_is_a_share_or_an_amount_and_never_everything(
    amount: int, percent: str, minor: int, tolerated: int
) -> None:
    terms = replace(
        load_treatment(), promise_tolerance_percent=percent, promise_tolerance_minor=minor
    )
    assert tolerance_of(amount, terms) == tolerated


def test_the_tolerance_is_that_of_the_day_of_the_promise() -> None:
    strict = replace(load_treatment(), promise_tolerance_percent="0")
    story = given(*opened(), *promised().events, treatment=strict)
    story.when(pay(19_800)).then_one(e.PromiseKept)
    given(*opened(), treatment=strict).when(promise()).when(pay(19_800)).when(
        JUDGE, at=TOO_LATE
    ).then_one(e.PromiseBroken)


def test_a_promise_kept_in_part_is_broken_and_says_how_far_it_was_kept() -> None:
    story = promised().when(pay(15_000)).when(JUDGE, at=TOO_LATE)
    assert story.case is not None
    assert story.case.promises[PROMISE].is_kept_in_part
    nothing = promised().when(JUDGE, at=TOO_LATE)
    assert nothing.case is not None
    assert not nothing.case.promises[PROMISE].is_kept_in_part


def test_a_promise_kept_within_the_tolerance_stays_kept_when_other_money_goes_back() -> None:
    """19 950 of 20 000 kept it; 100 of them went back, and 19 850 keep it as well."""
    story = promised().when(pay(100)).when(pay(19_850, "pay-2")).when(bounce())
    assert story.case is not None
    assert story.case.promises[PROMISE].status == "kept"
    story = promised().when(pay(100)).when(pay(19_750, "pay-2")).when(bounce())
    assert story.case is not None
    assert story.case.promises[PROMISE].status == "open"


def test_money_paid_before_does_not_keep_it() -> None:
    story = given(*opened()).when(pay(20_000)).when(promise()).when(JUDGE, at=TOO_LATE)
    assert story.then_one(e.PromiseBroken).paid_minor == 0


def test_money_of_another_currency_does_not_keep_it() -> None:
    story = promised().when(pay(20_000, currency="USD")).when(JUDGE, at=TOO_LATE)
    story.then(e.PromiseBroken(at=TOO_LATE, promise_id=PROMISE, paid_minor=0))


def test_a_promise_is_not_judged_before_its_days_of_grace_are_over() -> None:
    story = promised().when(pay(15_000)).when(JUDGE, at=LAST_DAY)
    story.then_raises(TooEarly, "promise_id")
    story.when(JUDGE, at=TOO_LATE).then(
        e.PromiseBroken(at=TOO_LATE, promise_id=PROMISE, paid_minor=15_000)
    )
    story.when(JUDGE, at=TOO_LATE).then_nothing()


def test_a_promise_kept_with_money_that_went_back_is_open_again() -> None:
    story = promised().when(pay(20_000)).when(bounce()).when(JUDGE, at=TOO_LATE)
    story.then(e.PromiseBroken(at=TOO_LATE, promise_id=PROMISE, paid_minor=0))


def test_a_promise_found_paid_when_it_is_judged_is_kept() -> None:
    paid = pay(20_000)
    story = given(*opened(), *promised().events, given(*opened()).when(paid).events[0])
    story.when(JUDGE).then(e.PromiseKept(at=NOON, promise_id=PROMISE))


def test_a_promise_is_withdrawn_once() -> None:
    command = c.WithdrawPromise(promise_id=PROMISE, reason="lost the job")
    story = promised().when(command)
    story.then(e.PromiseWithdrawn(at=NOON, promise_id=PROMISE, reason="lost the job"))
    story.when(command).then_nothing()
    story.when(JUDGE, at=TOO_LATE).then_nothing()


def test_a_promise_that_was_judged_cannot_be_withdrawn() -> None:
    command = c.WithdrawPromise(promise_id=PROMISE, reason="lost the job")
    promised().when(pay(20_000)).when(command).then_raises(WrongState, "promise_id")


def test_a_promise_nobody_made_is_named() -> None:
    given(*opened()).when(JUDGE).then_raises(Unknown, "promise_id")
    withdraw = c.WithdrawPromise(promise_id=PROMISE, reason="no")
    given(*opened()).when(withdraw).then_raises(Unknown, "promise_id")


def test_a_closed_case_takes_no_promise() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="sold"))
    closed.when(promise(), at=NOON + DAY).then_raises(CaseIsClosed)


STANDARD = resources.files("duecourse.rules") / "treatments" / "standard.toml"


def written(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = STANDARD.read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file = tmp_path / "ours.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_schedule_from_before_there_was_a_tolerance_tolerates_nothing(tmp_path: Path) -> None:
    keys = ("promise_tolerance_percent", "replans_per_year", "assessment_valid_days")
    lines = [x for x in STANDARD.read_text("utf-8").splitlines() if not x.startswith(keys)]
    file = tmp_path / "old.toml"
    file.write_text("\n".join(lines), "utf-8")
    old = load_treatment(file)
    assert (old.promise_tolerance_percent, old.promise_tolerance_minor) == ("0", 0)
    assert (old.replans_per_year, old.assessment_valid_days) == (2, 365)


@pytest.mark.parametrize("value", ['"100"', '"1 %"', '"-1"', '"1e1"', "1"])
def test_a_tolerance_that_is_no_share_is_refused(tmp_path: Path, value: str) -> None:
    file = written(tmp_path, ('percent = "1"', f"percent = {value}"))
    with pytest.raises(BadFile, match="promise_tolerance_percent"):
        load_treatment(file)
