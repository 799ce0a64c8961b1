"""The words for what a rule saw, in English and in Chinese: for staff, and for the debtor."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

Language = Literal["zh", "en"]


class Both(msgspec.Struct, frozen=True):
    """One thing said in both languages."""

    en: str
    zh: str

    def into(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


# --- what is wished for ----------------------------------------------------------------------

CONTACTS: Final[Mapping[str, Both]] = {
    "call": Both("a telephone call", "致电"),
    "visit": Both("a visit", "上门"),
    "sms": Both("a text message", "短信"),
    "email": Both("an e-mail", "电子邮件"),
    "letter": Both("a letter", "信函"),
    "voice-notice": Both("a recorded voice message", "录音语音通知"),
}
CHANNELS: Final[Mapping[str, Both]] = {
    "call": Both("telephone calls", "电话"),
    "visit": Both("visits", "上门"),
    "sms": Both("text messages", "短信"),
    "email": Both("e-mail", "电子邮件"),
    "letter": Both("letters", "信函"),
    "voice-notice": Both("recorded voice messages", "录音语音通知"),
    "all": Both("every channel", "所有渠道"),
    "workplace": Both("the workplace", "工作场所"),
}
DEEDS: Final[Mapping[str, Both]] = {
    "call": Both("call you", "给您打电话"),
    "visit": Both("visit you", "上门拜访您"),
    "sms": Both("send you a text message", "给您发短信"),
    "email": Both("send you an e-mail", "给您发电子邮件"),
    "letter": Both("send you a letter", "给您寄信"),
    "voice-notice": Both("send you a recorded voice message", "给您发送录音语音通知"),
}
DEED: Final = Both("contact you in this way", "以这种方式联系您")

# --- how it is judged ------------------------------------------------------------------------

OUTCOMES: Final[Mapping[str, Both]] = {
    "allow": Both("allowed", "允许"),
    "advise": Both("allowed, with advice", "允许，但有提示"),
    "presumed_violation": Both(
        "not allowed: the law presumes a violation", "不允许：法律推定为违规"
    ),
    "block": Both("not allowed", "不允许"),
}
RULE_SAYS: Final[Mapping[str, Both]] = {
    "advise": Both("advice", "提示"),
    "presumed_violation": Both("presumes a violation", "推定为违规"),
    "block": Both("forbids it", "禁止"),
}
"""What one rule answers; one that has nothing to say is silent."""
CONFIDENCE: Final[Mapping[str, Both]] = {
    "law": Both("the law itself", "法律原文"),
    "A": Both("A: the law itself was read", "A：已阅读原文"),
    "B": Both("B: a secondary source was read", "B：依据二手资料"),
    "B-": Both("B-: one secondary source only", "B-：只有单个二手来源"),
    "C": Both("C: the source was not opened", "C：尚未查阅原文"),
    "house": Both("our own policy", "本机构自定"),
}

# --- data that are missing or contradict each other ------------------------------------------

DATA: Final[Mapping[str, str]] = {
    "unknown_time_zone": "不知道债务人所在地现在是什么时间。",
    "unknown_jurisdiction": "不知道债务人受何地法律保护，或者该地尚无规则包。",
    "no_pack_in_force": "债务人所在地在这一天没有生效的规则。",
    "no_usable_address": "此渠道没有可以使用的联系方式。",
    "places_differ": "债务人可能居住在以下任何地点，各地规则不同；以最严格的为准。",
    "part_without_pack": "该地区没有自己的规则包，只适用了全国的规则。",
    "no_common_moment": "各地分别有可以联系的时刻，但没有找到在所有地点都可以联系的时刻。",
}
"""The gate's own findings in Chinese; their English words are in the gate."""
DATA_CITATIONS: Final[Mapping[str, str]] = {
    "Duecourse: what is unknown blocks": "Duecourse：未知即禁止",
    "Duecourse: of several places the strictest decides, and what is not sure is said": (
        "Duecourse：有多个地点时以最严格的为准，不确定之处予以说明"
    ),
}
DATA_TO_DEBTOR: Final[Mapping[str, Both]] = {
    "unknown_time_zone": Both(
        "We do not know what time it is where you live, so we do not contact you.",
        "我们不知道您所在地的时间，因此暂不联系您。",
    ),
    "unknown_jurisdiction": Both(
        "We do not know which law protects you where you live, so we do not contact you.",
        "我们不确定您受何地法律保护，因此暂不联系您。",
    ),
    "no_pack_in_force": Both(
        "We do not know which rules protect you on this day, so we do not contact you.",
        "我们不确定这一天有哪些规则保护您，因此暂不联系您。",
    ),
    "no_usable_address": Both(
        "We have no address of yours that we may use for this.",
        "我们没有可以用来以这种方式联系您的联系方式。",
    ),
    "places_differ": Both(
        "We are not sure where you live, so we keep to the strictest of the rules.",
        "我们不确定您居住在何处，因此遵守其中最严格的规则。",
    ),
    "part_without_pack": Both(
        "Where you live we keep to the rules of the whole country.",
        "在您居住的地区，我们遵守全国适用的规则。",
    ),
    "no_common_moment": Both(
        "We are not sure where you live, and no moment is right in all of these places.",
        "我们不确定您居住在何处，而没有哪个时刻在所有这些地点都合适。",
    ),
}

# --- names of inputs, and of what they hold --------------------------------------------------

LABELS: Final[Mapping[str, Both]] = {
    "local_time": Both("the debtor's clock", "债务人当地时间"),
    "time_zone": Both("time zone", "时区"),
    "day": Both("day", "日期"),
    "quiet": Both("quiet hours", "安静时段"),
    "open": Both("hours for contact", "可联系时段"),
    "agreed": Both("hours agreed with the debtor", "与债务人约定的时段"),
    "count": Both("counted so far", "已计次数"),
    "limit": Both("limit", "上限"),
    "window": Both("counted within", "统计期间"),
    "debt": Both("counted for", "统计对象"),
    "account": Both("counted for", "统计对象"),
    "holds": Both("holds", "暂停措施"),
    "until": Both("until", "持续至"),
    "arrangements": Both("agreed with the debtor", "与债务人的约定"),
    "due_on": Both("first due on", "最早到期日"),
    "opted_out": Both("the debtor opted out of", "债务人已拒收"),
    "refused": Both("asked not to be used", "已要求不使用"),
    "needs_consent": Both("consent that is missing", "尚缺的同意"),
    "needs_first": Both("has to come first", "须先完成"),
    "days": Both("whole days that have to pass", "须经过的整天数"),
    "must_contain": Both("the message must contain", "信息须包含"),
    "must_not_contain": Both("the message must not contain", "信息不得包含"),
    "contains": Both("the message contains", "信息含有"),
    "holder": Both("the address belongs to", "联系方式属于"),
    "act": Both("act", "行为"),
    "stage": Both("stage of the case", "案件阶段"),
    "owed": Both("owed", "欠款"),
    "jurisdiction": Both("place", "所在地"),
    "place": Both("place", "地点"),
    "channel": Both("channel", "渠道"),
}
FACTS: Final[Mapping[str, Both]] = {
    "assignment_notice": Both("notice that the debt was assigned", "债权转让通知"),
    "told_before_reporting": Both("notice before a credit bureau is told", "报送征信前的告知"),
    "letter_of_claim": Both("letter of claim", "索偿函"),
    "debt_adviser": Both("help from a debt adviser", "债务顾问的帮助"),
    "reply_and_documents": Both("reply and documents", "答复与文件"),
    "order_for_payment_admissible": Both(
        "finding that an order for payment is not excluded", "确认支付令不属于排除情形"
    ),
}
VALUES: Final[Mapping[str, Mapping[str, Both]]] = {
    "day": {
        "mon": Both("Monday", "周一"),
        "tue": Both("Tuesday", "周二"),
        "wed": Both("Wednesday", "周三"),
        "thu": Both("Thursday", "周四"),
        "fri": Both("Friday", "周五"),
        "sat": Both("Saturday", "周六"),
        "sun": Both("Sunday", "周日"),
        "holiday": Both("public holiday", "公共假日"),
        "not covered by the calendar": Both("not covered by the calendar", "日历未涵盖的日子"),
    },
    "holds": {
        "dispute": Both("a dispute about the debt", "对债务的异议"),
        "validation": Both("a request to show that the debt is right", "核实债务的请求"),
        "breathing_space": Both("a breathing space", "债务喘息期"),
        "hardship": Both("financial hardship", "经济困难"),
        "vulnerability": Both("circumstances that need special care", "需要特别关照的情况"),
        "bereavement": Both("a bereavement", "亲人离世"),
        "represented": Both("a representative who acts in the matter", "已委托他人代理"),
        "ceased": Both("a request to stop", "停止联系的要求"),
        "complaint": Both("a complaint that is being looked into", "正在处理的投诉"),
        "insolvency": Both("insolvency proceedings", "破产程序"),
    },
    "until": {
        "lifted": Both("somebody lifts them", "解除为止"),
        "judged": Both("it is known whether it was kept", "确认是否履行为止"),
    },
    "arrangements": {
        "plan": Both("a payment plan that is being kept", "正在履行的还款计划"),
        "promise": Both("a promise to pay", "还款承诺"),
    },
    "needs_consent": {
        "tcpa": Both("text messages and recorded voices", "接收短信和录音语音"),
        "workplace": Both("contact at work", "在工作场所联系"),
        "work_email": Both("messages to the e-mail address at work", "向工作邮箱发送邮件"),
        "visit": Both("entering the home or office", "进入住所或办公场所"),
    },
    "content": {
        "opt_out_line": Both("a way to opt out", "拒收方式"),
        "validation_notice": Both("the validation notice", "债务核实通知"),
        "itemization_date": Both("the itemization date", "明细起算日"),
        "legal_threat": Both("a threat of legal action", "以诉讼相威胁的内容"),
        "asks_whole_sum": Both("a request to pay all that is owed", "还清全部欠款的要求"),
        "debt_details": Both("details of the debt", "债务详情"),
        "identity_check": Both("a check of who is speaking", "身份核实"),
        "letter_of_claim": Both("a letter of claim", "索偿函"),
        "reply_form": Both("a reply form", "答复表"),
        "information_sheet": Both("an information sheet", "信息说明"),
        "financial_statement": Both("a financial statement form", "财务状况表"),
        "statement_of_account": Both("a statement of account", "账目明细"),
    },
    "holder": {
        "debtor": Both("the debtor", "债务人本人"),
        "representative": Both("the debtor's representative", "债务人的代理人"),
        "third_party": Both("somebody else", "其他人"),
        "attorney": Both("the debtor's attorney", "债务人的律师"),
    },
    "act": {
        "contact": Both("contact", "联系"),
        "legal_action": Both("legal action", "采取法律行动"),
        "bureau_report": Both("a report to a credit bureau", "报送征信机构"),
    },
    "stage": {
        "intake": Both("intake", "受理"),
        "reminder": Both("reminder", "提醒"),
        "negotiation": Both("negotiation", "协商"),
        "pre_legal": Both("before legal action", "诉前"),
        "legal": Both("legal action", "法律程序"),
        "closed": Both("closed", "已结案"),
    },
    "owed": {"nothing": Both("nothing", "无")},
    "debt": {"*": Both("one debt", "单笔债务")},
    "account": {"*": Both("one account", "单个账户")},
    "window": {
        "calendar day": Both("one calendar day", "1个自然日"),
        "calendar week": Both("one calendar week", "1个自然周"),
        "calendar month": Both("one calendar month", "1个自然月"),
    },
}
"""`*` stands for whatever the value is: an account number is nobody's business here."""

# --- for the debtor --------------------------------------------------------------------------

TO_DEBTOR: Final[Mapping[str, Both]] = {
    "quiet": Both(
        "We do not contact you in this way during these hours on your clock: {}.",
        "按您当地时间，以下时段我们不会以这种方式联系您：{}。",
    ),
    "agreed": Both(
        "We contact you only during the hours agreed with you: {}.",
        "我们只在与您约定的时段联系您：{}。",
    ),
    "open": Both(
        "We contact you in this way only during these hours on your clock: {}.",
        "按您当地时间，我们只在以下时段以这种方式联系您：{}。",
    ),
    "opted_out": Both(
        "You asked not to be contacted in this way any more.", "您已要求不再以这种方式联系您。"
    ),
    "refused": Both("You asked us not to use: {}.", "您已要求我们不使用：{}。"),
    "needs_consent": Both("We need your consent for this: {}.", "以下事项需要您的同意：{}。"),
    "needs_first": Both("Something has to come first: {}.", "须先完成：{}。"),
    "must_contain": Both(
        "What we say or write to you must contain: {}.", "我们对您所说或所写的内容须包含：{}。"
    ),
    "must_not_contain": Both(
        "What we say or write to you must not contain: {}.",
        "我们对您所说或所写的内容不得包含：{}。",
    ),
    "contains": Both(
        "What we say or write to you must not contain: {}.",
        "我们对您所说或所写的内容不得包含：{}。",
    ),
    "stage": Both("The matter is closed; we leave you in peace.", "此事已经了结，我们不再打扰您。"),
    "owed": Both("You owe nothing in this matter.", "您在此事中没有欠款。"),
}
"""By the input that the rule saw."""
REACHED: Final = Both(
    "As many contacts with you as are allowed have been made or planned: {limit} within {window}.",
    "与您的联系（已进行或已安排）达到上限：{window}内{limit}次。",
)
INTERVAL: Final = Both(
    "The last contact with you was made or planned less than {window} ago.",
    "距上一次与您的联系（已进行或已安排）还不到{window}。",
)
HOLD_BACK: Final = Both(
    "We should hold back: {count} contacts have been made within {window}.",
    "我们应当克制：{window}内已有{count}次联系。",
)
RESTS: Final = Both("This rests for now, because of: {holds}.", "此事目前暂停，原因是：{holds}。")
RESTS_UNTIL: Final = Both(
    "This rests up to and including {until}, because of: {holds}.",
    "此事暂停至{until}（含当日），原因是：{holds}。",
)
ARRANGED: Final = Both(
    "This stands between you and us: {arrangements}. As long as it does, what we say or write to you"
    " must not contain: {content}.",
    "您与我们之间的约定有效：{arrangements}。在此期间，我们对您所说或所写的内容不得包含：{content}。",
)
ARRANGED_UNTIL: Final = Both(
    "This stands between you and us: {arrangements}. Up to and including {until} what we say or write"
    " to you must not contain: {content}.",
    "您与我们之间的约定有效：{arrangements}。直至{until}（含当日），"
    "我们对您所说或所写的内容不得包含：{content}。",
)
NOT_DUE: Final = Both(
    "What you owe is due on {due_on}. Until that day is over, what we say or write to you must not"
    " contain: {content}.",
    "您的款项应于{due_on}归还。该日结束之前，我们对您所说或所写的内容不得包含：{content}。",
)
TIME_HAS_TO_PASS: Final = Both(
    "Time has to pass first: {days} whole days after {since} ({fact}).",
    "须先经过一段时间：自{since}（{fact}）起满{days}天。",
)
NOT_BEFORE: Final = Both("Not before {since} ({fact}).", "不早于{since}（{fact}）。")
REPRESENTED: Final = Both(
    "Somebody represents you in this matter; we speak with that person, not with you.",
    "您已委托他人处理此事；我们只与受托人联系。",
)
NOBODY_ELSE: Final = Both(
    "We speak about a debt only with the person who owes it, or who represents that person.",
    "债务事宜，我们只与债务人本人或其代理人联系。",
)
