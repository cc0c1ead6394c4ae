# SPDX-License-Identifier: Apache-2.0
"""One instance of each service for the whole test process.

The first test that asks starts it, the end of the process ends it::

    class TestCloud(testtools.TestCase):
        def setUp(self):
            super().setUp()
            self.cloud = shared.cloud_for(self)

So test classes share its state: give what you create names of your own, and
remove it again. A test that changes the service itself, say its limits,
starts its own.
"""

import atexit
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Generic, NoReturn, TypeVar
from unittest import TestCase

from metal_drivers_tests.functional.services import (
    base,
    cloud,
    errors,
    ironic,
    masakari,
    watcher,
)

REQUIRE_VARIABLE = 'METAL_DRIVERS_REQUIRE_CLOUD'

F = TypeVar('F', bound=base.ServiceFixture)


def skip_or_fail(test: TestCase, reason: str) -> NoReturn:
    """Skip a test, or fail it where METAL_DRIVERS_REQUIRE_CLOUD is 1."""
    if os.environ.get(REQUIRE_VARIABLE) == '1':
        raise test.failureException(f'{reason} ({REQUIRE_VARIABLE} is set)')
    test.skipTest(reason)
    raise AssertionError('skipTest returned')


def ironic_for(test: TestCase) -> ironic.StandaloneIronic:
    """Return the shared Ironic without authentication, or skip."""
    return _ironic.get(test)


def basic_ironic_for(test: TestCase) -> ironic.StandaloneIronic:
    """Return the shared Ironic with http_basic, or skip."""
    return _basic_ironic.get(test)


def cloud_for(test: TestCase) -> cloud.Cloud:
    """Return the shared cloud of three computes, or skip."""
    return _cloud.get(test)


def watcher_for(test: TestCase) -> watcher.Watcher:
    """Return the shared Watcher beside the shared cloud, or skip."""
    cloud_for(test)
    return _watcher.get(test)


def masakari_for(test: TestCase) -> masakari.Masakari:
    """Return the shared Masakari beside the shared cloud, or skip."""
    cloud_for(test)
    return _masakari.get(test)


class _Shared(Generic[F]):
    """A fixture that is set up when it is first asked for."""

    def __init__(self, make: Callable[[], F]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._fixture: F | None = None
        self._error: Exception | None = None

    def running(self) -> F:
        """Return it once it was got."""
        assert self._fixture is not None
        return self._fixture

    def get(self, test: TestCase) -> F:
        """Return it; what failed once fails, or skips, at once again."""
        with self._lock:
            if self._fixture is None and self._error is None:
                self._set_up()
        if isinstance(self._error, errors.ServiceUnavailable):
            skip_or_fail(test, str(self._error))
        if self._fixture is None:
            raise errors.ServiceError(
                'the shared service could not be started'
            ) from self._error
        return self._fixture

    def _set_up(self) -> None:
        _end_with_process()
        fixture = self._make()
        # Known before it is complete, so that SIGTERM ends it even then.
        _live.append(fixture)
        try:
            self._fixture = fixture.__enter__()
        except Exception as error:
            self._error = error
        finally:
            if self._fixture is None:
                _live.remove(fixture)


_ironic = _Shared(ironic.StandaloneIronic)
_basic_ironic = _Shared(lambda: ironic.StandaloneIronic('http_basic'))
_cloud = _Shared(cloud.Cloud)
_watcher = _Shared(lambda: watcher.Watcher(_cloud.running()))
_masakari = _Shared(lambda: masakari.Masakari(_cloud.running()))
_live: list[base.ServiceFixture] = []
_owner: int | None = None


def _end_with_process() -> None:
    global _owner
    if _owner == os.getpid():
        return
    _owner = os.getpid()
    atexit.register(_end_all)
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_term)


def _end_all() -> None:
    # A forked child inherits the list and the exit handler, but does not
    # own the services.
    if _owner != os.getpid():
        return
    while _live:
        _live.pop().cleanUp()


def _on_term(number: int, frame: FrameType | None) -> None:
    # Not SystemExit: test runners take that for the failure of one test.
    try:
        _end_all()
    finally:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
