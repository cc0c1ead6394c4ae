# SPDX-License-Identifier: Apache-2.0
"""Requests to MAAS, made as libmaas says.

libmaas knows the API by its description, signs and encodes. Every reply
and every failure is turned into JSON or our own errors here, before it
can carry a secret further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from metal_drivers import _text, exceptions
from metal_drivers.drivers.maas import (
    connection,
    libraries,
    loop,
    replies,
    session,
)

T = TypeVar('T')

_DESCRIBE = 'describe its API'


class MaasClient:
    """The API of one region, callable from any thread.

    :param url: of MAAS, such as ``http://maas:5240/MAAS``.
    :param key: the API key.
    :param section: for messages: where the configuration is.
    :param timeout: seconds for one request.
    :param most: how many requests, and connections, at once. Whoever
        waits for one gets it in the order of asking: that is a turn.
    :raises ConfigurationError: the extra ``maas`` is not installed, or
        the URL or the CA file cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: connection.ApiKey,
        *,
        section: str,
        timeout: float = 60,
        cafile: str | None = None,
        insecure: bool = False,
        most: int = 4,
    ) -> None:
        self._lib = libraries.Libraries()
        self._url = connection.base_url(url, section)
        self._tls = connection.tls_context(
            self._url, cafile, insecure, section
        )
        self._key = key
        self._replies = replies.Replies(section, self.url(), key)
        self._timeout = timeout
        self._most = most
        self._loop = loop.LoopThread('metal-maas')
        self._connected: _Connected | None = None
        self._description: dict[str, Any] | None = None

    def call(
        self,
        action: str,
        what: str,
        *,
        timeout: float | None = None,
        **data: Any,
    ) -> Any:
        """One request, by the API's own name: ``Machine.power_on``.

        :param what: what is tried, for messages: ``list machines``.
        :param timeout: seconds, where this one may take longer.
        :param data: parameters of the URL and fields, which are strings,
            or lists of strings.
        :returns: what the JSON says.
        :raises MetalError: any, but always one of ours.
        """
        return self.turn(
            lambda turn: turn.call(action, what, timeout=timeout, **data),
            what,
        )

    def turn(
        self, work: Callable[[Turn], Coroutine[Any, Any, T]], what: str
    ) -> T:
        """Several requests, one after the other, as one turn.

        Nothing waits between them, so what the first have told is as
        young as it can be when the last is sent. What interrupts the
        caller cancels the one that is under way.

        :param work: runs in the thread of the loop, so it must not block.
        :param what: what is tried, for messages.
        :raises MetalError: what ``work`` raises, or always one of ours.
        """
        return self._run(lambda: self._turn(work, what), what)

    def map(
        self,
        action: str,
        what: Callable[[str], str],
        ids: Iterable[str],
    ) -> dict[str, Any]:
        """The same request for many machines, some at once.

        What would end every one of them ends all.

        :returns: for each id the JSON, or the MetalError.
        """
        ids = list(ids)
        found: dict[str, Any] = {}

        async def one(each: str) -> Any:
            return await self._turn(
                lambda turn: turn.call(action, what(each), system_id=each),
                what(each),
            )

        async def all_of_them() -> None:
            todo = iter(ids)
            trouble: exceptions.MetalError | None = None

            async def some() -> None:
                nonlocal trouble
                for each in todo:
                    if trouble is not None:
                        found[each] = trouble
                        continue
                    try:
                        found[each] = await one(each)
                    except exceptions.MetalError as exc:
                        found[each] = exc
                        if replies.concerns_all(exc):
                            trouble = exc

            await asyncio.gather(*(some() for _ in range(self._most)))

        self._run(all_of_them, f'query {len(ids)} machines')
        return found

    def url(self) -> str:
        """Where MAAS is, as configured."""
        return _text.clean(self._url.removesuffix(connection.API))

    def clock_ahead(self) -> float | None:
        """How many seconds its clock is ahead; None: it has not told."""
        here = self._connected
        return None if here is None else here.session.ahead

    def close(self) -> None:
        """End the thread and the connections; any number of times."""
        self._loop.close()

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
        try:
            return self._loop.run(work)
        except loop.Closed:
            error = self._replies.closed(what)
        raise error

    async def _turn(
        self, work: Callable[[Turn], Coroutine[Any, Any, T]], what: str
    ) -> T:
        here = self._here()
        async with here.session.turn:
            # Without these no request of the turn can be made.
            await self._within(self._timeout, _DESCRIBE, self._prepare(here))
            return await work(Turn(self, here))

    async def _within(
        self, seconds: float, what: str, work: Coroutine[Any, Any, T]
    ) -> T:
        """:raises MetalError: whatever goes wrong, or takes too long."""
        error: exceptions.MetalError
        try:
            async with asyncio.timeout(seconds):
                return await work
        except exceptions.MetalError:
            raise
        except TimeoutError as exc:
            error = self._replies.late(what, seconds, exc)
        except Exception as exc:
            error = self._replies.strange(what, exc)
        raise error

    async def _prepare(self, here: _Connected) -> None:
        key = self._key.current()
        if self._description is None:
            self._description = await here.share(self._describe)
        if here.key != key:
            here.api = self._lib.session(self._description, key)
            here.api.scheme = self._url.partition(':')[0]
            here.key = key

    async def _send(
        self, here: _Connected, action: str, what: str, data: Mapping[str, Any]
    ) -> Any:
        resource, _, name = action.partition('.')
        handler = getattr(here.api, resource)
        fields = dict(data)
        params = {name: fields.pop(name) for name in handler.params}
        call = self._lib.call(params, getattr(handler, name))
        uri, body, headers = call.prepare(fields)
        return await here.session.send(
            call.action.method, uri, body, headers, what
        )

    def _here(self) -> _Connected:
        """What belongs to the loop that this runs in."""
        if (
            self._connected is None
            or self._connected.session.loop is not asyncio.get_running_loop()
        ):
            self._connected = _Connected(
                session.Session(
                    self._lib.aiohttp, self._most, self._tls, self._replies
                )
            )
            self._loop.at_end(self._connected.session.close)
        return self._connected

    async def _describe(self, http: session.Session) -> dict[str, Any]:
        """What the API offers, with its addresses moved to ours.

        MAAS advertises the name that it believes it has, which behind a
        proxy or a TLS front end may lead nowhere.
        """
        error: exceptions.MetalError
        try:
            async with asyncio.timeout(self._timeout):
                found: dict[str, Any] = await http.send(
                    'GET', f'{self._url}describe/', None, {}, _DESCRIBE
                )
            _move(found, self._url)
            # What libmaas cannot read is not kept.
            self._lib.session(found, 'a:b:c')
        except (
            # MAAS itself would tell anybody.
            exceptions.AuthenticationError,
            exceptions.NotFoundError,
        ) as exc:
            error = self._replies.no_maas(_DESCRIBE, exc)
        except exceptions.MetalError:
            raise
        except TimeoutError as exc:
            error = self._replies.late(_DESCRIBE, self._timeout, exc)
        except Exception as exc:
            error = self._replies.strange(_DESCRIBE, exc)
        else:
            return found
        raise error


class Turn:
    """What may send requests now; see :meth:`MaasClient.turn`."""

    def __init__(self, client: MaasClient, here: _Connected) -> None:
        self._client = client
        self._here = here

    async def call(
        self,
        action: str,
        what: str,
        *,
        timeout: float | None = None,
        **data: Any,
    ) -> Any:
        """As :meth:`MaasClient.call`, without waiting for a turn."""
        client = self._client
        return await client._within(
            timeout or client._timeout,
            what,
            client._send(self._here, action, what, data),
        )


class _Connected:
    """What belongs to one event loop, and ends with it."""

    def __init__(self, http: session.Session) -> None:
        self.session = http
        self.key = ''
        self.api: Any = None
        self._shared: asyncio.Task[dict[str, Any]] | None = None

    async def share(self, work: Callable[..., Any]) -> dict[str, Any]:
        """Do it once for all who ask; again only where that failed.

        Who asks when it has just ended must not begin it anew: its result
        may not have been fetched by anybody yet.
        """
        task = self._shared
        if task is None or (
            task.done() and (task.cancelled() or task.exception())
        ):
            task = self._shared = asyncio.create_task(work(self.session))
            # Its error is known, even where nobody waits for it any more.
            task.add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )
        # Not shield(): from Python 3.14 on it reports an error that nobody
        # waits for any more.
        await asyncio.wait((task,))
        return task.result()


def _move(description: Mapping[str, Any], url: str) -> None:
    """Have every address of the description lead to this URL."""
    base = url.replace('{', '{{').replace('}', '}}')
    for resource in description['resources']:
        for handler in (resource['anon'], resource['auth']):
            if handler is not None:
                _, api, path = handler['uri'].partition(connection.API)
                if not api:
                    raise ValueError('not an address of the API')
                handler['uri'] = base + path
