# SPDX-License-Identifier: Apache-2.0
"""What the tests of the commands on MAAS share: computes live and die with the
power of their machine."""

import datetime
import threading
from typing import Any

import fixtures

from metal_drivers import clock
from metal_drivers_tests.emulators import maas
from metal_drivers_tests.unit.cli import base
from metal_drivers_tests.unit.drivers.maas import base as maas_base
from metal_drivers_tests.unit.drivers.maas import leaks

GROUP = maas_base.GROUP


class OwnTime(clock.Clock):
    """Passes for each thread in what that waits, and nobody sleeps."""

    def __init__(self) -> None:
        self._waited = threading.local()

    def monotonic(self) -> float:
        return getattr(self._waited, 'seconds', 0.0)

    def now(self) -> datetime.datetime:
        return super().now() + datetime.timedelta(seconds=self.monotonic())

    def wait(self, alarm: threading.Event, seconds: float) -> None:
        if not alarm.is_set():
            self._waited.seconds = self.monotonic() + seconds


class MaasCommandTestCase(base.CommandTestCase):
    """A MAAS of four deployed machines, and one that is ready.

    Nova knows three by their short name, and compute-04 by its full one.
    All that the commands print is searched for the API key.
    """

    series = '3.7'

    def setUp(self) -> None:
        super().setUp()
        self.printed: list[base.Done] = []
        self.maas: maas.MaasEmulator = self.useFixture(
            maas.MaasEmulator(self.series)
        )
        self.maas.region.confirm = 0
        for number in (1, 2, 3, 4):
            self.maas.add_machine(hostname=f'compute-{number:02}')
        self.maas.add_machine(
            hostname='compute-05', status=maas.Status.READY, owner=None
        )
        self.nova.add_host('compute-04.lab.example.com')
        self.nova.add_host('compute-05')
        del self.config['watcher.metal.drivers.ironic']
        # Time is not waited for here, but each look is a request.
        self.config['metal_drivers']['poll_interval'] = 20
        self.config[GROUP] = {
            'url': self.maas.maas_url,
            'api_key': self.maas.apikey,
            'timeout': 5,
        }
        self.secrets = {*self.maas.apikey.split(':')}
        self.addCleanup(self.check_output)
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.services.Clock',
                OwnTime,
            )
        )

    def check_output(self) -> None:
        recorder = leaks.Recorder()
        recorder.secrets = self.secrets
        recorder.note(*self.printed)
        self.assertEqual([], recorder.leaks())
        self.assertEqual([], self.maas.done(*maas_base.FORBIDDEN))

    def is_on(self, host: str) -> bool:
        return self.maas.machine(host.partition('.')[0]).power == 'on'

    def run_command(self, *args: str, **kwargs: Any) -> base.Done:
        done = super().run_command(*args, **kwargs)
        self.printed.append(done)
        return done

    def rows(self, *args: str, status: int = 0) -> list[dict[str, Any]]:
        done = self.metal(*args, '-f', 'json')
        self.assertEqual((status, ''), (done.status, done.stderr))
        rows: list[dict[str, Any]] = done.json
        return rows

    def off(self, *names: str, status: int = 0) -> list[dict[str, Any]]:
        return self.rows(
            'node', 'power', 'off', *names, '--yes', status=status
        )

    def on(self, *names: str, status: int = 0) -> list[dict[str, Any]]:
        return self.rows('node', 'power', 'on', *names, status=status)

    def effects(self, name: str) -> list[maas.Effect]:
        return [each.effect for each in self.maas.machine(name).actions]
