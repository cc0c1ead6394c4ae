# SPDX-License-Identifier: Apache-2.0
"""What somebody at a terminal sees while a list takes long."""

import re
import threading
from unittest import mock

import fixtures

from metal_drivers_tests.emulators import faults, messages
from metal_drivers_tests.unit.cli import base

NODES = messages.matching('GET', '/v1/nodes')
HYPERVISORS = messages.matching('GET', '/v2.1/os-hypervisors/detail')
LINE = re.compile(r'\rWaiting for ([\w ]+) since \d\d:\d\d:\d\d \(\d+ s\)')


class TestWaiting(base.CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch('metal_drivers.cli.progress.AFTER', 0.01)
        )
        self.shown = threading.Event()
        write = base.Terminal.write

        def see(terminal: base.Terminal, text: str) -> int:
            if LINE.search(text):
                self.shown.set()
            return write(terminal, text)

        self.useFixture(fixtures.MockPatchObject(base.Terminal, 'write', see))

    def waited_for(self, *args: str) -> set[str]:
        """What the command says of an Ironic that answers only when
        somebody was told so."""
        self.shown.clear()
        self.ironic.fail(NODES, faults.hang(self.shown))
        done = self.metal(*args, terminal=True)
        self.assertTrue(done.stdout)
        # The line is gone when the output comes.
        end = done.stderr.rpartition('Waiting')[2]
        self.assertRegex(end, r'^[^\r]*\r +\r')
        return set(LINE.findall(done.stderr))

    def test_each_command_that_asks_for_a_list(self) -> None:
        for args in (
            ('node', 'list'),
            ('node', 'show', 'compute-01'),
            ('node', 'power', 'off', 'compute-02', '--yes'),
            ('node', 'recover'),
        ):
            self.assertEqual(
                {'the bare metal service and Nova'}, self.waited_for(*args)
            )
        self.assertIn('the bare metal service', self.waited_for('check'))

    def test_without_nova(self) -> None:
        del self.config['nova']
        self.assertEqual(
            {'the bare metal service'}, self.waited_for('node', 'list')
        )

    def test_what_is_quick_says_nothing(self) -> None:
        with mock.patch('metal_drivers.cli.progress.AFTER', 60):
            done = self.metal('node', 'list', terminal=True)
        self.assertEqual('', done.stderr)

    def test_never_where_the_output_is_piped(self) -> None:
        self.ironic.fail(NODES, faults.slow(0.05))
        done = self.metal('node', 'list', terminal=True, piped=True)
        self.assertEqual('', done.stderr)
        self.ironic.fail(NODES, faults.slow(0.05))
        done = self.metal('node', 'list')
        self.assertEqual('', done.stderr)

    def test_an_error_has_its_own_line(self) -> None:
        def fault(exchange: faults.Exchange) -> None:
            exchange.wait(self.shown)
            exchange.send(messages.Reply(500, b'oops', 'text/plain'))

        self.ironic.fail(NODES, fault, None)
        done = self.metal('node', 'list', terminal=True)
        self.assertEqual(1, done.status)
        self.assertRegex(done.stderr, r'\r +\rmetal-drivers: ')
