# SPDX-License-Identifier: Apache-2.0
"""A night of twelve hosts, as the exporter reports it.

Audits every quarter of an hour power the hosts off that are free, over the
driver, the Nova and the time of the tests of power. The exporter, the
decision and the power engine are the real ones.
"""

from __future__ import annotations

import bisect
import datetime
from collections.abc import Iterable

from prometheus_client.samples import Sample

from metal_drivers import overview, planning
from metal_drivers.energy import Watts
from metal_drivers.metrics import families, source
from metal_drivers.model import PowerState
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit.power import simulator

HOSTS, WATTS = 12, 150.0
#: How many hosts are to be free and on.
WISH = planning.Wish(min_free_hosts_num=2)
#: The host that does not come back in the morning.
BROKEN = 'h8'

_HOUR = 3600.0
_BEGIN, _END = 18 * _HOUR, 33.5 * _HOUR
_AUDIT, _MINUTE = 900.0, 60.0
#: How many hosts have servers, from so many hours on.
_BUSY = (
    *((18.0, 10), (19.0, 9), (19.7, 7), (20.4, 6), (21.2, 5), (22.0, 4)),
    *((23.1, 3), (29.8, 4), (30.4, 5), (30.9, 6), (31.3, 7), (31.7, 8)),
)


class Found:
    """What the exporter had, at each time."""

    def __init__(self) -> None:
        self._samples: dict[datetime.datetime, list[Sample]] = {}

    def add(self, when: datetime.datetime, samples: Iterable[Sample]) -> None:
        self._samples[when] = list(samples)

    def sum(self, name: str, **labels: str) -> dict[datetime.datetime, float]:
        """``sum(NAME{LABELS})`` at each time; 0 where there is nothing.

        :param name: without ``metal_drivers_``.
        """
        full = families.PREFIX + name
        return {
            when: sum(
                each.value
                for each in samples
                if each.name == full and labels.items() <= each.labels.items()
            )
            for when, samples in self._samples.items()
        }


class Night:
    """Lives through the night.

    :param interval: seconds between two scrapes.
    """

    def __init__(self, interval: float = 60.0) -> None:
        self._interval = interval
        self._cloud = simulator.SimCloud(HOSTS)
        self._clock = self._cloud.clock
        for host in self._cloud.nova.hosts.values():
            host.machine.delay, host.machine.shutdown = 20.0, 90.0
            host.boot = 300.0
        self._source = source.Source(
            'ironic', self._ask, self._look, self._clock
        )
        self._found = Found()

    def run(self) -> Found:
        """Until the morning."""
        self._clock.advance(_BEGIN)
        self._clock.at(6 * _HOUR, self._break)
        self._serve()
        self._scrape()
        while self._clock.time < _END:
            until = self._clock.time + _AUDIT
            self._audit()
            self._clock.advance(max(0.0, until - self._clock.time))
        return self._found

    def _ask(self) -> overview.Answers:
        return overview.ask(
            self._cloud.driver, 'ironic', self._cloud.nova, (), self._clock
        )

    def _look(self, lists: overview.Lists) -> overview.Overview:
        return overview.take(
            lists,
            PowerSettings(),
            WISH,
            self._clock.now(),
            Watts(default=WATTS).of,
        )

    def _scrape(self) -> None:
        self._source.refresh()
        self._found.add(
            self._clock.now(),
            (
                sample
                for family in self._source.collect()
                for sample in family.samples
            ),
        )
        if self._clock.time < _END:
            self._clock.at(self._interval, self._scrape)

    def _serve(self) -> None:
        """Servers come and go; they are where there is room."""
        hosts = list(self._cloud.nova.hosts.values())
        place = bisect.bisect(_BUSY, (self._clock.time / _HOUR, HOSTS)) - 1
        missing = _BUSY[place][1] - sum(bool(host.servers) for host in hosts)
        for host in hosts if missing > 0 else reversed(hosts):
            if missing > 0 and not host.servers and self._up(host):
                self._cloud.nova.land(host.name)
                missing -= bool(host.servers)
            elif missing < 0 and host.servers:
                host.servers = 0
                missing += 1
        if self._clock.time < _END:
            self._clock.at(_MINUTE, self._serve)

    def _up(self, host: simulator.SimHost) -> bool:
        service = self._cloud.nova.get_service(host.name)
        return service.state == 'up' and host.machine.power is simulator.ON

    def _break(self) -> None:
        machine = self._cloud.nova.hosts[BROKEN].machine
        machine.ends_in = 'the power supply failed'

    def _audit(self) -> None:
        self._cloud.calls.restart()
        plan = planning.make_plan(
            self._cloud.fleet(),
            self._cloud.nova,
            WISH,
            PowerSettings(),
            now=self._clock.now(),
        )
        for members, state in (
            (plan.on, PowerState.ON),
            (plan.off, PowerState.OFF),
        ):
            self._cloud.switch(state, *(m.node.name for m in members))
