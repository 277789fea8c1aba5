"""As much of HTTP/1.1 as a replica needs, over asyncio's streams (RFC 9112): one GET on one connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final

from ._service import Service

_LINE_BYTES_MAX: Final = 64 * 1024
_HEADERS_MAX: Final = 200
_PIECE_BYTES: Final = 64 * 1024


class Malformed(Exception):
    """What came is no answer of HTTP/1.1, or ends in the middle of one."""


class Connection:
    """One connection for one request: :meth:`open`, :meth:`ask`, :meth:`read`, :meth:`close`."""

    def __init__(self, service: Service, context: ssl.SSLContext | None, silence_max: float) -> None:
        self._service = service
        self._silence_max = silence_max
        self._timer: asyncio.TimerHandle | None = None
        self._context: ssl.SSLContext | None = None
        if service.is_tls:
            self._context = context or ssl.create_default_context()
        self._writer: asyncio.StreamWriter | None = None
        self.status = 0
        self.headers: dict[str, str] = {}

    async def open(self) -> None:
        """Connects. From then on the connection is broken off once it says nothing for too long."""
        opening = asyncio.open_connection(
            self._service.host, self._service.port, ssl=self._context, limit=_LINE_BYTES_MAX
        )
        self._reader, self._writer = await asyncio.wait_for(opening, self._silence_max)
        self._watch()

    def _watch(self) -> None:
        # A timer, and no `wait_for` around each read: before Python 3.12 that one loses cancellations.
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._silence_max, self.close)

    def close(self) -> None:
        """Breaks the connection off: nothing is waited for."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writer is not None:
            self._writer.transport.abort()

    async def ask(self, path: str, headers: Mapping[str, str]) -> None:
        """Sends the request and reads the head of the answer."""
        assert self._writer is not None, "the connection is open"
        fields = {"Host": self._service.authority, "Connection": "close", **headers}
        head = [f"GET {self._service.path(path)} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        if any(end in line for line in head for end in "\r\n"):
            raise ValueError("a header cannot have a line end in it")
        self._writer.write(("\r\n".join(head) + "\r\n\r\n").encode("ascii"))
        await self._writer.drain()
        await self._read_head()
        while 100 <= self.status < 200:
            await self._read_head()
        self._begin_body()

    async def _read_head(self) -> None:
        version, _, rest = (await self._line()).partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdigit()):
            raise Malformed("this is no answer of HTTP/1.1")
        self.status, self.headers = int(status), {}
        while line := await self._line():
            name, colon, value = line.partition(":")
            if not colon or len(self.headers) >= _HEADERS_MAX:
                raise Malformed("these are no headers of HTTP/1.1")
            self.headers[name.lower()] = value.strip(" \t")

    async def _line(self) -> str:
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as problem:
            raise Malformed("the answer ends early, or a line of it does not end") from problem
        return line.rstrip(b"\r\n").decode("latin-1")

    async def read(self) -> bytes:
        """Returns the next bytes of the body; none at its end. Raises :class:`Malformed` if it ends early."""
        self._watch()
        if self._is_chunked and not self._left:
            await self._begin_chunk()
        if self._left == 0:
            return b""
        piece = await self._reader.read(_PIECE_BYTES if self._left is None else min(self._left, _PIECE_BYTES))
        if self._left is None:
            return piece
        if not piece:
            raise Malformed("the answer ends early")
        self._left -= len(piece)
        return piece

    def _begin_body(self) -> None:
        #: Bytes to come, of the chunk or of the body; ``None``: until the connection ends.
        self._left: int | None = None
        self._is_chunked = self.headers.get("transfer-encoding", "").lower().endswith("chunked")
        self._is_first = True
        length = self.headers.get("content-length")
        if self._is_chunked:
            self._left = 0
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise Malformed("the length is no number")
            self._left = int(length)

    async def _begin_chunk(self) -> None:
        if not self._is_first:
            await self._line()
        self._is_first = False
        size = (await self._line()).partition(";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError as problem:
            raise Malformed("the size of a chunk is no number") from problem
        if self._left <= 0:
            self._left, self._is_chunked = 0, False
