"""The conformance kit: a channel that keeps the contract passes, and each check catches a break."""

import importlib
import itertools
import json
import logging
import os
import random
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import pytest
from courier import (
    Carrier,
    CarrierContract,
    Courier,
    CourierConfig,
    CourierContract,
    Event,
)

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Measure,
    OptOut,
    Outbound,
    Permanent,
    Polled,
    Reply,
    Secret,
    Signal,
    Transient,
    WebhookRequest,
)
from duecourse.testing import ChannelContract, ContractWarning, kit
from duecourse.testing.contract import Outcome, check, checks_of, make_check, run
from duecourse.testing.kit import new_in
from duecourse.testing.secret_forms import forms_of

replace = msgspec.structs.replace


class TestCourier(CourierContract):
    """The good one, as an author has it checked."""


class TestCarrier(CarrierContract):
    """The other good one: looked up and polled."""


# Each breaks one thing. -------------------------------------------------------------------------


class SpacedName(Courier):
    name = "a courier"


class OtherContract(Courier):
    contract = 2


class Strange:
    pass


class StrangeConfig(CourierConfig, kw_only=True):
    strange: Strange | None = None


class NoSchema(Courier):
    config_class = StrangeConfig


class NoExample(Courier):
    example: ClassVar[Mapping[str, Any]] = {"url": "https://courier.example.com"}


class LaxConfig(Config, kw_only=True, forbid_unknown_fields=False):
    url: str
    token: Secret
    timeout: float = 5.0


class TakesAnySetting(Courier):
    config_class = LaxConfig


class PlainConfig(CourierConfig, kw_only=True):
    api_token: str = "fictional"


class PlainSecret(Courier):
    config_class = PlainConfig


class PlainWordsConfig(CourierConfig, kw_only=True):
    gateway_auth: Annotated[str, msgspec.Meta(max_length=9)] | None = None


class PlainAuth(Courier):
    config_class = PlainWordsConfig


class PlainBytesConfig(CourierConfig, kw_only=True):
    credential: bytes = b"fictional"


class PlainBytes(Courier):
    config_class = PlainBytesConfig


class PlainPwdConfig(CourierConfig, kw_only=True):
    pwd: str = "fictional"


class PlainPwd(Courier):
    config_class = PlainPwdConfig


class ShowsSecretInRepr(Courier):
    def __repr__(self) -> str:
        return f"Courier({self.config.token.reveal()})"


class ShowsSecretWhenRefusing(Courier):
    def __init__(self, config: CourierConfig) -> None:
        super().__init__(config)
        if not config.url.startswith("http"):
            raise ValueError(f"bad url for {config.token.reveal()}")


class LogsSecret(Courier):
    def headers(self, key: str) -> dict[str, str]:
        logging.getLogger("courier").info("with %s", self.config.token.reveal())
        return super().headers(key)


class QuotesSecret(Courier):
    def not_reached(self, error: OSError) -> Exception:
        return Transient(f"{error} with {self.config.token.reveal()}")


class ConnectsWhenMade(Courier):
    def __init__(self, config: CourierConfig) -> None:
        super().__init__(config)
        with socket.socket() as line:
            line.connect_ex(("127.0.0.1", 9))


class ReadsAFileWhenMade(Courier):
    def __init__(self, config: CourierConfig) -> None:
        super().__init__(config)
        self.hosts = Path("/etc/hosts").exists() and Path("/etc/hosts").read_text()


class StartsAProgramWhenMade(Courier):
    def __init__(self, config: CourierConfig) -> None:
        super().__init__(config)
        subprocess.run([sys.executable, "-c", ""], check=True)


class PromisesToFind(Courier):
    capabilities = replace(Courier.capabilities, guarantee="queryable")


class PromisesPolls(Courier):
    capabilities = replace(Courier.capabilities, receipts="poll")


class HidesItsWebhooks(Courier):
    capabilities = Capabilities(medium="sms", guarantee="idempotent")


class ClosesOnce(Courier):
    closed = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class MeasuresByChance(Courier):
    def measure(self, message: Outbound) -> Measure:
        return Measure(units=random.randrange(1, 1000))


class MeasuresByCounting(Courier):
    seen = 0

    def measure(self, message: Outbound) -> Measure:
        self.seen += 1
        return Measure(units=self.seen)


class AsksToMeasure(Courier):
    def measure(self, message: Outbound) -> Measure:
        with socket.socket() as line:
            line.connect_ex(("127.0.0.1", 9))
        return Measure(units=1)


class TakesAnyAddress(Courier):
    def normalise(self, address: str) -> str:
        return address


class CallsABadAddressGarbage(Courier):
    def normalise(self, address: str) -> str:
        try:
            return super().normalise(address)
        except Permanent:
            raise ValueError("not a number") from None


class RepeatsABadAddress(Courier):
    def normalise(self, address: str) -> str:
        try:
            return super().normalise(address)
        except Permanent:
            raise Permanent(f"{address} is no number") from None


class NormalisesEachTime(Courier):
    def normalise(self, address: str) -> str:
        return super().normalise(address) + "0"


class GivesUpWhenRefused(Courier):
    def not_reached(self, error: OSError) -> Exception:
        return Permanent("not reached")


class DoubtsWhenRefused(Courier):
    def not_reached(self, error: OSError) -> Exception:
        return error


class CallsSilenceSent(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        try:
            return super().post(told, key)
        except TimeoutError:
            return 200, b'{"id": "surely"}'


class WaitsForEver(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        try:
            return super().post(told, key)
        except TimeoutError:
            time.sleep(60)
            raise


class GivesUpOnACutLine(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        try:
            return super().post(told, key)
        except ConnectionError:
            raise Permanent("gone") from None


class ResendsBlindly(Courier):
    """Nothing deduplicates, and yet it says that nothing was sent."""

    capabilities = replace(Courier.capabilities, guarantee="opaque")

    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        try:
            return super().post(told, key)
        except ConnectionError:
            raise Transient("gone") from None


class BelievesGarbage(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        try:
            return super().post(told, key)
        except Transient:
            raise
        except Exception:  # noqa: BLE001 - the bug
            return 200, b'{"id": "surely"}'


class GivesUpOn429(Courier):
    def read(self, status: int, answer: bytes) -> Accepted:
        if status == 429:
            raise Permanent("busy")
        return super().read(status, answer)


class Believes500(Courier):
    def read(self, status: int, answer: bytes) -> Accepted:
        return Accepted(reference="surely") if status == 500 else super().read(status, answer)


class GivesUpOn503(Courier):
    def read(self, status: int, answer: bytes) -> Accepted:
        if status == 503:
            raise Permanent("broken")
        return super().read(status, answer)


class TriesAWrongTokenForEver(Courier):
    def read(self, status: int, answer: bytes) -> Accepted:
        if status == 401:
            raise Transient("refused")
        return super().read(status, answer)


class QuotesThePeer(Courier):
    def read(self, status: int, answer: bytes) -> Accepted:
        if status == 401:
            raise Permanent(answer.decode())
        return super().read(status, answer)


class LogsTheAddress(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        logging.getLogger("courier").warning("to %s", told["to"])
        return super().post(told, key)


class QuotesTheNumberWithoutItsPlus(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        raise Transient(f"{told['to'].removeprefix('+')} is busy")


class QuotesTheNumberInGroups(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        raise Transient(f"+86 (154) {told['to'][6:10]}-{told['to'][10:]} is busy")


class LogsTheAddressForDevelopers(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        logging.getLogger("courier").debug("to %s", told["to"])
        return super().post(told, key)


class PrintsTheAddress(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        print("to", told["to"])  # noqa: T201 - the bug
        return super().post(told, key)


class PrintsTheAddressAsAnError(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        print("to", told["to"], file=sys.stderr)  # noqa: T201 - the bug
        return super().post(told, key)


class WarnsOfTheAddress(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"to {told['to']}", stacklevel=1)
        return super().post(told, key)


class FailsWithTheAddress(Courier):
    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        raise RuntimeError(f"cannot send to {told['to']}")


class SecretPlaceConfig(Config, kw_only=True):
    url: Secret
    token: Secret
    timeout: float = 5.0


class QuotesASecretPlace(Courier):
    config_class = SecretPlaceConfig

    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        raise Transient(f"no answer from {cast('Any', self.config).url.reveal()}")


class SecretInAPath(Courier):
    """Whoever knows the address may post, as with the webhooks of many chats."""

    config_class = SecretPlaceConfig
    example: ClassVar[Mapping[str, Any]] = {
        "url": "https://courier.example.com/hooks/T0001/k1t-4711-kit",
        "token": "fictional/token+4711=",
    }

    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        self.tell(cast("Any", self.config).url.reveal())
        raise Transient("no answer")

    def tell(self, url: str) -> None:
        """The bug of each that follows."""


class LogsAPathThatIsSecret(SecretInAPath):
    def tell(self, url: str) -> None:
        logging.getLogger("courier").debug("POST %s HTTP/1.1", urlsplit(url).path)


class LogsTheTokenInAPath(SecretInAPath):
    def tell(self, url: str) -> None:
        logging.getLogger("courier").debug("the hook %s", url.rpartition("/")[2])


class QuotesATokenAsAPathHasIt(SecretInAPath):
    def tell(self, url: str) -> None:
        raise Transient(f"404 at /bot/{quote(self.config.token.reveal(), safe='')}/send")


class QuotesATokenAsAQueryHasIt(SecretInAPath):
    def tell(self, url: str) -> None:
        raise Transient(f"404 at /send?{urlencode({'token': self.config.token.reveal()})}")


QUIET_LOGGER = logging.getLogger("courier.quiet")
QUIET_LOGGER.propagate = False
QUIET_LOGGER.addHandler(logging.NullHandler())


class LogsWhereNobodyListens(Courier):
    def headers(self, key: str) -> dict[str, str]:
        QUIET_LOGGER.info("with %s", self.config.token.reveal())
        return super().headers(key)


class MakesALoggerThatPassesNothingOn(Courier):
    numbers = itertools.count()

    def headers(self, key: str) -> dict[str, str]:
        logger = logging.getLogger(f"courier.new-{next(self.numbers)}")
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        logger.info("with %s", self.config.token.reveal())
        return super().headers(key)


class LogsPastTheTree(Courier):
    def headers(self, key: str) -> dict[str, str]:
        logger = logging.Logger("nobody's child")  # noqa: LOG001 - the bug
        logger.info("with %s", self.config.token.reveal())
        return super().headers(key)


class SendsTheExpired(Courier):
    def refuse_expired(self, message: Outbound) -> None:
        pass


class SendsTheExpiredAndRegrets(Courier):
    def send(self, message: Outbound) -> Accepted:
        late = message.at >= message.expires_at
        accepted = super().send(replace(message, expires_at=message.at + timedelta(hours=1)))
        if late:
            raise Permanent("the permission had expired")
        return accepted


class ForgetsTheKey(Courier):
    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": "Bearer fictional"}


class NamesTheSameTwice(Courier):
    numbers = itertools.count()

    def read(self, status: int, answer: bytes) -> Accepted:
        accepted = super().read(status, answer)
        return replace(accepted, reference=f"{accepted.reference}-{next(self.numbers)}")


class AnswersNonsense(Courier):
    def read(self, status: int, answer: bytes) -> Accepted:
        return replace(super().read(status, answer), reference="")


class MixesThreadsUp(Courier):
    """Keeps the last answer in itself, where every thread writes."""

    last: Accepted | None = None

    def read(self, status: int, answer: bytes) -> Accepted:
        self.last = super().read(status, answer)
        time.sleep(0.02)
        return self.last


class OneAtATime(Courier):
    """Fails when it is called while it is called."""

    busy = False

    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        if self.busy:
            raise RuntimeError
        self.busy = True
        try:
            time.sleep(0.01)
            return super().post(told, key)
        finally:
            self.busy = False


class BelievesAnybody(Courier):
    def verify(self, request: WebhookRequest) -> None:
        pass


class BelievesTheUnsigned(Courier):
    def verify(self, request: WebhookRequest) -> None:
        if "x-signature" in request.headers:
            super().verify(request)


class LooksAtTheHeaderOnly(Courier):
    """Takes any signature that was ever right, over whatever body."""

    def verify(self, request: WebhookRequest) -> None:
        if (
            len(request.headers.get("x-signature", "0")) != 64
            or "00" * 32 in (request.headers["x-signature"])
        ):
            super().verify(request)


class CrashesOnGarbage(Courier):
    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        self.verify(request)
        event = json.loads(request.body)
        return [self.signal(msgspec.convert(event, Event))]


class SwallowsGarbage(Courier):
    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        self.verify(request)
        try:
            return super().receive(request)
        except ValueError:
            return []


class NamesReceiptsAnew(Courier):
    numbers = itertools.count()

    def signal(self, event: Event) -> Signal:
        return super().signal(replace(event, id=f"{event.id}-{next(self.numbers)}"))


class InventsAStatus(Courier):
    def signal(self, event: Event) -> Signal:
        return super().signal(replace(event, status=cast("Any", "vanished")))


class HasNoTimeZone(Courier):
    def signal(self, event: Event) -> Signal:
        return super().signal(replace(event, at=datetime(2026, 3, 2, 4, 0)))  # noqa: DTZ001 - the bug


class TrimsReplies(Courier):
    def signal(self, event: Event) -> Signal:
        return super().signal(replace(event, text=event.text and event.text.strip()))


class ReadsOptOuts(Courier):
    def signal(self, event: Event) -> Signal:
        signal = super().signal(event)
        if isinstance(signal, Reply) and signal.text == "STOP":
            return OptOut(reference="m-1", opt_out_id=event.id, occurred_at=event.at)
        return signal


class FindsEverything(Carrier):
    def find(self, message: Outbound) -> Accepted | None:
        return Accepted(reference=f"m-{message.key}")


class FindsNothing(Carrier):
    def find(self, message: Outbound) -> Accepted | None:
        return None


class PollsAnew(Carrier):
    numbers = itertools.count()

    def poll(self, cursor: bytes) -> Polled:
        signals = [replace(each, receipt_id=f"{next(self.numbers)}") for each in self.shelf.events]
        return Polled(signals=tuple(signals), cursor=b"1")


class StandsStill(Carrier):
    def poll(self, cursor: bytes) -> Polled:
        return super().poll(b"")


class PollsText(Carrier):
    def poll(self, cursor: bytes) -> Polled:
        return replace(super().poll(cursor), cursor=cast("Any", "1"))


BROKEN: list[tuple[type[Channel[Any]], str]] = [
    (SpacedName, "name settings class and contract are right"),
    (OtherContract, "name settings class and contract are right"),
    (NoSchema, "its settings have a schema"),
    (NoExample, "its settings construct it"),
    (TakesAnySetting, "an unknown setting is refused by name"),
    (PlainSecret, "what is secret is a secret"),
    (PlainAuth, "what is secret is a secret"),
    (PlainBytes, "what is secret is a secret"),
    (PlainPwd, "what is secret is a secret"),
    (ShowsSecretInRepr, "secrets are never shown"),
    (ShowsSecretWhenRefusing, "secrets are never shown"),
    (LogsSecret, "words that are stored name nobody"),
    (QuotesSecret, "words that are stored name nobody"),
    (ConnectsWhenMade, "constructing it does nothing else"),
    (ReadsAFileWhenMade, "constructing it does nothing else"),
    (StartsAProgramWhenMade, "constructing it does nothing else"),
    (PromisesToFind, "what it promises it has written"),
    (PromisesPolls, "what it promises it has written"),
    (HidesItsWebhooks, "what it promises it has written"),
    (ClosesOnce, "it may be closed twice"),
    (MeasuresByChance, "measuring is pure"),
    (MeasuresByCounting, "measuring is pure"),
    (AsksToMeasure, "measuring is pure"),
    (TakesAnyAddress, "a bad address is permanent"),
    (CallsABadAddressGarbage, "a bad address is permanent"),
    (RepeatsABadAddress, "a bad address is permanent"),
    (NormalisesEachTime, "an address is stored in one form"),
    (GivesUpWhenRefused, "a refused connection is transient"),
    (DoubtsWhenRefused, "a refused connection is transient"),
    (CallsSilenceSent, "silence is neither accepted nor permanent"),
    (WaitsForEver, "silence is neither accepted nor permanent"),
    (GivesUpOnACutLine, "a line cut before the answer is neither accepted nor permanent"),
    (ResendsBlindly, "a line cut before the answer is neither accepted nor permanent"),
    (BelievesGarbage, "an answer of garbage is neither accepted nor permanent"),
    (GivesUpOn429, "too many requests is transient or unknown"),
    (Believes500, "a broken peer is transient or unknown"),
    (GivesUpOn503, "a broken peer is transient or unknown"),
    (TriesAWrongTokenForEver, "wrong credentials are permanent"),
    (QuotesThePeer, "words that are stored name nobody"),
    (LogsTheAddress, "words that are stored name nobody"),
    (QuotesTheNumberWithoutItsPlus, "words that are stored name nobody"),
    (QuotesTheNumberInGroups, "words that are stored name nobody"),
    (LogsTheAddressForDevelopers, "words that are stored name nobody"),
    (PrintsTheAddress, "words that are stored name nobody"),
    (PrintsTheAddressAsAnError, "words that are stored name nobody"),
    (WarnsOfTheAddress, "words that are stored name nobody"),
    (FailsWithTheAddress, "words that are stored name nobody"),
    (QuotesASecretPlace, "words that are stored name nobody"),
    (LogsAPathThatIsSecret, "words that are stored name nobody"),
    (LogsTheTokenInAPath, "words that are stored name nobody"),
    (QuotesATokenAsAPathHasIt, "words that are stored name nobody"),
    (QuotesATokenAsAQueryHasIt, "words that are stored name nobody"),
    (LogsWhereNobodyListens, "words that are stored name nobody"),
    (MakesALoggerThatPassesNothingOn, "words that are stored name nobody"),
    (LogsPastTheTree, "words that are stored name nobody"),
    (SendsTheExpired, "an expired message is not sent"),
    (SendsTheExpiredAndRegrets, "an expired message is not sent"),
    (ForgetsTheKey, "the same key twice is one message"),
    (NamesTheSameTwice, "the same key twice is one message"),
    (AnswersNonsense, "a message is accepted"),
    (MixesThreadsUp, "many threads send at once"),
    (OneAtATime, "many threads send at once"),
    (BelievesAnybody, "a webhook without its signature is forbidden"),
    (BelievesTheUnsigned, "a webhook without its signature is forbidden"),
    (LooksAtTheHeaderOnly, "a webhook that was changed is forbidden"),
    (CrashesOnGarbage, "garbage is refused and not a crash"),
    (SwallowsGarbage, "garbage is refused and not a crash"),
    (NamesReceiptsAnew, "a webhook that comes twice has the same ids"),
    (InventsAStatus, "receipts are what the core records"),
    (HasNoTimeZone, "receipts are what the core records"),
    (TrimsReplies, "a reply carries the text verbatim"),
    (ReadsOptOuts, "a reply carries the text verbatim"),
    (FindsEverything, "what was sent is found and nothing else"),
    (FindsNothing, "what was sent is found and nothing else"),
    (PollsAnew, "a poll may be repeated"),
    (StandsStill, "a poll may be repeated"),
    (PollsText, "a poll may be repeated"),
]


def contract_of(channel: type[Channel[Any]]) -> type[ChannelContract]:
    base = CarrierContract if issubclass(channel, Carrier) else CourierContract
    return type("Kit", (base,), {"channel": channel, "patience": 3.0})


def outcome(contract: type[ChannelContract], check: str) -> Outcome:
    return make_check(contract(), f"test_{check.replace(' ', '_')}")


@pytest.mark.parametrize(
    ("channel", "check"), BROKEN, ids=[f"{each.__name__}" for each, _ in BROKEN]
)
def test_a_broken_channel_is_caught_by_the_check_for_it(
    channel: type[Channel[Any]], check: str
) -> None:
    found = outcome(contract_of(channel), check)
    assert found.state == "failed", found
    assert found.why


def test_a_secret_address_that_is_not_told_is_no_failure() -> None:
    found = outcome(contract_of(SecretInAPath), "words that are stored name nobody")
    assert found.state == "ok", found


def test_logs_are_the_process_s_own_again_after_a_check(caplog: pytest.LogCaptureFixture) -> None:
    outcome(contract_of(LogsWhereNobodyListens), "words that are stored name nobody")
    logging.getLogger("courier").warning("heard again")
    assert [each.message for each in caplog.records] == ["heard again"]


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("a/b+c=d", ["a/b+c=d", "a%2Fb%2Bc%3Dd"]),
        ("of two words", ["of two words", "of%20two%20words", "of+two+words"]),
        ("https://h.example/hooks/fictional", ["/hooks/fictional"]),
        ("https://h.example/bot123:abcdef/send", ["/bot123:abcdef/send", "bot123:abcdef"]),
        ("https://h.example/?key=fictional&x=1", ["key=fictional&x=1", "fictional"]),
        ("https://me:fictional@h.example/", ["fictional"]),
    ],
)
def test_a_secret_is_looked_for_in_each_form_that_may_be_shown(
    secret: str, shown: list[str]
) -> None:
    assert {secret, *shown} <= set(forms_of([secret]))


@pytest.mark.parametrize(
    ("secret", "harmless"),
    [
        ("https://h.example/services/send", ["services", "send", "/", "h.example", "https"]),
        ("http://[", [""]),
        ("k1t47110/k1t4711kit", ["k1t4711kit"]),  # no address
        ("abc", ["abc"]),
    ],
)
def test_what_is_in_any_sentence_is_not_looked_for(secret: str, harmless: list[str]) -> None:
    assert set(forms_of([secret])).isdisjoint(harmless)


@cache
def outcomes_of(contract: type[ChannelContract]) -> list[Outcome]:
    return list(run(contract))


@pytest.mark.parametrize("contract", [CourierContract, CarrierContract])
def test_a_good_channel_fails_no_check(contract: type[ChannelContract]) -> None:
    outcomes = outcomes_of(contract)
    assert {each.state for each in outcomes} == {"ok", "not checked"}
    assert all(each.why for each in outcomes if each.state == "not checked")


def test_every_check_is_made_of_a_good_channel_and_caught_of_a_broken_one() -> None:
    """Nothing in the kit is there that no channel was ever seen to fail."""
    every = {each.removeprefix("test_").replace("_", " ") for each in checks_of(ChannelContract)}
    made = {
        each.check
        for contract in (CourierContract, CarrierContract)
        for each in outcomes_of(contract)
        if each.state == "ok"
    }
    assert made == every
    assert {check for _, check in BROKEN} | {"importing it does nothing else"} == every


IMPORTED = """
from duecourse import Accepted, Capabilities, Channel, Config
{first}

class Settings(Config):
    pass

class Eager(Channel[Settings]):
    name = "eager"
    config_class = Settings
    capabilities = Capabilities(medium="other")

    def send(self, message):
        return Accepted(reference=message.key)
"""


@pytest.mark.parametrize(
    ("first", "state"),
    [
        ("", "ok"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "failed"),
        ("import socket; socket.getaddrinfo('gateway.example.com', 443)", "failed"),
        ("import subprocess; subprocess.run(['true'])", "failed"),
        ("import pathlib; pathlib.Path(__file__).with_name('left').write_text('')", "failed"),
        ("raise SystemExit", "failed"),
    ],
)
def test_what_importing_a_channel_does_besides_is_caught(
    first: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"kit_eager_{abs(hash(first))}"
    (tmp_path / f"{module}.py").write_text(IMPORTED.format(first=""))
    monkeypatch.syspath_prepend(tmp_path)
    eager = importlib.import_module(module).Eager
    (tmp_path / f"{module}.py").write_text(IMPORTED.format(first=first))
    found = outcome(
        type("Kit", (ChannelContract,), {"channel": eager}), "importing it does nothing else"
    )
    assert found.state == state, found
    assert not (tmp_path / "left").exists()


class Empty(Config):
    pass


class Quiet(Channel[Empty]):
    """Needs nothing, so it can be sent with."""

    name = "quiet"
    config_class = Empty
    capabilities = Capabilities(medium="other")

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        return Accepted(reference=message.key)


def states(channel: type[Channel[Any]], config: Mapping[str, Any]) -> dict[str, str]:
    return {each.check: each.state for each in check(channel, config)}


def test_what_cannot_be_checked_says_why_and_never_passes() -> None:
    outcomes = {each.check: each for each in check(Quiet, {})}
    refused = outcomes["a refused connection is transient"]
    assert (refused.state, "override `hostile`" in refused.why) == ("not checked", True)
    assert outcomes["a message is accepted"].state == "ok"
    assert outcomes["an expired message is not sent"].state == "ok"
    assert outcomes["a bad address is permanent"].state == "not checked"
    assert not [each for each in outcomes.values() if each.state == "failed"]


class FolderConfig(Config, kw_only=True):
    folder: str


class Spool(Channel[FolderConfig]):
    """Leaves a file, as a channel of letters does."""

    name = "spool"
    config_class = FolderConfig
    capabilities = Capabilities(medium="other")

    def send(self, message: Outbound) -> Accepted:
        Path(self.config.folder, message.key).write_text(message.body)
        return Accepted(reference=message.key)


class CallsFarAway(Quiet):
    def send(self, message: Outbound) -> Accepted:
        socket.create_connection(("192.0.2.1", 443), timeout=5).close()
        return super().send(message)


def test_without_a_hook_no_file_is_written_and_nobody_far_away_is_called(tmp_path: Path) -> None:
    """What is to be checked may be configured for the real world."""
    begun = time.monotonic()
    for channel, config in ((Spool, {"folder": str(tmp_path)}), (CallsFarAway, {})):
        found = {each.check: each for each in check(channel, config)}
        assert found["a message is accepted"].state == "not checked"
        assert "override `peer`" in found["a message is accepted"].why
        assert found["an expired message is not sent"].state == "failed"
    assert list(tmp_path.iterdir()) == []
    assert time.monotonic() - begun < 60


def test_the_kit_sends_to_its_own_peer_whatever_the_settings_say() -> None:
    """192.0.2.1 is nobody's; a call there would hang until its timeout."""
    found = states(Courier, {"url": "http://192.0.2.1/messages", "token": "t", "timeout": 30.0})
    assert found["a message is accepted"] == "ok"
    assert "failed" not in found.values()


def test_a_secret_never_gets_into_the_words_of_an_outcome() -> None:
    secret = "a-secret-of-this-test"
    config = {"url": "https://courier.example.com", "token": secret}
    broken = (ShowsSecretInRepr, ShowsSecretWhenRefusing, QuotesSecret, LogsSecret)
    failed: list[str] = []
    for channel in broken:
        contract = type("Kit", (CourierContract,), {"channel": channel, "config": config})
        for name in ("secrets are never shown", "words that are stored name nobody"):
            found = outcome(contract, name)
            assert secret not in found.why
            failed.append(found.state)
    assert failed.count("failed") == len(broken)


class RefusesAKitLoudly(Courier):
    def __init__(self, config: CourierConfig) -> None:
        super().__init__(config)
        if "127.0.0.1" in config.url:
            raise ValueError(f"no http for {config.token.reveal()}")


def test_a_secret_in_a_constructors_refusal_is_taken_out() -> None:
    found = outcome(contract_of(RefusesAKitLoudly), "a message is accepted")
    assert found.state == "not checked"
    assert "(no http for ***)" in found.why


class Newer(CourierContract):
    @new_in("0.1")
    def test_something_new(self) -> None:
        raise AssertionError("this is off")


@pytest.mark.parametrize(
    ("release", "state"), [("0.1.0", "warning"), ("0.1.9", "warning"), ("0.2.0", "failed")]
)
def test_a_new_check_warns_for_one_minor_release_and_then_fails(
    release: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "version", lambda _: release)
    found = outcome(Newer, "something new")
    assert (found.state, "this is off" in found.why) == (state, True)


def test_a_new_check_warns_under_pytest_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "version", lambda _: "0.1.0")
    with pytest.warns(ContractWarning, match="this is off"):
        Newer().test_something_new()


def test_the_kit_needs_no_pytest_and_stands_under_optimisation(tmp_path: Path) -> None:
    """`python -O` takes `assert` away; a kit that then passes everything would be a lie."""
    kit_file, support = Path(__file__), Path(__file__).parent.parent / "support"
    source = kit_file.read_text("utf-8").split("BROKEN: list")[0]
    lines = [line for line in source.splitlines() if line != "import pytest"]
    rest = "\n".join(lines) + (
        "\n\nBase = CourierContract\n"
        "found = make_check(type('Kit', (Base,), {'channel': GivesUpOn429})(),"
        " 'test_too_many_requests_is_transient_or_unknown')\n"
        "print(found.state)\n"
    )
    (tmp_path / "broken.py").write_text("import sys\nsys.modules['pytest'] = None\n" + rest)
    done = subprocess.run(
        [sys.executable, "-O", str(tmp_path / "broken.py")],
        env={"PYTHONPATH": os.pathsep.join([str(support), *sys.path]), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "failed\n", done.stderr
