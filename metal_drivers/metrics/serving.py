# SPDX-License-Identifier: Apache-2.0
"""Metrics over HTTP, in a file, or as text."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import tempfile
import threading
import wsgiref.simple_server
from collections.abc import Callable, Iterator

import prometheus_client
from prometheus_client import exposition, registry
from prometheus_client.openmetrics import exposition as openmetrics

from metal_drivers import exceptions

#: Seconds after which a client that sends nothing is left.
PATIENCE = 10.0
#: How often the server looks whether it is to end, in seconds.
_LOOK = 0.05


def text(collector: registry.Collector) -> str:
    """OpenMetrics."""
    generate: Callable[[registry.CollectorRegistry], bytes] = (
        openmetrics.generate_latest
    )
    return generate(_registry(collector)).decode()


def write(collector: registry.Collector, path: str) -> None:
    """Write a file for the textfile collector of node_exporter, which sees
    the former file or all of the new one.

    That collector reads the text format, not OpenMetrics.

    :raises MetalError: it cannot be written.
    """
    content = exposition.generate_latest(_registry(collector))
    try:
        _replace(path, content)
    except OSError as exc:
        raise exceptions.MetalError(
            f'The metrics cannot be written to {path}: {exc.strerror or exc}',
            cure='Check the directory and its permissions.',
        ) from exc


def _replace(path: str, content: bytes) -> None:
    handle, name = tempfile.mkstemp(
        # node_exporter reads *.prom only.
        prefix='.' + os.path.basename(path),
        suffix='.tmp',
        dir=os.path.dirname(path) or '.',
    )
    try:
        with open(handle, 'wb') as file:
            file.write(content)
            # Others have to read it.
            os.fchmod(file.fileno(), 0o644)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def listening(
    collector: registry.Collector, host: str, port: int
) -> Iterator[int]:
    """Serve the metrics at ``/metrics``, and any other path, meanwhile.

    OpenMetrics or the text format, as the client asks.

    :param port: 0: any that is free.
    :returns: the port.
    :raises ConfigurationError: it cannot be had.
    """
    try:
        server = wsgiref.simple_server.make_server(
            host,
            port,
            prometheus_client.make_wsgi_app(_registry(collector)),
            _server_class(host, port),
            _Handler,
        )
    except OSError as exc:
        raise exceptions.ConfigurationError(
            f'Cannot listen on {host}:{port}: {exc.strerror or exc}',
            cure='Choose another address or port with --listen.',
        ) from exc
    thread = threading.Thread(
        target=server.serve_forever,
        args=(_LOOK,),
        name='metal-metrics',
        daemon=True,
    )
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def address(given: str) -> tuple[str, int]:
    """``127.0.0.1:9797``, ``[::1]:9797`` or ``localhost:9797``.

    :raises ValueError: it is none.
    """
    found = re.fullmatch(
        r'(\[(?P<six>[^\]]+)\]|(?P<four>[^:\[\]]+)):(?P<port>\d{1,5})', given
    )
    if found is None or int(found['port']) > 65535:
        raise ValueError(
            'must be ADDRESS:PORT, such as 127.0.0.1:9797 or [::1]:9797'
        )
    return found['six'] or found['four'], int(found['port'])


class _Handler(wsgiref.simple_server.WSGIRequestHandler):
    """Says nothing of requests, and does not wait for ever."""

    timeout = PATIENCE

    def log_message(self, format: str, *args: object) -> None: ...


def _server_class(
    host: str, port: int
) -> type[wsgiref.simple_server.WSGIServer]:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]

    class Server(exposition.ThreadingWSGIServer):
        """Of that address family. Its threads end with the process."""

        address_family = family

        def handle_error(self, request: object, client: object) -> None:
            """A client that went away is no news."""

    return Server


def _registry(collector: registry.Collector) -> registry.CollectorRegistry:
    found = registry.CollectorRegistry(auto_describe=False)
    found.register(collector)
    return found
