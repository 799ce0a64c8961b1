"""Two letters, to persons and by banks that do not exist."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from duecourse import Outbound

SENT_AT = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)

CHINESE = Outbound(
    key="contact-1",
    contact_id=UUID(int=1),
    case_id=UUID(int=2),
    to="虚构省样例市示例路100号\n样例小区3幢201室",
    to_name="样例人物",
    subject="关于您账户的说明",
    body="尊敬的样例人物：\n\n您的账户有一期款项已到期。\n如有困难，请与我们联系。\n\n此致",
    language="zh",
    sender_name="样例银行（虚构）",
    at=SENT_AT,
    expires_at=SENT_AT + timedelta(days=1),
)
ENGLISH = msgspec.structs.replace(
    CHINESE,
    key="contact-2",
    to="1 Fiction Road\nSampletown",
    to_name="Sample Testperson",
    subject="About your account",
    body="Dear Sample Testperson,\n\nPlease talk to us.",
    language="en",
    sender_name="Example Bank (fictional)",
)
