"""How long a message may still be delivered."""

from datetime import UTC, datetime, timedelta

from duecourse import Outbound


def time_left(message: Outbound) -> timedelta:
    """From now until the message expires.

    By the clock of the business where that is another one, as in a demo: there the time that was
    given with the permission is all that is known.
    """
    given = message.expires_at - message.at
    left = message.expires_at - datetime.now(UTC)
    return left if timedelta() < left < given else given
