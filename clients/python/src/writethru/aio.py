"""The replicas of :mod:`writethru` for asyncio.

    import writethru.aio

    async with writethru.aio.follow("http://127.0.0.1:8080", story="ceasefire-talks") as replica:
        print(replica.current["headline"])
        async for update in replica:
            print(update.article["revision"])

Everything is used from the event loop that entered the ``async with``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Generic, TypeVar

from ._article import Article, Refused
from ._events import Parser, TooLarge
from ._follower import (
    Again,
    Ending,
    ManyFollower,
    Pauses,
    ReplicaStatus,
    StoryFollower,
    Unavailable,
    Update,
)
from ._http import Connection, Malformed
from ._service import (
    ANSWER_BYTES_MAX,
    FETCH_TIME_MAX,
    SILENCE_MAX,
    UPDATES_WAITING,
    Closed,
    FollowError,
    Gone,
    Service,
    article_path,
    check,
    check_stream,
    filters,
)
from ._waiting import Waiting

__all__ = ["Replica", "Stories", "follow", "follow_all"]

_FollowerT = TypeVar("_FollowerT", StoryFollower, ManyFollower)
_Self = TypeVar("_Self", bound="_Following")  # type: ignore[type-arg]
_Found = TypeVar("_Found")
#: What may end a connection and is mended by another one.
_MENDED = (OSError, asyncio.TimeoutError, EOFError, Malformed, Again, Ending, Unavailable, Refused, TooLarge)


class _Following(Generic[_FollowerT]):
    """What both kinds of replica share."""

    def __init__(
        self,
        service: Service,
        follower: _FollowerT,
        updates_waiting: int,
        context: ssl.SSLContext | None,
        timeout: float | None,
    ) -> None:
        self._service = service
        self._context = context
        self._follower: _FollowerT = follower
        self._timeout = timeout
        self._moved = asyncio.Event()
        self._waiting = Waiting(updates_waiting, self._held)
        self._task: asyncio.Task[None] | None = None
        self._is_connected = False
        self._is_begun = False
        self._is_closed = False
        self._failure: BaseException | None = None

    @property
    def status(self) -> ReplicaStatus:
        """How the replica stands now."""
        if self._is_closed:
            return "closed"
        if not self._is_connected:
            return "connecting"
        return "live" if self._follower.is_live else "catching-up"

    @property
    def cursor(self) -> str | None:
        """From where to follow after what was taken in so far."""
        return self._follower.cursor

    async def __aenter__(self: _Self) -> _Self:
        """Begins. Raises :class:`FollowError` if the service refuses, or :class:`TimeoutError`."""
        if self._task is not None:
            raise RuntimeError("a replica begins once")
        self._task = asyncio.create_task(self._run(), name="writethru-replica")
        try:
            await self._wait(lambda: self._is_begun or None, self._timeout)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the replica, and returns once it has ended. A reader's loop ends too."""
        self._is_closed = True
        self._notify()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aiter__(self) -> AsyncIterator[Update]:
        """Gives updates as they come. Ends when the replica is closed; raises :class:`FollowError` if the
        service refuses to go on."""
        while True:
            while not (self._waiting or self._is_closed):
                await self._moved.wait()
            if self._is_closed:
                if self._failure is not None:
                    raise self._failure
                return
            yield self._waiting.take()

    def _held(self, story: str) -> Article | None:
        raise NotImplementedError

    def _notify(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _wait(self, found: Callable[[], _Found | None], timeout: float | None) -> _Found:
        """Returns what ``found`` gives once that is something."""

        async def until() -> _Found:
            while True:
                given = found()
                if given is not None:
                    return given
                if self._failure is not None:
                    raise self._failure
                if self._is_closed:
                    raise Closed("the replica was closed")
                await self._moved.wait()

        try:
            return await asyncio.wait_for(until(), timeout)
        except asyncio.TimeoutError as problem:
            raise TimeoutError("the time is over") from problem

    async def _run(self) -> None:
        pauses = Pauses()
        try:
            while not self._is_closed:
                try:
                    await self._follow(pauses)
                except _MENDED as problem:
                    if isinstance(problem, Gone):
                        self._follower.gone()
                    self._is_connected = False
                    self._notify()
                    await asyncio.sleep(pauses.after(problem))
        except Exception as problem:
            self._failure = problem
        finally:
            self._is_closed = True
            self._notify()

    async def _follow(self, pauses: Pauses) -> None:
        path, cursor = self._follower.request()
        connection = Connection(self._service, self._context, SILENCE_MAX)
        try:
            await connection.open()
            await connection.ask(path, self._service.stream_headers(cursor))
            body = b"" if connection.status == 200 else await _whole(connection)
            check_stream(connection.status, connection.headers, body)
            self._is_connected, self._follower.is_live = True, False
            self._notify()
            await self._read(connection, pauses)
        finally:
            connection.close()
        raise ConnectionResetError("the stream ended without a word")

    async def _read(self, connection: Connection, pauses: Pauses) -> None:
        parser = Parser()
        while not self._is_closed and (piece := await connection.read()):
            events = parser.feed(piece)
            pauses.retry_ms = parser.retry_ms or pauses.retry_ms
            for event in events:
                self._waiting.put(self._follower.take(event))
                self._is_begun = True
                self._notify()
                await self._mend()
                pauses.went_well()

    async def _mend(self) -> None:
        """Fetches the articles that must be fetched; there are none where the stream has them."""

    async def _article(self, story: str) -> object:
        """Fetches an article."""

        async def fetched() -> object:
            connection = Connection(self._service, self._context, FETCH_TIME_MAX)
            try:
                await connection.open()
                await connection.ask(article_path(story), self._service.article_headers())
                body = await _whole(connection)
            finally:
                connection.close()
            check(connection.status, connection.headers, body)
            return json.loads(body)

        try:
            return await asyncio.wait_for(fetched(), FETCH_TIME_MAX)
        except (ValueError, RecursionError) as problem:
            raise Unavailable(f"the answer cannot be read: {problem}") from problem


async def _whole(connection: Connection) -> bytes:
    body = bytearray()
    while piece := await connection.read():
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise Unavailable("the answer is larger than any article")
    return bytes(body)


class Replica(_Following[StoryFollower]):
    """A live, verified replica of one story. Iterate over it for updates, or look at :attr:`current`."""

    @property
    def current(self) -> Article:
        """The article as it is known now. Raises :class:`Closed` before the replica has begun."""
        if self._follower.article is None:
            raise Closed("the replica has not begun: use it in `async with`")
        return self._follower.article

    @property
    def revision(self) -> int:
        """The revision of the article as it is known now."""
        return self.current["revision"]

    async def wait_until(self, revision: int, timeout: float | None = None) -> Article:
        """Returns the article once it is at ``revision`` or later.

        Raises :class:`TimeoutError` after ``timeout`` seconds, :class:`Closed` or :class:`FollowError`.
        """

        def reached() -> Article | None:
            article = self._follower.article
            return article if article is not None and article["revision"] >= revision else None

        return await self._wait(reached, timeout)

    def _held(self, story: str) -> Article | None:
        return self._follower.article


class Stories(_Following[ManyFollower]):
    """Every change of many stories, and live, verified replicas of those that are asked for."""

    @property
    def articles(self) -> dict[str, Article]:
        """The articles that are held, by story: a copy."""
        return dict(self._follower.articles)

    async def article(self, story: str, timeout: float | None = None) -> Article:
        """Returns a story's article, and keeps it up to date from now on. ``story`` is an id.

        Raises :class:`FollowError` if readers have no such story, :class:`TimeoutError`, or
        :class:`Closed`.
        """
        try:
            return await asyncio.wait_for(self._fetched(story), timeout)
        except asyncio.TimeoutError as problem:
            raise TimeoutError("the time is over") from problem

    async def _fetched(self, story: str) -> Article:
        pauses = Pauses()
        while True:
            if self._is_closed:
                raise self._failure or Closed("the replica was closed")
            held = self._follower.articles.get(story)
            if held is not None and story not in self._follower.wanted:
                return held
            self._follower.expect(story)
            try:
                article = self._follower.hold(story, await self._article(story))
                if article is not None:
                    return article
                problem: BaseException = Unavailable("the article is older than what was told of it")
            except Gone as gone:
                raise FollowError(410, {}) from gone
            except _MENDED as caught:
                problem = caught
            await asyncio.sleep(pauses.after(problem))

    def forget(self, story: str) -> None:
        """Holds a story's article no longer."""
        self._follower.forget(story)

    def _held(self, story: str) -> Article | None:
        return self._follower.articles.get(story)

    async def _mend(self) -> None:
        for story in list(self._follower.wanted):
            try:
                given = await self._article(story)
            except (FollowError, Gone):
                # Readers have it no longer: no article is better than one that is not theirs.
                reason, change = self._follower.wanted.get(story, ("gone", None))
                self._follower.forget(story)
                self._waiting.put([Update(story, change, None, reason)])
                self._notify()
                continue
            if story in self._follower.wanted:
                self._waiting.put(self._follower.fetched(story, given))
                self._notify()


def follow(
    url: str,
    *,
    story: str,
    resume: Article | None = None,
    key: str | None = None,
    timeout: float | None = None,
    updates_waiting: int = UPDATES_WAITING,
    context: ssl.SSLContext | None = None,
) -> Replica:
    """Follows one story of the service at ``url``, by its id or slug, from ``async with`` on: its article is
    there once that is entered. Arguments are those of :func:`writethru.follow`.
    """
    try:
        follower = StoryFollower(story, resume)
    except Refused as problem:
        raise ValueError(f"the article to resume from cannot be used: {problem}") from problem
    return Replica(Service(url, key), follower, updates_waiting, context, timeout)


def follow_all(
    url: str,
    *,
    desk: str | None = None,
    tag: str | None = None,
    kind: str | None = None,
    min_significance: str | None = None,
    headline_only: bool = False,
    since: str | None = None,
    key: str | None = None,
    timeout: float | None = None,
    updates_waiting: int = UPDATES_WAITING,
    context: ssl.SSLContext | None = None,
) -> Stories:
    """Follows every story of the service at ``url``, or those that the filters let through, from
    ``async with`` on. Arguments are those of :func:`writethru.follow_all`.
    """
    follower = ManyFollower(filters(desk, tag, kind, min_significance, headline_only), since)
    return Stories(Service(url, key), follower, updates_waiting, context, timeout)
