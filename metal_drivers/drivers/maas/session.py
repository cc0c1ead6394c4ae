# SPDX-License-Identifier: Apache-2.0
"""The pooled connections of one event loop.

libmaas opens one for each request, without a time-out and without a CA
of one's own; its ``dispatch`` is what this stands in for.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import ssl
import time
from collections.abc import Mapping
from typing import Any

from metal_drivers.drivers.maas import native, plain_http, replies

#: Seconds to connect; longer helps no one.
CONNECT = 10.0


class Session:
    """Requests of one loop, and no more at once than allowed.

    :param aiohttp: the library.
    :param most: how many requests, and connections, at once.
    """

    def __init__(
        self,
        aiohttp: Any,
        most: int,
        tls: ssl.SSLContext | None,
        made_of: replies.Replies,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        #: Held by each turn, whose requests' deadlines begin within it.
        self.turn = asyncio.Semaphore(most)
        #: How many seconds the clock over there is ahead, once known.
        self.ahead: float | None = None
        self._aiohttp = aiohttp
        self._replies = made_of
        self._tls = tls is not None
        #: Whether there has been a connection, its handshake done.
        self._connected = False
        traced = aiohttp.TraceConfig()
        traced.on_connection_create_end.append(self._note_connection)
        self._http = self._session(most, tls, trace_configs=[traced])

    async def send(
        self,
        method: str,
        uri: str,
        body: Any,
        headers: Mapping[str, str],
        what: str,
    ) -> Any:
        """One request; what its JSON says.

        :raises MetalError: the reply says otherwise, or there is none.
        """
        headers = {'Accept': 'application/json,*/*;q=0.9', **headers}
        work = self._exchange(method, uri, data=body, headers=headers)
        if self._tls and not self._connected and method == 'GET':
            work = plain_http.unless(
                work,
                lambda: self._connected,
                lambda: self._speaks_http(uri.replace('https', 'http', 1)),
            )
        try:
            reply, content = await work
        except plain_http.PlainHTTPError:
            error = self._replies.plain(what)
        except (self._aiohttp.ClientError, OSError) as exc:
            error = self._replies.broken(exc, what)
        else:
            self._compare_clocks(reply.headers.get('Date'))
            return self._replies.read(
                what, reply.status, reply.content_type, reply.headers, content
            )
        # Not in the handler: what is raised there keeps what it handles,
        # and that may hold the headers.
        raise error

    async def close(self) -> None:
        await self._http.close()

    async def _exchange(
        self, method: str, uri: str, **request: Any
    ) -> tuple[Any, bytes]:
        async with self._http.request(
            method,
            uri,
            # A redirection would carry the key elsewhere, and make a GET of
            # a power request.
            allow_redirects=False,
            **request,
        ) as reply:
            return reply, await reply.read()

    def _session(
        self, most: int, tls: ssl.SSLContext | None = None, **options: Any
    ) -> Any:
        verify = {} if tls is None else {'ssl': tls}
        return self._aiohttp.ClientSession(
            connector=self._aiohttp.TCPConnector(
                limit=most, resolver=_Resolver(), **verify
            ),
            # Deadlines are set for each call, around all of it.
            timeout=self._aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT
            ),
            cookie_jar=self._aiohttp.DummyCookieJar(),
            **options,
        )

    async def _note_connection(self, *args: Any) -> None:
        self._connected = True

    async def _speaks_http(self, uri: str) -> bool:
        """Asked without the key, and over a connection of its own."""
        try:
            async with (
                self._session(1) as http,
                http.get(uri, allow_redirects=False) as reply,
            ):
                # A server of https answers http with the one or the other.
                return reply.status != 400 and not 300 <= reply.status < 400
        except (self._aiohttp.ClientError, OSError):
            return False

    def _compare_clocks(self, date: str | None) -> None:
        with contextlib.suppress(TypeError, ValueError):
            then = email.utils.parsedate_to_datetime(date or '')
            self.ahead = then.timestamp() - time.time()


class _Resolver:
    """Looks names up, each in a thread of its own.

    Those of an executor, which asyncio would take, keep the interpreter
    from its exit, and are green where eventlet has patched.
    """

    async def resolve(
        self, host: str, port: int = 0, family: int = 0
    ) -> list[dict[str, Any]]:
        socket = native.module('socket')
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Any]] = loop.create_future()

        def settle(result: list[Any], error: OSError | None) -> None:
            if found.done():  # nobody waits any more
                return
            if error is None:
                found.set_result(result)
            else:
                found.set_exception(error)

        def look_up() -> None:
            result: list[Any] = []
            error = None
            try:
                result = socket.getaddrinfo(
                    host, port, family, socket.SOCK_STREAM
                )
            except OSError as exc:
                error = exc
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, result, error)

        native.start_thread(look_up, 'metal-maas-resolver')
        return [
            {
                'hostname': host,
                'host': address[0],
                'port': address[1],
                'family': family,
                'proto': proto,
                'flags': socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            }
            for family, _, proto, _, address in await found
        ]

    async def close(self) -> None:
        pass
