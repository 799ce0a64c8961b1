"""Checks of `send` and `find`: what is claimed of a message is what became of it."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any, Final

from duecourse.channels import Accepted, Capabilities, Channel, Outbound, Permanent
from duecourse.testing.kit import Kit, NotChecked, demand, secrets_in
from duecourse.testing.kit_settings import hasty, http_places
from duecourse.testing.peer import Arrival, Peer, Trouble
from duecourse.testing.trial import Result, Trial, is_sound
from duecourse.testing.watch import watching

PARALLEL: Final = 8
_ROUNDS: Final = 3
_QUICK: Final[tuple[Trouble, ...]] = (
    "refused", "dropped", "garbage", "429", "500", "401",
)  # fmt: skip


class SendingChecks(Kit):
    def test_a_message_is_accepted(self) -> None:
        with self.reached() as (channel, peer):
            self.accepted(channel, peer, self.message())

    def test_a_bad_address_is_permanent(self) -> None:
        """And the words of the refusal do not repeat it: they are stored in clear."""
        wrong = self.wrong_address
        with self.made() as channel:
            try:
                channel.normalise(wrong)
            except Permanent as refused:
                demand(
                    not wrong.strip() or wrong not in str(refused),
                    "the refusal repeats the address",
                )
            except Exception as error:  # noqa: BLE001 - anything else is not what was promised
                raise AssertionError(
                    f"`normalise` must raise Permanent, not {type(error).__name__}"
                ) from None
            else:
                raise AssertionError("`normalise` takes a bad address")

    def test_an_address_is_stored_in_one_form(self) -> None:
        with self.made() as channel:
            once = channel.normalise(self.message().to)
            demand(channel.normalise(once) == once, "normalising twice gives another address")

    def test_a_refused_connection_is_transient(self) -> None:
        """Nothing left: that is sure, and worth another try."""
        self._demand_trial("refused", {"transient"})

    def test_silence_is_neither_accepted_nor_permanent(self) -> None:
        self._demand_trial("hang", self._after_the_request())

    def test_a_line_cut_before_the_answer_is_neither_accepted_nor_permanent(self) -> None:
        self._demand_trial("dropped", self._after_the_request())

    def test_an_answer_of_garbage_is_neither_accepted_nor_permanent(self) -> None:
        self._demand_trial("garbage", self._after_the_request())

    def test_too_many_requests_is_transient_or_unknown(self) -> None:
        self._demand_trial("429", {"transient", "unknown"})

    def test_a_broken_peer_is_transient_or_unknown(self) -> None:
        for trouble in ("500", "503"):
            self._demand_trial(trouble, {"transient", "unknown"})

    def test_wrong_credentials_are_permanent(self) -> None:
        for trouble in ("401", "403"):
            self._demand_trial(trouble, {"permanent"})

    def test_words_that_are_stored_name_nobody(self) -> None:
        """No address, no name, no text, though the peer quotes them; and no secret anywhere."""
        message, looked_at = self.message(), 0
        for trouble in _QUICK:
            with suppress(NotChecked), self._before(trouble) as channel:
                trial = Trial.of(channel, message, self.patience)
                secrets = {*self.secrets, *secrets_in(channel.config)}
                self._demand_discreet(trial, self.personal(message, channel), secrets)
                looked_at += 1
        if not looked_at:
            raise NotChecked("there is no peer that refuses: override `hostile`")

    def _demand_discreet(
        self, trial: Trial, personal: Collection[str], secrets: Collection[str]
    ) -> None:
        told = [each for each in personal if trial.tells(each)]
        demand(not told, f"{trial}: its words or the logs hold address, name or text")
        shown = [secret for secret in secrets if secret in trial.shown]
        demand(not shown, f"{trial}: an error or the logs hold a secret")

    def test_an_expired_message_is_not_sent(self) -> None:
        """From `expires_at` on nothing may leave, by the message's own `at` or by any clock."""
        message = self.message()
        expired = message.at - timedelta(minutes=1)
        with self.reached() as (channel, peer):
            trial = Trial.of(channel, self.message(expires_at=expired), self.patience)
            demand(
                trial.result == "permanent" and not self._arrived(peer),
                f"an expired message is {trial}; right is: permanent, before anything leaves",
            )

    def test_the_same_key_twice_is_one_message(self) -> None:
        if self._promised().guarantee != "idempotent":
            raise NotChecked("it does not promise to be idempotent")
        message = self.message()
        with self.reached() as (channel, peer):
            first = self.accepted(channel, peer, message)
            second = self.accepted(channel, peer, message, surely=True)
            demand(first.reference == second.reference, "the same key got another reference")
            arrived = self._known(peer)
        demand(len(arrived) == 1, f"the same key twice became {len(arrived)} messages at the peer")

    def test_what_was_sent_is_found_and_nothing_else(self) -> None:
        if self._promised().guarantee != "queryable":
            raise NotChecked("it does not promise to be queryable")
        message = self.message()
        with self.reached() as (channel, peer):
            self._known(peer)
            demand(channel.find(message) is None, "`find` finds what was never sent")
            sent = self.accepted(channel, peer, message)
            found = channel.find(message)
        demand(
            isinstance(found, Accepted) and found.reference == sent.reference,
            "`find` does not find what was sent, under its reference",
        )

    def test_many_threads_send_at_once(self) -> None:
        messages = [
            self.message(f"kit-text-{number:03d}-end", to=self.message().to)
            for number in range(PARALLEL * _ROUNDS)
        ]
        with self.reached() as (channel, peer):
            self.accepted(channel, peer, self.message("kit-text-first"))
            with ThreadPoolExecutor(PARALLEL) as pool:
                sent = list(
                    pool.map(lambda each: self.accepted(channel, peer, each, surely=True), messages)
                )
            arrived = self._arrived(peer)
        references = [each.reference for each in sent]
        demand(len(set(references)) == len(sent), "two messages got the same reference")
        if arrived:
            demand(len(arrived) == len(sent) + 1, f"{len(sent) + 1} sent, {len(arrived)} arrived")
            _demand_own_references(messages, references, arrived)

    # What they use -------------------------------------------------------------------------------

    def accepted(
        self, channel: Channel[Any], peer: Peer, message: Outbound, *, surely: bool = False
    ) -> Accepted:
        """Send, and demand that it is taken, with an answer that the core would believe.

        Where the kit's own peer took another message before, it is taken `surely`.
        """
        trial = Trial.of(channel, message, self.patience)
        if trial.result != "accepted" and peer.is_ours and not surely:
            raise NotChecked(
                f"the kit has no peer for it, and without one it is {trial}: override `peer`"
                if peer.arrived is None
                else f"at the kit's peer it is {trial}: override `answer` or `peer`"
            )
        demand(trial.result == "accepted", f"a message that the peer takes is {trial}")
        demand(
            is_sound(trial.given),
            "`send` must return Accepted, its reference 1 to 200 printable characters",
        )
        given: Accepted = trial.given
        return given

    @contextmanager
    def _before(self, trouble: Trouble) -> Iterator[Channel[Any]]:
        """The channel before a peer that has this trouble. At the kit's own it is watched."""
        with self.hostile(trouble) as settings:
            try:
                made = self.made(self._hasty(settings) if trouble == "hang" else settings)
                channel = made.__enter__()
            except Exception as refused:  # noqa: BLE001 - whatever it says to our settings
                raise NotChecked(
                    f"the kit's peer does not suit it ({refused}): override `hostile`"
                ) from None
            try:
                is_ours = type(self).hostile is Kit.hostile
                with watching("loopback") if is_ours else nullcontext() as watch:
                    yield channel
            finally:
                made.__exit__(None, None, None)
            if watch is not None and watch.seen:
                raise NotChecked(f"it reaches for {watch.seen[0]} instead: override `hostile`")

    def _demand_trial(self, trouble: Trouble, allowed: Collection[Result]) -> None:
        with self._before(trouble) as channel:
            trial = Trial.of(channel, self.message(), self.patience)
        demand(
            trial.result != "late",
            f"still not back after {self.patience:g} seconds; give it a `timeout`",
        )
        demand(
            trial.result in allowed, f"it says {trial}; right is: {' or '.join(sorted(allowed))}"
        )

    def _after_the_request(self) -> set[Result]:
        """Where the peer has the whole request, only a channel that may send it again may say so."""
        has_request = bool(http_places(self.channel, self.table))
        if has_request and self._promised().guarantee != "idempotent":
            return {"unknown"}
        return {"transient", "unknown"}

    def _hasty(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return hasty(self.channel, {**self.table, **settings})

    def _promised(self) -> Capabilities:
        with self.made() as channel:
            return channel.capabilities

    def _arrived(self, peer: Peer) -> list[Arrival]:
        return list(peer.arrived()) if peer.arrived else []

    def _known(self, peer: Peer) -> list[Arrival]:
        if peer.arrived is None:
            raise NotChecked("nobody knows what arrived: override `peer`")
        return list(peer.arrived())


def _demand_own_references(
    messages: list[Outbound], references: list[str], arrived: list[Arrival]
) -> None:
    """Where the peer's list shows text and reference, each message got the reference of its own."""
    for message, reference in zip(messages, references, strict=True):
        own = [each for each in arrived if message.body in each.content and each.reference]
        demand(
            not own or reference in {each.reference for each in own},
            "a message got the reference of another one",
        )
