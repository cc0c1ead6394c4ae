# SPDX-License-Identifier: Apache-2.0
"""What a process shares; no Watcher is needed for it."""

import datetime
import functools
import os
import pathlib
from typing import Any

import fixtures
from oslo_config import cfg

from metal_drivers import boundary
from metal_drivers.compute import markers
from metal_drivers.watcher import options, process
from metal_drivers_tests.emulators import ironic, maas, nova
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.power import simulator

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

    def test_a_changed_configuration_begins_no_rate_anew(self) -> None:
        """And no action comes between the transition of another."""
        former = process.services(self.config).engine()
        changed = self.conf(
            '[metal_drivers]\ndriver = fake\nmax_power_off_per_minute = 1\n',
            **{'watcher.metal.drivers.fake': {'nodes': 4}},
        )
        engine = process.services(changed).engine()
        self.assertEqual(1, engine.settings.max_power_off_per_minute)
        self.assertIsNot(former.driver, engine.driver)
        self.assertIs(former.shared, engine.shared)

    def test_all_engines_share_one_rate(self) -> None:
        services = process.services(self.config)
        self.assertIs(services.engine().shared, services.engine().shared)

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

    def test_a_driver_that_cannot_be_closed_keeps_none_open(self) -> None:
        closed: list[int] = []

        def close(number: int) -> None:
            closed.append(number)
            raise SystemExit(f'number {number} stays')

        for number in (1, 2):
            config = self.conf(
                '[metal_drivers]\ndriver = fake\n',
                **{'watcher.metal.drivers.fake': {'nodes': number}},
            )
            driver = process.services(config).driver
            assert isinstance(driver, boundary.GuardedDriver)
            self.patch(
                driver.driver, 'close', functools.partial(close, number)
            )
        process.close()
        self.assertEqual([1, 2], closed)

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
        service.disabled_reason = markers.reason(node_id, LONG_AGO)
        services = process.services(self.config)
        return services.unfinished(services.member('new'))

    def test_marked_for_this_node(self) -> None:
        self.assertTrue(self.unfinished('new'))

    def test_marked_for_the_machine_that_was_there_before(self) -> None:
        """It is not ours to enable, so there is nothing to finish."""
        self.assertFalse(self.unfinished('former'))

    def test_of_which_hooks_have_something_left(self) -> None:
        """Until they took in that the host is back."""
        services = process.services(self.config)
        member = services.member('new')
        self.assertFalse(services.unfinished(member))
        shared = services.connection.shared
        shared.owe('new', True)
        self.assertTrue(services.unfinished(member))
        shared.owe('new', False)
        cloud = simulator.SimCloud()
        hook = simulator.SimHooks(cloud.calls)
        services.connection.hooks = hook
        self.assertFalse(services.unfinished(member))
        hook.flags['compute-1'] = 'new'
        self.assertTrue(services.unfinished(member))
        hook.flags['compute-1'] = 'former'
        self.assertFalse(services.unfinished(member))


class TestHooks(base.TestCase):
    """Those of the configuration, until that changes."""

    def test_a_changed_option(self) -> None:
        self.addCleanup(process.close)
        made = []
        for timeout in (30, 30, 60):
            conf = self.conf(
                '[metal_drivers]\ndriver = fake\nhooks = command\n'
                '[watcher.metal.drivers.fake]\nnodes = 1\n'
                '[metal_drivers.hooks.command]\nexecutable = /bin/true\n'
                f'timeout = {timeout}\n'
            )
            made.append(process.services(conf).connection.hooks)
        self.assertIs(made[0], made[1])
        self.assertIsNot(made[1], made[2])
        self.assertEqual(('command',), made[2].names)


class TestMember(base.TestCase):
    """What one action of a plan asks for, to know which host it is about."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(process.close)
        self.nova = self.useFixture(nova.NovaEmulator(3))
        self.sections = {
            'nova': {
                'auth_type': 'none',
                'endpoint_override': f'{self.nova.url}/v2.1',
            }
        }

    def services(self, name: str, **options: Any) -> process.Services:
        self.sections[f'watcher.metal.drivers.{name}'] = options
        return process.services(self.conf(**self.sections))

    def hypervisors(self) -> list[str]:
        return [
            request.target.removeprefix('/v2.1/os-hypervisors/')
            for request in self.nova.requests
            if 'os-hypervisors' in request.path
        ]

    def test_no_list_of_maas_nor_of_nova(self) -> None:
        server = self.useFixture(maas.MaasEmulator())
        for name in self.nova.hosts:
            server.add_machine(hostname=name)
        services = self.services(
            'maas', url=server.maas_url, api_key=server.apikey
        )
        machine = server.machine('compute-02')
        member = services.member(machine.system_id)
        assert member.host is not None
        self.assertEqual('compute-02', member.host.name)
        for request in server.requests:
            if request.path.endswith('/machines/'):
                self.assertTrue({'id', 'hostname'} & set(request.query))
        (asked,) = self.hypervisors()
        self.assertIn('hypervisor_hostname_pattern=compute-02', asked)
        # A second machine of that name, and it is not known which it is.
        other = server.add_machine(hostname='compute-02', domain='other')
        for system_id in (machine.system_id, other.system_id):
            member = services.member(system_id)
            self.assertIsNone(member.host)
            self.assertTrue(member.doubtful)

    def test_one_list_of_ironic_for_all_and_none_of_nova(self) -> None:
        server = self.useFixture(ironic.IronicEmulator())
        for host in self.nova.hosts.values():
            server.add_node(extra={'compute_node_id': host.hypervisor_id})
        services = self.services(
            'ironic', auth_type='none', endpoint_override=server.url
        )
        for uuid in list(server.nodes):
            self.assertIsNotNone(services.member(uuid).host)
        self.assertEqual(1, server.count('GET', '/v1/nodes'))
        self.assertEqual(
            [host.hypervisor_id for host in self.nova.hosts.values()],
            self.hypervisors(),
        )

    def test_two_nodes_that_claim_one_hypervisor(self) -> None:
        server = self.useFixture(ironic.IronicEmulator())
        (host, *_) = self.nova.hosts.values()
        for _ in range(2):
            server.add_node(extra={'compute_node_id': host.hypervisor_id})
        services = self.services(
            'ironic', auth_type='none', endpoint_override=server.url
        )
        for uuid in list(server.nodes):
            member = services.member(uuid)
            self.assertIn('2 nodes claim host', member.problem)


class TestOptions(base.TestCase):
    def test_published(self) -> None:
        groups = [group for group, _ in options.list_opts()]
        self.assertEqual('watcher_strategies.metal_saving_energy', groups[0])
