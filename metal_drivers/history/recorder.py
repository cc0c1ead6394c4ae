# SPDX-License-Identifier: Apache-2.0
"""Makes a line of the history of the events of a transition."""

from __future__ import annotations

import datetime
import logging
import os
import pwd
import socket
import sys
import threading
from collections.abc import Mapping

from metal_drivers import redaction
from metal_drivers.clock import Clock
from metal_drivers.compute import markers
from metal_drivers.energy import Watts
from metal_drivers.events import Event, Step, Watcher
from metal_drivers.history.file import HistoryFile
from metal_drivers.history.record import Record
from metal_drivers.model import PowerState

LOG = logging.getLogger(__name__)

_REQUESTS = {
    Step.SOFT_OFF: 'soft',
    Step.HARD_OFF: 'hard',
    Step.POWER_ON: 'power_on',
}


class Recorder:
    """Writes each transition that ends.

    :param file: where to.
    :param watts: what hosts draw.
    """

    def __init__(self, file: HistoryFile, watts: Watts, clock: Clock) -> None:
        self._file, self._watts, self._clock = file, watts, clock
        self._machine = socket.gethostname()
        #: A transition is told of in the thread that does it, which does
        #: one at a time.
        self._now = threading.local()

    def beside(self, watch: Watcher, by: Mapping[str, str]) -> Watcher:
        """A listener that records what it is told, and tells another.

        :param by: who asks: see :attr:`Record.by`.
        """

        def both(event: Event) -> None:
            try:
                self._hear(event, by)
            except Exception as exc:
                # No transition is disturbed by its history.
                LOG.warning(
                    'A power change of node %s is missing in the history '
                    '(%s). Please report it, with the output of --debug.',
                    event.node_id,
                    type(exc).__name__,
                )
                LOG.debug('History', exc_info=True)
            watch(event)

        return both

    def close(self) -> None:
        self._file.close()

    def _hear(self, event: Event, by: Mapping[str, str]) -> None:
        now = self._clock.now()
        if event.step is Step.ASKED:
            self._now.run = _Run(event, now)
            return
        run: _Run | None = getattr(self._now, 'run', None)
        if run is None:
            return
        run.hear(event, now)
        if event.step.last:
            self._now.run = None
            watts = self._watts.of(event.member)
            record = run.record(event, now, watts, by, self._machine)
            self._file.append(record.line())


class _Run:
    """One transition, so far."""

    def __init__(self, first: Event, now: datetime.datetime) -> None:
        self._first, self._began = first, now
        self._off = first.target is PowerState.OFF
        self._seconds: dict[str, float] = {}
        self._phase: str | None = 'empty' if self._off else None
        self._since = first.duration
        self._sent = False
        self._changed: datetime.datetime | None = None
        self._zone: str | None = None

    def hear(self, event: Event, now: datetime.datetime) -> None:
        if self._phase is not None:
            so_far = self._seconds.get(self._phase, 0.0)
            spent = max(0.0, event.duration - self._since)
            self._seconds[self._phase] = so_far + spent
        self._since = event.duration
        self._zone = event.zone or self._zone
        if event.step in _REQUESTS:
            self._phase, self._sent = _REQUESTS[event.step], True
            if event.step is Step.POWER_ON and self._changed is None:
                self._changed = now
        elif event.step is Step.SLOT:
            self._phase = 'slot'
        elif event.step is Step.STATE:
            if self._off and event.detail == PowerState.OFF.value:
                self._phase, self._changed = None, self._changed or now
        elif event.step is Step.UNDONE or event.step.last:
            self._phase = None
        elif not self._sent:
            self._phase = 'empty' if self._off else None
        elif event.step is Step.ENABLED:
            self._phase = None

    def record(
        self,
        last: Event,
        now: datetime.datetime,
        watts: float | None,
        by: Mapping[str, str],
        machine: str,
    ) -> Record:
        first, node = self._first, last.member.node
        host = first.member.host
        marker = markers.for_node(host, last.node_id)
        off_seconds = None
        if marker and marker.kind is markers.MarkerKind.POWERED_OFF:
            off_seconds = marker.age(self._changed or self._began)
        return Record(
            now,
            self._began,
            last.node_id,
            node.name,
            last.host,
            last.backend,
            self._zone,
            first.member.node.power_state.value,
            last.target.value if last.target else 'recovered',
            node.power_state.value,
            last.outcome.value if last.outcome else '',
            # As all that drivers say, but this is kept for years.
            redaction.mask_userinfo(last.detail),
            self._changed,
            self._seconds | {'total': last.duration},
            off_seconds,
            marker.kind.value if marker else '',
            marker.when if marker else None,
            first.member.node.powered_on_at,
            watts,
            by,
            machine,
        )


def asker(command: str = '') -> dict[str, str]:
    """Who runs this process, for :attr:`Record.by`.

    :param command: by default, the name of the program.
    """
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in containers
        user = str(os.getuid())
    by = {
        'command': command or os.path.basename(sys.argv[0] or 'python'),
        'user': user,
    }
    if sudo := os.environ.get('SUDO_USER'):
        by['sudo_user'] = sudo
    return by
