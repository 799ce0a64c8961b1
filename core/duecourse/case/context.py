"""What a decision needs besides the case: the time, the person, the rules, the house's terms."""

from datetime import datetime

import msgspec

from duecourse.case.words import Role
from duecourse.rules.gate import RuleBook
from duecourse.rules.treatment import Treatment


class Actor(msgspec.Struct, frozen=True):
    """Who asks: a member of staff, an integration, or the system itself. Never a debtor."""

    id: str
    role: Role


SYSTEM = Actor("system", "system")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    actor: Actor
    rules: RuleBook
    treatment: Treatment
