# SPDX-License-Identifier: Apache-2.0
"""``driver check`` and ``driver certify``."""

from __future__ import annotations

import os
import pathlib
import re
import signal
from collections.abc import Callable
from typing import Any

import fixtures

from metal_drivers.conformance import certify, configured
from metal_drivers_tests.emulators import messages
from metal_drivers_tests.unit import bad_plugins, distributions
from metal_drivers_tests.unit.cli import base

#: A driver that answers about another node than it was asked for.
_CONFUSED = """
from metal_drivers.drivers.fake import FakeDriver


class Driver(FakeDriver):
    def get_node(self, node_id):
        super().get_node(node_id)
        return super().get_node('node-0002')

    def set_power_state(self, *args, **more):
        raise AssertionError('powered off')
"""

#: A driver that ends the process.
_EXITS = """
from metal_drivers.drivers.fake import FakeDriver


class Driver(FakeDriver):
    def find_nodes(self, ref):
        raise SystemExit(3)
"""


class _TestCase(base.CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch(
                f'{configured.__name__}.SHORTEST_TIMEOUT', 0.05
            )
        )

    def rows(self, done: base.Done) -> dict[str, dict[str, Any]]:
        return {row['Rule']: row for row in done.json}

    def powered(self) -> list[tuple[str, str]]:
        """The names of nodes that there are, and what Ironic was told."""
        names = {key: node.name for key, node in self.ironic.nodes.items()}
        told = [
            (names.get(request.path.split('/')[3]), request.json()['target'])
            for request in self.ironic.requests
            if request.method == 'PUT'
        ]
        return [(name, target) for name, target in told if name]


class TestCheck(_TestCase):
    def test_changes_nothing_and_lists_every_rule(self) -> None:
        done = self.metal('driver', 'check', 'ironic', '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        rows = self.rows(done)
        self.assertEqual(
            {'Rule', 'Tier', 'Result', 'Detail'}, set(done.json[0])
        )
        self.assertEqual({'ok', 'not tried'}, {r['Result'] for r in done.json})
        for rule in (
            'loads-as-watcher-loads-it',
            'options-have-help',
            'lists-nodes',
            'odd-id-is-not-found',
            'threads-get-the-node-that-they-ask-for',
            'unreachable-is-unavailable',
            'silence-is-a-timeout',
        ):
            self.assertEqual('ok', rows[rule]['Result'], str(rows[rule]))
        # A configuration without a secret has none to look for.
        self.assertEqual(
            'no secret is known', rows['keeps-secrets-out-of-logs']['Detail']
        )
        self.assertNotIn('hard-is-hard', rows)
        self.assertEqual([], self.powered())

    def test_a_service_that_is_gone_is_told_from_a_wrong_driver(self) -> None:
        self.config['watcher.metal.drivers.ironic'] |= {
            'endpoint_override': 'http://127.0.0.1:1'
        }
        done = self.metal('driver', 'check', 'ironic', '-f', 'json')
        self.assertEqual(1, done.status)
        self.assertIn('The service cannot be used', done.stderr)
        self.assertIn('could not connect', done.stderr)
        self.assertEqual(1, done.stderr.count('\n'), done.stderr)

    def test_not_the_selected_one(self) -> None:
        self.config['watcher.metal.drivers.fake'] = {'nodes': 3}
        done = self.metal('driver', 'check', 'fake', '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertEqual([], self.ironic.requests)

    def test_a_secret_of_the_configuration_is_looked_for(self) -> None:
        self.config['watcher.metal.drivers.ironic'] |= {
            'auth_type': 'http_basic',
            'username': 'watcher',
            'password': 's3cret4711',
        }
        done = self.metal('driver', 'check', 'ironic', '-f', 'json')
        rows = self.rows(done)
        for rule in ('keeps-secrets-out-of-logs', 'lists-nodes'):
            self.assertEqual('ok', rows[rule]['Result'], str(rows[rule]))
        self.assertNotIn('s3cret4711', done.stdout + done.stderr)

    def test_a_rule_that_is_broken_is_an_exit_status(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver('exits', _EXITS)
        self.config['watcher.metal.drivers.exits'] = {'nodes': 3}
        done = self.metal('driver', 'check', 'exits', '-f', 'json')
        self.assertEqual(1, done.status)
        row = self.rows(done)['finds-nodes-as-they-are-listed']
        self.assertEqual(('failed', 'required'), (row['Result'], row['Tier']))
        self.assertIn('unexpected SystemExit: 3 (acme_exits.py', row['Detail'])
        self.assertEqual('ok', self.rows(done)['lists-nodes']['Result'])

    def test_one_that_cannot_be_loaded(self) -> None:
        site = self.useFixture(distributions.Distributions())
        kind = bad_plugins.BROKEN['library']
        site.install_driver('library', kind.source)
        done = self.metal('driver', 'check', 'library', '-f', 'json')
        self.assertEqual(1, done.status)
        first, *others = done.json
        self.assertEqual('failed', first['Result'])
        self.assertIn(kind.said, first['Detail'])
        self.assertEqual({'not tried'}, {row['Result'] for row in others})

    def test_one_whose_entry_point_is_misspelt(self) -> None:
        site = self.useFixture(distributions.Distributions())
        for name, target in (
            ('module', 'acme_module.drivr:Driver'),
            ('package', 'acme_pakcage:Driver'),
        ):
            site.install(
                f'acme-{name}',
                drivers={name: target},
                modules={f'acme_{name}': ''},
            )
            done = self.metal('driver', 'check', name, '-f', 'json')
            self.assertEqual(1, done.status)
            detail = done.json[0]['Detail']
            self.assertIn(f'The entry point is {target};', detail)
            self.assertNotIn('install acme_', detail)

    def test_one_whose_option_has_no_valid_value(self) -> None:
        self.config['watcher.metal.drivers.fake'] = {'nodes': 'many'}
        for command in (('check', 'fake'), ('certify', 'fake', '--node=x')):
            done = self.metal('driver', *command)
            self.assertEqual(2, done.status)
            self.assert_one_line(
                done, '[watcher.metal.drivers.fake] nodes', "'many'"
            )

    def test_one_that_is_not_configured(self) -> None:
        done = self.metal('driver', 'check', 'maas')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'maas', 'needs url, api_key')

    def test_one_that_is_not_there(self) -> None:
        done = self.metal('driver', 'check', 'maas2')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, "'maas2'", 'fake, ironic, maas')


class _Certify(_TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def certify(self, node: str, *args: str, driver: str = 'ironic') -> Any:
        return self.metal(
            *('driver', 'certify', driver, '--node', node, '-f', 'json'),
            *args,
        )

    def spare(self, host: str) -> None:
        """As an operator takes a host out of use."""
        service = self.nova.hosts[host]
        service.status, service.disabled_reason = 'disabled', 'for tests'


class TestAllRules(_Certify):
    def test_all_rules_on_one_node(self) -> None:
        self.spare('compute-01')
        done = self.certify(
            'compute-01', '--yes', '--output', str(self.folder)
        )
        self.assertEqual((0, ''), (done.status, done.stderr))
        rows = self.rows(done)
        self.assertEqual('ok', rows['switches-off-softly']['Result'])
        self.assertEqual('ok', rows['lists-nodes']['Result'])
        self.assertEqual({'metal-01'}, {name for name, _ in self.powered()})
        self.assertIn(('metal-01', 'soft power off'), self.powered())
        self.assertEqual('power on', self.ironic.node('metal-01').power_state)
        self.assertEqual(
            ['ironic.json', 'ironic.svg'], sorted(os.listdir(self.folder))
        )


class TestCertify(_Certify):
    """What the rules decide, of which few are enough."""

    def setUp(self) -> None:
        super().setUp()
        few = tuple(r for r in certify.READING if r.id in certify._GATES)
        self.assertTrue(few)
        self.useFixture(
            fixtures.MonkeyPatch(f'{certify.__name__}.READING', few)
        )

    def test_a_node_that_is_off_is_off_again(self) -> None:
        self.spare('compute-01')
        self.ironic.node('metal-01').power_state = 'power off'
        done = self.certify('metal-01', '--yes')
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertEqual('power off', self.ironic.node('metal-01').power_state)

    def test_without_nova_it_is_the_operator_who_knows(self) -> None:
        del self.config['nova']
        done = self.certify('metal-04', '--yes')
        self.assertEqual(0, done.status)
        self.assertEqual(
            'metal-drivers: Nothing checks whether metal-04 is in use: Nova '
            'is not configured.\n',
            done.stderr,
        )

    def assert_refused(self, *args: str, says: str, status: int = 1) -> None:
        done = self.certify(*args)
        self.assertEqual(status, done.status, done.stdout)
        self.assert_one_line(done, says)
        self.assertEqual([], self.powered())

    def test_refuses_a_host_that_takes_servers(self) -> None:
        self.assert_refused(
            *('compute-01', '--yes'), says='compute service set --disable'
        )

    def test_refuses_a_host_with_servers(self) -> None:
        self.spare('compute-02')
        self.assert_refused('compute-02', '--yes', says='1 servers are on it')

    def test_refuses_a_host_that_metal_drivers_powers(self) -> None:
        node = self.ironic.node('metal-01')
        self.mark('compute-01', node.uuid)
        self.assert_refused(
            *('compute-01', '--yes'), says='was disabled by metal-drivers'
        )

    def test_refuses_a_node_that_nova_may_know_by_another_name(self) -> None:
        self.assert_refused('metal-04', '--yes', says='--unmatched')
        done = self.certify('metal-04', '--yes', '--unmatched')
        self.assertEqual(0, done.status, done.stdout)

    def test_refuses_a_protected_host(self) -> None:
        self.spare('compute-01')
        self.config['metal_drivers']['protected_hosts'] = 'compute-*'
        self.assert_refused('compute-01', '--yes', says='is protected')

    def test_refuses_without_confirmation(self) -> None:
        self.assert_refused('metal-04', says='Use --yes', status=2)

    def test_refuses_where_the_report_cannot_be_written(self) -> None:
        self.assert_refused(
            *('metal-04', '--yes', '--output', '/nowhere/report.json'),
            says='cannot be written',
            status=2,
        )

    def test_prints_the_report_that_cannot_be_written(self) -> None:
        self.spare('compute-01')
        # A link to where no file can be made.
        path = self.folder / 'report.json'
        path.symlink_to('/proc/self/none.json')
        done = self.certify('compute-01', '--yes', '--output', str(path))
        self.assertEqual(1, done.status)
        self.assertEqual('ok', self.rows(done)['lists-nodes']['Result'])
        self.assertIn(f'cannot be written to {path}', done.stderr)

    def use_hook(self, script: str) -> pathlib.Path:
        """A hook of the site, and where it writes what it was told."""
        path, told = self.folder / 'hook', self.folder / 'told'
        path.write_text(f'#!/bin/sh\ncat >> {told}\n{script}\n')
        path.chmod(0o755)
        self.config['metal_drivers']['hooks'] = 'command'
        self.config['metal_drivers.hooks.command'] = {'executable': path}
        return told

    def test_a_hook_may_refuse(self) -> None:
        self.spare('compute-01')
        self.use_hook('echo it has disks of Ceph >&2; exit 1')
        done = self.certify('compute-01', '--yes')
        self.assertEqual(1, done.status)
        self.assertIn('it has disks of Ceph', done.stderr)
        self.assertEqual([], self.powered())

    def test_a_hook_is_told_before_and_afterwards(self) -> None:
        self.spare('compute-01')
        told = self.use_hook('exit 0')
        done = self.certify('compute-01', '--yes')
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertEqual(
            ['before_off', 'undone'],
            re.findall('"event": "([^"]*)"', told.read_text()),
        )

    def meanwhile(self, change: Callable[[], object]) -> base.Done:
        """Certify, with a change at the first request for power."""
        self.spare('compute-01')
        seen: list[messages.Request] = []

        def busy(request: messages.Request) -> bool:
            if request.method == 'PUT' and not seen:
                seen.append(request)
                change()
            return False

        self.ironic.fail(busy, lambda exchange: None, None)
        done: base.Done = self.certify('compute-01', '--yes')
        return done

    def test_maintenance_that_begins_meanwhile_ends_it(self) -> None:
        node = self.ironic.node('metal-01')
        done = self.meanwhile(lambda: setattr(node, 'maintenance', True))
        self.assertEqual(1, done.status)
        self.assertEqual(
            1, sum('off' in target for _, target in self.powered())
        )
        self.assertIn('it is in maintenance', done.stderr)

    def test_servers_that_come_meanwhile_end_it(self) -> None:
        done = self.meanwhile(lambda: self.nova.add_server('compute-01'))
        self.assertEqual(1, done.status)
        self.assertEqual(
            1, sum('off' in target for _, target in self.powered())
        )
        self.assertIn('1 servers are on it', done.stderr)
        self.assertIn('interrupted', done.stdout)
        self.assertEqual('power on', self.ironic.node('metal-01').power_state)

    def test_nothing_is_powered_off_by_a_confused_driver(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver('confused', _CONFUSED)
        self.config['watcher.metal.drivers.confused'] = {'nodes': 3}
        del self.config['nova']
        done = self.certify('node-0002', '--yes', driver='confused')
        self.assertEqual(1, done.status)
        rows = self.rows(done)
        self.assertEqual(
            'failed', rows['shows-each-node-as-it-is-listed']['Result']
        )
        self.assertIn(
            'nothing is powered off', rows['switches-off-and-on']['Detail']
        )
        self.assertNotIn('AssertionError', done.stdout)

    def test_an_interruption_before_the_first_power_off(self) -> None:
        self.spare('compute-01')
        self.ironic.node('metal-01').power_state = 'power off'
        seen: list[messages.Request] = []

        def interrupt(request: messages.Request) -> bool:
            if len(self.ironic.requests) > 5 and not seen:
                seen.append(request)
                os.kill(os.getpid(), signal.SIGINT)
            return False

        self.ironic.fail(interrupt, lambda exchange: None, None)
        done = self.certify('compute-01', '--yes')
        self.assertEqual((1, ''), (done.status, done.stderr))
        self.assertEqual('power off', self.ironic.node('metal-01').power_state)
        self.assertEqual([], self.powered())

    def test_an_interruption_brings_the_node_back(self) -> None:
        self.spare('compute-01')
        # Where the tests themselves run under nohup, it is ignored.
        former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGHUP, former)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            seen: list[messages.Request] = []

            def interrupt(
                request: messages.Request,
                number: int = number,
                seen: list[messages.Request] = seen,
            ) -> bool:
                if request.method == 'PUT' and not seen:
                    seen.append(request)
                    os.kill(os.getpid(), number)
                return False

            rule = self.ironic.fail(interrupt, lambda exchange: None, None)
            done = self.certify('compute-01', '--yes')
            self.ironic.heal(rule)
            self.assertEqual((1, ''), (done.status, done.stderr))
            self.assertIn('interrupted', done.stdout)
            self.assertEqual(
                'power on', self.ironic.node('metal-01').power_state
            )
