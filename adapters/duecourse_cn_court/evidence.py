"""The statement and the evidence: what the case's own log shows, line by line."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from duecourse import FilingRequest
from duecourse_cn_court.elements import Amounts, Elements
from duecourse_cn_court.wording import (
    channel_word,
    clock,
    outcome_word,
    subject_word,
    written,
    yuan,
)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of text. `widths` are parts of the page's width, `amounts` the right-aligned columns."""

    caption: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    amounts: tuple[int, ...] = ()
    rows: Sequence[Sequence[str]]
    when_empty: str = "无记录"


class Exhibit(msgspec.Struct, frozen=True, kw_only=True):
    """One document made of tables. `proves` is what the index says it is for."""

    name: str
    title: str
    proves: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]


_HEADS: Final[Mapping[str, str]] = {
    "principal": "本金",
    "interest": "利息",
    "penalty": "罚息、复利、滞纳金、违约金",
    "fees": "手续费等",
    "costs": "实现债权的费用",
    "total": "合计",
}


def exhibits(elements: Elements, request: FilingRequest) -> tuple[Exhibit, ...]:
    return (_statement(elements), _payments(elements), _contacts(request), _plans(request))


def _statement(elements: Elements) -> Exhibit:
    day = written(elements.as_of)
    return Exhibit(
        name="03-statement.pdf",
        title="欠款明细表",
        proves=f"截至{day}各账户尚欠款项的构成和总额",
        notes=(f"截止日期：{day}。币种：人民币。", "“移交时”指账户进入本案件系统时的金额。"),
        tables=(
            *(
                Table(
                    caption=f"账户 {debt.account}（{debt.product}），"
                    f"自{written(debt.overdue_since)}起逾期",
                    columns=("项目", "移交时", f"截至{day}尚欠"),
                    widths=(2, 1, 1),
                    amounts=(1, 2),
                    rows=_heads(debt.placed, debt.outstanding),
                )
                for debt in elements.debts
            ),
            _reconciliation(elements),
            _payment_table(elements, "还款明细（不含已冲正）", with_reversed=False),
        ),
    )


def _heads(placed: Amounts, outstanding: Amounts) -> list[tuple[str, str, str]]:
    return [
        (word, yuan(getattr(placed, head)), yuan(getattr(outstanding, head)))
        for head, word in _HEADS.items()
    ]


def _reconciliation(elements: Elements) -> Table:
    claimed, other = elements.claimed, elements.other_reduction
    change = (
        ("减：其他减少（减免、调整）", yuan(other))
        if other >= 0
        else ("加：还款中未计入以上账户的部分", yuan(-other))
    )
    return Table(
        caption="全部账户合计",
        columns=("项目", "金额"),
        widths=(3, 1),
        amounts=(1,),
        rows=[
            ("移交时合计", yuan(elements.placed_total)),
            ("减：还款合计（不含已冲正）", yuan(elements.paid_total)),
            change,
            *((f"尚欠{word}", yuan(getattr(claimed, head))) for head, word in _HEADS.items()),
        ],
    )


def _payments(elements: Elements) -> Exhibit:
    return Exhibit(
        name="04-payments.pdf",
        title="还款记录",
        proves="被告已还款的日期和金额，包括已冲正的还款",
        notes=(f"截止日期：{written(elements.as_of)}。已冲正的还款不计入还款合计。",),
        tables=(_payment_table(elements, "还款记录", with_reversed=True),),
    )


def _payment_table(elements: Elements, caption: str, *, with_reversed: bool) -> Table:
    return Table(
        caption=caption,
        columns=("还款日期", "还款编号", "金额", "状态"),
        widths=(2, 4, 2, 2),
        amounts=(2,),
        rows=[
            (
                each.value_on.isoformat(),
                each.payment_id,
                yuan(each.amount),
                "已冲正" if each.reversed else "已入账",
            )
            for each in elements.payments
            if with_reversed or not each.reversed
        ],
    )


def _contacts(request: FilingRequest) -> Exhibit:
    return Exhibit(
        name="05-contacts.pdf",
        title="通知和催收情况",
        proves="原告通知、催收及双方联系的时间、方式和结果",
        notes=("时间为北京时间，按发生先后排列，摘自案件系统的事件记录。",),
        tables=(
            Table(
                caption="联系记录",
                columns=("时间", "方式", "内容", "结果"),
                widths=(3, 2, 4, 3),
                rows=[
                    (
                        clock(each.at),
                        channel_word(each.channel),
                        subject_word(each.what),
                        _result(each.outcome),
                    )
                    for each in sorted(request.contacts, key=lambda each: each.at)
                ],
            ),
        ),
    )


def _result(outcome: str) -> str:
    return outcome_word(outcome) or "无记录"


def _plans(request: FilingRequest) -> Exhibit:
    return Exhibit(
        name="06-plans.pdf",
        title="还款安排情况",
        proves="双方协商还款安排及其履行情况",
        notes=("按案件系统的记载顺序排列。",),
        tables=(
            Table(
                caption="还款安排",
                columns=("序号", "内容"),
                widths=(1, 9),
                rows=[(str(n), each) for n, each in enumerate(request.plan_history, start=1)],
            ),
        ),
    )
