"""What a replica makes of the events of a stream. Pure: it says what is to be done, and others do it."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from ._article import Article, Change, Hashes, Hole, Large, Refused, Repeated, applied, verified
from ._events import Event

#: How a replica stands: not connected; connected and behind; following; ended.
ReplicaStatus = Literal["connecting", "catching-up", "live", "closed"]
#: Why an article was taken as a whole. ``start``: the replica begins with it. ``hole``: changes in between
#: were missing. ``mismatch``: a change was not what it promised. ``large``: the change was too large for a
#: message. ``gone``: the service can no longer go on from where the replica was. ``behind``: the reader was
#: slower than the updates, and those in between were left out.
ResetReason = Literal["start", "hole", "mismatch", "large", "gone", "behind"]

_RETRY_MS: Final = 1_000
_DELAY_MAX: Final = 30.0
_DOUBLINGS_MAX: Final = 10


@dataclass(frozen=True)
class Recall:
    """Revisions that must not be used any more: take away what you made of them.

    ``acknowledged`` is always false: over HTTP the service is not told that the recall was applied. A
    subscriber whose acknowledgement must be counted follows over NATS.
    """

    story: str
    revision: int
    kind: str
    status: str
    voids: tuple[int, ...]
    note: str
    acknowledged: Literal[False] = False


@dataclass(frozen=True)
class Update:
    """Something happened to a story. The updates of one story come in the order of its revisions.

    ``change`` is what changed and why; ``None`` where the article was taken as a whole. ``reset`` says why
    it was: forget what you derived from the article before. ``article`` is ``None`` only where a replica of
    many stories does not hold the story, or, with a ``reset`` and no ``story``, where every story is meant.
    """

    story: str | None
    change: Change | None
    article: Article | None
    reset: ResetReason | None = None

    @property
    def recall(self) -> Recall | None:
        """What the change calls back, if it does."""
        change = self.change
        if change is None:
            return None
        kind = change["kind"]
        # A redaction that voids nothing only annotates.
        if kind not in _RECALLS or (kind == "redaction" and not change["voids"]):
            return None
        status = change.get("status", "usable")
        return Recall(change["story"], change["to"], kind, status, tuple(change["voids"]), change["note"])


_RECALLS: Final = frozenset({"withhold", "kill", "takedown", "correction", "redaction"})


class Again(Exception):
    """Leave this connection and begin again from the article."""


class Ending(Exception):
    """The service ends this connection in order: come again after the delay, in seconds."""

    def __init__(self, delay: float) -> None:
        super().__init__(delay)
        self.delay = delay


class Unavailable(Exception):
    """The service cannot answer now: come again, not before ``retry_after`` seconds have passed."""

    def __init__(self, why: str, retry_after: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after = retry_after


def _change(event: Event) -> Change:
    try:
        change = json.loads(event.data)["data"]
        if not isinstance(change, dict) or not isinstance(change["to"], int):
            raise TypeError("it holds no change")
        return change  # type: ignore[return-value]
    except (ValueError, KeyError, TypeError, RecursionError) as problem:
        raise Refused(f"an event cannot be read: {problem!r}") from problem


def _object(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Refused(f"an event cannot be read: {problem!r}") from problem


def _ending(data: str) -> Ending:
    try:
        return Ending(min(float(_object(data)["reconnect_ms"]) / 1000, _DELAY_MAX))
    except (Refused, KeyError, TypeError, ValueError):
        return Ending(_RETRY_MS / 1000)


class Pauses:
    """How long to wait before the next attempt: longer each time, and not all at once."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._failures = 0

    def went_well(self) -> None:
        """Something came that could be verified."""
        self._failures = 0

    def after(self, problem: BaseException) -> float:
        """Returns the seconds to wait after ``problem`` has ended a connection."""
        if isinstance(problem, Ending):
            return problem.delay
        failures, self._failures = self._failures, self._failures + 1
        if isinstance(problem, Again) and failures == 0:
            return 0.0
        base = (_RETRY_MS if self.retry_ms is None else self.retry_ms) / 1000
        delay: float = min(base * 2 ** min(failures, _DOUBLINGS_MAX), _DELAY_MAX)
        least = problem.retry_after if isinstance(problem, Unavailable) else 0.0
        return max(least, delay * random.uniform(0.5, 1.0))


def _life(cursor: str) -> str:
    return cursor.partition("-")[0]


class StoryFollower:
    """Follows one story."""

    def __init__(self, story: str, article: Article | None) -> None:
        self._path = f"/v1/stories/{quote(story, safe='')}/events"
        self._hashes = Hashes()
        self.article = None if article is None else verified(article, self._hashes)
        self.cursor: str | None = None if self.article is None else self.article["cursor"]
        self.is_live = False
        self._reason: ResetReason | None = None
        self._large: Change | None = None

    def request(self) -> tuple[str, str | None]:
        """Returns the path to ask for, and the cursor to go on from."""
        return self._path, None if self._reason else self.cursor

    def gone(self) -> None:
        """The service cannot go on from the cursor: the next request begins again."""
        self._reason = "gone"

    def take(self, event: Event) -> list[Update]:
        """Takes the next event. Raises :class:`Again`, :class:`Ending`, or :class:`Refused` if what the
        service begins with cannot be verified."""
        updates: list[Update] = []
        if event.name == "message":
            updates = self._take_change(event)
        elif event.name == "snapshot":
            updates = self._take_article(_object(event.data))
        elif event.name == "up-to-date":
            self.is_live = True
        elif event.name == "must-refetch":
            self.gone()
            raise Again
        elif event.name == "closing":
            raise _ending(event.data)
        if event.id:
            self.cursor = event.id
        return updates

    def _take_change(self, event: Event) -> list[Update]:
        change: Change | None = None
        try:
            change = _change(event)
            if self.article is not None and change["story"] != self.article["story"]:
                raise Refused("the change is of another story")
            before = self.article
            self.article = applied(before, change, self._hashes)
        except Repeated:
            return []
        except Hole:
            self._reason = "hole"
        except Large:
            self._reason, self._large = "large", change
        except Refused:
            self._reason = "mismatch"
        else:
            follows = before is not None and change["from"] == before["revision"]
            reset: ResetReason | None = None if follows else "hole" if before else "start"
            return [Update(change["story"], change, self.article, reset)]
        raise Again

    def _take_article(self, given: object) -> list[Update]:
        article = verified(given, self._hashes)
        before, reason = self.article, self._reason
        large, self._large, self._reason = self._large, None, None
        if before is not None:
            is_old = article["revision"] <= before["revision"] and _life(article["cursor"]) == _life(before["cursor"])
            if is_old and (article["hash"] == before["hash"] or article["revision"] < before["revision"]):
                return []
        self.article = article
        change = large if large is not None and large["to"] == article["revision"] else None
        return [Update(article["story"], change, article, reason or ("gone" if before else "start"))]


class ManyFollower:
    """Follows many stories: every change is told, and the articles that were asked for are held."""

    def __init__(self, query: Mapping[str, str], since: str | None) -> None:
        self._query, self._since = query, since
        self.cursor: str | None = None
        self.is_live = False
        self.articles: dict[str, Article] = {}
        self._hashes: dict[str, Hashes] = {}
        #: Stories that are held or being fetched: the newest revision that was told of each.
        self._told: dict[str, int] = {}
        #: Stories whose article must be fetched again, and why.
        self.wanted: dict[str, tuple[ResetReason, Change | None]] = {}
        self._is_gone = False

    def request(self) -> tuple[str, str | None]:
        """Returns the path to ask for, and the cursor to go on from."""
        query = dict(self._query)
        if self.cursor is None and self._since is not None:
            query["since"] = self._since
        return "/v1/events" + ("?" + urlencode(query) if query else ""), self.cursor

    def gone(self) -> None:
        """The service cannot go on from the cursor: the next request begins with what comes now."""
        self.cursor, self._since, self._is_gone = None, None, True

    def expect(self, story: str) -> None:
        """A story's article is about to be fetched; what is told of it meanwhile is taken note of."""
        self._told.setdefault(story, 0)

    def hold(self, story: str, given: object) -> Article | None:
        """Holds an article that was fetched; ``None``: it is older than what was told, fetch it again.

        Raises :class:`Refused`.
        """
        hashes = Hashes()
        article = verified(given, hashes)
        if article["story"] != story:
            raise Refused("this is the article of another story")
        if article["revision"] < self._told.get(story, 0):
            return None
        held = self.articles.get(story)
        if held is not None and held["revision"] >= article["revision"] and story not in self.wanted:
            return held
        self.articles[story], self._hashes[story] = article, hashes
        return article

    def fetched(self, story: str, given: object) -> list[Update]:
        """Takes an article that was wanted. Raises :class:`Refused`, also if it is too old."""
        article = self.hold(story, given)
        if article is None:
            raise Refused("the article is older than what was told of it")
        reason, change = self.wanted.pop(story)
        if change is not None and change["to"] != article["revision"]:
            change = None
        return [Update(story, change, article, reason)]

    def forget(self, story: str) -> None:
        """Holds a story no longer."""
        for held in (self.articles, self._hashes, self._told, self.wanted):
            held.pop(story, None)

    def take(self, event: Event) -> list[Update]:
        """Takes the next event. Raises :class:`Again`, :class:`Ending` or :class:`Refused`."""
        updates: list[Update] = []
        if self._is_gone and event.name in ("message", "up-to-date"):
            updates.append(Update(None, None, None, "gone"))
            self.wanted = {story: ("gone", None) for story in self.articles}
            self._told = {story: 0 for story in self.articles}
            self._is_gone = False
        if event.name == "message":
            updates += self._take_change(_change(event))
        elif event.name == "up-to-date":
            self.is_live = True
        elif event.name == "must-refetch":
            self.gone()
            raise Again
        elif event.name == "closing":
            raise _ending(event.data)
        if event.id:
            self.cursor = event.id
        return updates

    def _take_change(self, change: Change) -> list[Update]:
        story = change["story"]
        if story in self._told:
            self._told[story] = max(self._told[story], change["to"])
        held = self.articles.get(story)
        if held is None:
            return [Update(story, change, None)]
        try:
            article = applied(held, change, self._hashes[story])
        except Repeated:
            return []
        except Hole:
            self.wanted[story] = ("hole", change)
        except Large:
            self.wanted[story] = ("large", change)
        except Refused:
            self.wanted[story] = ("mismatch", change)
        else:
            self.articles[story] = article
            self.wanted.pop(story, None)
            return [Update(story, change, article, None if change["from"] == held["revision"] else "hole")]
        return []
