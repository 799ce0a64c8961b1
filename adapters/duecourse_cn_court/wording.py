"""Chinese words for the codes of the case, and the forms of dates and amounts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from duecourse import format_minor

COURT_ZONE: Final = ZoneInfo("Asia/Shanghai")
NOT_ON_FILE: Final = "（案件系统无记载，由具状人核实填写）"

_CHANNELS: Final[Mapping[str, str]] = {
    "sms": "短信",
    "email": "电子邮件",
    "letter": "信函",
    "call": "电话",
    "visit": "上门",
}
_SUBJECTS: Final[Mapping[str, str]] = {"conversation": "交谈"}
_OUTCOMES: Final[Mapping[str, str]] = {
    "queued": "排队",
    "sent": "已发送",
    "delivered": "已送达",
    "read": "已读",
    "deferred": "延迟",
    "failed": "发送失败",
    "bounced": "退信",
    "expired": "已过期",
    "returned": "退回",
    "complained": "投诉",
    "accepted": "通道已接收",
    "rejected": "通道拒收",
    "unknown": "结果不明",
    "cancelled": "已取消",
    "right_party_contact": "已联系到本人",
    "wrong_party": "非本人",
    "wrong_number": "号码有误",
    "no_answer": "无人接听",
    "busy": "占线",
    "voicemail": "语音信箱",
    "hung_up": "对方挂断",
    "promise_to_pay": "承诺还款",
    "plan_discussed": "商谈还款安排",
    "refused_to_pay": "拒绝还款",
    "disputes_debt": "对债务有异议",
    "hardship_declared": "说明有困难",
    "asked_to_call_back": "要求另行联系",
    "asked_to_stop": "要求停止联系",
    "paid_already": "称已还款",
    "information_given": "已告知信息",
    "deceased": "称已去世",
    "other": "其他",
}


def channel_word(code: str) -> str:
    return _CHANNELS.get(code, code)


def subject_word(code: str) -> str:
    """What a contact was about; a template is shown by its code."""
    return _SUBJECTS.get(code, code)


def outcome_word(code: str) -> str:
    """A code nobody translated is shown as the log has it."""
    return _OUTCOMES.get(code, code)


def written(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def clock(at: datetime) -> str:
    return at.astimezone(COURT_ZONE).strftime("%Y-%m-%d %H:%M")


def yuan(minor: int) -> str:
    return f"{format_minor(minor, 'CNY')}元"
