"""What channels say of themselves reaches the right cases, once, whichever way it comes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from office import Ledger, Office

from duecourse import Accepted, OptOut, Receipt, Reply
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.state import Case
from duecourse.channels import Signal
from duecourse.flow.signals import EARLY, Signals, Taken, checked
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.engine import Engine
from duecourse.store.references import References
from duecourse.store.vault import Vault
from duecourse.testing.sample import POINTS

PHONE = POINTS[0].address


@pytest.fixture
def office(new_office: Callable[..., Office], ledger: Ledger) -> Office:
    return new_office({"sms": ledger, "email": ledger})


@pytest.fixture
def references(database: Database) -> References:
    return References(database)


@pytest.fixture
def signals(office: Office, database: Database, references: References) -> Signals:
    addresses = Addresses(database, Vault(database, bytes(range(32))))
    return Signals(office.engine, references, addresses, lambda: office.now)


def new_phone(office: Office, case_id: UUID) -> str:
    """An address that no other case has."""
    address = f"+86154{uuid4().int % 10**8:08}"
    office.ask(case_id, c.AddContactPoint(point=replace(POINTS[0], address=address)))
    return address


def sent(office: Office, case_id: UUID) -> UUID:
    """A message that the gateway has accepted."""
    contact_id = uuid4()
    office.ask(
        case_id,
        c.RequestContact(contact_id=contact_id, channel="sms", template="reminder-first"),
    )
    office.work()
    assert office.case(case_id).contacts[contact_id].status == "accepted"
    return contact_id


def receipt(reference: object, at: datetime, receipt_id: str = "r-1") -> Receipt:
    return Receipt(
        reference=str(reference), receipt_id=receipt_id, status="delivered", occurred_at=at
    )


def opt_out(at: datetime, reference: object = "", sender: str = "") -> OptOut:
    return OptOut(
        reference=str(reference), opt_out_id="o-1", occurred_at=at, sender=sender, how="one click"
    )


def events(office: Office, case_id: UUID, kind: type[e.Event]) -> Sequence[e.Event]:
    found = (each.event for each in office.engine.history(case_id))
    return [event for event in found if isinstance(event, kind)]


@pytest.mark.parametrize("name", ["{}", "ledger-{}"])
def test_a_contact_is_known_by_our_key_and_by_the_channels_own_reference(
    office: Office, signals: Signals, name: str
) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    taken = signals.record("sms", [receipt(name.format(contact_id), office.now)], "webhook")
    assert taken == Taken(new=1)
    assert office.case(case_id).contacts[contact_id].delivery == "delivered"


def test_what_comes_by_a_webhook_and_is_asked_for_as_well_counts_once(
    office: Office, signals: Signals
) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    said = [
        receipt(contact_id, office.now),
        Reply(sender="", reply_id="m-1", text="hello", occurred_at=office.now,
              reference=str(contact_id)),
        opt_out(office.now, contact_id),
    ]  # fmt: skip
    assert signals.record("sms", said, "webhook") == Taken(new=3)
    assert signals.record("sms", said, "poll") == Taken(again=3)
    for kind in (e.ReceiptRecorded, e.ReplyReceived, e.ChannelOptedOut):
        assert len(events(office, case_id, kind)) == 1


def test_an_opt_out_by_one_click_ends_the_medium_and_calls_back_what_waits(
    office: Office, signals: Signals
) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    office.now += timedelta(days=8)
    waiting = uuid4()
    ask = c.RequestContact(contact_id=waiting, channel="sms", template="reminder-first")
    office.ask(case_id, ask)
    assert office.case(case_id).contacts[waiting].status == "permitted"
    assert signals.record("sms", [opt_out(office.now, contact_id)], "webhook") == Taken(new=1)
    case = office.case(case_id)
    assert (case.opted_out, case.contacts[waiting].status) == (("sms",), "cancelled")
    (out,) = events(office, case_id, e.ChannelOptedOut)
    assert isinstance(out, e.ChannelOptedOut)
    assert out.how == "one click"
    office.ask(case_id, replace(ask, contact_id=uuid4()))
    refused = events(office, case_id, e.ContactRefused)[-1]
    assert isinstance(refused, e.ContactRefused)
    assert refused.rule == "opted_out"


def test_an_opt_out_of_an_address_is_heard_in_all_its_cases(
    office: Office, signals: Signals
) -> None:
    cases = [office.open() for _ in range(3)]
    phone = new_phone(office, cases[0])
    same = replace(POINTS[0], address=phone)
    office.ask(cases[1], c.AddContactPoint(point=same))
    office.work()
    assert signals.record("sms", [opt_out(office.now, sender=phone)], "poll") == Taken(new=1)
    assert [office.case(each).opted_out for each in cases] == [("sms",), ("sms",), ()]


def test_an_opt_out_whose_reference_fits_nothing_is_heard_by_its_sender(
    office: Office, signals: Signals
) -> None:
    case_id = office.open()
    phone = new_phone(office, case_id)
    office.work()
    said = opt_out(office.now - EARLY, "gone", phone)
    assert signals.record("sms", [said], "webhook") == Taken(new=1)
    assert office.case(case_id).opted_out == ("sms",)


def test_a_stop_of_a_known_sender_does_not_wait_for_a_reference_that_nobody_knows(
    office: Office, signals: Signals
) -> None:
    said = opt_out(office.now, "not ours")
    for signal in (
        replace(said, sender=""),
        Reply(sender="", reply_id="m-1", text="STOP", occurred_at=office.now, reference="not ours"),
    ):
        case_id = office.open()
        phone = new_phone(office, case_id)
        office.work()
        assert signals.record("sms", [signal], "webhook") == Taken(later=1)
        known = replace(signal, sender=phone)
        assert signals.record("sms", [known], "webhook") == Taken(new=1)
        assert office.case(case_id).opted_out == ("sms",)


def test_half_a_letter_does_not_lose_what_was_said(office: Office, signals: Signals) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    half = "\ud83d"
    said = checked(
        [
            Reply(sender=half, reply_id=f"m{half}", text=f"STOP {half}", occurred_at=office.now,
                  reference=str(contact_id)),
            replace(receipt(contact_id, office.now, f"r{half}"), detail=half),
            replace(opt_out(office.now, contact_id), opt_out_id=f"o{half}", how=half),
            receipt(half, office.now - EARLY, "x"),
        ],
        10,
    )  # fmt: skip
    assert signals.record("sms", said, "webhook") == Taken(new=2, again=1, unmatched=1)
    (heard,) = events(office, case_id, e.ReplyReceived)
    assert isinstance(heard, e.ReplyReceived)
    assert heard.text == "STOP \ufffd"


def test_an_opt_out_counts_once_also_after_the_debtor_came_back(
    office: Office, signals: Signals
) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    said = [opt_out(office.now, contact_id)]
    signals.record("sms", said, "webhook")
    office.ask(case_id, c.RecordOptIn(channel="sms", how="asked on the phone"))
    assert signals.record("sms", said, "poll") == Taken(again=1)
    assert office.case(case_id).opted_out == ()


def test_what_fits_nothing_is_kept_once_with_what_it_was(
    office: Office, signals: Signals, references: References
) -> None:
    old = office.now - EARLY
    said: list[Signal] = [
        receipt("nobody", old, "x-1"),
        receipt("nobody else", old, "x-1"),
        replace(opt_out(old, "nobody", "+8613899999999"), opt_out_id="x-1"),
        Reply(sender="+8613899999999", reply_id="x-1", text="who?", occurred_at=old),
    ]
    for _ in range(2):
        assert signals.record("sms", said, "webhook") == Taken(unmatched=4)
    kept = [each for each in references.unmatched("sms") if each.signal_id == "x-1"]
    assert sorted((each.kind, each.reference) for each in kept) == [
        ("opt-out", "nobody"),
        ("receipt", "nobody"),
        ("receipt", "nobody else"),
        ("reply", ""),
    ]
    assert references.unmatched("email") == []


def test_a_receipt_that_is_early_is_left_for_later_and_then_matched(
    office: Office, signals: Signals, references: References
) -> None:
    case_id = office.open()
    contact_id = uuid4()
    office.ask(
        case_id,
        c.RequestContact(contact_id=contact_id, channel="sms", template="reminder-first"),
    )
    # The gateway is faster than our own accept.
    said = [receipt(f"ledger-{contact_id}", office.now, "early")]
    assert signals.record("sms", said, "webhook") == Taken(later=1)
    office.work()
    assert signals.record("sms", said, "webhook") == Taken(new=1)
    assert "early" not in {each.signal_id for each in references.unmatched()}


def test_one_id_for_a_receipt_and_a_stop_loses_neither(office: Office, signals: Signals) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    stop = Reply(
        sender="", reply_id="1", text="STOP", occurred_at=office.now, reference=str(contact_id)
    )
    said = [receipt(contact_id, office.now, "1"), stop]
    assert signals.record("sms", said, "webhook") == Taken(new=2)
    assert office.case(case_id).opted_out == ("sms",)


def test_other_words_under_one_id_are_another_reply(office: Office, signals: Signals) -> None:
    case_id = office.open()
    phone = new_phone(office, case_id)
    contact_id = sent(office, case_id)
    first = Reply(
        sender=phone, reply_id="twice", text="hello", occurred_at=office.now,
        reference=str(contact_id),
    )  # fmt: skip
    assert signals.record("sms", [first], "webhook") == Taken(new=1)
    second = replace(first, text="STOP")
    assert signals.record("sms", [second, first], "webhook") == Taken(new=1, again=1)
    assert signals.record("sms", [second], "poll") == Taken(again=1)
    assert office.case(case_id).opted_out == ("sms",)
    assert len(events(office, case_id, e.ReplyReceived)) == 2


def test_a_reply_that_came_by_itself_waits_for_a_person_and_stops_the_schedule(
    office: Office, signals: Signals
) -> None:
    case_id = office.open()
    phone = new_phone(office, case_id)
    office.work()
    reply = Reply(sender=phone, reply_id="w-1", text="my husband died", occurred_at=office.now)
    assert signals.record("sms", [reply], "poll") == Taken(new=1)
    (waiting,) = office.case(case_id).waiting_replies.values()
    assert waiting.text == "my husband died"
    before = len(office.case(case_id).contacts)
    for _ in range(20):
        office.now += timedelta(days=1)
        office.work()
    assert len(office.case(case_id).contacts) == before


def test_unmatched_signals_are_listed_by_their_kind(office: Office, signals: Signals) -> None:
    old = office.now - EARLY
    said = [
        Reply(sender="+8613899999998", reply_id="k-1", text="who?", occurred_at=old),
        opt_out(old, sender="+8613899999998"),
    ]
    assert signals.record("sms", said, "poll") == Taken(unmatched=2)
    assert "k-1" in {each.signal_id for each in signals.unmatched("sms", 10, "reply")}
    assert {each.kind for each in signals.unmatched("", 10, "opt-out")} == {"opt-out"}


def test_two_channels_may_count_their_replies_alike(office: Office, signals: Signals) -> None:
    case_id = office.open()
    phone = new_phone(office, case_id)
    office.work()
    mail = office.case(case_id).points["mail"].address
    hello = Reply(sender=mail, reply_id="7", text="hello", occurred_at=office.now)
    stop = Reply(sender=phone, reply_id="7", text="STOP", occurred_at=office.now)
    signals.record("email", [hello], "poll")
    signals.record("sms", [stop], "poll")
    assert office.case(case_id).opted_out == ("sms",)


def test_what_cannot_be_decided_for_a_defect_of_ours_comes_again_and_then_waits_for_a_person(
    office: Office, database: Database, references: References
) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)

    def broken(case: Case | None, command: c.Command, context: Context) -> list[e.Event]:
        if isinstance(command, c.RecordReceipt) and command.detail == "poison":
            raise ZeroDivisionError
        return decide(case, command, context)

    vault = Vault(database, bytes(range(32)))
    engine = Engine(database, vault, broken, context_for=office._context, clock=lambda: office.now)
    signals = Signals(engine, references, Addresses(database, vault), lambda: office.now)
    poison = replace(receipt(contact_id, office.now, "p-1"), detail="poison")
    said = [poison, receipt(contact_id, office.now, "p-2")]
    assert signals.record("sms", said, "poll") == Taken(new=1, later=1)
    assert signals.record("sms", said, "poll", patience=timedelta(0), held=EARLY) == Taken(
        again=1, unmatched=1
    )
    engine.close()


# --- one reference, two contacts ------------------------------------------------------------------


def two_of_one_name(
    office: Office, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, apart: timedelta
) -> tuple[tuple[UUID, UUID], tuple[UUID, UUID]]:
    """The channel gives one reference to two messages. No two tests give the same."""
    name = uuid4().hex
    found: list[tuple[UUID, UUID]] = []
    for wait in (timedelta(), apart):
        office.now += wait
        office.work()  # what else is due by then has a name of its own
        case_id = office.open()
        with monkeypatch.context() as patch:
            patch.setattr(ledger, "send", lambda _: Accepted(reference=name))
            found.append((case_id, sent(office, case_id)))
    return found[0], found[1]


def test_what_names_two_contacts_of_these_days_is_of_neither(
    office: Office, ledger: Ledger, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_of_one_name(office, ledger, monkeypatch, timedelta(hours=2))
    name = office.case(other[0]).contacts[other[1]].reference
    assert office.case(one[0]).contacts[one[1]].reference == name
    told = [receipt(name, office.now - 2 * EARLY)]
    assert signals.record("sms", told, "webhook") == Taken(unmatched=1)
    for case_id, _ in (one, other):
        assert events(office, case_id, e.ReceiptRecorded) == []


def test_who_wants_no_more_is_heard_in_each_case_that_may_be_meant(
    office: Office, ledger: Ledger, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_of_one_name(office, ledger, monkeypatch, timedelta(hours=2))
    name = office.case(other[0]).contacts[other[1]].reference
    assert signals.record("sms", [opt_out(office.now, name)], "webhook") == Taken(new=1)
    for case_id, _ in (one, other):
        assert "sms" in office.case(case_id).opted_out


def test_a_name_that_comes_again_after_a_month_is_of_the_later_contact(
    office: Office, ledger: Ledger, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = two_of_one_name(office, ledger, monkeypatch, timedelta(days=31))
    name = office.case(other[0]).contacts[other[1]].reference
    assert signals.record("sms", [receipt(name, office.now)], "webhook") == Taken(new=1)
    assert len(events(office, other[0], e.ReceiptRecorded)) == 1
    assert events(office, one[0], e.ReceiptRecorded) == []


def test_a_channel_cannot_take_the_receipts_of_another_message_by_its_key(
    office: Office, ledger: Ledger, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = office.open()
    contact_id = sent(office, case_id)
    key = office.case(case_id).contacts[contact_id].key
    monkeypatch.setattr(ledger, "send", lambda _: Accepted(reference=key))
    other = office.open()
    sent(office, other)
    told = [receipt(key, office.now - 2 * EARLY)]
    assert signals.record("sms", told, "webhook") == Taken(unmatched=1)
    assert events(office, other, e.ReceiptRecorded) == []
