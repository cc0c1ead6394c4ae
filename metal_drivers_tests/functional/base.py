# SPDX-License-Identifier: Apache-2.0
"""What the functional tests share: the command, as a user runs it."""

import base64
import dataclasses
import json
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

import fixtures

from metal_drivers import base
from metal_drivers_tests.functional.services import (
    baremetal,
    errors,
    process,
    proxy,
    shared,
    waiting,
)
from metal_drivers_tests.functional.services import base as services_base
from metal_drivers_tests.unit import base as unit_base

IRONIC = f'{base.NAMESPACE}.ironic'
SHARED = 'watcher_clients_auth'

#: How every reason begins with which we disable nova-compute.
OURS = 'metal-drivers/1 '

#: Seconds after which a command counts as hanging.
PATIENCE = 90.0

#: Seconds in which a command ends that something hinders. What hangs, hangs
#: for minutes or for ever; a busy machine is slow, but not that slow.
BOUND = 60

Sections = Mapping[str, Mapping[str, Any]]


def aged(reason: str | None) -> str:
    """Our reason for a disabling as if it were of long ago.

    While it is recent, another run may be at work, and is waited for.
    """
    old, count = re.subn(
        r'[0-9-]{10}T[0-9:.]+Z', '2020-02-02T02:02:02Z', reason or ''
    )
    if count != 1:
        raise AssertionError(f'{reason!r} has no time in it')
    return old


@dataclasses.dataclass(frozen=True)
class Run:
    """A command that has ended."""

    status: int
    stdout: str
    stderr: str
    #: How long it took.
    seconds: float

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What a listing printed."""
        found: list[dict[str, Any]] = json.loads(self.stdout)
        return found

    @property
    def row(self) -> dict[str, Any]:
        """The only row that it printed."""
        (found,) = self.rows
        return found

    @property
    def shown(self) -> dict[str, Any]:
        """What a command that shows one thing printed."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def output(self) -> str:
        """All that it printed."""
        return self.stdout + self.stderr


class Command:
    """``metal-drivers`` in a process of its own, under way.

    :param config: the configuration file.
    :param words: the command and its arguments.
    :param python: the interpreter of the environment where it is installed.
    """

    def __init__(
        self, config: str, *words: str, python: str = sys.executable
    ) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [
                python,
                '-m',
                'metal_drivers.cli.main',
                f'--config-file={config}',
                *words,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=process.clean_environment(),
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout: float = PATIENCE) -> Run:
        """How it ended.

        :raises TimeoutExpired: not within that many seconds.
        """
        stdout, stderr = self._process.communicate(timeout=timeout)
        seconds = time.monotonic() - self._began
        return Run(self._process.returncode, stdout, stderr, seconds)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self.running:
            self._process.kill()
            self._process.communicate()


class TestCase(unit_base.TestCase):
    """A test against real services."""

    #: The interpreter that runs ``metal-drivers``.
    python = sys.executable

    def unique(self, name: str) -> str:
        """A name that no other test uses."""
        return f'{name}-{uuid.uuid4().hex[:8]}'

    def start_service(self, service: services_base.ServiceFixture) -> None:
        """Start a service of this test's own, or skip."""
        try:
            self.useFixture(service)
        except fixtures.MultipleExceptions as error:
            cause = errors.root_cause(error)
            if not isinstance(cause, errors.ServiceUnavailable):
                raise
            shared.skip_or_fail(self, str(cause))

    def enroll(
        self, ironic: baremetal.BareMetal, name: str, **fields: Any
    ) -> str:
        """A node that is gone after the test; returns its uuid."""
        node = ironic.enroll(name, **fields)
        self.addCleanup(ironic.delete, node)
        return node

    def config_of(self, sections: Sections) -> str:
        """The path of a configuration file that polls every second."""
        return self.conf_file(
            '[metal_drivers]\npoll_interval = 1\n', **sections
        )

    def start_command(self, config: str, *words: str) -> Command:
        """Start ``metal-drivers``."""
        command = Command(config, *words, python=self.python)
        self.addCleanup(command.end)
        return command

    def command(self, config: str, *words: str) -> Run:
        """Run ``metal-drivers`` to its end."""
        return self.start_command(config, *words).wait()

    def listing(self, config: str, *words: str) -> Run:
        """Run a command that prints rows, and have them as JSON."""
        return self.command(config, *words, '-f', 'json')

    def assert_status(self, status: int, run: Run) -> None:
        """The command ended with this exit status."""
        self.assertEqual(status, run.status, str(run))

    def assert_row(self, run: Run, result: str, *told: str) -> None:
        """One node was switched, or was not, and the detail says why."""
        self.assertEqual(result, run.row['Result'], str(run))
        for text in told:
            self.assertIn(text, run.row['Detail'])
        good = result in ('done', 'already', 'planned')
        self.assert_status(0 if good else 1, run)
        self.assertNotIn('Traceback', run.output)
        self.assertEqual('', run.stderr)

    def assert_error(
        self, run: Run, status: int, *told: str, warnings: int = 0
    ) -> None:
        """The command ended with one line that says all of this.

        :param warnings: how many lines come before that one.
        """
        self.assert_status(status, run)
        self.assertEqual('', run.stdout)
        lines = run.stderr.splitlines()
        self.assertEqual(warnings + 1, len(lines), run.stderr)
        for line in lines:
            self.assertTrue(line.startswith('metal-drivers: '), line)
        for text in told:
            self.assertIn(text, lines[-1])

    def assert_kept(self, run: Run, *secrets: str) -> None:
        """None of these was printed, nor in base64."""
        for secret in secrets:
            self.assertNotIn(secret, run.output)
            encoded = base64.b64encode(secret.encode()).decode()
            self.assertNotIn(encoded.rstrip('='), run.output)


class CloudTestCase(TestCase):
    """With the cloud that is shared, and left as it was."""

    def setUp(self) -> None:
        super().setUp()
        self.cloud = shared.cloud_for(self)
        self.config = self.config_as('watcher')

    def config_as(self, user: str, **options: Any) -> str:
        """The configuration of somebody who has the same credentials for
        every service.

        :param options: what is different about these.
        """
        return self.config_of(
            {SHARED: {**self.cloud.keystone_options(user), **options}}
        )

    def until(self, held: proxy.Held, command: Command) -> None:
        """Wait for the request that is held to be there."""
        waiting.wait_until(
            lambda: held.there.is_set() or not command.running,
            'the request to be there',
        )
        if not held.there.is_set():
            self.fail(f'ended before: {command.wait()}')

    def node(self, number: int, **fields: Any) -> str:
        """The uuid of the node under a compute host."""
        return self.enroll(
            self.cloud.ironic,
            self.unique(f'metal-{number}'),
            extra={'compute_node_id': self.cloud.hypervisor_id(number)},
            **fields,
        )

    def service(self, host: str) -> dict[str, Any]:
        """Nova's word on a nova-compute."""
        found: dict[str, Any] = self.cloud.nova.services()[host]
        return found

    def put_service(self, host: str, **changes: str) -> None:
        service = self.service(host)['id']
        self.cloud.nova.request('PUT', f'/os-services/{service}', changes)

    def restore(self, number: int) -> None:
        """Have a compute up and enabled, as every test finds it."""
        host = self.cloud.compute_host(number)
        self.cloud.start_compute(number)
        self.cloud.wait_service(host, 'up')
        self.put_service(host, status='enabled')

    def host(self, number: int) -> str:
        """The name of a compute host, which is restored afterwards."""
        self.addCleanup(self.restore, number)
        return self.cloud.compute_host(number)

    def power_off(self, node: str, *words: str) -> Run:
        return self.listing(
            self.config, *words, 'node', 'power', 'off', '--yes', node
        )

    def assert_power(self, node: str, state: str) -> None:
        """Ironic's own word."""
        found = self.cloud.ironic.node(node)
        self.assertEqual(f'power {state}', found['power_state'])

    def assert_service(
        self, host: str, status: str, reason: str | None = None
    ) -> None:
        """Nova's own word."""
        found = self.service(host)
        self.assertEqual(
            (status, reason), (found['status'], found['disabled_reason'])
        )
