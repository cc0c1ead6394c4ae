# SPDX-License-Identifier: Apache-2.0
"""Runs the command as a shell would, without a process."""

import contextlib
import dataclasses
import datetime
import io
import json
import logging
from typing import Any, TextIO

from metal_drivers.cli import main
from metal_drivers.compute import markers
from metal_drivers_tests.emulators import ironic, keystone, nova
from metal_drivers_tests.unit import base

#: Of the user watcher, where there is a Keystone.
PASSWORD = 'C0mmand-s3cret'


class Terminal(io.StringIO):
    """A stream that somebody sits at."""

    def isatty(self) -> bool:
        return True


@dataclasses.dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class CommandTestCase(base.TestCase):
    """A command, with an Ironic of three nodes and a Nova to match.

    compute-02 has a server on it. Node metal-04 matches no host.
    """

    def setUp(self) -> None:
        super().setUp()
        self.ironic = self.useFixture(ironic.IronicEmulator())
        self.nova = self.useFixture(nova.NovaEmulator())
        for number in (1, 2, 3):
            host = self.nova.add_host(f'compute-{number:02}')
            self.ironic.add_node(
                name=f'metal-{number:02}',
                extra={'compute_node_id': host.hypervisor_id},
            )
        self.ironic.add_node(name='metal-04')
        self.nova.add_server('compute-02')
        self.nova.power_probe = self.is_on
        self.config: dict[str, dict[str, Any]] = {
            'metal_drivers': {'poll_interval': 1},
            'watcher.metal.drivers.ironic': {
                'auth_type': 'none',
                'endpoint_override': self.ironic.url,
            },
            'nova': {
                'auth_type': 'none',
                'endpoint_override': f'{self.nova.url}/v2.1',
            },
        }

    def add_keystone(self) -> keystone.KeystoneEmulator:
        """Have both services behind a Keystone, with one account."""
        found: keystone.KeystoneEmulator = self.useFixture(
            keystone.KeystoneEmulator({'watcher': PASSWORD})
        )
        self.ironic.valid_token = found.valid
        self.nova.valid_token = found.valid
        found.add_endpoint('baremetal', self.ironic.url)
        found.add_endpoint('compute', f'{self.nova.url}/v2.1')
        self.config = {
            'watcher_clients_auth': {
                'auth_type': 'password',
                'auth_url': found.auth_url,
                'username': 'watcher',
                'password': PASSWORD,
                'project_name': 'service',
                'user_domain_id': 'default',
                'project_domain_id': 'default',
            }
        }
        return found

    def is_on(self, host: str) -> bool:
        node = self.ironic.node(host.replace('compute', 'metal'))
        return node.power_state == 'power on'

    def mark(self, host: str, node_id: str, under_way: bool = False) -> None:
        """As if we had disabled nova-compute there for that node."""
        when = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
        service = self.nova.hosts[host]
        service.status = 'disabled'
        kind = (
            markers.MarkerKind.POWERING_OFF
            if under_way
            else markers.MarkerKind.POWERED_OFF
        )
        service.disabled_reason = markers.reason(node_id, when, kind)

    def metal(
        self,
        *args: str,
        answer: str | None = None,
        terminal: bool = False,
        piped: bool = False,
        stdout: TextIO | None = None,
    ) -> Done:
        """``metal-drivers ARGS``, with ``self.config``.

        :param answer: what somebody at a terminal types.
        :param terminal: whether its output goes to one.
        :param piped: whether stdout does not, all the same.
        :param stdout: where the output goes, instead of what is returned.
        """
        path = self.conf_file('', **self.config)
        return self.run_command(
            f'--config-file={path}',
            *args,
            answer=answer,
            terminal=terminal,
            piped=piped,
            output=stdout,
        )

    def run_command(
        self,
        *args: str,
        answer: str | None = None,
        terminal: bool = False,
        piped: bool = False,
        output: TextIO | None = None,
    ) -> Done:
        """``metal-drivers ARGS``, as they are."""
        stdin = io.StringIO() if answer is None else Terminal(answer)
        stdout = Terminal() if terminal and not piped else io.StringIO()
        stderr = Terminal() if terminal else io.StringIO()
        self.stdout = stdout
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        try:
            # argparse and its help go around the streams of cliff.
            with (
                contextlib.redirect_stdout(stdout),
                contextlib.redirect_stderr(stderr),
            ):
                app = main.MetalDriversApp(stdin, output or stdout, stderr)
                status = app.run(list(args))
        except SystemExit as exc:
            status = exc.code if isinstance(exc.code, int) else 1
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
            logging.captureWarnings(False)
        return Done(status, stdout.getvalue(), stderr.getvalue())

    def assert_one_line(self, done: Done, *parts: str) -> None:
        """The error is one line, with these parts, and no traceback."""
        lines = done.stderr.splitlines()
        self.assertEqual(1, len(lines), done.stderr)
        self.assertTrue(lines[0].startswith('metal-drivers: '), lines[0])
        for part in parts:
            self.assertIn(part, lines[0])
        self.assertEqual('', done.stdout)
