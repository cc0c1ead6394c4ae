# SPDX-License-Identifier: Apache-2.0
"""Whether a port that is to speak https speaks http.

A server of http takes the first message of TLS for the beginning of a line
and waits for its end, so that nothing comes back until a time-out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar('T')

#: Seconds that a handshake may take before the port is asked in http.
AFTER = 1.0


class PlainHTTPError(Exception):
    """It speaks http."""


async def unless(
    work: Coroutine[Any, Any, T],
    connected: Callable[[], bool],
    speaks_http: Callable[[], Awaitable[bool]],
) -> T:
    """A request over https, to its end.

    :param connected: whether the handshake is done.
    :param speaks_http: asked where it takes long.
    :raises PlainHTTPError: it will never be done.
    """
    request = asyncio.ensure_future(work)

    async def look() -> bool:
        await asyncio.sleep(AFTER)
        return not connected() and await speaks_http() and not connected()

    probe = asyncio.ensure_future(look())
    tasks: list[asyncio.Future[Any]] = [request, probe]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not request.done() and probe.result():
            raise PlainHTTPError
        return await request
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
