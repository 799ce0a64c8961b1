"""What docs/channel-settings.md shows can be used as it stands."""

import base64
import re
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from duecourse.plugins import Plugins

PAGE = (Path(__file__).parents[2] / "docs" / "channel-settings.md").read_text("utf-8")
BLOCKS = re.findall(r"```toml ([\w-]+)\n(.*?)```", PAGE, re.DOTALL)
CHANNELS = {"sms-http", "sms-smpp", "sms-kannel", "smtp", "letter-spool", "letter-ipp"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    monkeypatch.setenv("DKIM_KEY", key.decode())
    monkeypatch.setenv("SMS_WEBHOOK", "whsec_" + base64.b64encode(bytes(32)).decode())
    for name in re.findall(r'env = "([A-Z_]+)"', PAGE):
        if name not in {"DKIM_KEY", "SMS_WEBHOOK"}:
            secret = (
                "x" * 8 if name == "SMPP_PASSWORD" else "fictional-secret-of-thirty-two-letters"
            )
            monkeypatch.setenv(name, secret)


def test_the_page_shows_every_channel_that_comes_with_duecourse() -> None:
    assert {name for name, _ in BLOCKS} == CHANNELS | {"every"}
    offered = {each.name for each in Plugins.discover({}).listing if each.kind == "channel"}
    assert offered == CHANNELS


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_the_settings_of_the_page_make_a_channel(name: str, block: str) -> None:
    plugins = Plugins.discover(tomllib.loads(block))
    try:
        broken = [each.reason for each in plugins.listing if each.state == "broken"]
        assert broken == []
        (channel,) = plugins.channels.values()
        assert channel.name == ("sms-http" if name == "every" else name)
    finally:
        plugins.close()
