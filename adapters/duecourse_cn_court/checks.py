"""Everything a lawful filing needs, checked at once: each problem names its field and the fix."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from duecourse import Buckets, FilingRequest
from duecourse_cn_court.config import CnCourtConfig
from duecourse_cn_court.identity import credit_code_fault, particulars
from duecourse_cn_court.wording import COURT_ZONE

CURRENCY: Final = "CNY"
CANNOT_PROVIDE: Final = "无法提供"
"""An address line that begins so gives, after it, the reason why there is no address."""

MAX_LINES: Final = 5_000
MAX_DEBTS: Final = 100
MAX_NAME: Final = 100
MAX_TEXT: Final = 2_000

_PHONE: Final = re.compile(r"\+?[0-9][0-9-]{6,19}", re.ASCII)
_NEEDED: Final = (
    "folder",
    "court",
    "plaintiff_name",
    "plaintiff_address",
    "legal_representative",
    "service_address",
    "service_recipient",
)


def problems(config: CnCourtConfig, request: FilingRequest) -> tuple[str, ...]:
    """Every reason why this claim cannot be filed as it stands."""
    if any(at.tzinfo is None for at in (request.as_of, *(each.at for each in request.contacts))):
        return ("as_of, contacts: a time has no zone; give times with their offset",)
    return (
        *_plaintiff(config),
        *_parties(config, request),
        *_debtor(request),
        *_sizes(request),
        *_money(request),
        *_dates(request),
    )


def court_day(request: FilingRequest) -> date:
    return request.as_of.astimezone(COURT_ZONE).date()


def address_given(request: FilingRequest) -> str:
    """The first address, on one line; an explained absence counts as one."""
    lines = (" ".join(each.split()) for each in request.debtor_addresses)
    return next((line for line in lines if line.removeprefix(CANNOT_PROVIDE).strip("：: ")), "")


def _plaintiff(config: CnCourtConfig) -> Iterator[str]:
    for name in _NEEDED:
        if not str(getattr(config, name)).strip():
            yield f"{name}: is empty; write it in the adapter's settings"
    if fault := credit_code_fault(config.plaintiff_credit_code):
        yield f"plaintiff_credit_code: {fault}"
    for name in ("plaintiff_phone", "service_phone"):
        if not _PHONE.fullmatch(getattr(config, name)):
            yield f"{name}: is no telephone number; write digits, such as 021-00000000"
    if config.accepts_electronic_service and not config.electronic_service_address.strip():
        yield (
            "electronic_service_address: is empty; consent to electronic service names the "
            "number or address to serve at"
        )
    if config.agent_name and not config.agent_phone:
        yield "agent_phone: is empty; the court must be able to reach the agent"


def _parties(config: CnCourtConfig, request: FilingRequest) -> Iterator[str]:
    if request.creditor_name.strip() != config.plaintiff_name.strip():
        yield (
            f"plaintiff_name: is {config.plaintiff_name!r} and the case is "
            f"{request.creditor_name!r}'s; file it with that plaintiff's own adapter"
        )
    cards = {debt.product in config.credit_card_products for debt in request.debts}
    if len(cards) > 1:
        yield (
            "debts: credit cards and loans are two causes of action; refer them separately, or "
            "correct credit_card_products"
        )


def _debtor(request: FilingRequest) -> Iterator[str]:
    if not request.debtor_name.strip():
        yield "debtor_name: is empty; a complaint names its defendant"
    if not address_given(request):
        yield (
            "debtor_addresses: none is known; add one, or add the line "
            f"'{CANNOT_PROVIDE}：' followed by the reason"
        )
    if request.debtor_national_id:
        try:
            particulars(request.debtor_national_id, court_day(request))
        except ValueError as fault:
            yield f"debtor_national_id: {fault}; correct it or leave it empty"


def _sizes(request: FilingRequest) -> Iterator[str]:
    for name, value, limit in (
        ("debtor_name", request.debtor_name, MAX_NAME),
        ("grounds", request.grounds, MAX_TEXT),
        *(("debtor_addresses", each, MAX_TEXT) for each in request.debtor_addresses),
        *(("plan_history", each, MAX_TEXT) for each in request.plan_history),
    ):
        if len(value) > limit:
            yield f"{name}: has {len(value)} characters; at most {limit} fit, shorten it"
    for name, count, limit in (
        ("debts", len(request.debts), MAX_DEBTS),
        ("payments", len(request.payments), MAX_LINES),
        ("contacts", len(request.contacts), MAX_LINES),
        ("plan_history", len(request.plan_history), MAX_LINES),
    ):
        if count > limit:
            yield f"{name}: has {count} lines; a bundle takes {limit}, refer the case in parts"


def _money(request: FilingRequest) -> Iterator[str]:
    if not request.debts:
        yield "debts: there is none; a claim needs a debt"
        return
    currencies = {debt.currency for debt in request.debts}
    if currencies != {CURRENCY}:
        yield (
            f"currency: a claim is in {CURRENCY} alone and this has "
            f"{', '.join(sorted(currencies))}; refer each currency separately"
        )
        return
    for debt in request.debts:
        if any(amount < 0 for amount in (*_heads(debt.placed), *_heads(debt.outstanding))):
            yield f"debts: {debt.debt_id} has an amount below zero; correct the ledger"
        if debt.outstanding.total == 0:
            yield f"debts: nothing is owed on {debt.debt_id}; leave it out of the referral"
        shown = debt.placed.total + debt.added.total
        if debt.outstanding.total > shown:
            yield (
                f"amounts: {debt.outstanding.total} fen are claimed on {debt.debt_id} and "
                f"{shown} were placed or added; the court is told only what the ledger shows"
            )
    if any(payment.amount_minor <= 0 for payment in request.payments):
        yield "payments: one is not above zero; correct the ledger"


def _heads(buckets: Buckets) -> tuple[int, ...]:
    return (
        buckets.principal,
        buckets.interest,
        buckets.penalty,
        buckets.fees,
        buckets.costs,
    )


def _dates(request: FilingRequest) -> Iterator[str]:
    day = court_day(request)
    for debt in request.debts:
        if debt.due_on >= day:
            yield f"due_on: {debt.debt_id} is not overdue on {day}; file it when it is"
        if debt.contract_on is not None and debt.contract_on > debt.due_on:
            yield f"contract_on: {debt.debt_id} is contracted after it fell due; correct one"
    if any(payment.value_on > day for payment in request.payments):
        yield f"payments: one is dated after {day}, the day of the statement; correct it"
    if any(contact.at > request.as_of for contact in request.contacts):
        yield "contacts: one is later than the statement; read the case again"
    for name, keys in (
        ("debts", [str(debt.debt_id) for debt in request.debts]),
        ("payments", [payment.payment_id for payment in request.payments]),
    ):
        if len(set(keys)) != len(keys):
            yield f"{name}: one is there twice; read the case again"
