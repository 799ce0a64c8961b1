"""The complaint, section by section, as the model form orders them."""

from datetime import timedelta
from typing import Final

import msgspec

from duecourse_cn_court.elements import DebtElement, Defendant, Elements
from duecourse_cn_court.wording import NOT_ON_FILE, written, yuan

_AUTHORITY: Final = {"general": "一般授权", "special": "特别授权"}
_MEDIATION: Final = {"yes": "是", "no": "否", "undecided": "暂不确定"}


class Item(msgspec.Struct, frozen=True):
    label: str
    value: str


class Section(msgspec.Struct, frozen=True):
    title: str
    items: tuple[Item, ...]


def sections(elements: Elements) -> tuple[Section, ...]:
    facts = _card_facts if elements.cause == "银行信用卡纠纷" else _loan_facts
    return (
        Section("当事人信息", _parties(elements)),
        Section("诉讼请求", _claims(elements)),
        Section("约定管辖和诉讼保全", _venue(elements)),
        Section("事实与理由", _numbered((*facts(elements), *_closing_facts(elements)))),
        Section(
            "对纠纷解决方式的意愿",
            (Item("是否考虑先行调解", _MEDIATION[elements.mediation]),),
        ),
    )


def _parties(elements: Elements) -> tuple[Item, ...]:
    plaintiff, service, agent = elements.plaintiff, elements.service, elements.agent
    representative = f"{plaintiff.legal_representative} {plaintiff.legal_representative_title}"
    return (
        Item(
            "原告（法人、非法人组织）",
            f"名称：{plaintiff.name}\n住所地：{plaintiff.address}\n"
            f"法定代表人（主要负责人）：{representative.strip()}\n联系电话：{plaintiff.phone}\n"
            f"统一社会信用代码：{plaintiff.credit_code}",
        ),
        Item(
            "委托诉讼代理人",
            f"有\n姓名：{agent.name}\n单位：{agent.firm or NOT_ON_FILE}\n联系电话：{agent.phone}\n"
            f"代理权限：{_AUTHORITY[agent.authority]}"
            if agent
            else "无",
        ),
        Item(
            "送达地址、收件人及电话",
            f"地址：{service.address}\n收件人：{service.recipient}\n电话：{service.phone}",
        ),
        Item(
            "是否接受电子送达",
            f"是\n方式及地址：{service.electronic_address}" if service.accepts_electronic else "否",
        ),
        Item("被告（自然人）", _defendant(elements.defendant)),
    )


def _defendant(defendant: Defendant) -> str:
    born_on = written(defendant.born_on) if defendant.born_on else NOT_ON_FILE
    identity = (
        f"居民身份证 {defendant.national_id}" if defendant.national_id else f"无法提供{NOT_ON_FILE}"
    )
    address = defendant.address or f"无法提供，原因：{defendant.no_address_because}"
    others = "；".join(defendant.other_addresses) or NOT_ON_FILE
    return (
        f"姓名：{defendant.name}\n性别：{defendant.sex or NOT_ON_FILE}\n出生日期：{born_on}\n"
        f"民族：{NOT_ON_FILE}\n联系电话：{'；'.join(defendant.phones) or NOT_ON_FILE}\n"
        f"住所地：{address}\n其他已知地址：{others}\n证件类型及号码：{identity}"
    )


def _claims(elements: Elements) -> tuple[Item, ...]:
    claimed, until = elements.claimed, f"截至{written(elements.as_of)}止"
    head = "透支本金" if elements.cause == "银行信用卡纠纷" else "本金"
    further = "本状未主张"
    if elements.continuing_interest:
        further = (
            f"自{written(elements.as_of + timedelta(days=1))}起：{elements.continuing_interest}"
        )
    return _numbered(
        (
            Item(head, f"{until}，尚欠本金{yuan(claimed.principal)}（人民币，下同）"),
            Item(
                "利息、罚息、复利、滞纳金、违约金、手续费等",
                f"{until}，尚欠利息{yuan(claimed.interest)}；罚息、复利、滞纳金、违约金"
                f"（台账合并记载）{yuan(claimed.penalty)}；手续费等{yuan(claimed.fees)}；"
                f"三项共计{yuan(claimed.interest + claimed.penalty + claimed.fees)}\n"
                f"此后的利息等：{further}",
            ),
            Item("是否主张担保权利", "本状未主张"),
            Item("实现债权的费用", yuan(claimed.costs)),
            Item("其他请求", elements.other_claims or "无"),
            Item("标的总额", yuan(claimed.total)),
            Item(
                "请求依据",
                f"合同约定：{elements.contract_basis or NOT_ON_FILE}\n"
                f"法律规定：{elements.legal_basis or NOT_ON_FILE}",
            ),
        )
    )


def _venue(elements: Elements) -> tuple[Item, ...]:
    return _numbered(
        (
            Item("有无仲裁、法院管辖约定", elements.jurisdiction_clause or NOT_ON_FILE),
            Item("诉前保全、财产保全", "本状未申请"),
        )
    )


def _card_facts(elements: Elements) -> tuple[Item, ...]:
    return (
        Item("信用卡办理情况", "\n".join(_account(debt, "办卡日期") for debt in elements.debts)),
        Item("信用卡合约的主要约定", elements.contract_basis or NOT_ON_FILE),
        Item("是否就主要条款进行提示注意、说明", NOT_ON_FILE),
        Item("被告已还款金额", _paid(elements)),
        Item("被告逾期未还款金额", _overdue(elements)),
    )


def _loan_facts(elements: Elements) -> tuple[Item, ...]:
    return (
        Item("合同签订情况", "\n".join(_account(debt, "合同日期") for debt in elements.debts)),
        Item("签订主体", f"贷款人：{elements.plaintiff.name}\n借款人：{elements.defendant.name}"),
        Item("借款金额、期限、利率、发放时间", NOT_ON_FILE),
        Item("还款方式", NOT_ON_FILE),
        Item("还款情况", _paid(elements)),
        Item("是否存在逾期还款", _overdue(elements)),
    )


def _closing_facts(elements: Elements) -> tuple[Item, ...]:
    return (
        Item("是否向被告进行通知和催收", _notices(elements)),
        Item("物的担保、最高额担保、登记", NOT_ON_FILE),
        Item("保证合同、其他担保方式", NOT_ON_FILE),
        Item("其他需要说明的内容", elements.grounds or "无"),
        Item("证据清单", "见《证据目录》"),
    )


def _account(debt: DebtElement, label: str) -> str:
    day = written(debt.contract_on) if debt.contract_on else NOT_ON_FILE
    return f"账户：{debt.account}；产品：{debt.product}；{label}：{day}"


def _paid(elements: Elements) -> str:
    counted = sum(1 for each in elements.payments if not each.reversed)
    return (
        f"自进入本案件系统至{written(elements.as_of)}，记载还款{counted}笔，"
        f"共计{yuan(elements.paid_total)}，明细见证据《还款记录》，"
        f"计入各账户的结果见证据《欠款明细表》；此前还款{NOT_ON_FILE}"
    )


def _overdue(elements: Elements) -> str:
    lines = [
        f"账户{debt.account}：自{written(debt.overdue_since)}起逾期；截至{written(elements.as_of)}，"
        f"欠本金{yuan(debt.outstanding.principal)}、利息{yuan(debt.outstanding.interest)}、"
        f"罚息及违约金等{yuan(debt.outstanding.penalty)}、手续费等{yuan(debt.outstanding.fees)}、"
        f"费用{yuan(debt.outstanding.costs)}，合计{yuan(debt.outstanding.total)}"
        for debt in elements.debts
    ]
    return "\n".join(lines)


def _notices(elements: Elements) -> str:
    if not elements.contacts_total:
        return "案件系统无通知和催收记录"
    return (
        f"案件系统记载的通知、催收和联系记录共{elements.contacts_total}条，"
        "时间、方式和结果见证据《通知和催收情况》"
    )


def _numbered(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(Item(f"{n}. {item.label}", item.value) for n, item in enumerate(items, start=1))
