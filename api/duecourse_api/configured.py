"""Names that must be of this house: a channel, a template, a filing adapter.

Taken up unseen, a misspelt one would come out days later, as a message or a claim that never left.
"""

from collections.abc import Iterable
from typing import Final

from duecourse.case.words import MANUAL_CHANNELS
from duecourse.rendering import list_templates
from duecourse_api.problems import Kind, Refused
from duecourse_api.services import Services

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


def _require(name: str, known: Iterable[str], field: str, problem: str) -> None:
    names = sorted(known)
    if name not in names:
        there_are = ", ".join(names) or "none"
        raise Refused(NOT_CONFIGURED, f"{problem}; there are: {there_are}", field)
