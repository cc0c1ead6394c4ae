# SPDX-License-Identifier: Apache-2.0
"""A threaded HTTP/1.1 server that stops at once and leaves nothing.

``http.server.ThreadingHTTPServer`` polls for its end and waits for idle
keep-alive connections; here every connection is known and is cut.
"""

import contextlib
import http.client
import http.server
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, cast

from metal_drivers_tests.emulators import messages


class Exchange:
    """One request under way (see :class:`.faults.Exchange`)."""

    def __init__(
        self, request: messages.Request, handler: '_Handler', server: 'Server'
    ) -> None:
        self.request = request
        self._handler = handler
        self._server = server

    def perform(self) -> messages.Reply:
        return self._server.respond(self.request)

    def send(self, reply: messages.Reply, length: int | None = None) -> None:
        # What stop() has woken may not answer before its socket is cut.
        if self._server.stopping:
            raise ConnectionAbortedError
        head = [f'HTTP/1.1 {reply.status} {_reason(reply.status)}']
        head += [f'{name}: {value}' for name, value in reply.headers]
        if reply.content_type is not None and reply.status != 204:
            head.append(f'Content-Type: {reply.content_type}')
        size = len(reply.body) if length is None else length
        head.append(f'Content-Length: {size}')
        if self._handler.close_connection:
            head.append('Connection: close')
        body = b'' if self.request.method == 'HEAD' else reply.body
        # One segment: a head of its own would wait for Nagle's algorithm.
        self._handler.connection.sendall(
            '\r\n'.join([*head, '', '']).encode('latin-1') + body
        )

    def drop(self, reset: bool = False) -> None:
        if reset:
            # Closing with a linger of zero seconds sends RST, not FIN.
            self._handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)
            )
        self._handler.close_connection = True

    def wait(
        self, event: threading.Event, timeout: float | None = None
    ) -> bool:
        return self._server.wait(event, timeout)


class Server:
    """Accepts connections and reads requests.

    :param handle: sends something, or nothing, for each request
    :param respond: makes the reply that the request deserves
    """

    scheme = 'http'

    def __init__(
        self,
        handle: Callable[[Exchange], None],
        respond: Callable[[messages.Request], messages.Reply],
        port: int = 0,
    ) -> None:
        self.handle = handle
        self.respond = respond
        self._listener = socket.create_server(
            ('127.0.0.1', port), backlog=1024
        )
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self.stopping = False
        self.accepted = 0
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._waits: set[threading.Event] = set()

    def start(self, name: str) -> None:
        self._name = f'{name}-{self.port}'
        self._acceptor = threading.Thread(
            target=self._accept, name=f'{self._name}-accept', daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Cut every connection; return once no thread is left."""
        with self._lock:
            self.stopping = True
            waits = list(self._waits)
            open_now = list(self._connections)
            threads = list(self._threads)
        for event in waits:
            event.set()
        for connection in open_now:
            # Already gone where the client was first.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        # Closing a socket does not wake its accept() on every system.
        with contextlib.suppress(OSError):
            socket.create_connection(('127.0.0.1', self.port), 1).close()
        self._acceptor.join()
        self._listener.close()
        for thread in threads:
            thread.join()

    def wait(
        self, event: threading.Event, timeout: float | None = None
    ) -> bool:
        """Wait for the event, the seconds or the end of the server.

        :returns: False where it was the end
        """
        with self._lock:
            if self.stopping:
                return False
            self._waits.add(event)
        event.wait(timeout)
        with self._lock:
            self._waits.discard(event)
            return not self.stopping

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            thread = threading.Thread(
                target=self._serve,
                args=(connection,),
                name=f'{self._name}-connection',
                daemon=True,
            )
            with self._lock:
                if self.stopping:
                    connection.close()
                    return
                self.accepted += 1
                self._connections.add(connection)
                # A thread outlives its connection by a moment, so it is
                # here until it is seen to have ended.
                self._threads = {t for t in self._threads if t.is_alive()}
                self._threads.add(thread)
                # Under the lock, as stop() joins only what was started.
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # The client is free to go away at any moment.
            with contextlib.suppress(OSError):
                _Handler(connection, self)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def __init__(self, connection: socket.socket, server: Server) -> None:
        self._server = server
        super().__init__(
            connection,
            connection.getpeername(),
            cast(socketserver.BaseServer, server),
        )

    def _receive(self) -> None:
        length = int(self.headers.get('Content-Length') or 0)
        path, query = messages.parse_target(self.path)
        request = messages.Request(
            self.command,
            path,
            self.path,
            query,
            cast(Any, self.headers),
            self.rfile.read(length),
            time.monotonic(),
            self._server.scheme,
        )
        self._server.handle(Exchange(request, self, self._server))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _receive

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the requests are recorded."""


def _reason(status: int) -> str:
    return http.client.responses.get(status, 'Unknown')
