"""Who has a name to itself, and who waits for it in which order."""

from collections import deque

from duecourse.store.tasks import Task


class Turns:
    """Names are the numbers of UUIDs, which are hashed much faster than the ids themselves."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Task]] = {}

    def take(self, name: int, task: Task) -> bool:
        """True if the name was free; else the task waits for it."""
        line = self._waiting.get(name)
        if line is None:
            self._waiting[name] = deque()
            return True
        line.append(task)
        return False

    def pass_on(self, name: int) -> Task | None:
        """The task that has the name now; None if nobody wanted it."""
        line = self._waiting[name]
        if line:
            return line.popleft()
        del self._waiting[name]
        return None
