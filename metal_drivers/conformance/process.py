# SPDX-License-Identifier: Apache-2.0
"""What belongs to the whole process, and to no driver."""

from __future__ import annotations

import contextlib
import http.client
import locale
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Iterator

_ROOT = logging.getLogger()

#: What ``urllib`` and ``http.client`` make TLS connections with.
_TLS = '_create_default_https_context'


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """What is changed meanwhile, by name; there when it has ended, and put
    back then."""
    before = _state()
    environment = dict(os.environ)
    level, handlers = _ROOT.level, list(_ROOT.handlers)
    found: list[str] = []
    try:
        yield found
    finally:
        after = _state()
        found += sorted(
            name
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
        )
        socket.setdefaulttimeout(before['the time-out of all sockets'])  # type: ignore[arg-type]
        http.client.HTTPConnection.debuglevel = before[  # type: ignore[assignment]
            'the debug level of http.client'
        ]
        setattr(ssl, _TLS, before['how TLS certificates are checked'])
        sys.excepthook = before['sys.excepthook']  # type: ignore[assignment]
        os.chdir(str(before['the working directory']))
        locale.setlocale(locale.LC_ALL, str(before['the locale']))
        os.environ.clear()
        os.environ.update(environment)
        _ROOT.setLevel(level)
        _ROOT.handlers[:] = handlers


def _state() -> dict[str, object]:
    return {
        'the time-out of all sockets': socket.getdefaulttimeout(),
        'the debug level of http.client': (
            http.client.HTTPConnection.debuglevel
        ),
        'how TLS certificates are checked': getattr(ssl, _TLS),
        'sys.excepthook': sys.excepthook,
        'the working directory': os.getcwd(),
        'the locale': locale.setlocale(locale.LC_ALL),
        'the root logger': (_ROOT.level, *_ROOT.handlers),
        **{
            f'the environment variable {name}': value
            for name, value in os.environ.items()
        },
        **{
            f'what is done at signal {number}': signal.getsignal(number)
            for number in signal.valid_signals()
        },
    }
