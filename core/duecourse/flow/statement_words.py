"""The words of a statement of account, in the debtor's language."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Final

from duecourse.case.interest_terms import InterestLine
from duecourse.case.words import Language
from duecourse.money.amounts import format_minor
from duecourse.money.figures import posted

Both = tuple[str, str]
"""In Chinese, and in English."""

NOT_OWED: Final[Both] = (
    "超过法定上限的部分自始不负清偿义务，并非债权人的减免。",
    "Above the legal cap, and so never owed. It is no concession of the creditor.",
)
_HELD: Final[Mapping[str, Both]] = {
    "frozen": ("（暂停计收，不计入应还金额）", " (held back, not asked for)"),
    "not_accrued": ("（依法不产生利息）", " (by law none arises)"),
    "accrued": ("", ""),
}
WORDS: Final[Mapping[str, Both]] = {
    "statement": ("对账单", "Statement of account"),
    "opening": ("期初余额", "Opening balance"),
    "balance": ("余额", "Balance"),
    "value_on": ("生效日", "Value date"),
    "booked_on": ("入账日", "Booked"),
    "costs": ("实现债权的费用", "Costs"),
    "fees": ("手续费", "Fees"),
    "penalty": ("违约金", "Penalty"),
    "interest": ("利息", "Interest"),
    "principal": ("本金", "Principal"),
    "total": ("合计", "Total"),
    "held": ("已收未分配款项", "Paid and not allocated"),
    "per_day": ("每日新增利息", "Added per day"),
    "frozen": ("暂停计收的利息", "Interest held back"),
    "capped": ("超过法定上限、不予计收", "Above the legal cap, not owed"),
    "payment": ("还款", "Payment"),
    "PaymentRecorded": ("还款", "Payment"),
    "PaymentReversed": ("还款撤销", "Payment reversed"),
    "PaymentReallocated": ("已收款项转为还款", "Money held, now used"),
    "CostsAdded": ("新增费用", "Charge"),
    "charge": ("新增费用", "Charge"),
    "DebtAdjusted": ("更正", "Correction"),
    "adjustment": ("更正", "Correction"),
    "correction": ("更正", "Correction"),
    "DebtWrittenOff": ("免除", "Forgiven"),
    "forgiveness": ("免除", "Forgiven"),
    "BalanceWaived": ("和解减免", "Waived in a settlement"),
    "WaiverRevoked": ("和解减免撤销", "Waiver revoked"),
    "waiver": ("减免", "Waived"),
    "PlanInterestCharged": ("分期利息", "Interest of the plan"),
    "PlanInterestReturned": ("分期利息退回", "Interest of the plan taken back"),
    "release": ("暂停期满后恢复的利息", "Interest that was held back, now owed"),
    "compounding": ("利息转为本金", "Interest added to the principal"),
    "InterestAccrued": ("利息", "Interest"),
    "InterestCorrected": ("利息更正", "Interest corrected"),
}


def term(code: str, language: Language) -> str:
    return WORDS.get(code, (code, code))[language == "en"]


def interest_words(
    lines: Iterable[InterestLine], currency: str, day_count: str, language: Language
) -> str:
    """How interest was worked out, a sentence for each line. The sums are rounded for the reader."""
    english = language == "en"
    said = []
    for each in lines:
        head, held = term(each.head, language), _HELD[each.state][english]
        balance = format_minor(each.balance_minor, currency)
        amount = format_minor(posted(Fraction(each.amount), "half_even"), currency)
        if english:
            year = "a year" if each.per == "year" else "a day"
            text = (
                f"{head}: {each.days} days from {each.from_on}, {each.percent} % {year} on"
                f" {balance} {currency} ({day_count}): {amount}"
            )
        else:
            year = "年" if each.per == "year" else "日"
            text = (
                f"{head}：自{each.from_on}起{each.days}天，{year}利率{each.percent}%，"
                f"计息本金{balance} {currency}（{day_count}）：{amount}"
            )
        said.append(f"{text}{held}")
    return ("; " if english else "；").join(said)
