"""The demo's folder: settings, secrets of the day, ledgers, letters, filings."""

import json
import os
import socket
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from string import Template
from typing import Any, Final, Self

import msgspec

from duecourse.channels import Secret
from duecourse.peers.mailbox import Mailbox
from duecourse.peers.process import GatewayProcess

_SETTINGS: Final = Template("""\
# Written by `duecourse demo` at every start. Everything here is on this machine only.
data = "$data"
clock = "$clock"
lease_seconds = 20.0

$channels

[filings.cn-court]
use = "cn-court"
folder = "$filings"
court = "示例市虚构区人民法院"
plaintiff_name = "Story Bank (fictional)"
plaintiff_credit_code = "$credit_code"
plaintiff_address = "虚构省示例市样板路 100 号"
plaintiff_phone = "400-000-0000"
legal_representative = "负责人示例"
legal_representative_title = "董事长"
service_address = "虚构省示例市样板路 100 号"
service_recipient = "收件人示例"
service_phone = "400-000-0000"

$creditors
""")
_SMS: Final = Template("""\
[channels.sms]
use = "sms-http"
url = "$url"
token = { file = "$token" }
webhook_secrets = [{ file = "$secret" }]
timeout = 5.0
""")
_EMAIL: Final = Template("""\
[channels.email]
use = "smtp"
host = "127.0.0.1"
port = $port
security = "none"
sender = "collections@example.com"
unsubscribe = "unsubscribe@example.com"
timeout = 5.0
relay_deduplicates = true
""")
_LETTER: Final = Template("""\
[channels.letter]
use = "letter-spool"
folder = "$folder"
sender_address = ["Duecourse demo (fictional)", "示例路 1 号"]
time_zone = "Asia/Shanghai"
""")
# So short that what died is soon taken over, and so long that a busy machine is not given up.
_LIMITS: Final = Template("""\
[channels.$name.limits]
call_seconds = 10.0
""")
_CREDITOR: Final = Template("""\
[creditors.$name]
ways_to_pay = "https://pay.example.com/$name"
contact_line = "400-000-0000 (fictional)"
""")
# Of no organisation: the registration region 000000 does not exist.
_CREDIT_CODE: Final = "91000000FCT000000P"
CREDITORS: Final = ("story-bank", "example-bank", "example-finance", "example-card-tw")


class OwnPlugin(msgspec.Struct, frozen=True):
    """A plugin that takes the place of ours for one medium, with the settings given for it."""

    use: str
    table: Mapping[str, Any]


class Setting(msgspec.Struct, frozen=True):
    """The demo's folder and the port of its API."""

    data: Path
    folder: Path
    api_port: int

    @classmethod
    def prepare(cls, data: Path, api_port: int) -> Self:
        folder = data.resolve() / "demo"
        for name in ("letters", "filings"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        return cls(data.resolve(), folder, _free(api_port))

    def sms(self, gateway: GatewayProcess) -> str:
        return _SMS.substitute(
            url=gateway.url, token=gateway.token_file, secret=gateway.secret_file
        )

    def email(self, mailbox: Mailbox) -> str:
        return _EMAIL.substitute(port=mailbox.port)

    def letter(self) -> str:
        return _LETTER.substitute(folder=self.folder / "letters")

    def own(self, medium: str, plugin: OwnPlugin) -> str:
        """A plugin of the user's in the place of ours. Its secrets go into files of their own."""
        lines = [f"[channels.{medium}]", f"use = {to_toml(plugin.use)}"]
        for key, value in plugin.table.items():
            if isinstance(value, Secret):
                file = self.folder / f"{medium}-{key}"
                write_private(file, value.reveal())
                lines.append(f"{key} = {{ file = {to_toml(str(file))} }}")
            else:
                lines.append(f"{key} = {to_toml(value)}")
        return "\n".join(lines) + "\n"

    def write(self, channels: Mapping[str, str]) -> None:
        """Write the settings file with the table of each channel; ports differ from run to run."""
        text = _SETTINGS.substitute(
            data=self.data,
            clock=self.clock,
            channels="\n".join(
                table + _LIMITS.substitute(name=name) for name, table in channels.items()
            ),
            filings=self.folder / "filings",
            credit_code=_CREDIT_CODE,
            creditors="\n".join(_CREDITOR.substitute(name=name) for name in CREDITORS),
        )
        self.config.write_text(text)

    @property
    def config(self) -> Path:
        return self.folder / "duecourse.toml"

    @property
    def clock(self) -> Path:
        return self.folder / "clock"

    @property
    def keys(self) -> Path:
        return self.folder / "api-keys.json"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"


def _free(wanted: int) -> int:
    """The wanted port if nobody has it, else any free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def to_toml(value: object) -> str:
    """One value as TOML writes it."""
    match value:
        case bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            pairs = (f"{to_toml(key)} = {to_toml(each)}" for key, each in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case list() | tuple():
            return f"[{', '.join(map(to_toml, value))}]"
        case date() | time():
            return value.isoformat()
        case _:
            raise TypeError(f"a {type(value).__name__} has no place in TOML")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def read_keys(path: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return found
