"""Names that must be of this house: a channel, a template, a filing adapter, a word of the rules.

Taken up unseen, a misspelt one would come out days later: as a message or a claim that never left,
or as the wish of a debtor that no rule ever saw.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from duecourse.case.words import MANUAL_CHANNELS
from duecourse.rendering import list_templates
from duecourse.rules.names import ALL, WORKPLACE
from duecourse_api.asking import Asking
from duecourse_api.problems import INVALID_FIELD, Kind, Refused
from duecourse_api.services import Services

_SKEW: Final = timedelta(minutes=5)
"""How far the clock of whoever reports may be ahead of ours."""
NOT_CONFIGURED: Final = Kind("not-configured", "This house does not have what is named", 422)


def require_channel(services: Services, channel: str) -> None:
    _require(
        channel,
        services.channels.keys() | MANUAL_CHANNELS,
        "channel",
        "no such channel is configured",
    )


def require_template(services: Services, channel: str, template: str) -> None:
    """What people say on a manual channel is not printed, so its template is a name only."""
    if channel in MANUAL_CHANNELS:
        return
    medium = services.channels[channel].capabilities.medium
    codes = {each.code for each in list_templates() if medium in each.media}
    _require(template, codes, "template", f"there is no such template for {medium}")


def require_filing(services: Services, adapter: str) -> None:
    if not services.filings:
        words = "no filing adapter is configured; add [filings.NAME] to the settings"
        raise Refused(NOT_CONFIGURED, words, "adapter")
    _require(adapter, services.filings, "adapter", "no such filing adapter is configured")


def require_channels(asking: Asking, words: Iterable[str], field: str = "channel") -> None:
    known = asking.services.channels.keys() | asking.names.channels
    for word in words:
        _require(word, known, field, "there is no such channel")


def require_left(asking: Asking, word: str) -> None:
    """A channel that somebody leaves; or all of them."""
    if word != ALL:
        require_channels(asking, [word])


def require_medium(asking: Asking, word: str) -> None:
    """What somebody refuses: a channel, all of them, or the workplace."""
    if word not in {ALL, WORKPLACE}:
        require_channels(asking, [word], "medium")


def require_consent(asking: Asking, word: str, channel: str | None) -> None:
    _require(word, asking.names.consents, "consent", "no rule asks for such a consent")
    if channel:
        require_channels(asking, [channel])


def require_fact(asking: Asking, word: str) -> None:
    _require(word, asking.names.facts, "fact", "no rule looks for such a fact")


def require_past(asking: Asking, moment: datetime, field: str) -> None:
    """What is reported has happened."""
    if moment > asking.services.clock() + _SKEW:
        words = "it lies in the future; report what has happened once it has"
        raise Refused(INVALID_FIELD, words, field)


def _require(name: str, known: Iterable[str], field: str, problem: str) -> None:
    names = sorted(known)
    if name not in names:
        there_are = ", ".join(names) or "none"
        raise Refused(NOT_CONFIGURED, f"{problem}; there are: {there_are}", field)
