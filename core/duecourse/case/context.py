"""What a decision needs besides the case: the time, the person, the rules, the house's terms."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from duecourse.case.words import Role
from duecourse.money.legal_places import AgreedOrder
from duecourse.rules.gate import RuleBook
from duecourse.rules.treatment import Treatment


class Actor(msgspec.Struct, frozen=True):
    """Who asks: a member of staff, an integration, or the system itself. Never a debtor."""

    id: str
    role: Role


SYSTEM = Actor("system", "system")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """`licences` say, by creditor, what the collector is; cases put it on record.

    `contents` say what a template declares to contain, by its code, the channel and the language.
    `media` say by which rules a channel of the settings is judged: `sms-second` is an `sms`.
    `orders` say, by creditor, which order of payment was agreed, where one was.
    """

    at: datetime
    actor: Actor
    rules: RuleBook
    treatment: Treatment
    licences: Mapping[str, str] = {}
    contents: Mapping[tuple[str, str, str], tuple[str, ...]] = {}
    media: Mapping[str, str] = {}
    orders: Mapping[str, AgreedOrder] = {}

    def licence_of(self, creditor: str) -> str:
        """Empty where the settings do not say it: then the rules for every licence apply."""
        return self.licences.get(creditor, "")

    def medium_of(self, channel: str) -> str:
        """What the rules call the channel."""
        return self.media.get(channel, channel)

    def content_of(self, template: str, channel: str, language: str) -> tuple[str, ...] | None:
        """None for what has no declared template, such as what people say in a call."""
        return self.contents.get((template, channel, language))
