"""Replies that came in several parts, put together again within bounds."""

from collections.abc import Iterator
from typing import Final

import msgspec

from duecourse_sms.deliveries import Delivery

WAIT_SECONDS: Final = 30.0
MOST_SETS: Final = 100


class Whole(msgspec.Struct, frozen=True):
    """The parts that there are, in order, and the names under which they were added."""

    parts: tuple[Delivery, ...]
    names: tuple[str, ...]


class _Set(msgspec.Struct):
    began: float
    total: int
    parts: dict[int, Delivery]
    names: list[str]

    def whole(self) -> Whole:
        ordered = tuple(self.parts[number] for number in sorted(self.parts))
        return Whole(ordered, tuple(self.names))


class Assembly:
    """Parts belong together by who wrote to whom, their reference and their number.

    What is not complete after `WAIT_SECONDS`, or stands in the way of others, is given as it is:
    a STOP in the one part that came is better heard than waited for.
    """

    def __init__(self) -> None:
        self._sets: dict[tuple[str, str, int, int], _Set] = {}

    def add(self, delivery: Delivery, name: str, now: float) -> Whole | None:
        """The whole message, once its last part is here."""
        place = delivery.place
        if place is None:
            return Whole((delivery,), (name,))
        key = (delivery.source, delivery.destination, place.reference, place.total)
        found = self._sets.setdefault(key, _Set(now, place.total, {}, []))
        found.parts.setdefault(place.number, delivery)
        found.names.append(name)
        if len(found.parts) < found.total:
            return None
        return self._sets.pop(key).whole()

    def overdue(self, now: float) -> Iterator[Whole]:
        """What is not waited for any longer."""
        for key, each in list(self._sets.items()):
            if now - each.began >= WAIT_SECONDS or len(self._sets) > MOST_SETS:
                yield self._sets.pop(key).whole()
