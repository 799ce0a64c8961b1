"""SMS through an HTTP gateway: the channel plugin `sms-http`."""

from duecourse import hookimpl
from duecourse_sms.channel import SmsChannel, SmsConfig
from duecourse_sms.units import count_units

__all__ = ["SmsChannel", "SmsConfig", "channels", "count_units"]


@hookimpl
def channels() -> list[type[SmsChannel]]:
    return [SmsChannel]
