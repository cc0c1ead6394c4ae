# SPDX-License-Identifier: Apache-2.0
"""The command, with drivers that other people wrote, and wrote badly."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import fixtures

from metal_drivers_tests.emulators import nova
from metal_drivers_tests.unit import distributions
from metal_drivers_tests.unit.cli import base

SECRET = 's3cret4711'

#: A driver that works. Tests give it methods that do not.
DRIVER = """
import json
import os
import threading

from oslo_config import cfg

from metal_drivers import (
    Capability, MetalDriver, Node, NotFoundError, OffMode, PowerState
)
{top}

class Driver(MetalDriver):
    required_options = ('url', 'token')
    capabilities = frozenset({{Capability.LIVE_QUERY}})

    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('url'),
            cfg.StrOpt('token', secret=True),
            cfg.StrOpt('state_file'),
        ]

    def __init__(self, config, osc=None):
        super().__init__(config, osc)
        self.lock = threading.Lock()
        self.current = None
        self.both = {{'n1': threading.Event(), 'n2': threading.Event()}}

    def read(self):
        with open(self.config['state_file']) as file:
            return json.load(file)

    def node(self, node_id):
        return Node(
            node_id,
            node_id,
            PowerState(self.read()[node_id]),
            host_names=('compute-0' + node_id[1],),
        )

    def list_nodes(self):
        return [self.node(node_id) for node_id in self.read()]

    def get_node(self, node_id):
        if node_id not in self.read():
            raise NotFoundError('no node ' + node_id)
        return self.node(node_id)

    def set_power_state(self, node_id, state, mode=OffMode.HARD,
                        timeout=None):
        with self.lock:
            nodes = self.read()
            nodes[node_id] = state.value
            # At once: others read it meanwhile.
            path = self.config['state_file']
            with open(path + '.new', 'w') as file:
                json.dump(nodes, file)
            os.replace(path + '.new', path)
{methods}
"""

#: What many a client does that was written for one thread. Here the two
#: threads meet in it, and n2 is what it remembers in the end.
ONE_FOR_ALL = """
    def get_node(self, node_id):
        if node_id == 'n2':
            self.both['n1'].wait(5)
        self.current = node_id
        self.both[node_id].set()
        self.both['n2'].wait(5)
        return self.node(self.current)
"""


class ThirdPartyTestCase(base.CommandTestCase):
    """Two nodes, n1 and n2; on compute-02 is a server."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())
        self.numbers = itertools.count(1)
        home = self.useFixture(fixtures.TempDir())
        self.state_file = Path(home.join('state.json'))
        self.state_file.write_text('{"n1": "on", "n2": "on"}')
        # Names of hypervisors that the nodes have, too.
        self.nova = self.useFixture(nova.NovaEmulator())
        for number in (1, 2):
            self.nova.add_host(f'compute-0{number}')
        self.server = self.nova.add_server('compute-02')
        self.nova.power_probe = lambda host: (
            self.powers()[f'n{host[-1]}'] == 'on'
        )
        self.config = {
            'metal_drivers': {'poll_interval': 1},
            'watcher.metal.drivers.acme': {
                'url': f'http://ann:{SECRET}@acme.example',
                'token': 't0ken0815',
                'state_file': self.state_file,
            },
            'nova': {
                'auth_type': 'none',
                'endpoint_override': f'{self.nova.url}/v2.1',
            },
        }

    def powers(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.state_file.read_text())
        return found

    def install(self, methods: str = '', top: str = '') -> None:
        """Have that driver, instead of the one before it."""
        for info in self.site.site.glob('*.dist-info'):
            shutil.rmtree(info)
        # One of the same name might be taken from Python's cache.
        self.distribution = f'acme-{next(self.numbers)}'
        self.site.install_driver(
            'acme',
            DRIVER.format(methods=methods, top=top),
            distribution=self.distribution,
        )

    def assert_named(self, done: base.Done, *parts: str) -> None:
        """The driver is, in one line, and what is to be done."""
        self.assert_one_line(
            done,
            f'The driver acme of {self.distribution}',
            'report it to its author',
            *parts,
        )
        self.assertNotIn('should not happen', done.stderr)
        self.assertNotIn(SECRET, done.stderr)


class TestAnotherNode(ThirdPartyTestCase):
    def test_is_not_switched_off_in_place_of_the_one_asked_for(self) -> None:
        self.install(ONE_FOR_ALL)
        done = self.metal(
            'node', 'power', 'off', 'n1', 'n2', '--hard', '--yes', '-f', 'json'
        )
        self.assertEqual('on', self.powers()['n2'])
        self.assertEqual(1, done.status)
        results = {row['Node']: row for row in done.json}
        first = results['n1 (compute-01)']
        self.assertEqual('failed', first['Result'])
        self.assertIn("node 'n2', not the node", first['Detail'])
        self.assertIn(f'acme of {self.distribution}', first['Detail'])
        # nova-compute is as it was.
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        self.assertEqual('refused', results['n2 (compute-02)']['Result'])

    def test_is_not_shown_in_place_of_the_one_asked_for(self) -> None:
        self.install(
            """
    def get_node(self, node_id):
        return self.node('n2')
"""
        )
        done = self.metal('node', 'show', 'n1')
        self.assertEqual(1, done.status)
        self.assert_named(done, "get_node('n1')", "node 'n2', not the node")

    def test_a_driver_without_the_flaw_does_as_it_is_told(self) -> None:
        self.install()
        done = self.metal('node', 'power', 'off', 'n1', 'n2', '--yes')
        self.assertEqual({'n1': 'off', 'n2': 'on'}, self.powers())
        self.assertEqual(1, done.status)  # n2 has a server on it


class TestBrokenMethods(ThirdPartyTestCase):
    def test_wild_exceptions_are_one_line(self) -> None:
        for raised, said in (
            ("KeyError('power')", "KeyError: 'power'"),
            ('SystemExit(0)', 'SystemExit: 0'),
            (r"ValueError('a\nb')", 'ValueError: a b'),
            ('__import__("asyncio").CancelledError()', 'CancelledError'),
            ('GeneratorExit()', 'GeneratorExit'),
            (
                "type('Mute', (Exception,), {'__str__': None})()",
                'Mute: (its text cannot be read)',
            ),
            ("OSError(self.config['url'])", 'OSError: http://***'),
        ):
            self.install(
                f'\n    def list_nodes(self):\n        raise {raised}\n'
            )
            for command in (
                ('node', 'list'),
                ('node', 'power', 'off', 'n1', '--yes'),
            ):
                done = self.metal(*command)
                self.assertEqual(1, done.status)
                self.assert_named(done, said)

    def test_no_secret_in_a_traceback(self) -> None:
        self.install(
            """
    def list_nodes(self):
        try:
            raise OSError('cannot reach ' + self.config['url'])
        except OSError as exc:
            raise ValueError('token ' + self.config['token']) from exc
"""
        )
        done = self.metal('--debug', 'node', 'list')
        self.assertEqual(1, done.status)
        self.assertIn('Traceback', done.stderr)
        self.assertIn('OSError: cannot reach http://***', done.stderr)
        self.assertNotIn(SECRET, done.stderr)
        self.assertNotIn('t0ken0815', done.stderr)

    def test_other_nodes_go_on(self) -> None:
        self.nova.remove_server(self.server)
        self.install(
            """
    def get_node(self, node_id):
        return {'id': node_id} if node_id == 'n1' else self.node(node_id)
"""
        )
        done = self.metal(
            'node', 'power', 'off', 'n1', 'n2', '--yes', '-f', 'json'
        )
        self.assertEqual({'n1': 'on', 'n2': 'off'}, self.powers())
        self.assertEqual(
            ['failed', 'done'], [row['Result'] for row in done.json]
        )
        self.assertEqual((1, ''), (done.status, done.stderr))
        done = self.metal('node', 'list', '--live', '-f', 'json')
        self.assertEqual(
            ['unknown', 'off'], [row['Power State'] for row in done.json]
        )

    def test_a_request_in_doubt_keeps_nova_compute_disabled(self) -> None:
        self.install(
            """
    def set_power_state(self, node_id, state, mode=None, timeout=None):
        raise TypeError('of my own')
"""
        )
        done = self.metal('node', 'power', 'off', 'n1', '--yes', '-f', 'json')
        (row,) = done.json
        self.assertEqual('failed', row['Result'])
        self.assertIn('TypeError: of my own', row['Detail'])
        self.assertIn('remains disabled', row['Detail'])
        self.assertEqual('disabled', self.nova.hosts['compute-01'].status)

    def test_check_keeps_its_other_rows(self) -> None:
        for body in (
            'def check(self):\n        raise SystemExit(1)',
            'def check(self):\n        return None',
            'def check(self):\n        return ["fine"]',
            'def __init__(self, config, osc=None):\n        1 / 0',
        ):
            self.install(f'\n    {body}\n')
            done = self.metal('check', '-f', 'json')
            self.assertEqual((1, ''), (done.status, done.stderr))
            results = {row['Check']: row for row in done.json}
            self.assertEqual('ok', results['nova']['Result'])
            (failed,) = (r for r in done.json if r['Result'] == 'failed')
            self.assertIn(f'acme of {self.distribution}', failed['Detail'])

    def test_methods_that_cannot_be_called(self) -> None:
        self.install(
            '\n    def set_power_state(self, node_id):\n        pass\n'
        )
        done = self.metal('node', 'list')
        self.assertEqual(1, done.status)
        self.assert_named(done, 'set_power_state() has other arguments')


class TestPrinting(ThirdPartyTestCase):
    def test_does_not_get_between_the_results(self) -> None:
        self.install(
            """
    def list_nodes(self):
        print('asking for nodes')
        return super().list_nodes() or [self.node('n1')]

    def close(self):
        print('goodbye')
""",
            top="print('loading acme')",
        )
        for command in (
            ('node', 'list'),
            ('node', 'show', 'n1'),
            ('driver', 'list'),
            ('check',),
        ):
            done = self.metal(*command, '-f', 'json')
            self.assertEqual(0, done.status, done.stderr)
            self.assertTrue(done.json)
            self.assertNotIn('asking', done.stdout)


class TestClosing(ThirdPartyTestCase):
    """The results of a power off are printed, however it goes."""

    def power_off(self, close: str) -> base.Done:
        self.install(f'\n    def close(self):\n        {close}\n')
        done = self.metal('node', 'power', 'off', 'n1', '--yes', '-f', 'json')
        self.assertEqual('off', self.powers()['n1'])
        self.assertEqual(['done'], [row['Result'] for row in done.json])
        self.assertEqual(0, done.status)
        return done

    def test_that_raises_is_a_line_of_the_log(self) -> None:
        done = self.power_off('raise SystemExit(self.config["url"])')
        (line,) = done.stderr.splitlines()
        self.assertIn('close() raised SystemExit: http://***', line)
        self.assertIn(f'acme of {self.distribution}', line)

    def test_that_hangs_is_a_line_of_the_log(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.boundary.GuardedDriver.close_timeout', 0.05
            )
        )
        done = self.power_off('threading.Event().wait(30)')
        (line,) = done.stderr.splitlines()
        self.assertIn('close() did not end within 0.05 s', line)

    def test_comes_after_the_results(self) -> None:
        """Whoever reads them does not wait for it."""
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.boundary.GuardedDriver.close',
                lambda driver: seen.append(self.stdout.getvalue()),
            )
        )
        seen: list[str] = []
        self.install()
        self.metal('node', 'list', '-f', 'csv')
        self.assertIn('compute-01', seen[0])
