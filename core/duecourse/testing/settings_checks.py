"""Checks of a channel before it sends anything: what it promises, and its measure."""

from typing import Any, Final

from duecourse.channels import Channel, Measure, Permanent
from duecourse.contract import check_capabilities, written
from duecourse.testing.kit import Kit, demand
from duecourse.testing.kit_settings import make
from duecourse.testing.plugin_checks import PluginChecks
from duecourse.testing.watch import watching

_TEXTS: Final = ("short", "欠款提醒 😀", "long " * 100)


class SettingsChecks(PluginChecks, Kit):
    def test_what_it_promises_it_has_written(self) -> None:
        with self.made() as channel:
            able = channel.capabilities
        demand("send" in written(channel), "`send` is not written")
        wrote = written(channel)
        try:
            check_capabilities(able, wrote)
        except TypeError as wrong:
            raise AssertionError(str(wrong)) from None
        hears = able.inbound or able.receipts != "none"
        idle = [] if hears else [name for name in ("receive", "poll") if name in wrote]
        demand(not idle, f"it writes {' and '.join(idle)}: say `receipts` or `inbound`")

    def test_it_may_be_closed_twice(self) -> None:
        channel = make(self.channel, self.table)
        channel.close()
        channel.close()

    def test_measuring_is_pure(self) -> None:
        """The same message gives the same measure, from every instance, and nobody is asked."""
        for text in _TEXTS:
            message = self.message(text)
            given = []
            for _ in range(2):
                with self.made() as channel, watching("reading") as watch:
                    given += [_measured(channel, message) for _ in range(3)]
                demand(not watch.seen, f"measuring reaches for {', '.join(watch.seen[:1])}")
            demand(
                all(each == given[0] for each in given), "the same message is measured differently"
            )
            sound = given[0] is None or (isinstance(given[0], Measure) and given[0].units >= 1)
            demand(sound, "`measure` must return a Measure of at least 1 unit, or raise Permanent")


def _measured(channel: Channel[Any], message: Any) -> object:  # noqa: ANN401 - an Outbound
    try:
        return channel.measure(message)
    except Permanent:
        return None
