"""The bundle for a Chinese court: true to the request, provable, and the same every time."""

import hashlib
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from duecourse import (
    Buckets,
    ClaimedDebt,
    ContactLine,
    FilingDocument,
    FilingPackage,
    FilingProblem,
    FilingRequest,
    PaymentLine,
    Transient,
    page_count,
    pdfa_level,
)
from duecourse.testing.pdf import page_texts
from duecourse_cn_court import CnCourt, CnCourtConfig, filings
from duecourse_cn_court.identity import credit_code_fault, particulars

AS_OF = datetime(2026, 5, 31, 23, 0, tzinfo=UTC)
"""1 June 2026, 07:00 in Shanghai."""

# No person: the birth date lies in 1900 and the district code is a whole province's.
NATIONAL_ID = "110000190001010004"
CREDIT_CODE = "91990000MA00000008"

CARD = ClaimedDebt(
    debt_id=UUID(int=1),
    account="A-0001",
    product="card",
    currency="CNY",
    placed=Buckets(principal=10_000_00, interest=500_00, penalty=200_00, fees=50_00),
    outstanding=Buckets(principal=9_500_00, penalty=200_00, fees=50_00),
    due_on=date(2025, 12, 1),
    contract_on=date(2023, 1, 2),
)
SECOND_CARD = ClaimedDebt(
    debt_id=UUID(int=2),
    account="A-0002",
    product="card",
    currency="CNY",
    placed=Buckets(principal=3_000_00, interest=12_34, costs=1),
    outstanding=Buckets(principal=3_000_00, interest=12_34, costs=1),
    due_on=date(2026, 1, 1),
    contract_on=None,
)


def paid(key: str, day: int, amount_minor: int, *, was_reversed: bool = False) -> PaymentLine:
    return PaymentLine(
        payment_id=key,
        value_on=date(2026, 3, day),
        currency="CNY",
        amount_minor=amount_minor,
        reversed=was_reversed,
    )


REQUEST = FilingRequest(
    referral_id=UUID(int=7),
    case_id=UUID(int=8),
    as_of=AS_OF,
    grounds="多次协商未果",
    approved_by="legal-2",
    creditor="example-bank",
    creditor_name="样例银行（虚构）",
    debtor_name="样例人物",
    debtor_national_id=NATIONAL_ID,
    debtor_addresses=("虚构省样例市示例路100号\n样例小区3幢201室",),
    debtor_phones=("+8610000000000",),
    debts=(CARD, SECOND_CARD),
    payments=(
        paid("P-2", 20, 600_00),
        paid("P-1", 10, 400_00),
        paid("P-3", 25, 70_00, was_reversed=True),
    ),
    contacts=(
        ContactLine(
            at=datetime(2026, 2, 1, 17, 30, tzinfo=UTC),
            channel="call",
            what="conversation",
            outcome="promise_to_pay",
        ),
        ContactLine(
            at=datetime(2026, 1, 5, 2, 0, tzinfo=UTC),
            channel="sms",
            what="reminder-1",
            outcome="delivered",
        ),
    ),
    plan_history=("2026-02-10 提出分3期还款", "2026-04-20 安排终止"),
)


def config(folder: Path, /, **changes: Any) -> CnCourtConfig:
    settings: dict[str, Any] = {
        "folder": str(folder),
        "court": "虚构市样例区人民法院",
        "plaintiff_name": "样例银行（虚构）",
        "plaintiff_credit_code": CREDIT_CODE,
        "plaintiff_address": "虚构市示例大道1号",
        "plaintiff_phone": "021-00000000",
        "legal_representative": "样例负责人",
        "service_address": "虚构市示例大道2号",
        "service_recipient": "样例法务",
        "service_phone": "021-00000001",
    }
    return CnCourtConfig(**settings | changes)


@pytest.fixture
def court(tmp_path: Path) -> CnCourt:
    return CnCourt(config(tmp_path))


def changed(**changes: Any) -> FilingRequest:
    return msgspec.structs.replace(REQUEST, **changes)


def named(package: FilingPackage, name: str) -> FilingDocument:
    return next(each for each in package.documents if each.name == name)


def text_of(package: FilingPackage, name: str) -> str:
    return "".join(page_texts(named(package, name).content))


def elements_of(package: FilingPackage) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(named(package, "elements.json").content)
    return read


def problems_of(court: CnCourt, request: FilingRequest) -> tuple[str, ...]:
    with pytest.raises(FilingProblem) as refused:
        court.prepare(request)
    return refused.value.problems


def test_the_plugin_offers_the_court() -> None:
    assert [each.name for each in filings()] == ["cn-court"]


def test_every_document_is_pdfa_or_data(court: CnCourt) -> None:
    documents = court.prepare(REQUEST).documents
    assert [each.name for each in documents] == [
        "01-complaint.pdf",
        "02-evidence-index.pdf",
        "03-statement.pdf",
        "04-payments.pdf",
        "05-contacts.pdf",
        "06-plans.pdf",
        "elements.json",
        "evidence-index.json",
    ]
    assert {pdfa_level(each.content) for each in documents[:6]} == {"2B"}


def test_the_same_request_gives_the_same_bytes_in_another_process(
    court: CnCourt, tmp_path: Path
) -> None:
    (tmp_path / "request").write_bytes(msgspec.msgpack.encode([REQUEST, court.config]))
    program = (
        "import hashlib, pathlib, sys, msgspec\n"
        "from duecourse import FilingRequest; from duecourse_cn_court import *\n"
        "read = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "request, config = msgspec.msgpack.decode(read, type=tuple[FilingRequest, CnCourtConfig])\n"
        "package = CnCourt(config).prepare(request)\n"
        "print(hashlib.sha256(msgspec.msgpack.encode(package)).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "request")],
        env=os.environ | {"TZ": "America/New_York", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert other == hashlib.sha256(msgspec.msgpack.encode(court.prepare(REQUEST))).hexdigest()


def test_the_index_proves_every_file(court: CnCourt) -> None:
    package = court.prepare(REQUEST)
    index = msgspec.json.decode(named(package, "evidence-index.json").content)["documents"]
    assert {line["name"]: line["sha256"] for line in index} == {
        each.name: hashlib.sha256(each.content).hexdigest() for each in package.documents[:-1]
    }
    printed = text_of(package, "02-evidence-index.pdf")
    others = [line for line in index if line["name"] != "02-evidence-index.pdf"]
    assert [line["sha256"] in printed for line in others] == [True] * 6


def test_pages_run_through_the_bundle_without_a_gap(court: CnCourt) -> None:
    many = tuple(
        msgspec.structs.replace(REQUEST.contacts[0], at=AS_OF - timedelta(hours=number))
        for number in range(150)
    )
    package = court.prepare(changed(contacts=many))
    expected = 1
    for each in package.documents[:6]:
        assert (each.first_page, each.last_page - each.first_page + 1) == (
            expected,
            page_count(each.content),
        )
        for page in page_texts(each.content):
            assert f"卷内第{expected}页" in page
            expected += 1
    assert (named(package, "05-contacts.pdf").last_page, expected) == (9, 11)


def test_the_sums_are_those_of_the_request(court: CnCourt) -> None:
    package = court.prepare(REQUEST)
    owed = CARD.outstanding + SECOND_CARD.outstanding
    assert elements_of(package)["claimed"] == {
        "principal": owed.principal,
        "interest": owed.interest,
        "penalty": owed.penalty,
        "fees": owed.fees,
        "costs": owed.costs,
        "total": owed.total,
    }
    assert owed.total == 12_762_35
    for name in ("01-complaint.pdf", "03-statement.pdf"):
        assert "12762.35元" in text_of(package, name)


def test_the_statement_shows_every_head_of_every_debt(court: CnCourt) -> None:
    statement = text_of(court.prepare(REQUEST), "03-statement.pdf")
    assert (
        "账户A-0001（card），自2025年12月1日起逾期项目移交时截至2026年6月1日尚欠"
        "本金10000.00元9500.00元利息500.00元0.00元罚息、复利、滞纳金、违约金200.00元200.00元"
        "手续费等50.00元50.00元实现债权的费用0.00元0.00元合计10750.00元9750.00元"
    ) in statement
    assert "减：还款合计（不含已冲正）1000.00元减：其他减少（减免、调整）0.00元" in statement
    assert "2026-03-10P-1400.00元已入账2026-03-20P-2600.00元已入账" in statement
    assert "P-3" not in statement


def test_the_payment_history_shows_reversed_payments_as_such(court: CnCourt) -> None:
    payments = text_of(court.prepare(REQUEST), "04-payments.pdf")
    assert "2026-03-20P-2600.00元已入账2026-03-25P-370.00元已冲正" in payments


def test_the_contact_log_is_in_order_and_in_the_courts_time(court: CnCourt) -> None:
    log = text_of(court.prepare(REQUEST), "05-contacts.pdf")
    assert ("2026-01-0510:00短信reminder-1已送达2026-02-0201:30电话交谈承诺还款") in log


def test_an_empty_history_is_said_to_be_empty(court: CnCourt) -> None:
    package = court.prepare(
        changed(
            contacts=(),
            plan_history=(),
            payments=(),
            debts=(SECOND_CARD,),
        )
    )
    assert "案件系统无通知和催收记录" in text_of(package, "01-complaint.pdf")
    for name in ("04-payments.pdf", "05-contacts.pdf", "06-plans.pdf"):
        assert "无记录" in text_of(package, name)


def test_the_defendants_birth_date_and_sex_come_from_the_number_alone(court: CnCourt) -> None:
    known = elements_of(court.prepare(REQUEST))["defendant"]
    unknown = elements_of(court.prepare(changed(debtor_national_id="")))["defendant"]
    assert (known["born_on"], known["sex"]) == ("1900-01-01", "女")
    assert (unknown["born_on"], unknown["sex"]) == (None, "")


def test_what_the_case_does_not_know_is_left_to_the_person_who_signs(court: CnCourt) -> None:
    complaint = text_of(court.prepare(REQUEST), "01-complaint.pdf")
    assert "民族：（案件系统无记载，由具状人核实填写）" in complaint
    assert "A-0002；产品：card；办卡日期：（案件系统无记载，由具状人核实填写）" in complaint
    assert "此后的利息等：本状未主张" in complaint
    assert REQUEST.approved_by not in complaint


def test_an_explained_absence_of_an_address_is_accepted(court: CnCourt) -> None:
    package = court.prepare(changed(debtor_addresses=("无法提供：查无此址",)))
    assert "住所地：无法提供，原因：查无此址" in text_of(package, "01-complaint.pdf")


def test_a_loan_gets_the_form_for_loans(court: CnCourt) -> None:
    loans = tuple(msgspec.structs.replace(d, product="loan") for d in REQUEST.debts)
    complaint = text_of(court.prepare(changed(debts=loans)), "01-complaint.pdf")
    assert complaint.startswith("民事起诉状（金融借款合同纠纷）")
    assert "信用卡" not in complaint


def test_the_plaintiffs_settings_stand_in_the_complaint(tmp_path: Path) -> None:
    settings = config(
        tmp_path,
        agent_name="样例律师",
        agent_phone="021-00000002",
        agent_authority="special",
        accepts_electronic_service=True,
        electronic_service_address="court@example.com",
        continuing_interest="按年利率虚构计算至清偿之日",
    )
    complaint = text_of(CnCourt(settings).prepare(REQUEST), "01-complaint.pdf")
    for expected in (
        "姓名：样例律师",
        "代理权限：特别授权",
        "方式及地址：court@example.com",
        "自2026年6月2日起：按年利率虚构计算至清偿之日",
        "此致虚构市样例区人民法院",
    ):
        assert expected in complaint


def test_the_elements_are_not_passed_off_as_a_court_interface(court: CnCourt) -> None:
    elements = elements_of(court.prepare(REQUEST))
    assert "2025" in elements["form_basis"]
    assert "并非法院接口" in elements["notice"]


def test_markup_in_the_case_is_printed_as_it_is(court: CnCourt) -> None:
    attack = '#panic()$x$\\]"*b*'
    package = court.prepare(
        changed(
            debtor_name=attack,
            grounds=attack,
            debtor_addresses=(attack,),
            plan_history=(attack,),
            contacts=(msgspec.structs.replace(REQUEST.contacts[0], what=attack, outcome=attack),),
        )
    )
    counts = [text_of(package, each.name).count(attack) for each in package.documents[:6]]
    assert counts == [3, 0, 0, 0, 2, 1]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"debtor_name": " "}, "debtor_name: is empty"),
        ({"debtor_name": "样" * 101}, "debtor_name: has 101"),
        ({"debtor_name": "样\U0002a6d6"}, "documents: cannot be printed: U+2A6D6"),
        ({"debtor_name": "样\x07"}, "documents: cannot be printed: U+0007"),
        ({"debtor_addresses": ()}, "debtor_addresses: none"),
        ({"debtor_addresses": (" ", "无法提供： ")}, "debtor_addresses: none"),
        ({"debtor_national_id": "123"}, "debtor_national_id: has 3"),
        ({"debtor_national_id": NATIONAL_ID[:-1] + "8"}, "debtor_national_id: fails its check"),
        ({"creditor_name": "别的银行"}, "plaintiff_name:"),
        ({"grounds": "字" * 2001}, "grounds: has 2001"),
        ({"contacts": REQUEST.contacts * 2501}, "contacts: has 5002"),
        ({"debts": ()}, "debts: there is none"),
        ({"debts": (CARD, CARD)}, "debts: one is there twice"),
        ({"payments": (paid("P", 1, 1), paid("P", 2, 1))}, "payments: one is there twice"),
        ({"payments": (paid("P", 1, 0),)}, "payments: one is not above zero"),
        ({"as_of": datetime(2025, 11, 30, tzinfo=UTC)}, "due_on:"),
        ({"as_of": datetime(2026, 3, 15, tzinfo=UTC)}, "payments: one is dated after"),
        ({"as_of": datetime(2026, 2, 1, tzinfo=UTC)}, "contacts: one is later"),
        ({"as_of": datetime(2026, 6, 1)}, "as_of"),  # noqa: DTZ001 - the fault in question
    ],
)
def test_a_claim_that_cannot_be_filed_says_why(
    court: CnCourt, changes: dict[str, Any], problem: str
) -> None:
    assert any(each.startswith(problem) for each in problems_of(court, changed(**changes)))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"currency": "USD"}, "currency: a claim is in CNY alone and this has CNY, USD"),
        ({"product": "loan"}, "debts: credit cards and loans"),
        ({"outstanding": Buckets()}, "debts: nothing is owed"),
        ({"placed": Buckets(principal=-1)}, "debts: 00000000"),
        ({"placed": Buckets(principal=3_012_34)}, "amounts: 301235 fen are claimed"),
        ({"contract_on": date(2026, 1, 2)}, "contract_on:"),
    ],
)
def test_a_debt_that_cannot_be_claimed_says_why(
    court: CnCourt, changes: dict[str, Any], problem: str
) -> None:
    debts = (CARD, msgspec.structs.replace(SECOND_CARD, **changes))
    assert any(each.startswith(problem) for each in problems_of(court, changed(debts=debts)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"court": ""}, "court"),
        ({"folder": " "}, "folder"),
        ({"plaintiff_address": ""}, "plaintiff_address"),
        ({"legal_representative": ""}, "legal_representative"),
        ({"plaintiff_credit_code": CREDIT_CODE[:-1] + "7"}, "plaintiff_credit_code"),
        ({"plaintiff_phone": "call us"}, "plaintiff_phone"),
        ({"service_phone": ""}, "service_phone"),
        ({"accepts_electronic_service": True}, "electronic_service_address"),
        ({"agent_name": "样例律师"}, "agent_phone"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    found = problems_of(CnCourt(config(tmp_path, **changes)), REQUEST)
    assert [each.split(":")[0] for each in found] == [field]


def test_all_problems_are_told_at_once(court: CnCourt) -> None:
    wrong = changed(debtor_name="", debtor_addresses=(), debtor_national_id="1", debts=())
    assert len(problems_of(court, wrong)) == 4


def test_no_problem_repeats_the_identity_number(court: CnCourt) -> None:
    wrong = NATIONAL_ID[:-1] + "8"
    assert wrong not in "".join(problems_of(court, changed(debtor_national_id=wrong)))


def test_what_left_the_debt_otherwise_is_stated_as_such(court: CnCourt) -> None:
    waived = msgspec.structs.replace(CARD, outstanding=Buckets(principal=9_000_00))
    package = court.prepare(changed(debts=(waived,)))
    assert elements_of(package)["other_reduction"] == 750_00
    assert "减：其他减少（减免、调整）750.00元" in text_of(package, "03-statement.pdf")


def test_a_payment_that_settled_another_debt_does_not_lower_the_claim(court: CnCourt) -> None:
    package = court.prepare(changed(debts=(SECOND_CARD,)))
    assert "减：还款合计（不含已冲正）1000.00元加：还款中未计入以上账户的部分1000.00元" in text_of(
        package, "03-statement.pdf"
    )
    assert elements_of(package)["claimed"]["total"] == SECOND_CARD.outstanding.total


def test_a_payment_in_another_currency_is_no_part_of_the_claim(court: CnCourt) -> None:
    dollars = msgspec.structs.replace(paid("P-9", 1, 5_00), currency="USD")
    package = court.prepare(changed(payments=(*REQUEST.payments, dollars)))
    assert "P-9" not in text_of(package, "04-payments.pdf")
    assert elements_of(package)["paid_total"] == 1_000_00


@pytest.mark.parametrize("code", ["91350100M000100Y43", CREDIT_CODE])
def test_a_valid_credit_code_passes(code: str) -> None:
    assert credit_code_fault(code) == ""


@pytest.mark.parametrize("place", range(18))
def test_one_wrong_character_of_a_credit_code_is_caught(place: int) -> None:
    wrong = "0" if CREDIT_CODE[place] != "0" else "1"
    assert credit_code_fault(CREDIT_CODE[:place] + wrong + CREDIT_CODE[place + 1 :])


@pytest.mark.parametrize("code", ["", "9" * 17, "91350100I000100Y43", "91350100m000100y43"])
def test_what_is_no_credit_code_is_caught(code: str) -> None:
    assert credit_code_fault(code)


@pytest.mark.parametrize(
    "number",
    [
        "000000190001010009",  # no province
        "110000190002300000",  # no such day
        "110000203001010009",  # not yet born
        "１１0000190001010009",  # digits of another script
        "11000019000101000x",  # a small x
    ],
)
def test_what_is_no_identity_number_is_caught(number: str) -> None:
    with pytest.raises(ValueError, match=r"begins|gives|must"):
        particulars(number, date(2026, 6, 1))


@pytest.mark.parametrize("place", range(17))
def test_one_wrong_digit_of_an_identity_number_is_caught(place: int) -> None:
    wrong = str((int(NATIONAL_ID[place]) + 1) % 10)
    with pytest.raises(ValueError, match=r"fails|begins|gives"):
        particulars(NATIONAL_ID[:place] + wrong + NATIONAL_ID[place + 1 :], date(2026, 6, 1))


def test_the_folder_holds_the_bundle_and_a_repeat_changes_nothing(
    court: CnCourt, tmp_path: Path
) -> None:
    package = court.prepare(REQUEST)
    reference = court.submit(package)
    folder = tmp_path / reference
    before = {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}
    assert court.submit(court.prepare(REQUEST)) == reference
    assert {each.name: each.stat().st_mtime_ns for each in folder.iterdir()} == before
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == {
        each.name: each.content for each in package.documents
    }
    assert [each.name for each in tmp_path.iterdir()] == [reference]


def test_a_receipt_laid_beside_the_documents_is_left_alone(court: CnCourt, tmp_path: Path) -> None:
    package = court.prepare(REQUEST)
    folder = tmp_path / court.submit(package)
    (folder / "receipt.pdf").write_bytes(b"stamped")
    court.submit(package)
    assert (folder / "receipt.pdf").read_bytes() == b"stamped"


def test_another_bundle_under_the_same_reference_is_refused(court: CnCourt, tmp_path: Path) -> None:
    folder = tmp_path / court.submit(court.prepare(REQUEST))
    before = (folder / "01-complaint.pdf").read_bytes()
    with pytest.raises(FilingProblem, match=r"01-complaint.pdf: .* already holds another bundle"):
        court.submit(court.prepare(changed(grounds="另一理由")))
    assert (folder / "01-complaint.pdf").read_bytes() == before


def test_a_missing_folder_is_worth_another_try(tmp_path: Path) -> None:
    court = CnCourt(config(tmp_path / "missing"))
    with pytest.raises(Transient, match="make the folder"):
        court.submit(court.prepare(REQUEST))


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "..", "x" * 90, "A"])
def test_no_name_leaves_the_folder(court: CnCourt, tmp_path: Path, name: str) -> None:
    document = FilingDocument(name="a.pdf", content=b"x")
    for package in (
        FilingPackage(reference=name, documents=(document,)),
        FilingPackage(reference="cn-1", documents=(FilingDocument(name=name, content=b"x"),)),
    ):
        with pytest.raises(FilingProblem, match="plain file name"):
            court.submit(package)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_midway_leaves_no_folder(court: CnCourt, tmp_path: Path) -> None:
    twice = FilingDocument(name="a" * 80, content=b"x")
    package = FilingPackage(reference="cn-1", documents=(twice,))
    (tmp_path / "cn-1").write_bytes(b"a file is in the way")
    with pytest.raises(Transient):
        court.submit(package)
    assert [each.name for each in tmp_path.iterdir()] == ["cn-1"]
