# SPDX-License-Identifier: Apache-2.0
"""What a process shares; no Watcher is needed for it."""

import datetime
import os
import pathlib

import fixtures
from oslo_config import cfg

from metal_drivers.power import ownership
from metal_drivers.watcher import options, process
from metal_drivers_tests.emulators import nova
from metal_drivers_tests.unit import base

LONG_AGO = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


class TestProcess(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(process.close)
        self.config = self.conf(
            '[metal_drivers]\ndriver = fake\n',
            **{'watcher.metal.drivers.fake': {'nodes': 3}},
        )

    def test_made_once(self) -> None:
        services = process.services(self.config)
        self.assertIs(services, process.services(self.config))
        self.assertIsNone(services.nova)
        self.assertEqual(3, len(services.load().members))

    def test_changed_configuration(self) -> None:
        services = process.services(self.config)
        changed = self.conf(
            '[metal_drivers]\ndriver = fake\n',
            **{'watcher.metal.drivers.fake': {'nodes': 4}},
        )
        self.assertEqual(4, len(process.services(changed).load().members))
        # Whoever has the former one may go on with it.
        self.assertEqual(3, len(services.load().members))

    def test_changed_password(self) -> None:
        """A driver that has its session from there is made anew."""

        def config(password: str) -> cfg.ConfigOpts:
            return self.conf(
                '[metal_drivers]\ndriver = fake\n',
                watcher_clients_auth={
                    'auth_type': 'password',
                    'auth_url': 'http://127.0.0.1:5000',
                    'username': 'watcher',
                    'password': password,
                },
            )

        services = process.services(config('s3cret'))
        self.assertIs(services, process.services(config('s3cret')))
        self.assertIsNot(services, process.services(config('0ther-s3cret')))

    def test_fork(self) -> None:
        """A child has its own, and leaves the parent's alone."""
        services = process.services(self.config)
        child = os.fork()
        if not child:
            other = process.services(self.config) is not services
            os._exit(0 if other else 1)
        _, status = os.waitpid(child, 0)
        self.assertEqual(0, os.waitstatus_to_exitcode(status))
        self.assertIs(services, process.services(self.config))

    def test_node_that_the_list_lacks(self) -> None:
        services = process.services(self.config)
        node = services.driver.get_node('node-0001')
        self.patch(services.driver, 'list_nodes', list)
        member = services.member(node.id)
        self.assertIsNone(member.host)


class TestUnfinished(base.TestCase):
    """What an action to power a node on has to do where it is on."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(process.close)
        self.nova = self.useFixture(nova.NovaEmulator())
        host = self.nova.add_host('compute-1')
        folder = self.useFixture(fixtures.TempDir())
        path = pathlib.Path(folder.path, 'fleet.yaml')
        path.write_text(
            f'[{{id: new, hypervisor_id: "{host.hypervisor_id}"}}]',
            encoding='utf-8',
        )
        self.config = self.conf(
            '[metal_drivers]\ndriver = fake\n',
            **{
                'watcher.metal.drivers.fake': {'fleet_file': str(path)},
                'nova': {
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                },
            },
        )

    def unfinished(self, node_id: str) -> bool:
        """Where nova-compute bears our mark for that node."""
        service = self.nova.hosts['compute-1']
        service.status = 'disabled'
        service.disabled_reason = ownership.reason(node_id, LONG_AGO)
        services = process.services(self.config)
        return services.unfinished(services.member('new'))

    def test_marked_for_this_node(self) -> None:
        self.assertTrue(self.unfinished('new'))

    def test_marked_for_the_machine_that_was_there_before(self) -> None:
        """It is not ours to enable, so there is nothing to finish."""
        self.assertFalse(self.unfinished('former'))


class TestOptions(base.TestCase):
    def test_published(self) -> None:
        groups = [group for group, _ in options.list_opts()]
        self.assertEqual('watcher_strategies.metal_saving_energy', groups[0])
