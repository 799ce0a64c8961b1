"""Nothing leaves without a permission and a committed record; nothing is sent twice."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from office import Ledger, Office, PowerCut

from duecourse import Accepted, Capabilities, Outbound, Permanent, Transient
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.state import Contact
from duecourse.flow.drafts import Draft, NoDraft
from duecourse.guarded import nonsense
from duecourse.money.amounts import format_minor

NewOffice = Callable[..., Office]


def the_contact(office: Office, case_id: UUID) -> Contact:
    (contact,) = office.case(case_id).contacts.values()
    return contact


def crash_while_sending(office: Office, ledger: Ledger, *, arrived: bool) -> UUID:
    """Open a case and lose the worker at its first message; then come back."""
    if arrived:
        ledger.after = PowerCut()
    else:
        ledger.before = PowerCut()
    case_id = office.open()
    with pytest.raises(PowerCut):
        office.work()
    ledger.before = ledger.after = None
    return case_id


def with_guarantee(
    ledger: Ledger, guarantee: Literal["idempotent", "queryable", "opaque"]
) -> Ledger:
    ledger.capabilities = Capabilities(medium="sms", guarantee=guarantee)
    return ledger


def test_a_due_reminder_leaves_by_itself_once(new_office: NewOffice, ledger: Ledger) -> None:
    office = new_office({"sms": ledger})
    case_id = office.open()
    office.work()
    office.work()
    assert [each.case_id for each in ledger.taken] == [case_id]
    assert the_contact(office, case_id).status == "accepted"


def test_the_hash_of_the_very_text_is_recorded_before_it_leaves(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    ledger.before = PowerCut()
    case_id = office.open()
    with pytest.raises(PowerCut):
        office.work()
    last = office.engine.history(case_id)[-1].event
    assert isinstance(last, e.ContactDispatching)
    assert last.body_sha256
    assert ledger.taken == []


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_crash_an_idempotent_channel_ends_with_one_message(
    new_office: NewOffice, ledger: Ledger, *, arrived: bool
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "idempotent")})
    case_id = crash_while_sending(office, ledger, arrived=arrived)
    office.work()
    assert len(ledger.taken) == 1
    assert the_contact(office, case_id).status == "accepted"


@pytest.mark.parametrize(("arrived", "status"), [(True, "accepted"), (False, "rejected")])
def test_after_a_crash_a_queryable_channel_is_asked(
    new_office: NewOffice, ledger: Ledger, *, arrived: bool, status: str
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "queryable")})
    case_id = crash_while_sending(office, ledger, arrived=arrived)
    office.work()
    assert the_contact(office, case_id).status == status
    assert len(ledger.taken) == int(arrived)


@pytest.mark.parametrize("arrived", [True, False])
def test_after_a_crash_an_opaque_channel_is_unknown_and_never_sent_again(
    new_office: NewOffice, ledger: Ledger, *, arrived: bool
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "opaque")})
    case_id = crash_while_sending(office, ledger, arrived=arrived)
    office.work()
    assert the_contact(office, case_id).status == "unknown"
    assert len(ledger.taken) == int(arrived)


def test_a_resend_after_a_payment_is_still_the_text_that_was_recorded(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    case_id = crash_while_sending(office, ledger, arrived=True)
    office.ask(case_id, payment(100_00))
    office.work()
    assert the_contact(office, case_id).status == "accepted"
    assert len(ledger.taken) == 1


def costs(office: Office, case_id: UUID) -> c.AddCosts:
    """5.00 more on the first debt; nothing is called back for it."""
    return c.AddCosts(
        charge_id="costs-1",
        debt_id=next(iter(office.case(case_id).debts)),
        bucket="costs",
        amount_minor=5_00,
        incurred_on=date(2026, 3, 1),
        ground="the fee of the court",
        citation="Fictional Costs Act",
    )


def test_the_text_says_what_is_owed_when_it_leaves(new_office: NewOffice, ledger: Ledger) -> None:
    office = new_office({"sms": ledger})
    case_id, before = office.open(), office.open()
    office.work_decisions()
    assert the_contact(office, case_id).status == "permitted"
    office.ask(case_id, costs(office, case_id))
    office.work()
    owed = {key: office.case(key).outstanding("CNY").total for key in (case_id, before)}
    assert owed[case_id] == owed[before] + 5_00
    for each in ledger.taken:
        assert format_minor(owed[each.case_id], "CNY") in each.body.replace(",", "")


def test_what_happens_between_the_text_and_its_start_is_said_in_a_new_text(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office({"sms": ledger})
    drafts = office.outreach._drafts
    make, first = drafts.make, [True]

    def overtaken(wanted: Any, channel: Any) -> list[Draft | NoDraft]:
        made = make(wanted, channel)
        for each in made if first else ():
            office.ask(each.case_id, costs(office, each.case_id))
            first.clear()
        return made

    monkeypatch.setattr(drafts, "make", overtaken)
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "accepted"
    (sent,) = ledger.taken
    owed = format_minor(office.case(case_id).outstanding("CNY").total, "CNY")
    assert owed in sent.body.replace(",", "")


def test_what_happens_while_others_are_sent_is_said_in_a_new_text(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    cases = [office.open() for _ in range(3)]
    sound, first = ledger.send, [True]

    def send(message: Outbound) -> Accepted:
        for case_id in cases if first else ():
            first.clear()
            if case_id != message.case_id:
                office.ask(case_id, costs(office, case_id))
        return sound(message)

    ledger.send = send  # type: ignore[method-assign]
    office.work()
    assert len(ledger.taken) == 3
    for each in ledger.taken:
        owed = format_minor(office.case(each.case_id).outstanding("CNY").total, "CNY")
        assert owed in each.body.replace(",", "")


def payment(amount_minor: int) -> c.RecordPayment:
    return c.RecordPayment(
        payment_id="bank-1",
        currency="CNY",
        amount_minor=amount_minor,
        value_on=date(2026, 3, 2),
    )


def test_what_the_channel_refuses_is_tried_again_later_and_then_left(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    ledger.before = Permanent("no such number")
    case_id = office.open()
    office.pass_days(4)
    tried = [x for x in office.case(case_id).contacts.values() if x.step == "first-reminder"]
    assert [each.status for each in tried] == ["rejected"] * 3
    assert office.case(case_id).steps["first-reminder"].outcome == "skipped"


@pytest.mark.parametrize(
    "written",
    [
        "{number} is no number",
        "{digits} is no number",
        "{hidden} is no number",
        "{number}\r\n is\x1b no\u202e numb\ud800er\x00",
    ],
)
def test_a_plugins_words_are_stored_in_one_line_without_the_address(
    new_office: NewOffice, ledger: Ledger, written: str
) -> None:
    office = new_office({"sms": ledger})
    case_id = office.open()
    number = office.case(case_id).points["mobile"].address
    ledger.before = Permanent(
        written.format(number=number, digits=number[1:], hidden=hidden(number))
    )
    office.work()
    last = office.engine.history(case_id)[-1].event
    assert isinstance(last, e.ContactRejected)
    assert last.reason == "*** is no number"


def hidden(number: str) -> str:
    return "\u200b".join(number)


def test_a_nonsense_answer_of_a_plugin_harms_no_case(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "opaque")})
    nonsense = Accepted(reference=12345)  # type: ignore[arg-type]
    monkeypatch.setattr(ledger, "send", lambda _: nonsense)
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "unknown"


def test_a_busy_channel_gets_the_same_message_when_it_is_ready(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    ledger.before = Transient("busy", retry_after=0.01)
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "permitted"
    ledger.before = None
    office.now += timedelta(seconds=1)
    office.work()
    assert the_contact(office, case_id).status == "accepted"
    assert len(ledger.taken) == 1


@pytest.mark.parametrize(
    "command",
    [
        c.RecordOptOut(channel="sms", how="by phone"),
        c.PlaceHold(hold_id="b", kind="bereavement", authority="relative"),
        c.CloseCase(reason="deceased"),
    ],
)
def test_a_message_that_could_not_leave_is_not_tried_again_once_a_rule_forbids_it(
    new_office: NewOffice, ledger: Ledger, command: c.Command
) -> None:
    office = new_office({"sms": ledger})
    ledger.before = Transient("busy", retry_after=0.01)
    case_id = office.open()
    office.work()
    office.ask(case_id, command)
    ledger.before = None
    office.now += timedelta(seconds=1)
    office.work()
    assert ledger.taken == []
    assert the_contact(office, case_id).status == "cancelled"


@pytest.mark.parametrize(
    "trouble", [RuntimeError("connection reset"), SystemExit(3), GeneratorExit()]
)
def test_what_a_plugin_raises_besides_leaves_the_outcome_unknown(
    new_office: NewOffice, ledger: Ledger, trouble: BaseException
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "opaque")})
    ledger.after = trouble
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "unknown"
    office.pass_days(1)
    assert len(ledger.taken) == 1


@pytest.mark.parametrize("guarantee", ["idempotent", "queryable"])
def test_an_unclear_answer_is_found_out_where_the_channel_can_tell(
    new_office: NewOffice, ledger: Ledger, guarantee: Any
) -> None:
    office = new_office({"sms": with_guarantee(ledger, guarantee)})
    ledger.after = RuntimeError("connection reset")
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "dispatching"
    ledger.after = None
    office.lease_over()
    office.work()
    assert the_contact(office, case_id).status == "accepted"
    assert len(ledger.taken) == 1


# In a process of its own the channel's answer is not even handed over.
@pytest.mark.parametrize("answer", [Accepted(reference=""), nonsense("send")])
@pytest.mark.parametrize("guarantee", ["idempotent", "queryable"])
def test_after_a_nonsense_answer_the_channel_is_asked_once_more_at_once(
    new_office: NewOffice,
    ledger: Ledger,
    guarantee: Any,
    answer: Accepted | Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = new_office({"sms": with_guarantee(ledger, guarantee)})
    sound, answers = ledger.send, iter([answer, None])
    monkeypatch.setattr(ledger, "send", lambda message: taken(sound(message), next(answers)))
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "accepted"
    assert len(ledger.taken) == 1


def taken(sound: Accepted, instead: Accepted | Exception | None) -> Accepted:
    if isinstance(instead, Exception):
        raise instead
    return sound if instead is None else instead


@pytest.mark.parametrize("found", [None, Accepted(reference=" "), OSError("gone")])
@pytest.mark.parametrize("guarantee", ["idempotent", "queryable", "opaque"])
def test_whoever_goes_on_with_nonsense_is_not_believed_a_no_and_stops_nobody_else(
    new_office: NewOffice,
    ledger: Ledger,
    guarantee: Any,
    found: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = new_office({"sms": with_guarantee(ledger, guarantee)})
    sound, asked = ledger.send, []
    case_id = office.open()

    def send(message: Outbound) -> Accepted:
        asked.append(message)
        return Accepted(reference="") if message.case_id == case_id else sound(message)

    def find(message: Outbound) -> Accepted | None:
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    monkeypatch.setattr(ledger, "send", send)
    monkeypatch.setattr(ledger, "find", find)
    others = [office.open() for _ in range(3)]
    office.work()
    assert the_contact(office, case_id).status == "unknown"
    assert {the_contact(office, each).status for each in others} == {"accepted"}
    tries = sum(each.case_id == case_id for each in asked)
    assert tries == (2 if guarantee == "idempotent" else 1)
    office.pass_days(1)
    assert sum(each.case_id == case_id for each in asked) == tries, "never sent again"


def test_what_another_worker_has_found_out_meanwhile_is_not_asked_again(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office({"sms": ledger})
    case_id = crash_while_sending(office, ledger, arrived=True)
    office.lease_over()
    drafts, asked = office.outreach._drafts, []
    make, sound = drafts.make, ledger.send

    def overtaken(wanted: Any, channel: Any) -> list[Draft | NoDraft]:
        made = make(wanted, channel)
        for each in made:
            said = c.RecordAccepted(contact_id=each.contact_id, reference="the-other-one")
            office.ask(each.case_id, said, SYSTEM)
        return made

    def send(message: Outbound) -> Accepted:
        asked.append(message)
        return sound(message)

    monkeypatch.setattr(drafts, "make", overtaken)
    monkeypatch.setattr(ledger, "send", send)
    office.work()
    assert asked == []
    assert the_contact(office, case_id).reference == "the-other-one"


def test_two_workers_with_two_texts_for_one_start_lose_no_message(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, other = (new_office({"sms": ledger}) for _ in range(2))
    case_id = office.open()
    drafts = office.outreach._drafts
    make = drafts.make

    def overtaken(wanted: Any, channel: Any) -> list[Draft | NoDraft]:
        """The worker whose lease is over starts all the same, with a newer text."""
        made = make(wanted, channel)
        monkeypatch.setattr(drafts, "make", make)
        office.ask(case_id, costs(office, case_id))
        other.runner.catch_up()
        ledger.after = RuntimeError("connection reset")
        other.dispatch("sms", claimed_before)
        other.runner.catch_up()
        ledger.after = None
        return made

    monkeypatch.setattr(drafts, "make", overtaken)
    office.work_decisions()
    claimed_before = other.due("sms")
    office.dispatch("sms", office.due("sms"))
    assert the_contact(office, case_id).status == "dispatching"
    office.lease_over()
    office.work()
    assert the_contact(office, case_id).status == "accepted"
    assert len(ledger.taken) == 1


def test_what_cannot_be_looked_up_for_a_day_is_unknown(
    new_office: NewOffice, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "queryable")})
    monkeypatch.setattr(ledger, "find", lambda _: 42)
    case_id = crash_while_sending(office, ledger, arrived=True)
    office.work()
    assert the_contact(office, case_id).status == "dispatching"
    office.now += timedelta(days=2)
    office.lease_over()
    office.work()
    assert next(iter(office.case(case_id).contacts.values())).status == "unknown"


def test_what_stays_unclear_until_its_permission_ends_is_unknown(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": with_guarantee(ledger, "idempotent")})
    ledger.after = RuntimeError("connection reset")
    case_id = office.open()
    office.work()
    office.now += timedelta(days=1)
    office.lease_over()
    office.work()
    contact = next(each for each in office.case(case_id).contacts.values() if each.key)
    assert contact.status == "unknown"


def test_a_hold_between_permission_and_dispatch_stops_the_message(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    case_id = office.open()
    office.ask(case_id, c.FollowTreatment(step="first-reminder"))
    office.ask(case_id, c.PlaceHold(hold_id="h1", kind="dispute", authority="letter"))
    office.work()
    assert ledger.taken == []
    assert the_contact(office, case_id).status == "cancelled"


def test_a_payment_between_permission_and_dispatch_calls_the_message_back(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger})
    case_id = office.open()
    office.ask(case_id, c.FollowTreatment(step="first-reminder"))
    office.now += timedelta(minutes=5)
    office.ask(case_id, payment(100_00))
    office.work()
    assert ledger.taken == []
    assert the_contact(office, case_id).status == "cancelled"


def test_without_the_creditors_details_nothing_is_sent_and_the_case_says_why(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({"sms": ledger}, creditors={})
    case_id = office.open()
    office.work()
    last = office.engine.history(case_id)[-1].event
    assert isinstance(last, e.ContactCancelled)
    assert "[creditors.fictional-bank]" in last.reason
    assert ledger.taken == []


def test_a_channel_nobody_configured_is_no_reason_to_stop(
    new_office: NewOffice, ledger: Ledger
) -> None:
    office = new_office({})
    case_id = office.open()
    office.work()
    assert the_contact(office, case_id).status == "cancelled"
