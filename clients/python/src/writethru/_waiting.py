"""Updates that wait for their reader: bounded, and honest about what was left out. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ._article import Article
from ._follower import Update


class Waiting:
    """A queue of updates.

    A reader that is slower than the updates is not waited for, because the service would leave a replica
    that takes nothing. Where more than ``limit`` would wait, those of each story become one update with
    ``reset="behind"`` and the article as it is when it is taken out: steps are lost, the state never is.
    """

    def __init__(self, limit: int, current: Callable[[str], Article | None]) -> None:
        self._limit = max(1, limit)
        self._current = current
        self._updates: deque[Update] = deque()
        self._behind: dict[str | None, None] = {}

    def __bool__(self) -> bool:
        return bool(self._updates or self._behind)

    def put(self, updates: list[Update]) -> None:
        """Adds updates at the end."""
        for update in updates:
            if update.story in self._behind:
                continue
            self._updates.append(update)
            if len(self._updates) > self._limit:
                self._behind.update((waiting.story, None) for waiting in self._updates)
                self._updates.clear()

    def take(self) -> Update:
        """Takes the first update out."""
        if not self._behind:
            return self._updates.popleft()
        story = next(iter(self._behind))
        del self._behind[story]
        if story is None:
            return Update(None, None, None, "gone")
        return Update(story, None, self._current(story), "behind")
