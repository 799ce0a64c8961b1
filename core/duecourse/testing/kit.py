"""What the checks of the kit stand on: the settings, the hooks of an author, and the three endings.

A check passes, fails with an AssertionError, or raises NotChecked, which says why it could not be
made. Nothing here needs pytest, and pytest shows NotChecked as a skipped test.
"""

import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from functools import wraps
from importlib.metadata import version
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID, uuid4
from warnings import warn

from duecourse.channels import Channel, Config, Outbound, Permanent, WebhookRequest
from duecourse.contract import Plugin
from duecourse.redaction import secrets_of
from duecourse.testing.kit_settings import (
    at_http_port,
    has_tcp_place,
    http_places,
    make,
    make_config,
)
from duecourse.testing.peer import (
    HOST,
    Answer,
    HttpPeer,
    Peer,
    Request,
    Trouble,
    http_server,
    troublesome_http,
    troublesome_tcp,
)
from duecourse.testing.secret_forms import forms_of
from duecourse.testing.watch import Watch, watching

ADDRESSES: Final = {
    "sms": "+8615400000047",
    "email": "kit-4711@example.com",
    "letter": "林示例\n虚构省示例市样板路 4711 号",
    "other": "kit-4711",
}
BAD_ADDRESSES: Final = {
    "sms": "kit-4711 is no number",
    "email": "kit-4711 at example dot com",
    "letter": " \n ",
}
NAME: Final = "林示例-4711"

K = TypeVar("K", bound="Kit")


class NotChecked(unittest.SkipTest):
    """This check could not be made; the words say why, and what would make it possible."""


class ContractWarning(UserWarning):
    """A check failed that is new: from the next minor release on it is an error."""


def demand(holds: object, why: str) -> None:
    """An assertion that also stands under `python -O`."""
    if not holds:
        raise AssertionError(why)


def new_in(minor: str) -> Callable[[Callable[[K], None]], Callable[[K], None]]:
    """A check that came with release `minor`, such as 0.2: in that release its failure only warns."""

    def decorate(check: Callable[[K], None]) -> Callable[[K], None]:
        @wraps(check)
        def checked(self: K) -> None:
            try:
                check(self)
            except AssertionError as failed:
                if _minor(version("duecourse")) > _minor(minor):
                    raise
                warn(f"{failed} (an error from the release after {minor})", ContractWarning, 2)

        return checked

    return decorate


def _minor(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split(".")[:2])


class PluginKit:
    """A plugin and its settings; `config` are those as the file has them, a secret a plain string."""

    config: ClassVar[Mapping[str, Any]] = {}

    @property
    def plugin(self) -> Plugin:
        raise NotImplementedError

    @property
    def table(self) -> dict[str, Any]:
        return dict(self.config or self.plugin.example)

    @property
    def secrets(self) -> list[str]:
        """What must not be shown of its settings."""
        return secrets_in(make_config(self.plugin.config_class, self.table))


class Kit(PluginKit):
    """Set `channel`, and `config` where the class has no `example`. Override what the kit cannot know.

    `config` are settings as the file has them; a secret may be a plain string. `address` and
    `bad_address` are needed where those of the medium do not fit. `patience` is how many seconds
    `send` may take, whatever its peer does.
    """

    channel: ClassVar[type[Channel[Any]]]
    address: ClassVar[str] = ""
    bad_address: ClassVar[str] = ""
    patience: ClassVar[float] = 20.0

    # Hooks ---------------------------------------------------------------------------------------

    def peer(self) -> AbstractContextManager[Peer]:
        """A peer that takes messages. The kit's own speaks HTTP and says what `answer` returns."""
        return self._own_peer()

    def answer(self, request: Request, reference: str) -> Answer:
        """What the kit's HTTP peer says when it takes a message and calls it `reference`."""
        del request
        return Answer(body=b'{"id": "%s", "ok": true}' % reference.encode())

    def hostile(self, trouble: Trouble) -> AbstractContextManager[Mapping[str, Any]]:
        """Lead to a peer with this trouble. By itself the kit knows `url`, and `host` with `port`."""
        return self._own_trouble(trouble)

    def sign(self, body: bytes) -> WebhookRequest:
        """A webhook with this body as the peer signs it, whatever the body is."""
        del body
        raise NotChecked("only the author can sign a webhook: override `sign`")

    def receipts(self) -> Sequence[WebhookRequest]:
        """Genuine webhooks with receipts, of each status that the peer knows."""
        raise NotChecked("only the author knows what a receipt looks like: override `receipts`")

    def reply(self, text: str) -> WebhookRequest:
        """A genuine webhook with what somebody wrote back."""
        del text
        raise NotChecked("only the author knows what a reply looks like: override `reply`")

    # What the checks use -------------------------------------------------------------------------

    @property
    def plugin(self) -> Plugin:
        return self.channel

    @property
    def medium(self) -> str:
        return self.channel.capabilities.medium

    @contextmanager
    def made(self, settings: Mapping[str, Any] | None = None) -> Iterator[Channel[Any]]:
        """The channel, constructed with these settings over its own, and closed afterwards."""
        channel = make(self.channel, {**self.table, **(settings or {})})
        try:
            yield channel
        finally:
            channel.close()

    @contextmanager
    def reached(self) -> Iterator[tuple[Channel[Any], Peer]]:
        """The channel before a peer. At the kit's own nothing beyond this machine is touched."""
        with self.peer() as peer:
            with (
                watching("loopback") if peer.is_ours else nullcontext() as watch,
                self._at(peer) as channel,
            ):
                yield channel, peer
            if watch is not None:
                stay_near(watch)

    @contextmanager
    def _at(self, peer: Peer) -> Iterator[Channel[Any]]:
        try:
            channel = make(self.channel, {**self.table, **peer.settings})
        except Exception as refused:
            if not peer.is_ours:
                raise
            raise NotChecked(
                f"the kit's peer does not suit it ({refused}): override `peer`"
            ) from None
        try:
            yield channel
        finally:
            channel.close()

    def message(self, text: str = "kit-text-4711", **changes: Any) -> Outbound:  # noqa: ANN401 - any field
        """A permitted message; each has a key of its own."""
        key = uuid4()
        now = datetime.now(UTC)
        fields: dict[str, Any] = {
            "key": str(key),
            "contact_id": key,
            "case_id": UUID(int=4711),
            "to": self.address or ADDRESSES[self.medium],
            "to_name": NAME,
            "subject": "kit subject",
            "body": text,
            "language": "zh",
            "sender_name": "Example Bank (fictional)",
            "at": now,
            "expires_at": now + timedelta(hours=1),
        }
        return Outbound(**(fields | changes))

    @property
    def wrong_address(self) -> str:
        wrong = self.bad_address or BAD_ADDRESSES.get(self.medium, "")
        if not wrong:
            raise NotChecked(
                "no address is wrong for every channel of this medium: set `bad_address`"
            )
        return wrong

    def personal(self, message: Outbound, channel: Channel[Any]) -> list[str]:
        """What must not be repeated of a message: its address in every form, the name, the text."""
        forms = [*message.to.split("\n"), message.to, message.to_name, message.body]
        with suppress(Permanent):
            forms.append(channel.normalise(message.to))
        return [form for form in forms if form.strip()]

    # The kit's own peers -------------------------------------------------------------------------

    @contextmanager
    def _own_peer(self) -> Iterator[Peer]:
        if http_places(self.channel, self.table):
            peer = HttpPeer(self.answer)
            with http_server(peer) as port:
                settings = at_http_port(self.channel, self.table, port)
                yield Peer(settings=settings, arrived=peer.arrived, is_ours=True)
        elif has_tcp_place(self.channel):
            raise NotChecked(
                "the kit does not speak what stands at `host` and `port`: override `peer`"
            )
        else:
            yield Peer(settings={}, arrived=None, is_ours=True)

    @contextmanager
    def _own_trouble(self, trouble: Trouble) -> Iterator[Mapping[str, Any]]:
        if http_places(self.channel, self.table):
            with troublesome_http(trouble) as port:
                yield at_http_port(self.channel, self.table, port)
        elif not has_tcp_place(self.channel):
            raise NotChecked("it has no setting `url`, nor `host` and `port`: override `hostile`")
        elif trouble in {"refused", "hang", "dropped", "garbage"}:
            with troublesome_tcp(trouble) as port:
                yield {"host": HOST, "port": port}
        else:
            raise NotChecked(f"the kit's TCP peer cannot answer {trouble}: override `hostile`")


def secrets_in(config: Config) -> list[str]:
    """Those of these settings that can be looked for, in every form in which they may be shown."""
    return forms_of(secrets_of(config))


def stay_near(watch: Watch) -> None:
    """Raises NotChecked when the code tried what the kit does not let it do."""
    if watch.seen:
        raise NotChecked(f"it reaches for {watch.seen[0]}, which the kit refused: override `peer`")
