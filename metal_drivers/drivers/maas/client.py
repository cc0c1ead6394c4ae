# SPDX-License-Identifier: Apache-2.0
"""Requests to MAAS, and the one place where libmaas is touched.

libmaas knows the API by its description, signs and encodes. Every reply
and every failure is turned into JSON or our own errors here, before it
can carry a secret further.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from metal_drivers import exceptions, foreign
from metal_drivers.drivers.maas import (
    address,
    connection,
    credentials,
    loop,
    replies,
)

_DESCRIBE = 'describe its API'


class MaasClient:
    """The API of one region, callable from any thread.

    :param url: of MAAS, such as ``http://maas:5240/MAAS``.
    :param key: the API key.
    :param section: for messages: where the configuration is.
    :param timeout: seconds for one request.
    :param most: how many requests, and connections, at once.
    :raises ConfigurationError: the extra ``maas`` is not installed, or
        the URL or the CA file cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: credentials.ApiKey,
        *,
        section: str,
        timeout: float = 60,
        cafile: str | None = None,
        insecure: bool = False,
        most: int = 4,
    ) -> None:
        self._lib = _Libraries()
        self._url = address.base_url(url, section)
        self._tls = address.tls_context(self._url, cafile, insecure, section)
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
        limit = timeout or self._timeout
        return self._run(lambda: self._call(action, what, limit, data), what)

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

        async def all_of_them() -> None:
            todo = iter(ids)
            trouble: exceptions.MetalError | None = None

            async def some() -> None:
                nonlocal trouble
                for each in todo:
                    if trouble is not None:
                        found[each] = trouble
                        continue
                    data = {'system_id': each}
                    try:
                        found[each] = await self._call(
                            action, what(each), self._timeout, data
                        )
                    except exceptions.MetalError as exc:
                        found[each] = exc
                        if replies.concerns_all(exc):
                            trouble = exc

            await asyncio.gather(*(some() for _ in range(self._most)))

        self._run(all_of_them, f'ask {len(ids)} machines')
        return found

    def url(self) -> str:
        """Where MAAS is, as configured."""
        return foreign.clean(self._url.removesuffix(address.API))

    def clock_ahead(self) -> float | None:
        """How many seconds its clock is ahead; None: it has not told."""
        here = self._connected
        return None if here is None else here.connection.ahead

    def close(self) -> None:
        """End the thread and the connections; any number of times."""
        self._loop.close()

    def _run(self, work: Callable[[], Any], what: str) -> Any:
        try:
            return self._loop.run(work)
        except loop.Closed:
            error = self._replies.closed(what)
        raise error

    async def _call(
        self, action: str, what: str, timeout: float, data: Mapping[str, Any]
    ) -> Any:
        here = self._here()
        error: exceptions.MetalError
        async with here.connection.turn:
            try:
                async with asyncio.timeout(timeout):
                    return await self._send(here, action, what, data)
            except exceptions.MetalError:
                raise
            except TimeoutError as exc:
                error = self._replies.late(what, timeout, exc)
            except Exception as exc:
                error = self._replies.strange(what, exc)
        raise error

    async def _send(
        self, here: _Connected, action: str, what: str, data: Mapping[str, Any]
    ) -> Any:
        key = self._key.current()
        if self._description is None:
            self._description = await here.share(self._describe)
        if here.key != key:
            here.api = self._lib.session(self._description, key)
            here.api.scheme = self._url.partition(':')[0]
            here.key = key
        resource, _, name = action.partition('.')
        handler = getattr(here.api, resource)
        fields = dict(data)
        params = {name: fields.pop(name) for name in handler.params}
        call = self._lib.call(params, getattr(handler, name))
        uri, body, headers = call.prepare(fields)
        return await here.connection.send(
            call.action.method, uri, body, headers, what
        )

    def _here(self) -> _Connected:
        """What belongs to the loop that this runs in."""
        if (
            self._connected is None
            or self._connected.connection.loop
            is not asyncio.get_running_loop()
        ):
            self._connected = _Connected(
                connection.Connection(
                    self._lib.aiohttp, self._most, self._tls, self._replies
                )
            )
            self._loop.at_end(self._connected.connection.close)
        return self._connected

    async def _describe(self, http: connection.Connection) -> dict[str, Any]:
        """What the API offers, with its addresses moved to ours.

        MAAS advertises the name that it believes it has, which behind a
        proxy or a TLS front end may lead nowhere.
        """
        base = self._url.replace('{', '{{').replace('}', '}}')
        error: exceptions.MetalError
        try:
            async with asyncio.timeout(self._timeout):
                found: dict[str, Any] = await http.send(
                    'GET', f'{self._url}describe/', None, {}, _DESCRIBE
                )
            for resource in found['resources']:
                for handler in (resource['anon'], resource['auth']):
                    if handler is not None:
                        _, api, path = handler['uri'].partition(address.API)
                        if not api:
                            raise ValueError('not an address of the API')
                        handler['uri'] = base + path
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


class _Connected:
    """What belongs to one event loop, and ends with it."""

    def __init__(self, http: connection.Connection) -> None:
        self.connection = http
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
            task = self._shared = asyncio.create_task(work(self.connection))
            # Its error is known, even where nobody waits for it any more.
            task.add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )
        return await asyncio.shield(task)


class _Libraries:
    """The optional libraries, imported when this driver is used."""

    def __init__(self) -> None:
        try:
            import aiohttp
            from maas.client import bones
            from maas.client.utils import creds
        except ImportError as exc:
            raise exceptions.ConfigurationError(
                f'The driver maas cannot be used: {exc}',
                cure='Install its libraries: pip install '
                '"watcher-metal-drivers[maas]".',
                driver='maas',
            ) from exc
        self.aiohttp = aiohttp
        self._bones = bones
        self._creds = creds

    def session(self, description: Mapping[str, Any], key: str) -> Any:
        return self._bones.SessionAPI(
            description, self._creds.Credentials.parse(key)
        )

    def call(self, params: Mapping[str, str], action: Any) -> Any:
        return self._bones.CallAPI(params, action)
