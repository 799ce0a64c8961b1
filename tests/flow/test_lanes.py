"""Each channel goes its own way: its own pace, its own rests, its own trouble."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from office import NoConfig, Office

from duecourse import Accepted, Capabilities, Channel, Measure, Outbound, Permanent, Rate, Transient
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.flow.drafts import Draft
from duecourse.settings import ChannelLimits

NewOffice = Callable[..., Office]
QUICK = ChannelLimits(suspend_after=3, suspend_seconds=0.3)


class Scripted(Channel[NoConfig]):
    """Answers each message as told, and remembers every one it was asked to send."""

    name = "scripted"
    config_class = NoConfig
    capabilities = Capabilities(medium="sms", guarantee="opaque")

    def __init__(self, **capabilities: Any) -> None:
        super().__init__(NoConfig())
        self.capabilities = replace(self.capabilities, **capabilities)
        self.asked: list[Outbound] = []
        self.trouble: BaseException | None = None
        self.answer: Any = None
        self.measured: Any = Measure(units=1)

    def measure(self, message: Outbound) -> Measure:
        if isinstance(self.measured, BaseException):
            raise self.measured
        found: Measure = self.measured
        return found

    def send(self, message: Outbound) -> Accepted:
        self.asked.append(message)
        if self.trouble is not None:
            raise self.trouble
        return self.answer or Accepted(reference=f"ref-{message.key}")


def permitted(office: Office, channel: str = "sms") -> tuple[UUID, UUID]:
    """A case of its own with a message that may leave."""
    case_id, contact_id = office.open(), uuid4()
    asked = c.RequestContact(contact_id=contact_id, channel=channel, template="reminder-first")
    outcome = office.ask(case_id, asked)
    assert isinstance(outcome.events[0], e.ContactPermitted)
    return case_id, contact_id


def status(office: Office, case_id: UUID, contact_id: UUID) -> str:
    return office.case(case_id).contacts[contact_id].status


def topics(office: Office, case_id: UUID) -> list[str]:
    return [type(each.event).__name__ for each in office.engine.history(case_id)]


def reasons(office: Office, case_id: UUID) -> list[str]:
    return [
        str(getattr(each.event, "reason", ""))
        for each in office.engine.history(case_id)
        if getattr(each.event, "reason", "")
    ]


# --- what a channel answers ---------------------------------------------------------------------


@pytest.mark.parametrize("asked", [float("nan"), float("inf"), -5.0, "soon", None])
def test_a_channel_that_names_no_sensible_pause_is_asked_again_in_half_a_minute(
    new_office: NewOffice, asked: Any
) -> None:
    channel = Scripted()
    channel.trouble = Transient("busy")
    channel.trouble.retry_after = asked
    office = new_office({"sms": channel})
    case_id, contact_id = permitted(office)
    office.work()
    contact = office.case(case_id).contacts[contact_id]
    assert contact.status == "permitted"
    assert contact.not_before is not None
    pause = contact.not_before - office.now
    assert pause == timedelta(seconds=30)


@pytest.mark.parametrize("trouble", [SystemExit(3), ValueError("?"), RecursionError()])
def test_a_channel_that_breaks_leaves_an_unknown_outcome_and_the_worker_goes_on(
    new_office: NewOffice, trouble: BaseException
) -> None:
    broken, sound = Scripted(), Scripted(medium="email")
    broken.trouble = trouble
    office = new_office({"sms": broken, "email": sound})
    lost, fine = permitted(office), permitted(office, "email")
    office.work()
    assert (status(office, *lost), status(office, *fine)) == ("unknown", "accepted")
    assert len(broken.asked) == 1, "never sent again blindly"


@pytest.mark.parametrize(
    "answer",
    [
        42,
        "ok",
        Accepted(reference="x" * 201),
        Accepted(reference="a", units=-1),
        Accepted(reference=""),
        Accepted(reference="  "),
    ],
)
def test_nonsense_for_an_answer_means_that_the_outcome_is_unknown(
    new_office: NewOffice, answer: Any
) -> None:
    channel = Scripted(guarantee="opaque")
    channel.answer = answer
    office = new_office({"sms": channel})
    sent = permitted(office)
    office.work()
    assert status(office, *sent) == "unknown"
    assert reasons(office, sent[0])[-1] == "the channel took it and answered nonsense"


def test_a_message_of_more_units_than_the_channel_takes_is_called_back_and_never_begun(
    new_office: NewOffice,
) -> None:
    channel = Scripted(max_units=2)
    channel.measured = Measure(units=3, unit="segment")
    office = new_office({"sms": channel})
    sent = permitted(office)
    office.work()
    assert status(office, *sent) == "cancelled"
    assert reasons(office, sent[0])[-1] == "it is 3 segments; the channel takes 2"
    assert channel.asked == []


@pytest.mark.parametrize(
    "measured", [Permanent("not a phone number"), OSError("disk"), SystemExit(1), 7, None]
)
def test_what_cannot_be_measured_is_not_begun(new_office: NewOffice, measured: Any) -> None:
    channel = Scripted()
    channel.measured = measured
    office = new_office({"sms": channel})
    sent = permitted(office)
    office.work()
    assert status(office, *sent) == "cancelled"
    assert channel.asked == []


def test_what_cannot_be_measured_at_the_moment_waits(new_office: NewOffice) -> None:
    """As of a channel in a process of its own that keeps breaking off, and rests."""
    channel = Scripted()
    channel.measured = Transient("it rests", retry_after=5.0)
    office = new_office({"sms": channel})
    sent = permitted(office)
    office.work()
    assert (status(office, *sent), channel.asked) == ("permitted", [])
    channel.measured = Measure(units=1)
    office.lease_over()
    office.work()
    assert status(office, *sent) == "accepted"


# --- after a crash ------------------------------------------------------------------------------


def begun(office: Office) -> tuple[UUID, UUID]:
    """A message that somebody began to send, and then died."""
    case_id, contact_id = permitted(office)
    office.runner.catch_up()
    (draft,) = office.outreach._drafts.make([(case_id, contact_id)], office.channels["sms"])
    assert isinstance(draft, Draft)
    start = c.StartDispatch(contact_id=contact_id, plugin="scripted", body_sha256=draft.body_sha256)
    office.ask(case_id, start)
    office.runner.catch_up()
    return case_id, contact_id


def test_an_idempotent_channel_is_asked_again_within_its_window_only(new_office: NewOffice) -> None:
    channel = Scripted(guarantee="idempotent", window=timedelta(minutes=30))
    office = new_office({"sms": channel})
    soon, late = begun(office), begun(office)
    office.now += timedelta(minutes=20)
    office.dispatch("sms", [each for each in office.due("sms") if each.case_id == soon[0]])
    office.now += timedelta(minutes=20)
    office.work()
    assert (status(office, *soon), status(office, *late)) == ("accepted", "unknown")
    assert len(channel.asked) == 1


def test_a_refusal_after_a_crash_does_not_prove_that_the_first_try_left_nothing(
    new_office: NewOffice,
) -> None:
    channel = Scripted(guarantee="idempotent")
    office = new_office({"sms": channel})
    sent = begun(office)
    channel.trouble = Permanent("the key is known with another text")
    office.work()
    assert status(office, *sent) == "unknown"


def test_what_another_worker_sent_while_the_text_was_made_is_not_sent_again(
    new_office: NewOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Scripted(guarantee="idempotent")
    slow, quick = (new_office({"sms": channel}) for _ in range(2))
    sent = permitted(slow)
    slow.runner.catch_up()
    make = slow.outreach._drafts.make

    def make_slowly(*wanted: Any) -> Any:
        drafts = make(*wanted)
        quick.work()
        return drafts

    monkeypatch.setattr(slow.outreach._drafts, "make", make_slowly)
    slow.dispatch("sms", slow.due("sms"))
    assert status(slow, *sent) == "accepted"
    assert len(channel.asked) == 1


def test_who_was_too_slow_still_says_what_it_saw(new_office: NewOffice) -> None:
    """Its lease was over, another one marked the outcome unknown, and then it came back."""
    channel = Scripted()
    office = new_office({"sms": channel})
    sent: list[tuple[UUID, UUID]] = []

    def taken_over(message: Outbound) -> Accepted:
        if not channel.asked:
            channel.asked.append(message)
            office.runner.catch_up()
            office.dispatch("sms", office.due("sms"))
            assert status(office, *sent[0]) == "unknown"
        return Accepted(reference="late")

    channel.send = taken_over  # type: ignore[method-assign]
    sent.append(permitted(office))
    office.work()
    contact = office.case(sent[0][0]).contacts[sent[0][1]]
    assert (contact.status, contact.reference) == ("accepted", "late")


# --- rests --------------------------------------------------------------------------------------


def rested(office: Office) -> None:
    time.sleep(0.35)
    office.now += timedelta(minutes=1)


def test_a_channel_that_cannot_take_messages_rests_and_the_others_go_on(
    new_office: NewOffice,
) -> None:
    away, sound = Scripted(), Scripted(medium="email")
    away.trouble = Transient("refused")
    office = new_office({"sms": away, "email": sound}, limits={"sms": QUICK})
    waiting = [permitted(office) for _ in range(8)]
    fine = permitted(office, "email")
    office.work()
    assert len(away.asked) == 3, "then it rests"
    assert {status(office, *each) for each in waiting} == {"permitted"}
    assert status(office, *fine) == "accepted"
    begun = sum(topics(office, each[0]).count("ContactDispatching") for each in waiting)
    rested(office)
    office.work()
    assert len(away.asked) == 4, "one message tries whether it works again"
    again = sum(topics(office, each[0]).count("ContactDispatching") for each in waiting)
    assert again == begun + 1, "and no other is even begun"
    away.trouble = None
    time.sleep(0.7)
    office.now += timedelta(minutes=2)
    office.work()
    assert {status(office, *each) for each in waiting} == {"accepted"}
    kinds = [(each.kind, each.reason) for each in office.rests.events("sms", limit=3)]
    assert kinds == [
        ("ChannelResumed", "it takes messages again"),
        ("ChannelSuspended", "refused"),
        ("ChannelSuspended", "refused"),
    ]


def test_a_message_that_a_channel_stumbles_over_does_not_keep_it_at_rest(
    new_office: NewOffice,
) -> None:
    channel = Scripted(guarantee="idempotent")
    channel.trouble = ConnectionResetError()
    office = new_office({"sms": channel}, limits={"sms": QUICK})
    oldest = permitted(office)
    office.now += timedelta(seconds=1)
    others = [permitted(office) for _ in range(5)]
    office.work()
    assert len(channel.asked) == 3, "then it rests"
    sound = channel.send

    def send(message: Outbound) -> Accepted:
        if message.case_id != oldest[0]:
            channel.trouble = None
        return sound(message)

    channel.send = send  # type: ignore[method-assign]
    with office.database.connection() as connection:
        connection.execute("UPDATE timers SET lease_until = '2000-01-01' WHERE claim IS NOT NULL")
    rested(office)
    office.work()
    assert {status(office, *each) for each in others} == {"accepted"}


def test_a_rest_is_kept_by_all_workers_and_grows(new_office: NewOffice) -> None:
    away = Scripted()
    away.trouble = Transient("refused")
    first, second = (new_office({"sms": away}, limits={"sms": QUICK}) for _ in range(2))
    for _ in range(4):
        permitted(first)
    first.work()
    second.now += timedelta(minutes=5)
    second.work()
    assert len(away.asked) == 3
    rest = first.rests.of("sms")
    assert rest is not None
    assert 0 < rest.seconds <= 0.3
    time.sleep(0.35)
    second.work()
    again = first.rests.of("sms")
    assert again is not None
    assert again.times == 2
    assert 0.3 < again.seconds <= 0.6


def test_refusals_for_good_are_answers_and_no_reason_to_rest(new_office: NewOffice) -> None:
    channel = Scripted()
    channel.trouble = Permanent("not a phone number")
    office = new_office({"sms": channel}, limits={"sms": QUICK})
    refused = [permitted(office) for _ in range(6)]
    office.work()
    assert {status(office, *each) for each in refused} == {"rejected"}
    assert office.rests.of("sms") is None


def test_what_was_held_back_by_a_rest_had_surely_not_left(new_office: NewOffice) -> None:
    """All of a batch begin together; those that were not handed over any more go back."""
    channel = Scripted(parallel=8)
    channel.trouble = ConnectionResetError("after the first byte")
    office = new_office({"sms": channel}, limits={"sms": QUICK})
    batch = [permitted(office) for _ in range(8)]
    office.work()
    found = [status(office, *each) for each in batch]
    assert (found.count("unknown"), found.count("permitted")) == (3, 5)


# --- pace ---------------------------------------------------------------------------------------


def test_no_more_messages_leave_than_the_rate_allows_whoever_sends_them(
    new_office: NewOffice,
) -> None:
    channel = Scripted(rate=Rate(3, 0.5), parallel=8)
    offices = [new_office({"sms": channel}) for _ in range(2)]
    sent = [permitted(offices[0]) for _ in range(8)]
    for office in offices:
        office.runner.catch_up()
        office.work()
    assert len(channel.asked) == 3
    deadline = time.monotonic() + 20
    while len(channel.asked) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.1)
        for office in offices:
            office.work()
    assert {status(offices[0], *each) for each in sent} == {"accepted"}


def test_the_settings_can_slow_a_channel_down_and_not_speed_it_up(new_office: NewOffice) -> None:
    limits = ChannelLimits(rate=Rate(2, 60.0))
    eager, shy = Scripted(rate=Rate(100, 1.0)), Scripted(medium="email", rate=Rate(1, 60.0))
    office = new_office({"sms": eager, "email": shy}, limits={"sms": limits, "email": limits})
    for _ in range(4):
        permitted(office)
        permitted(office, "email")
    office.work()
    assert (len(eager.asked), len(shy.asked)) == (2, 1)


def test_a_burst_and_a_total_both_hold(new_office: NewOffice) -> None:
    """In whichever order they are set, the tighter of the two at a moment decides."""
    day, burst = Rate(3, 86_400.0), Rate(2, 60.0)
    wide = Scripted(rate=burst, parallel=8)
    office = new_office({"sms": wide}, limits={"sms": ChannelLimits(rate=day)})
    for _ in range(6):
        permitted(office)
    office.work()
    assert len(wide.asked) == 2
    other = Scripted(medium="email", rate=day, parallel=8)
    office = new_office({"email": other}, limits={"email": ChannelLimits(rate=burst)})
    for _ in range(6):
        permitted(office, "email")
    office.work()
    assert len(other.asked) == 2


STOPS: list[c.Command] = [
    c.RecordOptOut(channel="sms", how="in a letter"),
    c.PlaceHold(hold_id="late", kind="dispute", authority="letter"),
    c.CloseCase(reason="uneconomic"),
]


@pytest.mark.parametrize("stop", STOPS, ids=lambda each: type(each).__name__)
def test_what_is_committed_while_others_of_the_batch_are_sent_still_stops_a_message(
    new_office: NewOffice, stop: c.Command
) -> None:
    channel = Scripted(parallel=4)
    office = new_office({"sms": channel}, limits={"sms": QUICK})
    batch = [permitted(office) for _ in range(4)]

    def send(message: Outbound) -> Accepted:
        channel.asked.append(message)
        if len(channel.asked) == 1:
            for case_id, contact_id in batch:
                if contact_id != message.contact_id:
                    office.ask(case_id, stop)
        return Accepted(reference=message.key)

    channel.send = send  # type: ignore[method-assign]
    office.work()
    assert len(channel.asked) == 1
    assert office.rests.of("sms") is None, "no fault of the channel"
    assert sorted(status(office, *each) for each in batch) == ["accepted", *["cancelled"] * 3]


# --- lanes of a running worker ------------------------------------------------------------------


def test_a_channel_that_hangs_keeps_nobody_else_waiting(new_office: NewOffice) -> None:
    let_go = threading.Event()
    hanging, sound = Scripted(), Scripted(medium="email")
    hanging.send = lambda message: let_go.wait(30) and Accepted(reference="late")  # type: ignore[method-assign,assign,return-value]
    office = new_office({"sms": hanging, "email": sound})
    stuck = [permitted(office) for _ in range(3)]
    fine = [permitted(office, "email") for _ in range(20)]
    stop = threading.Event()
    worker = threading.Thread(target=office.worker.run, args=(stop.is_set,))
    worker.start()
    try:
        deadline = time.monotonic() + 20
        while len(sound.asked) < len(fine) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(sound.asked) == len(fine)
        assert not let_go.is_set()
    finally:
        let_go.set()
        stop.set()
        worker.join()
    assert {status(office, *each) for each in fine} == {"accepted"}
    assert {status(office, *each) for each in stuck} <= {"accepted", "unknown"}


def test_several_messages_of_a_channel_are_on_their_way_at_once_and_no_more_than_it_takes(
    new_office: NewOffice,
) -> None:
    channel = Scripted(parallel=3)
    under_way, most = 0, 0
    counting = threading.Lock()

    def send(message: Outbound) -> Accepted:
        nonlocal under_way, most
        with counting:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.05)
        with counting:
            under_way -= 1
            channel.asked.append(message)
        return Accepted(reference=message.key)

    channel.send = send  # type: ignore[method-assign]
    office = new_office({"sms": channel})
    for _ in range(9):
        permitted(office)
    deadline = time.monotonic() + 20
    office.worker.run(lambda: len(channel.asked) == 9 or time.monotonic() > deadline)
    assert (len(channel.asked), most) == (9, 3)


# --- channels that are not there ----------------------------------------------------------------


def test_what_is_to_go_by_a_channel_that_nobody_knows_is_called_back(
    new_office: NewOffice,
) -> None:
    office = new_office({})
    sent = permitted(office)
    office.work()
    assert status(office, *sent) == "cancelled"
    assert reasons(office, sent[0])[-1] == "no channel 'sms' is configured"


def test_what_is_to_go_by_a_channel_that_is_broken_waits_for_it(
    new_office: NewOffice,
) -> None:
    office = new_office({}, configured=("sms",))
    sent = permitted(office)
    office.work()
    assert status(office, *sent) == "permitted"
    channel = Scripted()
    mended = new_office({"sms": channel})
    mended.work()
    assert status(mended, *sent) == "accepted"
