"""The elements of the complaint as data. The complaint prints them; `elements.json` holds them."""

from datetime import date
from typing import Final, Literal

import msgspec

from duecourse import Buckets, ClaimedDebt, FilingRequest, PaymentLine
from duecourse_cn_court.checks import (
    CANNOT_PROVIDE,
    CURRENCY,
    address_given,
    court_day,
)
from duecourse_cn_court.config import CnCourtConfig
from duecourse_cn_court.identity import Particulars, particulars

FORM_BASIS: Final = "法〔2025〕82号 要素式起诉状示范文本的要素（2025年）"  # noqa: RUF001 - so cited
NOTICE: Final = (
    "本文件按示范文本的要素整理，供人工录入和核对，并非法院接口数据格式；"
    "提交前请与法院公布的最新示范文本核对。"
)

Cause = Literal["银行信用卡纠纷", "金融借款合同纠纷"]


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """Fen. `penalty` holds default interest, compound interest and penalties, as the ledger does."""

    principal: int
    interest: int
    penalty: int
    fees: int
    costs: int
    total: int


class DebtElement(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    product: str
    contract_on: date | None
    overdue_since: date
    placed: Amounts
    outstanding: Amounts


class PaymentElement(msgspec.Struct, frozen=True, kw_only=True):
    payment_id: str
    value_on: date
    amount: int
    reversed: bool


class Plaintiff(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    credit_code: str
    address: str
    legal_representative: str
    legal_representative_title: str
    phone: str


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    firm: str
    phone: str
    authority: Literal["general", "special"]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    recipient: str
    phone: str
    accepts_electronic: bool
    electronic_address: str


class Defendant(msgspec.Struct, frozen=True, kw_only=True):
    """`sex` and `born_on` are read from the identity number; without it they are not known."""

    name: str
    national_id: str
    sex: Literal["男", "女", ""]
    born_on: date | None
    phones: tuple[str, ...]
    address: str
    other_addresses: tuple[str, ...]
    no_address_because: str


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts are fen.

    Payments are those of the whole case, in the claim's currency. `other_reduction` is what left
    these debts otherwise than by payment; below zero, what the payments settled elsewhere.
    """

    form: str
    form_basis: str
    notice: str
    reference: str
    court: str
    cause: Cause
    as_of: date
    currency: str
    plaintiff: Plaintiff
    agent: Agent | None
    service: Service
    defendant: Defendant
    debts: tuple[DebtElement, ...]
    payments: tuple[PaymentElement, ...]
    claimed: Amounts
    placed_total: int
    paid_total: int
    other_reduction: int
    contacts_total: int
    continuing_interest: str
    other_claims: str
    contract_basis: str
    legal_basis: str
    jurisdiction_clause: str
    mediation: Literal["yes", "no", "undecided"]
    grounds: str


def elements(config: CnCourtConfig, request: FilingRequest, reference: str) -> Elements:
    """Only what the request and the plaintiff's settings say; the request has been checked."""
    cause = cause_of(config, request)
    claimed = _amounts(sum((debt.outstanding for debt in request.debts), Buckets()))
    placed = sum(debt.placed.total for debt in request.debts)
    payments = [each for each in request.payments if each.currency == CURRENCY]
    paid = sum(each.amount_minor for each in payments if not each.reversed)
    return Elements(
        form=f"民事起诉状（{cause}）",
        form_basis=FORM_BASIS,
        notice=NOTICE,
        reference=reference,
        court=config.court,
        cause=cause,
        as_of=court_day(request),
        currency=CURRENCY,
        plaintiff=_plaintiff(config),
        agent=_agent(config),
        service=_service(config),
        defendant=_defendant(request),
        debts=tuple(_debt(debt) for debt in request.debts),
        payments=tuple(
            _payment(each)
            for each in sorted(payments, key=lambda paid: (paid.value_on, paid.payment_id))
        ),
        claimed=claimed,
        placed_total=placed,
        paid_total=paid,
        other_reduction=placed - paid - claimed.total,
        contacts_total=len(request.contacts),
        continuing_interest=config.continuing_interest.strip(),
        other_claims=config.other_claims.strip(),
        contract_basis=config.contract_basis.strip(),
        legal_basis=config.legal_basis.strip(),
        jurisdiction_clause=config.jurisdiction_clause.strip(),
        mediation=config.mediation,
        grounds=request.grounds.strip(),
    )


def cause_of(config: CnCourtConfig, request: FilingRequest) -> Cause:
    is_card = request.debts[0].product in config.credit_card_products
    return "银行信用卡纠纷" if is_card else "金融借款合同纠纷"


def _plaintiff(config: CnCourtConfig) -> Plaintiff:
    return Plaintiff(
        name=config.plaintiff_name.strip(),
        credit_code=config.plaintiff_credit_code,
        address=config.plaintiff_address,
        legal_representative=config.legal_representative,
        legal_representative_title=config.legal_representative_title,
        phone=config.plaintiff_phone,
    )


def _agent(config: CnCourtConfig) -> Agent | None:
    if not config.agent_name:
        return None
    return Agent(
        name=config.agent_name,
        firm=config.agent_firm,
        phone=config.agent_phone,
        authority=config.agent_authority,
    )


def _service(config: CnCourtConfig) -> Service:
    return Service(
        address=config.service_address,
        recipient=config.service_recipient,
        phone=config.service_phone,
        accepts_electronic=config.accepts_electronic_service,
        electronic_address=config.electronic_service_address,
    )


def _defendant(request: FilingRequest) -> Defendant:
    said: Particulars | None = None
    if request.debtor_national_id:
        said = particulars(request.debtor_national_id, court_day(request))
    given = address_given(request)
    is_known = not given.startswith(CANNOT_PROVIDE)
    every = (" ".join(each.split()) for each in request.debtor_addresses)
    return Defendant(
        name=request.debtor_name.strip(),
        national_id=request.debtor_national_id,
        sex=said.sex if said else "",
        born_on=said.born_on if said else None,
        phones=request.debtor_phones,
        address=given if is_known else "",
        other_addresses=tuple(
            line for line in every if line and line != given and not line.startswith(CANNOT_PROVIDE)
        ),
        no_address_because="" if is_known else given.removeprefix(CANNOT_PROVIDE).strip("：: "),
    )


def _debt(debt: ClaimedDebt) -> DebtElement:
    return DebtElement(
        account=debt.account,
        product=debt.product,
        contract_on=debt.contract_on,
        overdue_since=debt.due_on,
        placed=_amounts(debt.placed),
        outstanding=_amounts(debt.outstanding),
    )


def _payment(payment: PaymentLine) -> PaymentElement:
    return PaymentElement(
        payment_id=payment.payment_id,
        value_on=payment.value_on,
        amount=payment.amount_minor,
        reversed=payment.reversed,
    )


def _amounts(buckets: Buckets) -> Amounts:
    return Amounts(
        principal=buckets.principal,
        interest=buckets.interest,
        penalty=buckets.penalty,
        fees=buckets.fees,
        costs=buckets.costs,
        total=buckets.total,
    )
