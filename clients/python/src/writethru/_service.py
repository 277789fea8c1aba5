"""How the service is asked over HTTP, whoever carries the bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from ._follower import Again, Unavailable

#: A stream that says nothing for so many seconds is dead: the service gives a sign of life every 15.
SILENCE_MAX: Final = 45.0
#: How many seconds an article may take.
FETCH_TIME_MAX: Final = 30.0
#: Most bytes of an answer that is no stream.
ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
#: Updates that wait for their reader, unless it says otherwise.
UPDATES_WAITING: Final = 1024
_RETRY_AFTER_MAX: Final = 3_600.0


class FollowError(Exception):
    """The service refuses, and would refuse again: the request must be another one.

    ``status`` is that of HTTP; ``problem`` is what the service says of it (RFC 9457), if it does.
    """

    def __init__(self, status: int, problem: Mapping[str, object]) -> None:
        said = problem.get("detail") or problem.get("title") or "the service gives no reason"
        super().__init__(f"{said} (HTTP {status})")
        self.status = status
        self.problem = problem


class Closed(Exception):
    """The replica was closed."""


class Service:
    """Where the service is, and what every request says."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{url!r} is no address of the service: give one such as http://127.0.0.1:8080")
        self.is_tls = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.is_tls else 80)
        self.authority = parts.netloc.rpartition("@")[2]
        self._prefix = parts.path.rstrip("/")
        self._headers = {"User-Agent": "writethru-python"}
        if key is not None:
            if not key.isascii() or not key.isprintable():
                raise ValueError("a key is printable ASCII")
            self._headers["Authorization"] = f"Bearer {key}"

    def path(self, path: str) -> str:
        """Returns what to ask the host for."""
        return self._prefix + path

    def stream_headers(self, cursor: str | None) -> dict[str, str]:
        """Returns the headers of a stream that goes on from ``cursor``."""
        headers = {**self._headers, "Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if cursor:
            headers["Last-Event-ID"] = cursor
        return headers

    def article_headers(self) -> dict[str, str]:
        """Returns the headers of a request for an article."""
        return {**self._headers, "Accept": "application/json"}


def filters(
    desk: str | None, tag: str | None, kind: str | None, min_significance: str | None, headline_only: bool
) -> dict[str, str]:
    """Returns the query that lets through only what is wanted."""
    texts = {"desk": desk, "tag": tag, "kind": kind, "min_significance": min_significance}
    query = {name: value for name, value in texts.items() if value is not None}
    if headline_only:
        query["headline_only"] = "true"
    return query


def article_path(story: str) -> str:
    """Returns the path of a story's article."""
    return f"/v1/stories/{quote(story, safe='')}"


class Gone(Again):
    """The service cannot go on from the cursor that it was given."""


def check(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Returns if the answer is a yes. Raises :class:`Gone`, :class:`Unavailable` or :class:`FollowError`."""
    if status == 200:
        return
    if status == 410:
        raise Gone
    if status in (408, 425, 429) or status >= 500 or status < 200:
        raise Unavailable(f"the service answers {status}", _seconds(headers.get("retry-after", "")))
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        problem = None
    raise FollowError(status, problem if isinstance(problem, dict) else {})


def check_stream(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Does what :func:`check` does for a stream, which must also be one."""
    check(status, headers, body)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        raise Unavailable("something between here and the service answers, and not with a stream")


def _seconds(retry_after: str) -> float:
    return min(float(retry_after), _RETRY_AFTER_MAX) if retry_after.isascii() and retry_after.isdigit() else 0.0
