# SPDX-License-Identifier: Apache-2.0
"""What the tests of the MAAS driver share."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import fixtures

from metal_drivers import exceptions
from metal_drivers.drivers.maas import MaasDriver, power_ons
from metal_drivers.model import Node
from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.drivers.maas import leaks

E = TypeVar('E', bound=exceptions.MetalError)

GROUP = 'watcher.metal.drivers.maas'
LIST = messages.matching('GET', '/MAAS/api/2.0/machines/')
DESCRIBE = messages.matching('GET', '.*/describe/')

#: What no test may ever do to a machine.
FORBIDDEN = (maas.Effect.CYCLE, maas.Effect.DEPLOY, maas.Effect.REDEPLOY)


def is_query(request: messages.Request) -> bool:
    return request.last('op') == 'query_power_state'


def is_power(request: messages.Request) -> bool:
    return request.method == 'POST'


def is_read(request: messages.Request) -> bool:
    """Of one machine."""
    return (
        request.method == 'GET'
        and '/machines/' in request.path
        and not request.path.endswith('/machines/')
        and 'op' not in request.query
    )


class Watched(base.TestCase):
    """All output is recorded, and searched for secrets at the end."""

    def setUp(self) -> None:
        # At the very end, when all is closed.
        self.addCleanup(self.check_output)
        self.recorder = self.useFixture(leaks.Recorder())
        self.watched: list[maas.MaasEmulator] = []
        super().setUp()
        #: Seconds for which the drivers take what time it is.
        self.seconds = 1000.0
        # Each test is a process of its own.
        self.power_ons = power_ons.PowerOns(lambda: self.seconds)
        self.useFixture(
            fixtures.MonkeyPatch(
                f'{power_ons.__name__}.PROCESS', self.power_ons
            )
        )

    def check_output(self) -> None:
        for server in self.watched:
            self.assertEqual([], server.done(*FORBIDDEN))
        self.assertEqual([], self.recorder.leaks())
        self.assertEqual([], self.recorder.complaints())

    def start(self, *args: Any, **kwargs: Any) -> maas.MaasEmulator:
        server: maas.MaasEmulator = self.useFixture(
            maas.MaasEmulator(*args, **kwargs)
        )
        self.watched.append(server)
        for user in (server.admin, server.joe):
            self.keep_secret(user.apikey)
        return server

    def keep_secret(self, key: str) -> str:
        """Look for this key, and for its parts."""
        self.recorder.secrets |= {key, *key.split(':')}
        return key

    def driver_at(self, url: str, **options: Any) -> MaasDriver:
        driver = MaasDriver({'url': url, 'timeout': 60} | options)
        self.addCleanup(driver.close)
        self.recorder.note(driver)
        return driver

    def error(
        self, kind: type[E], call: Callable[..., object], *args: Any
    ) -> E:
        """The error that this ends with: one line, with a cure."""
        try:
            result = call(*args)
        except exceptions.MetalError as exc:
            self.recorder.note(exc)
            self.assertIsInstance(exc, kind)
            self.assertNotIn('\n', str(exc))
            self.assertTrue(exc.cure, exc)
            assert isinstance(exc, kind)
            return exc
        raise AssertionError(f'no error, but {result!r}')


class MaasTestCase(Watched):
    """A MAAS of one release, and a driver for it."""

    series = '3.7'

    def setUp(self) -> None:
        super().setUp()
        self.maas = self.start(self.series)
        self.driver = self.driver_with()

    def driver_with(self, **options: Any) -> MaasDriver:
        known = {'url': self.maas.maas_url, 'api_key': self.maas.apikey}
        return self.driver_at(**known | options)

    def requests(self, match: messages.Match) -> int:
        return sum(map(match, self.maas.requests))

    def node(self, **fields: Any) -> Node:
        """How a machine with these fields is shown."""
        machine = self.maas.add_machine(**fields)
        node = self.driver.get_node(machine.system_id)
        self.recorder.note(node)
        return node


class LoopTime(fixtures.Fixture):
    """The time by which drivers give up: it goes on while a request is
    under way, and nobody waits for it."""

    def _setUp(self) -> None:
        self._ahead = 0.0
        self.useFixture(
            fixtures.MonkeyPatch(
                'asyncio.BaseEventLoop.time',
                lambda loop: time.monotonic() + self._ahead,
            )
        )

    def takes(self, seconds: float) -> faults.Fault:
        """The real answer, by that time so much later."""

        def fault(exchange: faults.Exchange) -> None:
            reply = exchange.perform()
            self._ahead += seconds
            exchange.send(reply)

        return fault


def run_python(
    code: str, *args: str, env: Mapping[str, str] | None = None
) -> 'subprocess.CompletedProcess[str]':
    """A process of its own, which must come to its end."""
    # To read the system's authorities takes longer than most of the tests.
    no_authorities = {'SSL_CERT_FILE': os.devnull, 'SSL_CERT_DIR': os.devnull}
    return subprocess.run(
        [
            *(sys.executable, '-W', 'default::ResourceWarning'),
            *('-W', 'ignore::DeprecationWarning', '-c', code, *args),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={**(os.environ if env is None else env), **no_authorities},
        check=False,
    )
