# SPDX-License-Identifier: Apache-2.0
"""Ways for a server to misbehave, for :meth:`.http.HttpEmulator.fail`.

A fault is a function of the exchange. ``performed`` says whether the
request takes effect before the fault: a reply that is lost after the
work was done is what a client has the hardest time with.
"""

import dataclasses
import threading
from collections.abc import Callable
from typing import Protocol

from metal_drivers_tests.emulators import messages


class Exchange(Protocol):
    """One request under way, as a fault sees it."""

    request: messages.Request

    def perform(self) -> messages.Reply:
        """Do what was asked; the reply is not sent."""

    def send(self, reply: messages.Reply, length: int | None = None) -> None:
        """Send a reply, with a Content-Length that may be wrong."""

    def drop(self, reset: bool = False) -> None:
        """End the connection, with a RST where ``reset``."""

    def wait(
        self, event: threading.Event, timeout: float | None = None
    ) -> bool:
        """Wait; False where the emulator is shutting down."""


Fault = Callable[[Exchange], None]


def reset(performed: bool = False) -> Fault:
    """The connection is reset (RST)."""

    def fault(exchange: Exchange) -> None:
        if performed:
            exchange.perform()
        exchange.drop(reset=True)

    return fault


def close(performed: bool = False) -> Fault:
    """The connection is closed without a reply."""

    def fault(exchange: Exchange) -> None:
        if performed:
            exchange.perform()
        exchange.drop()

    return fault


def truncated(missing: int = 1) -> Fault:
    """The real reply, ``missing`` bytes short of its Content-Length."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.perform()
        length = max(len(reply.body), missing)
        cut = dataclasses.replace(reply, body=reply.body[: length - missing])
        exchange.send(cut, length=length)
        exchange.drop()

    return fault


def malformed_json() -> Fault:
    """The real reply, with JSON that stops in its middle."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.perform()
        body = reply.body[: len(reply.body) // 2] or b'{'
        exchange.send(dataclasses.replace(reply, body=body))

    return fault


def status(
    code: int,
    body: bytes = b'',
    content_type: str | None = 'application/json',
    headers: messages.Headers = (),
    performed: bool = False,
) -> Fault:
    """A reply that is given."""

    def fault(exchange: Exchange) -> None:
        if performed:
            exchange.perform()
        exchange.send(messages.Reply(code, body, content_type, headers))

    return fault


def html(code: int = 200) -> Fault:
    """A page for people, as captive portals and login pages answer."""
    page = b'<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>'
    return status(code, page, 'text/html; charset=utf-8')


def bad_gateway() -> Fault:
    """The 502 of a proxy whose backend is gone."""
    page = (
        b'<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>'
        b'\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>'
        b'nginx</center>\r\n</body>\r\n</html>\r\n'
    )
    return status(502, page, 'text/html')


def empty(code: int | None = None) -> Fault:
    """The real reply without its body (and with another status)."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.perform()
        exchange.send(
            dataclasses.replace(reply, status=code or reply.status, body=b'')
        )

    return fault


def wrong_content_type(content_type: str | None = 'text/plain') -> Fault:
    """The real reply under another content type."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.perform()
        exchange.send(dataclasses.replace(reply, content_type=content_type))

    return fault


def hang(until: threading.Event | None = None) -> Fault:
    """No answer until the event is set, then the real one.

    Without an event, or when the emulator goes away first, the
    connection is closed unanswered. Set at clean-up, so nothing is held.
    """
    event = until or threading.Event()

    def fault(exchange: Exchange) -> None:
        if exchange.wait(event):
            exchange.send(exchange.perform())
        else:
            exchange.drop()

    return fault


def slow(seconds: float) -> Fault:
    """The real answer, ``seconds`` late."""

    def fault(exchange: Exchange) -> None:
        if exchange.wait(threading.Event(), seconds):
            exchange.send(exchange.perform())
        else:
            exchange.drop()

    return fault
