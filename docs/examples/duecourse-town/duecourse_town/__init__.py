"""The filing adapter `town`: a claim as plain text, in a folder that a person takes to the court."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from duecourse import (
    Config,
    FilingAdapter,
    FilingDocument,
    FilingPackage,
    FilingProblem,
    FilingRequest,
    Transient,
    format_minor,
    hookimpl,
)

MOST_TEXT = 2_000


class TownConfig(Config, kw_only=True):
    """The keys of this adapter in duecourse.toml, besides `use`."""

    folder: str
    court: str
    claimant_address: str


class Town(FilingAdapter[TownConfig]):
    name = "town"
    config_class = TownConfig
    example: ClassVar[Mapping[str, Any]] = {
        "folder": "filings",
        "court": "Sample Town Court",
        "claimant_address": "1 Fiction Road, Sampletown",
    }

    def prepare(self, request: FilingRequest) -> FilingPackage:
        if found := tuple(_problems(request)):
            raise FilingProblem(*found)
        claim = "\n".join(_lines(self.config, request)) + "\n"
        return FilingPackage(
            reference=f"town-{request.referral_id.hex}",
            documents=(FilingDocument(name="claim.txt", content=claim.encode()),),
        )

    def submit(self, package: FilingPackage) -> str:
        target = Path(self.config.folder) / package.reference
        try:
            if not target.is_dir():
                _publish(target, package)
            is_same = all(
                (target / each.name).read_bytes() == each.content for each in package.documents
            )
        except OSError as error:
            raise Transient(
                f"folder: cannot be written ({error.strerror}); make it, or make room in it"
            ) from None
        if not is_same:
            raise FilingProblem(
                f"folder: {package.reference} holds another claim, which may have been filed; make"
                " a new referral"
            )
        return package.reference


def _problems(request: FilingRequest) -> Iterator[str]:
    """Everything that is wrong, at once: each names the field and the fix, and quotes nothing."""
    if not request.debtor_name.strip():
        yield "debtor_name: is empty; a claim names its defendant"
    if not request.debtor_addresses:
        yield "debtor_addresses: none is known; add one, so that the claim can be served"
    if not request.debts:
        yield "debts: there is none; a claim needs a debt"
    if len({each.currency for each in request.debts}) > 1:
        yield "debts: they are in several currencies; refer each currency separately"
    for each in request.debts:
        if each.outstanding.total <= 0:
            yield f"debts: nothing is owed on {each.debt_id}; leave it out"
        if each.outstanding.total > each.placed.total + each.added.total:
            yield f"debts: more is owed on {each.debt_id} than was placed; correct the ledger"
    for name, text in _texts(request):
        if len(text) > MOST_TEXT:
            yield f"{name}: has {len(text)} characters; at most {MOST_TEXT} fit, shorten it"
        elif not "".join(text.splitlines()).isprintable():
            yield f"{name}: has control characters; take them out"


def _texts(request: FilingRequest) -> Iterator[tuple[str, str]]:
    yield "debtor_name", request.debtor_name
    yield "grounds", request.grounds
    yield from (("debtor_addresses", each) for each in request.debtor_addresses)


def _lines(config: TownConfig, request: FilingRequest) -> Iterator[str]:
    yield f"To {config.court}, {request.as_of:%Y-%m-%d}"
    yield f"Claimant: {request.creditor_name}, {config.claimant_address}"
    yield f"Defendant: {request.debtor_name}, {request.debtor_addresses[0]}"
    yield f"Grounds: {request.grounds}"
    for debt in request.debts:
        owed = format_minor(debt.outstanding.total, debt.currency)
        yield f"{debt.account}, due on {debt.due_on}: {owed} {debt.currency}"
    for payment in request.payments:
        paid = format_minor(payment.amount_minor, payment.currency)
        yield f"paid on {payment.value_on}: {paid} {payment.currency}"
    for contact in request.contacts:
        yield f"{contact.at:%Y-%m-%d}: {contact.channel}, {contact.what}, {contact.outcome}"


def _publish(target: Path, package: FilingPackage) -> None:
    """All of it or nothing: a folder that has its name is complete."""
    partial = target.with_name(f".{target.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for each in package.documents:
        (partial / each.name).write_bytes(each.content)
    partial.rename(target)


@hookimpl
def filings() -> list[type[Town]]:
    return [Town]
