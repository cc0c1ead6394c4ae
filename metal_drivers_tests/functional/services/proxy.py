# SPDX-License-Identifier: Apache-2.0
"""A way to a real service on which requests can be held up."""

import threading
from collections.abc import Iterable

import requests

from metal_drivers_tests.emulators import faults, http, messages

#: Of one connection only.
_HOPS = ('connection', 'content-length', 'transfer-encoding')


class Proxy(http.HttpEmulator):
    """Hands every request on, and every reply back.

    :param upstream: where the service is; without a path.
    """

    def __init__(self, upstream: str) -> None:
        super().__init__()
        self._upstream = upstream.rstrip('/')

    def routes(self) -> Iterable[http.Route]:
        return ()

    def not_found(self, request: messages.Request) -> messages.Reply:
        kept = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in _HOPS
        }
        with requests.Session() as session:
            session.trust_env = False
            # Encoded as it was sent, it need not be decoded here.
            reply = session.request(
                request.method,
                self._upstream + request.target,
                data=request.body,
                headers=kept,
                allow_redirects=False,
                stream=True,
                timeout=60,
            )
            body = reply.raw.read(decode_content=False)
        return messages.Reply(
            reply.status_code,
            body,
            reply.headers.get('Content-Type'),
            [
                (name, value)
                for name, value in reply.headers.items()
                if name.lower() not in (*_HOPS, 'content-type')
            ],
        )

    def hold(
        self, match: messages.Match, arrives: bool, after: int = 0
    ) -> 'Held':
        """Hold up one request.

        :param arrives: whether the service gets it, and only the reply is
            held up.
        :param after: how many that match are let through before.
        """
        held = Held(arrives)
        if after:
            self.fail(match, faults.slow(0), times=after)
        self.fail(match, held)
        return held


class Held:
    """A request that is held up, from when it is there."""

    def __init__(self, arrives: bool) -> None:
        self._arrives = arrives
        self.there = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, exchange: faults.Exchange) -> None:
        reply = exchange.perform() if self._arrives else None
        self.there.set()
        if exchange.wait(self.go_on):
            exchange.send(reply or exchange.perform())
        else:
            exchange.drop()
