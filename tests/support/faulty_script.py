"""What the faulty gateway does with each request and says of each message: a function of a seed.

Nothing here knows the time or what happened before, so any run can be repeated from its seed.
"""

from random import Random
from typing import Final, Literal

import msgspec

Guarantee = Literal["idempotent", "queryable", "opaque"]
Action = Literal[
    "take",  # and say so
    "take_slowly",  # and say so after the lease of whoever asked
    "take_and_hang_up",
    "take_and_fail",  # with 500
    "take_and_mumble",  # a success that cannot be read
    "hang_up",
    "fail",  # with 500
    "fail_503",  # without saying for how long
    "busy",  # 503 and a time
    "limit",  # 429 and a time
    "refuse",  # 422
    "lock_out",  # 401
]
DRAWN: Final[dict[Action, int]] = {
    "take": 24,
    "take_slowly": 2,
    "take_and_hang_up": 14,
    "take_and_fail": 10,
    "take_and_mumble": 6,
    "hang_up": 10,
    "fail": 6,
    "fail_503": 4,
    "busy": 8,
    "limit": 8,
    "lock_out": 4,
}
"""With how often each is drawn, but for `refuse`: that is for good, from the first try on."""
REFUSED: Final = 0.05
ACTIONS: Final[tuple[Action, ...]] = (*DRAWN, "refuse")
TAKES: Final = frozenset(action for action in ACTIONS if action.startswith("take"))
TURNS_AWAY: Final[frozenset[Action]] = frozenset({"busy", "limit", "refuse", "lock_out"})
UNCLEAR: Final = frozenset(ACTIONS) - TURNS_AWAY - {"take", "take_slowly"}
"""After which whoever asked cannot know whether the message was taken."""
FAULTY_ATTEMPTS: Final = 4
"""From the next one on each request is answered truly: every script comes to an end."""

Answer = Literal["answer", "busy", "hang_up"]
"""To a question what became of a message."""

STATUSES: Final = ("queued", "sent", "expired", "failed", "delivered")
"""Of a receipt, in the order of what they say: the last of these that came is what counts."""
Forgery = Literal["", "no signature", "another key", "another body"]
FORGERIES: Final[tuple[Forgery, ...]] = ("no signature", "another key", "another body")


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt that the gateway will send - or somebody else, if it is a forgery.

    It names the message by the gateway's own id, by our key, or by a name that nobody gave.
    """

    name: str
    status: str
    names: Literal["id", "key", "nobody"] = "id"
    when: Literal["before the answer", "soon", "late"] = "soon"
    times: int = 1
    forgery: Forgery = ""

    @property
    def is_genuine(self) -> bool:
        return not self.forgery and self.names != "nobody"


def action(seed: int, key: str, attempt: int) -> Action:
    """What becomes of the `attempt`-th request, from 1 on, to send a message."""
    if Random(f"{seed}/{key}/refuse").random() < REFUSED:
        return "refuse"
    if attempt > FAULTY_ATTEMPTS:
        return "take"
    random = Random(f"{seed}/{key}/send/{attempt}")
    (drawn,) = random.choices(list(DRAWN), list(DRAWN.values()))
    return drawn


def answer(seed: int, key: str, attempt: int) -> Answer:
    """What becomes of the `attempt`-th question, from 1 on, whether a message was taken."""
    if attempt > FAULTY_ATTEMPTS:
        return "answer"
    random = Random(f"{seed}/{key}/find/{attempt}")
    drawn: Answer = random.choice(("answer", "answer", "busy", "hang_up"))
    return drawn


def sayings(seed: int, key: str) -> tuple[Saying, ...]:
    """What will be reported of a message, in the order in which it is tried first."""
    random = Random(f"{seed}/{key}/say")
    names: Literal["id", "key"] = random.choice(("id", "key"))
    genuine = [
        Saying(
            name=f"r{number}",
            status=random.choice(STATUSES),
            names=names,
            when=random.choice(("before the answer", "soon", "soon", "late")),
            times=random.choice((1, 1, 2, 3)),
        )
        for number in range(random.randint(1, 4))
    ]
    said = [*genuine, *_strangers(random)]
    random.shuffle(said)
    return tuple(said)


def _strangers(random: Random) -> list[Saying]:
    """What is not to be believed, and what fits nobody: each would win if it counted."""
    found = []
    if random.random() < 0.4:
        forgery = random.choice(FORGERIES)
        names: Literal["id", "key"] = random.choice(("id", "key"))
        found.append(Saying(name="forged", status="delivered", names=names, forgery=forgery))
    if random.random() < 0.2:
        found.append(Saying(name="lost", status="delivered", names="nobody"))
    return found
