"""Replicas for programs with threads: a thread follows, and the reader takes what it has."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Generic, TypeVar

from ._article import Article, Refused
from ._events import Parser, TooLarge
from ._follower import Again, Ending, ManyFollower, Pauses, ReplicaStatus, StoryFollower, Unavailable, Update
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

_FollowerT = TypeVar("_FollowerT", StoryFollower, ManyFollower)
_Self = TypeVar("_Self", bound="_Following")  # type: ignore[type-arg]
#: What may end a connection and is mended by another one.
_MENDED = (OSError, http.client.HTTPException, Again, Ending, Unavailable, Refused, TooLarge)
_PIECE_BYTES = 64 * 1024


class _Line:
    """One connection, which another thread may break off."""

    def __init__(self, service: Service, timeout: float, context: ssl.SSLContext | None) -> None:
        if service.is_tls:
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                service.host, service.port, timeout=timeout, context=context
            )
        else:
            self._connection = http.client.HTTPConnection(service.host, service.port, timeout=timeout)
        self._service = service
        self._is_broken = False
        self._lock = threading.Lock()

    def ask(self, path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        self._connection.connect()
        with self._lock:
            self._socket: socket.socket | None = self._connection.sock
            if self._is_broken:
                raise ConnectionAbortedError("the replica was closed")
        self._connection.request("GET", self._service.path(path), headers=dict(headers))
        return self._connection.getresponse()

    def break_off(self) -> None:
        with self._lock:
            self._is_broken = True
            if getattr(self, "_socket", None) is not None and self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It is broken off already.

    def close(self) -> None:
        with self._lock:
            self._socket = None
        self._connection.close()


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


class _Following(Generic[_FollowerT]):
    """What both kinds of replica share."""

    def __init__(
        self, service: Service, follower: _FollowerT, updates_waiting: int, context: ssl.SSLContext | None
    ) -> None:
        self._service = service
        self._context = context
        self._follower: _FollowerT = follower
        self._moved = threading.Condition()
        self._waiting = Waiting(updates_waiting, self._held)
        self._line: _Line | None = None
        self._is_connected = False
        self._is_begun = False
        self._is_closed = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writethru-replica", daemon=True)

    @property
    def status(self) -> ReplicaStatus:
        """How the replica stands now."""
        with self._moved:
            if self._is_closed:
                return "closed"
            if not self._is_connected:
                return "connecting"
            return "live" if self._follower.is_live else "catching-up"

    @property
    def cursor(self) -> str | None:
        """From where to follow after what was taken in so far."""
        with self._moved:
            return self._follower.cursor

    def close(self) -> None:
        """Ends the replica, and returns once it has ended. A reader's loop ends too."""
        with self._moved:
            self._is_closed = True
            line = self._line
            self._moved.notify_all()
        if line is not None:
            line.break_off()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Update]:
        """Gives updates as they come. Ends when the replica is closed; raises :class:`FollowError` if the
        service refuses to go on."""
        while True:
            with self._moved:
                self._moved.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    if self._failure is not None:
                        raise self._failure
                    return
                update = self._waiting.take()
            yield update

    def _held(self, story: str) -> Article | None:
        raise NotImplementedError

    def _begin(self: _Self, timeout: float | None) -> _Self:
        self._thread.start()
        try:
            self._wait(lambda: self._is_begun or None, timeout)
        except BaseException:
            self.close()
            raise
        return self

    def _wait(self, found: Callable[[], _Found | None], timeout: float | None) -> _Found:
        """Returns what ``found`` gives once that is something."""
        with self._moved:
            self._moved.wait_for(lambda: self._is_closed or found() is not None, timeout)
            given = found()
            if given is not None:
                return given
            if self._failure is not None:
                raise self._failure
            if self._is_closed:
                raise Closed("the replica was closed")
        raise TimeoutError("the time is over")

    def _run(self) -> None:
        pauses = Pauses()
        try:
            while not self._is_closed:
                try:
                    self._follow(pauses)
                except _MENDED as problem:
                    with self._moved:
                        if isinstance(problem, Gone):
                            self._follower.gone()
                        self._is_connected = False
                        self._moved.notify_all()
                        self._moved.wait_for(lambda: self._is_closed, pauses.after(problem))
        except BaseException as problem:
            self._failure = problem
        finally:
            with self._moved:
                self._is_closed = True
                self._moved.notify_all()

    def _open(self, timeout: float) -> _Line:
        line = _Line(self._service, timeout, self._context)
        with self._moved:
            if self._is_closed:
                raise ConnectionAbortedError("the replica was closed")
            self._line = line
        return line

    def _follow(self, pauses: Pauses) -> None:
        path, cursor = self._follower.request()
        line = self._open(SILENCE_MAX)
        try:
            response = line.ask(path, self._service.stream_headers(cursor))
            body = b"" if response.status == 200 else response.read(ANSWER_BYTES_MAX)
            check_stream(response.status, _headers(response), body)
            parser = Parser()
            with self._moved:
                self._is_connected, self._follower.is_live = True, False
                self._moved.notify_all()
            while not self._is_closed:
                piece = response.read1(_PIECE_BYTES)
                if not piece:
                    raise ConnectionResetError("the stream ended without a word")
                events = parser.feed(piece)
                pauses.retry_ms = parser.retry_ms or pauses.retry_ms
                for event in events:
                    with self._moved:
                        self._waiting.put(self._follower.take(event))
                        self._is_begun = True
                        self._moved.notify_all()
                    self._mend()
                    pauses.went_well()
        finally:
            line.close()

    def _mend(self) -> None:
        """Fetches the articles that must be fetched; there are none where the stream has them."""

    def _article(self, story: str) -> object:
        """Fetches an article."""
        line = _Line(self._service, FETCH_TIME_MAX, self._context)
        try:
            response = line.ask(article_path(story), self._service.article_headers())
            body = response.read(ANSWER_BYTES_MAX)
            check(response.status, _headers(response), body)
            return json.loads(body)
        except (ValueError, RecursionError) as problem:
            raise Unavailable(f"the answer cannot be read: {problem}") from problem
        finally:
            line.close()


_Found = TypeVar("_Found")


class Replica(_Following[StoryFollower]):
    """A live, verified replica of one story. Iterate over it for updates, or look at :attr:`current`.

    It may be used from several threads; each update goes to one of them.
    """

    @property
    def current(self) -> Article:
        """The article as it is known now."""
        with self._moved:
            assert self._follower.article is not None, "a replica begins with an article"
            return self._follower.article

    @property
    def revision(self) -> int:
        """The revision of the article as it is known now."""
        return self.current["revision"]

    def wait_until(self, revision: int, timeout: float | None = None) -> Article:
        """Returns the article once it is at ``revision`` or later.

        Raises :class:`TimeoutError` after ``timeout`` seconds, :class:`Closed` or :class:`FollowError`.
        """

        def reached() -> Article | None:
            article = self._follower.article
            return article if article is not None and article["revision"] >= revision else None

        return self._wait(reached, timeout)

    def _held(self, story: str) -> Article | None:
        return self._follower.article


class Stories(_Following[ManyFollower]):
    """Every change of many stories, and live, verified replicas of those that are asked for."""

    @property
    def articles(self) -> dict[str, Article]:
        """The articles that are held, by story: a copy."""
        with self._moved:
            return dict(self._follower.articles)

    def article(self, story: str, timeout: float | None = None) -> Article:
        """Returns a story's article, and keeps it up to date from now on. ``story`` is an id.

        Raises :class:`FollowError` if readers have no such story, :class:`TimeoutError`, or
        :class:`Closed`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        pauses = Pauses()
        while True:
            with self._moved:
                if self._is_closed:
                    raise self._failure or Closed("the replica was closed")
                held = self._follower.articles.get(story)
                if held is not None and story not in self._follower.wanted:
                    return held
                self._follower.expect(story)
            try:
                given = self._article(story)
                with self._moved:
                    article = self._follower.hold(story, given)
                if article is not None:
                    return article
                problem: BaseException = Unavailable("the article is older than what was told of it")
            except (OSError, http.client.HTTPException, Unavailable, Refused) as caught:
                problem = caught
            except Gone as gone:
                raise FollowError(410, {}) from gone
            delay = pauses.after(problem)
            if end is not None and time.monotonic() + delay > end:
                raise TimeoutError("the time is over") from problem
            with self._moved:
                self._moved.wait_for(lambda: self._is_closed, delay)

    def forget(self, story: str) -> None:
        """Holds a story's article no longer."""
        with self._moved:
            self._follower.forget(story)

    def _held(self, story: str) -> Article | None:
        return self._follower.articles.get(story)

    def _mend(self) -> None:
        for story in list(self._follower.wanted):
            try:
                given = self._article(story)
            except (FollowError, Gone):
                # Readers have it no longer: no article is better than one that is not theirs.
                with self._moved:
                    reason, change = self._follower.wanted.get(story, ("gone", None))
                    self._follower.forget(story)
                    self._waiting.put([Update(story, change, None, reason)])
                    self._moved.notify_all()
                continue
            with self._moved:
                if story in self._follower.wanted:
                    self._waiting.put(self._follower.fetched(story, given))
                    self._moved.notify_all()


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
    """Follows one story of the service at ``url``, by its id or slug; returns once its article is there.

    The service need not run yet: it is asked again until ``timeout`` seconds have passed. ``resume`` is an
    article that an earlier replica had: only what has changed since is sent. ``updates_waiting`` bounds
    what waits for the reader (see :class:`Update`). ``context`` replaces the usual settings of TLS.

    Raises :class:`FollowError` if the service refuses, :class:`TimeoutError`, or :class:`ValueError` if an
    argument cannot be right.
    """
    service = Service(url, key)
    try:
        follower = StoryFollower(story, resume)
    except Refused as problem:
        raise ValueError(f"the article to resume from cannot be used: {problem}") from problem
    return Replica(service, follower, updates_waiting, context)._begin(timeout)


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
    """Follows every story of the service at ``url``, or those that the filters let through; returns once it
    follows.

    ``since`` is a cursor, ``earliest`` or ``now`` (the default). Filters are applied by the service: with
    those on kind, significance or the headline an article that is held is fetched again where changes were
    left out. Otherwise as :func:`follow`.
    """
    query = filters(desk, tag, kind, min_significance, headline_only)
    follower = ManyFollower(query, since)
    return Stories(Service(url, key), follower, updates_waiting, context)._begin(timeout)
