"""DKIM: what is signed cannot be changed on the way, and the same mail is the same bytes."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from functools import cache
from uuid import UUID

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa
from msgspec.structs import replace

from duecourse import Outbound, Secret
from duecourse_email import EmailChannel, EmailConfig

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MESSAGE = Outbound(
    key="6f1d8a52-0000-4000-8000-000000000001",
    contact_id=UUID(int=1),
    case_id=UUID(int=2),
    to="lin@example.com",
    to_name="林晓样",
    subject="关于您尾号4321账户的还款提醒",
    body="尊敬的林晓样：\n\n请联系我们。\n",
    language="zh",
    sender_name="示例消费金融",
    at=AT,
    expires_at=AT + timedelta(hours=2),
)


@cache
def rsa() -> RSAPrivateKey:
    return new_rsa(public_exponent=65537, key_size=2048)


@cache
def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def pem(key: object) -> Secret:
    text = key.private_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Secret(text.decode())


def config(key: Secret | None, **changes: object) -> EmailConfig:
    made = EmailConfig(
        host="127.0.0.1",
        security="none",
        timeout=5,
        sender="service@creditor.example.com",
        unsubscribe="stop@creditor.example.com",
        reply_to="help@creditor.example.com",
        unsubscribe_url="https://creditor.example.com/unsubscribe",
        link_secret=Secret("a secret of the test for links"),
        dkim_selector="s2026" if key else "",
        dkim_domain="creditor.example.com" if key else "",
        dkim_key=key,
    )
    return replace(made, **changes)


def signed(key: Secret, message: Outbound = MESSAGE) -> bytes:
    return EmailChannel(config(key))._made(message)


def published(name: bytes | str, timeout: float = 5) -> bytes:
    assert bytes(name) == b"s2026._domainkey.creditor.example.com."  # type: ignore[arg-type]
    der = (
        rsa()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


class Ed25519Verifier(dkim.DKIM):  # type: ignore[misc]
    """dkimpy's own verification, with a key of cryptography where it would want another library."""

    class Key:
        def __init__(self, key: Ed25519PublicKey) -> None:
            self._key = key

        def verify(self, digest: bytes, signature: bytes) -> None:
            self._key.verify(signature, digest)

    def verify_sig(
        self, sig: object, include_headers: object, sig_header: object, _: object
    ) -> bool:
        self.pk, self.keysize, self.ktag = self.Key(ed25519().public_key()), 256, b"ed25519"
        return bool(self.verify_sig_process(sig, include_headers, sig_header, None))


def verifies(mail: bytes) -> bool:
    return bool(dkim.verify(mail, dnsfunc=published))


def test_a_signed_mail_verifies_with_an_rsa_key() -> None:
    assert verifies(signed(pem(rsa())))


def test_a_signed_mail_verifies_with_an_ed25519_key() -> None:
    assert Ed25519Verifier(signed(pem(ed25519()))).verify()


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "body": lambda mail: mail[:-60] + b"x" + mail[-59:],
    "to": lambda mail: mail.replace(b"lin@example.com", b"eve@example.com"),
    "link": lambda mail: mail.replace(b"/unsubscribe?", b"/elsewhere?"),
    "one click": lambda mail: mail.replace(b"=One-Click", b"=Two-Click"),
    "no one click": lambda mail: re.sub(rb"List-Unsubscribe-Post:[^\n]*\n", b"", mail),
    "second subject": lambda mail: b"Subject: Other\r\n" + mail,
    "second sender": lambda mail: b"From: eve@example.com\r\n" + mail,
    "reply to": lambda mail: mail.replace(b"Reply-To: help@", b"Reply-To: evil@"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_mail_that_was_changed_does_not_verify(change: str) -> None:
    mail = signed(pem(rsa()))
    changed = CHANGES[change](mail)
    assert changed != mail
    assert not verifies(changed)


def test_an_encoded_word_in_a_name_adds_no_signed_header() -> None:
    name = "=?utf-8?Q?A=0D=0AReply-To:_thief@evil.example=0D=0A=0D=0AWire_money?="
    mail = signed(pem(rsa()), replace(MESSAGE, to_name=name, sender_name=name))
    plain = signed(pem(rsa()))
    assert verifies(mail)
    names = [message_from_bytes(each).keys() for each in (mail, plain)]
    assert names[0] == names[1]


def test_what_servers_add_and_refold_does_not_matter() -> None:
    mail = signed(pem(rsa())).replace(b";\r\n d=", b"; d=", 1)
    refolded = mail.replace(b"Auto-Submitted: auto", b"Auto-Submitted:\r\n  auto")
    assert verifies(b"Received: from a by b\r\nX-Spam: no\r\n" + refolded)


def test_both_unsubscribe_headers_are_signed() -> None:
    signature = signed(pem(rsa())).split(b"List-Unsubscribe:")[0]
    tags = dict(re.findall(rb"(\w+)=([^;]*)", signature.partition(b":")[2]))
    names = [name.strip() for name in tags[b"h"].split(b":")]
    assert {b"from", b"list-unsubscribe", b"list-unsubscribe-post"} <= set(names)
    assert names.count(b"from") == 2, "so that none can be added"
    assert b"l" not in tags, "a length would let text be added below"


@pytest.mark.parametrize("key", [rsa, ed25519])
def test_the_same_message_is_signed_to_the_same_bytes(
    key: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = signed(pem(key()))
    monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
    assert signed(pem(key())) == first
    assert f"; t={int(AT.timestamp())};".encode() in first


def test_no_line_is_longer_than_mail_allows_and_all_are_ascii() -> None:
    mail = signed(pem(rsa()))
    assert mail.isascii()
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (Secret("-----BEGIN NOTHING-----"), "dkim_key"),
        (Secret("a-key-that-must-not-show"), "dkim_key"),
        (pem(new_ec(SECP256R1())), "dkim_key"),
        (pem(new_rsa(public_exponent=65537, key_size=1024)), "2048 bits"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_at_once_and_not_shown(key: Secret, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        EmailChannel(config(key))
    assert "must-not-show" not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"dkim_selector": ""}, "belong together"),
        ({"dkim_domain": ""}, "belong together"),
        ({"dkim_key": None}, "belong together"),
        ({"dkim_selector": "a; t=1"}, "dkim_selector"),
        ({"dkim_selector": "a\r\nX: y"}, "dkim_selector"),
        ({"dkim_domain": "example.com;\r\nX: y"}, "dkim_domain"),
    ],
)
def test_half_the_settings_are_refused_naming_the_field(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        EmailChannel(config(pem(ed25519()), **changes))


def test_a_domain_in_other_letters_signs_under_its_ascii_name() -> None:
    key = pem(ed25519())
    mail = EmailChannel(config(key, dkim_domain="例子.中国"))._made(MESSAGE)
    assert b"d=xn--fsqu00a.xn--fiqs8s;" in mail
