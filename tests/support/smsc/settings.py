"""Settings of the channel `sms-smpp` that lead to the scripted SMSC."""

from typing import Any

from duecourse import Secret
from duecourse_sms import SmppConfig

PASSWORD = "n0tshown"


def config(**fields: Any) -> SmppConfig:
    known = {
        "host": "127.0.0.1",
        "system_id": "duecourse",
        "password": Secret(PASSWORD),
        "timeout": 5,
        "tls": False,
    }
    return SmppConfig(**(known | fields))
