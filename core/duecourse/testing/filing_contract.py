"""The conformance kit of filing adapters. See docs/filing.md.

    class TestMine(FilingContract):
        adapter = MyCourt
        config = {"folder": "bundles", "court": "Sample County Court"}

Run by pytest, or by `duecourse plugins check`, which needs no file. Nothing is filed: a setting
`folder` leads to a folder of the kit's, and `url` to a server of its own on this machine.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from duecourse.case.words import Name
from duecourse.channels import ChannelError
from duecourse.contract import Plugin
from duecourse.filing import (
    ClaimedDebt,
    ContactLine,
    FilingAdapter,
    FilingPackage,
    FilingProblem,
    FilingRequest,
    PaymentLine,
)
from duecourse.money.amounts import Buckets
from duecourse.redaction import ANYTHING
from duecourse.testing.kit import NotChecked, PluginKit, demand
from duecourse.testing.kit_settings import at_http_port, constructed, http_places
from duecourse.testing.peer import Answer, HttpPeer, Request, http_server, troublesome_http
from duecourse.testing.plugin_checks import PluginChecks
from duecourse.testing.trial import listening
from duecourse.testing.watch import watching

MOST_PROBLEM: Final = 500
_FOLDER: Final = "folder"
_PREFIX: Final = "duecourse-kit-"
_OVERRIDE: Final = "override `court`"
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONG: Final = "long " * 2_000
_DEBT: Final = ClaimedDebt(
    debt_id=UUID(int=47_11),
    account="KIT-4711",
    product="card",
    currency="CNY",
    placed=Buckets(principal=1_000_00, interest=50_00),
    outstanding=Buckets(principal=900_00, interest=50_00),
    due_on=date(2025, 12, 1),
    contract_on=date(2023, 1, 2),
)
SAMPLE: Final = FilingRequest(
    referral_id=UUID(int=4711),
    case_id=UUID(int=4712),
    as_of=datetime(2026, 5, 31, 4, 0, tzinfo=UTC),
    grounds="nothing fairer helped",
    approved_by="legal-2",
    creditor="example-bank",
    creditor_name="Example Bank (fictional)",
    debtor_name="林示例",
    debtor_national_id="",
    debtor_addresses=("虚构省示例市样板路 4711 号",),
    debtor_phones=("+8615400000047",),
    debts=(_DEBT,),
    payments=(
        PaymentLine(
            payment_id="kit-1",
            value_on=date(2026, 3, 2),
            currency="CNY",
            amount_minor=100_00,
            reversed=False,
        ),
    ),
    contacts=(
        ContactLine(
            at=datetime(2026, 1, 5, 2, 0, tzinfo=UTC),
            channel="sms",
            what="reminder-first",
            outcome="delivered",
        ),
    ),
    plan_history=("2026-02-10 instalments: broken",),
)
"""A claim on a fictional person, as a case would bring it."""

_HOSTILE: Final[Mapping[str, Mapping[str, Any]]] = {
    "no debt": {"debts": ()},
    "no name": {"debtor_name": ""},
    "a name in bidi and control characters": {"debtor_name": "\u202e林\x00示例\n#let"},
    "no address": {"debtor_addresses": (), "debtor_phones": ()},
    "texts without end": {"grounds": _LONG, "debtor_addresses": (_LONG,), "plan_history": (_LONG,)},
    "two currencies": {"debts": (_DEBT, replace(_DEBT, debt_id=UUID(int=2), currency="JPY"))},
    "more owed than was placed": {
        "debts": (replace(_DEBT, outstanding=Buckets(principal=10**15)),)
    },
    "nothing owed": {"debts": (replace(_DEBT, outstanding=Buckets()),)},
    "no history at all": {"payments": (), "contacts": (), "plan_history": ()},
    "an identity number that is none": {"debtor_national_id": "4711' OR 1=1 --"},
}

Arrived = Callable[[], list[str]]
"""What lies at the court or in its folder: one text for each document or request."""


class FilingKit(PluginKit):
    """Set `adapter`, and `config` where the class has no `example`. Override what the kit cannot know."""

    adapter: ClassVar[type[FilingAdapter[Any]]]

    # Hooks ---------------------------------------------------------------------------------------

    def request(self) -> FilingRequest:
        """A claim that can be filed. The kit's own is in CNY, for a card, in China."""
        return SAMPLE

    def court(self) -> AbstractContextManager[tuple[Mapping[str, Any], Arrived]]:
        """Settings that lead to a court for trying, and a function that says what it got."""
        return self._own_court()

    def answer(self, request: Request, reference: str) -> Answer:
        """What the kit's HTTP court says when it takes a bundle and calls it `reference`."""
        del request
        return Answer(body=b'{"id": "%s", "ok": true}' % reference.encode())

    # What the checks use -------------------------------------------------------------------------

    @property
    def plugin(self) -> Plugin:
        return self.adapter

    @contextmanager
    def made(self, settings: Mapping[str, Any] = {}) -> Iterator[FilingAdapter[Any]]:
        with constructed(self.adapter, {**self.table, **settings}) as made:
            assert isinstance(made, FilingAdapter), "an adapter constructs itself"
            yield made

    def prepared(self, request: FilingRequest | None = None) -> FilingPackage:
        with self.made() as adapter:
            try:
                return adapter.prepare(request or self.request())
            except FilingProblem as refused:
                raise NotChecked(
                    f"the kit's claim does not suit it ({refused}): override `request`"
                ) from None

    @contextmanager
    def reached(self) -> Iterator[tuple[Mapping[str, Any], Arrived]]:
        """A court for trying. At the kit's own nothing beyond this machine is touched."""
        with self.court() as (settings, arrived):
            if not self._is_own_court:
                yield settings, arrived
                return
            folder = str(settings.get(_FOLDER, ""))
            with watching("loopback", writable=folder) as watch:
                yield settings, arrived
        if watch.seen:
            raise NotChecked(f"it reaches for {watch.seen[0]}, which the kit refused: {_OVERRIDE}")

    @property
    def _is_own_court(self) -> bool:
        return type(self).court is FilingKit.court

    @contextmanager
    def _own_court(self) -> Iterator[tuple[Mapping[str, Any], Arrived]]:
        """What has both a folder and an address gets both of the kit's, and is asked of both."""
        with ExitStack() as stack:
            settings: dict[str, Any] = {}
            listings: list[Arrived] = []
            if self._has_folder:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX))
                settings[_FOLDER] = folder
                listings.append(lambda: _files_in(Path(folder)))
            if http_places(self.adapter, self.table):
                peer = HttpPeer(self.answer)
                port = stack.enter_context(http_server(peer))
                settings |= at_http_port(self.adapter, self.table, port)
                listings.append(lambda: [each.content for each in peer.arrived()])
            if not settings:
                raise NotChecked(f"it has neither a setting `folder` nor `url`: {_OVERRIDE}")
            yield settings, lambda: [each for listing in listings for each in listing()]

    @contextmanager
    def _no_court(self) -> Iterator[Mapping[str, Any]]:
        """Settings that lead nowhere."""
        with ExitStack() as stack:
            settings: dict[str, Any] = {}
            if self._has_folder:
                file = stack.enter_context(tempfile.NamedTemporaryFile(prefix=_PREFIX))
                settings[_FOLDER] = f"{file.name}/none"
            if http_places(self.adapter, self.table):
                port = stack.enter_context(troublesome_http("refused"))
                settings |= at_http_port(self.adapter, self.table, port)
            if not settings:
                raise NotChecked("it has neither a setting `folder` nor `url`")
            stack.enter_context(watching("loopback"))
            yield settings

    @property
    def _has_folder(self) -> bool:
        return _FOLDER in self.adapter.config_class.__struct_fields__


class FilingContract(PluginChecks, FilingKit):
    """Every check of the kit; subclass it, and set `adapter`."""

    def test_both_methods_are_written(self) -> None:
        for name in ("prepare", "submit"):
            is_own = getattr(self.adapter, name) is not getattr(FilingAdapter, name)
            demand(is_own, f"`{name}` is not written")

    def test_preparing_is_pure(self) -> None:
        """The same request gives the same bytes, from every instance, and nobody is asked."""
        first = self.prepared()
        with watching("reading") as watch:
            again = self.prepared()
        demand(not watch.seen, f"preparing reaches for {', '.join(watch.seen[:1])}")
        demand(again == first, "the same request gives another bundle: nobody could prove it later")

    def test_the_bundle_can_be_recorded(self) -> None:
        package = self.prepared()
        demand(_is_name(package.reference), "the reference of the package must be a short code")
        names = [each.name for each in package.documents]
        demand(names, "the package holds no document")
        demand(len(set(names)) == len(names), "two documents have one name")
        odd = [name for name in names if not _FILE_NAME.fullmatch(name)]
        demand(not odd, "a document's name must be a plain file name")
        demand(all(each.content for each in package.documents), "a document is empty")
        last = 0
        for each in package.documents:
            if each.first_page or each.last_page:
                follows = last < each.first_page <= each.last_page
                demand(
                    follows, f"{each.name}: its pages do not follow those of the document before"
                )
                last = each.last_page

    def test_each_referral_has_a_reference_of_its_own(self) -> None:
        other = replace(self.request(), referral_id=UUID(int=1))
        same = self.prepared().reference == self.prepared(other).reference
        demand(not same, "two referrals get one reference: the second could not be told apart")

    def test_what_cannot_be_filed_is_said_as_a_problem(self) -> None:
        """Hostile requests give a bundle or a FilingProblem, and never another error."""
        for what, changes in _HOSTILE.items():
            with self.made() as adapter:
                try:
                    adapter.prepare(replace(self.request(), **changes))
                except FilingProblem as refused:
                    said = refused.problems
                    demand(said and all(said), f"{what}: the problem has no words")
                    short = all(len(each) <= MOST_PROBLEM for each in said)
                    demand(short, f"{what}: a problem has at most {MOST_PROBLEM} characters")
                except ANYTHING as error:
                    name = type(error).__name__
                    raise AssertionError(f"{what}: it raises {name}, not FilingProblem") from None

    def test_a_claim_without_debts_is_not_filed(self) -> None:
        with self.made() as adapter:
            try:
                adapter.prepare(replace(self.request(), debts=()))
            except FilingProblem:
                return
        raise AssertionError("it prepares a claim for nothing")

    def test_submitting_twice_files_once(self) -> None:
        package = self.prepared()
        with self.reached() as (settings, arrived):
            given = []
            seen = []
            for _ in range(2):
                # An instance of its own, as after a crash of the worker.
                with self.made(settings) as adapter:
                    given.append(adapter.submit(package))
                seen.append(arrived())
        demand(_is_name(given[0]), "`submit` must return a short code: letters, digits, . _ : -")
        demand(seen[0], "nothing arrived at the court")
        demand(given[0] == given[1], "the same package again has another reference")
        demand(seen[0] == seen[1], "the same package again is a second filing")

    def test_a_court_that_is_not_there_is_said_in_words(self) -> None:
        package = self.prepared()
        with self._no_court() as settings, self.made(settings) as adapter:
            try:
                adapter.submit(package)
            except (ChannelError, FilingProblem) as told:
                demand(str(told).strip(), "the error has no words")
                return
            except ANYTHING as error:
                name = type(error).__name__
                raise AssertionError(
                    f"it raises {name}: a person reads only that name; raise Transient or Permanent"
                ) from None
        raise AssertionError("it says that it filed where there is no court")

    def test_nothing_personal_is_logged(self) -> None:
        request = self.request()
        with listening() as logged:
            package = self.prepared()
            with self.reached() as (settings, _), self.made(settings) as adapter:
                adapter.submit(package)
        said = "\n".join(logged)
        personal = (
            request.debtor_name,
            request.debtor_national_id,
            *request.debtor_addresses,
            *request.debtor_phones,
            *self.secrets,
        )
        demand(not any(each in said for each in personal if each), "a person or a secret is logged")


def _files_in(folder: Path) -> list[str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [f"{file.relative_to(folder)} {file.read_bytes()!r}" for file in files]


def _is_name(given: object) -> bool:
    try:
        msgspec.convert(given, Name)
    except msgspec.ValidationError:
        return False
    return True
