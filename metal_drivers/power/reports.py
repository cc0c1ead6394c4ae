# SPDX-License-Identifier: Apache-2.0
"""Whether nova-compute is known to run since the last boot of its host.

For a while after a host went off Nova goes on saying that it is up
(``service_down_time``, 60 s by default). So ``up`` alone tells nothing of a
node that may have been off a moment ago: a server that is placed there
fails.
"""

from __future__ import annotations

from metal_drivers.model import ComputeService
from metal_drivers.power.clock import Clock

#: For so many seconds Nova takes a compute that does not report to be up
#: (``service_down_time``, its default).
_DOWN_TIME = 60.0
#: What is up without a report in so many seconds does not report by
#: ``updated_at``: Nova keeps its reports elsewhere, as in memcached. Shorter,
#: a longer ``service_down_time`` would be taken for that, and the time of our
#: own last mark, which moves ``updated_at`` as well, for a report.
_SILENT = 600.0


class Reports:
    """Made when the node was seen to be on; then shown each answer that
    was asked for after that.

    :param down: whether Nova knew then, or before, that it was down.
    """

    def __init__(self, clock: Clock, down: bool) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._down = down
        #: What a report is to be newer than.
        self._first: ComputeService | None = None

    def back(self, service: ComputeService) -> bool:
        """Whether it is up, and that is no memory of Nova's.

        It has been seen down since; or has reported since, which is no
        change that somebody has made of it; or, where it does not report
        by ``updated_at``, is up for longer than Nova would remember.
        """
        first = self._first
        if first is None or _said(service) != _said(first):
            # Whoever changed that has moved the time, too.
            first = self._first = service
        if not service.up:
            self._down = True
            return False
        if self._down or service.updated_at != first.updated_at:
            return True
        waited = self._clock.monotonic() - self._began
        return self._silent(service) and waited > _DOWN_TIME

    def _silent(self, service: ComputeService) -> bool:
        if service.updated_at is None:
            return True
        silence = self._clock.now() - service.updated_at
        return silence.total_seconds() > _SILENT


def _said(service: ComputeService) -> tuple[str, str | None]:
    """What people change of it."""
    return service.status, service.disabled_reason
