"""A service that says what a script tells it to, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

#: How long anything that must happen may take on a busy machine.
PATIENCE = 60.0


def fixture(name: str) -> list[Any]:
    """Returns the cases of a fixture that all replicas share."""
    path = Path(__file__).parents[2] / "fixtures" / name
    cases: list[Any] = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return cases


class Scripted:
    """Answers streams with the connections of a script, one after another, and articles from a dict.

    A body is cut at odd places, and every second one is sent in chunks and broken off without the last one.
    Where the script has ended, a stream stays open and says nothing. ``stay``: so does its last connection.
    """

    def __init__(self, connections: list[dict[str, Any]], articles: dict[str, Any] | None = None, stay: bool = False):
        self.connections, self.articles, self.stay = connections, articles or {}, stay
        self.asked: list[tuple[str, str | None]] = []
        self._moved = threading.Condition()
        self._is_over = False
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.close_connection = True
                service._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._moved:
            self._is_over = True
            self._moved.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, reached: Callable[[], bool]) -> None:
        """Waits until something has been asked such that ``reached``."""
        with self._moved:
            if not self._moved.wait_for(reached, PATIENCE):
                raise AssertionError(f"asked no more than {self.asked}")

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if "/events" not in handler.path:
            article = self.articles.get(handler.path)
            body = json.dumps(article if article is not None else {"title": "no such story"}).encode()
            self._send(handler, 404 if article is None else 200, "application/json", body, False)
            return
        with self._moved:
            number = len(self.asked)
            self.asked.append((handler.path, handler.headers["Last-Event-ID"]))
            self._moved.notify_all()
        if number >= len(self.connections):
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.end_headers()
            self._hold()
            return
        connection = self.connections[number]
        kind = "text/event-stream" if connection["status"] == 200 else "application/problem+json"
        self._send(handler, connection["status"], kind, connection["body"].encode(), number % 2 == 1)
        if self.stay and number == len(self.connections) - 1:
            self._hold()

    def _hold(self) -> None:
        with self._moved:
            self._moved.wait_for(lambda: self._is_over)

    def _send(self, handler: BaseHTTPRequestHandler, status: int, kind: str, body: bytes, in_chunks: bool) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        if in_chunks:
            handler.send_header("Transfer-Encoding", "chunked")
        elif status != 200 or kind == "application/json":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        try:
            for at in range(0, len(body), 997):
                piece = body[at : at + 997]
                handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
            if in_chunks and status != 200:
                handler.wfile.write(b"0\r\n\r\n")
            handler.wfile.flush()
        except OSError:
            pass  # The replica has heard enough.
