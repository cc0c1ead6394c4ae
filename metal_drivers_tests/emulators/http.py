# SPDX-License-Identifier: Apache-2.0
"""The base of every emulator: routes, a record of requests, faults."""

import dataclasses
import email.utils
import re
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterable

import fixtures

from metal_drivers_tests.emulators import faults, maas_tls, messages, server

# How long wait_for waits by default, in seconds: only a failing test does.
PATIENCE = 10.0

Handler = Callable[..., messages.Reply]


@dataclasses.dataclass(frozen=True)
class Route:
    """Which method answers to what.

    :ivar pattern: a regular expression for the whole path, whose named
        groups become arguments
    """

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(method: str, pattern: str, handler: Handler) -> Route:
    return Route(method, re.compile(pattern), handler)


@dataclasses.dataclass(eq=False)
class Rule:
    """A fault that is set, as :meth:`HttpEmulator.fail` returns it.

    :ivar left: how often it still strikes, None for ever
    :ivar used: how often it has struck
    """

    match: messages.Match
    fault: faults.Fault
    left: int | None
    used: int = 0


class EmulatorError(AssertionError):
    """A route raised something else than a Refusal."""


class HttpEmulator(fixtures.Fixture):
    """A keep-alive HTTP server on 127.0.0.1, for as long as the fixture.

    A subclass gives ``routes`` and may override ``before``, ``after`` and
    ``not_found``. Routes run in the thread of their connection, so state
    needs a lock. A route that raises anything but a Refusal answers 500
    and fails the test at clean-up.

    :param port: 0 for a free one
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self._port = port
        self._changed = threading.Condition()
        self._requests: list[messages.Request] = []
        self._rules: list[Rule] = []
        self._errors: list[str] = []
        self._frozen: dict[object, messages.Reply] | None = None
        #: Set before the start: https, with such a certificate.
        self.tls: ssl.SSLContext | None = None
        #: Seconds; None: no reply has a date.
        self.clock_ahead: float | None = None

    def _setUp(self) -> None:
        self._routes = tuple(self.routes())
        self._server = self._make_server()
        self.addCleanup(self._check)
        self.addCleanup(self._server.stop)
        self._server.start(type(self).__name__)

    def _make_server(self) -> server.Server:
        if self.tls is None:
            return server.Server(self._exchange, self._respond, self._port)
        return maas_tls.TlsServer(
            self._exchange, self._respond, self._port, self.tls
        )

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``, without a slash at the end."""
        return f'{self._server.scheme}://127.0.0.1:{self._server.port}'

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        return self._server.accepted

    # What a subclass gives.

    def routes(self) -> Iterable[Route]:
        raise NotImplementedError

    def before(self, request: messages.Request) -> None:
        """Refuse what is refused whatever the route, or do nothing."""

    def after(
        self, request: messages.Request, reply: messages.Reply
    ) -> messages.Reply:
        """Add the headers that every reply has."""
        return reply

    def not_found(self, request: messages.Request) -> messages.Reply:
        return messages.Reply(404)

    # What a test uses.

    @property
    def requests(self) -> list[messages.Request]:
        """What was received so far, in order; those failed included."""
        with self._changed:
            return list(self._requests)

    def count(
        self, method: str | None = None, path: str = '.*', **query: str
    ) -> int:
        """How many requests match; see :func:`.messages.matching`."""
        match = messages.matching(method, path, **query)
        return sum(1 for request in self.requests if match(request))

    def forget(self) -> None:
        """Empty the record of requests."""
        with self._changed:
            self._requests.clear()

    def wait_for(
        self, match: messages.Match, times: int = 1, timeout: float = PATIENCE
    ) -> None:
        """Return once so many requests that match have arrived.

        :raises TimeoutError: they did not, within ``timeout`` seconds
        """
        with self._changed:
            if not self._changed.wait_for(
                lambda: sum(map(match, self._requests)) >= times, timeout
            ):
                raise TimeoutError(f'{times} requests did not arrive')

    def fail(
        self,
        match: messages.Match,
        fault: faults.Fault,
        times: int | None = 1,
    ) -> Rule:
        """Let requests that match meet a fault.

        The first rule that matches and is not used up strikes.

        :param times: how often, None for every time
        """
        rule = Rule(match, fault, times)
        with self._changed:
            self._rules.append(rule)
        return rule

    def heal(self, rule: Rule | None = None) -> None:
        """Take back one fault, or all."""
        with self._changed:
            self._rules = [r for r in self._rules if rule and r is not rule]

    def freeze(self) -> None:
        """Answer each GET once, then with the same bytes: for benchmarks."""
        self._frozen = {}

    def thaw(self) -> None:
        """Undo freeze."""
        self._frozen = None

    # How a request is answered.

    def _exchange(self, exchange: server.Exchange) -> None:
        with self._changed:
            self._requests.append(exchange.request)
            rule = self._rule_for(exchange.request)
            self._changed.notify_all()
        if rule is not None:
            rule.fault(exchange)
        else:
            exchange.send(exchange.perform())

    def _rule_for(self, request: messages.Request) -> Rule | None:
        for rule in self._rules:
            if rule.left != 0 and rule.match(request):
                rule.used += 1
                if rule.left is not None:
                    rule.left -= 1
                return rule
        return None

    def _respond(self, request: messages.Request) -> messages.Reply:
        frozen = self._frozen
        if frozen is None or request.method != 'GET':
            return self._answer(request)
        # The token and the microversion change what the answer is.
        key = (
            request.target,
            tuple(
                sorted(
                    (name.lower(), value)
                    for name, value in request.headers.items()
                    if 'token' in name.lower() or 'version' in name.lower()
                )
            ),
        )
        if key not in frozen:
            frozen[key] = self._answer(request)
        return frozen[key]

    def _answer(self, request: messages.Request) -> messages.Reply:
        try:
            try:
                self.before(request)
                reply = self._dispatch(request)
            except messages.Refusal as refusal:
                reply = refusal.reply
            reply = self.after(request, reply)
            if self.clock_ahead is None:
                return reply
            date = email.utils.formatdate(
                time.time() + self.clock_ahead, usegmt=True
            )
            return reply.with_headers(('Date', date))
        except Exception:
            self._errors.append(traceback.format_exc())
            return messages.Reply(500, b'The emulator failed', 'text/plain')

    def _dispatch(self, request: messages.Request) -> messages.Reply:
        for candidate in self._routes:
            found = candidate.pattern.fullmatch(request.path)
            if found and candidate.method == request.method:
                return candidate.handler(request, **found.groupdict())
        return self.not_found(request)

    def pause(self, seconds: float | None = None) -> None:
        """Hold a route, at most until the fixture is cleaned up."""
        self._server.wait(threading.Event(), seconds)

    def _check(self) -> None:
        if self._errors:
            raise EmulatorError('\n'.join(self._errors))
