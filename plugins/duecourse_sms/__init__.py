"""SMS: the channel plugins `sms-http`, `sms-smpp` and `sms-kannel`."""

from typing import Any

from duecourse import Channel, hookimpl
from duecourse_sms.http import SmsChannel, SmsConfig
from duecourse_sms.kannel import KannelChannel, KannelConfig
from duecourse_sms.smpp import SmppChannel, SmppConfig
from duecourse_sms.units import count_units

__all__ = [
    "KannelChannel",
    "KannelConfig",
    "SmppChannel",
    "SmppConfig",
    "SmsChannel",
    "SmsConfig",
    "channels",
    "count_units",
]


@hookimpl
def channels() -> list[type[Channel[Any]]]:
    return [SmsChannel, SmppChannel, KannelChannel]
