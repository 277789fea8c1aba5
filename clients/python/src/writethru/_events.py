"""Server-sent events, as the standard parses them (WHATWG HTML, 9.2.6). Pure: bytes in, events out."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: Most bytes of one event: the largest legal article, escaped at its worst, fits.
EVENT_BYTES_MAX: Final = 64 * 1024 * 1024
_LINE_END: Final = re.compile(rb"[\r\n]")
_BOM: Final = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event: its name (``message`` if it has none), its data, and the last id that was given."""

    name: str
    data: str
    id: str


class TooLarge(Exception):
    """An event that is larger than any legal one: leave this stream."""


class Parser:
    """Takes a stream apart, however its bytes are cut."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._id = ""
        self._waiting = bytearray()
        self._searched = 0
        self._begun = False
        self._after_return = False
        self._name = ""
        self._data: list[str] = []
        self._bytes = 0

    def feed(self, given: bytes) -> list[Event]:
        """Takes the next bytes; returns the events that end in them. Raises :class:`TooLarge`."""
        self._waiting += given
        if not self._begun:
            if len(self._waiting) < len(_BOM) and _BOM.startswith(self._waiting):
                return []
            self._begun = True
            if self._waiting.startswith(_BOM):
                del self._waiting[: len(_BOM)]
        return self._events()

    def _events(self) -> list[Event]:
        events, start, waiting = [], 0, self._waiting
        while True:
            if self._after_return and start < len(waiting):
                # The second half of a line end that was cut in two.
                self._after_return = False
                start += waiting[start] == 0x0A
            found = _LINE_END.search(waiting, max(start, self._searched))
            if found is None:
                break
            end = found.start()
            line = waiting[start:end].decode(errors="replace")
            self._after_return = waiting[end] == 0x0D
            start = end + 1
            event = self._line(line)
            if event is not None:
                events.append(event)
        del waiting[:start]
        self._searched = len(waiting)
        if self._bytes + len(waiting) > EVENT_BYTES_MAX:
            raise TooLarge
        return events

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatched()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._bytes += len(value) + 1
            if self._bytes > EVENT_BYTES_MAX:
                raise TooLarge
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value[:9])
        return None

    def _dispatched(self) -> Event | None:
        name, data = self._name, self._data
        self._name, self._data, self._bytes = "", [], 0
        return Event(name or "message", "\n".join(data), self._id) if data else None
