# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that nobody is meant to ask."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from typing import Any


class Stranger(http.server.ThreadingHTTPServer):
    """Answers everything with an empty object.

    :ivar requests: the lines of the requests that came
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[str] = []
        super().__init__(('127.0.0.1', 0), _Handler)

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}/'

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up is of no concern."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Stranger

    def _answer(self) -> None:
        self.server.requests.append(self.requestline)
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'{}')

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the requests are kept."""


@contextlib.contextmanager
def listening() -> Iterator[Stranger]:
    """One, for as long as this lasts."""
    with Stranger() as server:
        # How often it looks whether it is to end, in seconds.
        thread = threading.Thread(
            target=server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
