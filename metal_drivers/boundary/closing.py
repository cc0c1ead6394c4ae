# SPDX-License-Identifier: Apache-2.0
"""Closing a driver, without waiting for it for ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from metal_drivers import exceptions
from metal_drivers.boundary.errors import Origin

LOG = logging.getLogger(__name__)

#: Seconds that a driver may take to give back threads and sockets.
TIMEOUT = 5.0


class Closing:
    """A driver that is being closed, in a thread that ends with the
    process.

    :param close: raises MetalErrors only.
    """

    def __init__(self, close: Callable[[], object], origin: Origin) -> None:
        self._close, self._origin = close, origin
        self._thread = threading.Thread(
            target=self._run, name='metal-close', daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            # Python 3.12 starts none while the interpreter ends.
            self._run()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for it, but not for ever."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        if not self.ended:
            LOG.warning(
                '%s: close() did not end within %g s, and is not waited for '
                'any longer. This must be fixed in the driver: report it to '
                'its author.',
                self._origin.label,
                seconds,
            )

    def _run(self) -> None:
        try:
            self._close()
        except exceptions.MetalError as exc:
            LOG.warning('%s', exc)
        except KeyboardInterrupt:
            LOG.warning('%s: close() was interrupted', self._origin.label)
