# SPDX-License-Identifier: Apache-2.0
"""Our plugins beside Watcher's, loaded as Watcher loads them."""

import abc
import subprocess
import sys
import textwrap
import threading
from typing import ClassVar

from oslo_config import cfg
from watcher.applier.loading import default as applier_loading
from watcher.common import clients
from watcher.common.loader import default as loading
from watcher.decision_engine.loading import default as engine_loading
from watcher.decision_engine.model import model_root
from watcher.decision_engine.model.collector import manager
from watcher.decision_engine.planner import weight

import metal_drivers
from metal_drivers import conf, exceptions
from metal_drivers.model import PowerState
from metal_drivers.watcher import options, process
from metal_drivers_tests.functional_watcher import backends, base


class TestPlugins(backends.Ironic):
    START_DECISION_ENGINE = False
    START_APPLIER = False

    def test_in_tree_plugins_load_beside_ours(self) -> None:
        for loader, ours in (
            (engine_loading.DefaultStrategyLoader(), base.STRATEGY),
            (engine_loading.DefaultPlannerLoader(), options.PLANNER),
            (engine_loading.ClusterDataModelCollectorLoader(), 'metal'),
            (applier_loading.DefaultActionLoader(), base.ACTION),
        ):
            names = loader.list_available()
            self.assertIn(ours, names)
            for name in names:
                with self.subTest(namespace=loader.namespace, name=name):
                    self.assertIsInstance(loader.load(name), names[name])

    def test_strategy_is_offered(self) -> None:
        found = self.get(f'/strategies/{base.STRATEGY}')
        self.assertEqual('saving_energy', found['goal_name'])

    def test_planner_knows_all_actions(self) -> None:
        planner = engine_loading.DefaultPlannerLoader().load(options.PLANNER)
        self.assertIsInstance(planner, weight.WeightPlanner)
        weights = planner.config.weights
        self.assertEqual(len(weights), len(set(weights.values())))
        self.assertEqual(set(weights), set(planner.config.parallelization))
        self.assertIn(base.ACTION, weights)
        self.assertNotIn(base.ACTION, weight.WeightPlanner.action_weights)

    def test_options_register_after_watchers(self) -> None:
        process.services()
        loader = loading.DefaultLoader('watcher.metal.drivers')
        for name in ('ironic', 'fake'):
            loader.load(name, osc=None).close()
        conf.register_opts(cfg.CONF)
        process.services()

    def test_options_register_before_watchers(self) -> None:
        script = """
            from oslo_config import cfg
            from metal_drivers import selector
            from metal_drivers.watcher import process
            conf = cfg.CONF
            conf([], default_config_files=[])
            selector.Selector(conf).candidates()
            conf.set_override('driver', 'fake', group='metal_drivers')
            process.services()
            from watcher.conf import CONF
            print(CONF.nova.valid_interfaces, CONF.maas_client.url)
            from watcher.common.loader import default
            loader = default.DefaultLoader('watcher.metal.drivers')
            loader.load('fake', osc=None).close()
            process.services()
            """
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', textwrap.dedent(script)],
            capture_output=True,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)

    def test_collector(self) -> None:
        self.ironic.node(self.node_id('compute-2')).power_state = 'power off'
        self.ironic.node(self.node_id('compute-3')).maintenance = True
        self.ironic.add_node(name='spare')
        collector = engine_loading.ClusterDataModelCollectorLoader().load(
            'metal'
        )
        self.assertEqual([], collector.notification_endpoints)
        model = collector.get_latest_cluster_data_model()
        self.assertIsInstance(model, model_root.BaremetalModelRoot)
        found = {n.human_id: n for n in model.get_all_ironic_nodes().values()}
        self.assertEqual(
            {f'rack-{host}' for host in self.HOSTS} | {'spare'}, set(found)
        )
        self.assertEqual('power off', found['rack-compute-2'].power_state)
        self.assertTrue(found['rack-compute-3'].maintenance)
        self.assertEqual(
            self.nova.hosts['compute-3'].hypervisor_id,
            found['rack-compute-3'].extra['compute_node_id'],
        )
        rule = {'ironic_nodes': [{'uuid': self.node_id('compute-1')}]}
        scope = collector.get_audit_scope_handler(
            [{'baremetal': [{'exclude': [rule]}]}]
        )
        left = scope.get_scoped_model(model).get_all_ironic_nodes()
        self.assertNotIn(self.node_id('compute-1'), left)

    def test_collector_that_is_enabled(self) -> None:
        """The decision engine starts with it; not so with Watcher's."""
        self.env.flags(group='collector', collector_plugins=['metal'])
        self.assertEqual(
            [], manager.CollectorManager().get_notification_endpoints()
        )


class _Abstract:
    """Hides it from whoever collects tests."""

    class Driver(backends.Backend, abc.ABC):
        """A driver as Watcher would load it: by its own loader."""

        START_DECISION_ENGINE = False
        START_APPLIER = False

        NAME: ClassVar[str]

        def test_loads_and_lists(self) -> None:
            loader = loading.DefaultLoader('watcher.metal.drivers')
            driver = loader.load(self.NAME, osc=clients.OpenStackClients())
            self.addCleanup(driver.close)
            self.assertIsInstance(driver, metal_drivers.MetalDriver)
            self.assertEqual(
                {self.node_id(host): PowerState.ON for host in self.HOSTS},
                {node.id: node.power_state for node in driver.list_nodes()},
            )


class TestIronicDriver(_Abstract.Driver, backends.Ironic):
    NAME = 'ironic'


class TestIronicDriverOfWatchersClients(
    _Abstract.Driver, backends.IronicBehindKeystone
):
    """Without options of its own; the credentials are those of ``osc``."""

    NAME = 'ironic'


class TestMaasDriver(_Abstract.Driver, backends.Maas):
    """Configured in Watcher's own section."""

    NAME = 'maas'


class TestMaasDriverOfItsOwnSection(TestMaasDriver):
    def backend(self) -> base.Sections:
        sections = super().backend()
        return {'watcher.metal.drivers.maas': sections['maas_client']}


class TestFakeDriver(_Abstract.Driver, backends.Fake):
    NAME = 'fake'


class TestProcess(backends.Fake):
    """What a process shares."""

    START_DECISION_ENGINE = False
    START_APPLIER = False

    def test_shared_by_threads(self) -> None:
        process.close()
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(process.services()))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(8, len(found))
        self.assertEqual(1, len(set(map(id, found))))

    def test_closed(self) -> None:
        services = process.services()
        closed = []
        self.patch(services.driver, 'close', lambda: closed.append(True))
        process.close()
        process.close()
        self.assertEqual([True], closed)
        self.assertIsNot(services, process.services())

    def test_configuration_that_changes(self) -> None:
        services = process.services()
        self.assertIs(services, process.services())
        cfg.CONF.set_override('poll_interval', 3, group='metal_drivers')
        self.addCleanup(
            cfg.CONF.clear_override, 'poll_interval', group='metal_drivers'
        )
        self.assertEqual(3, process.services().settings.poll_interval)
        cfg.CONF.set_override('driver', 'gone', group='metal_drivers')
        self.addCleanup(
            cfg.CONF.clear_override, 'driver', group='metal_drivers'
        )
        self.assertRaises(exceptions.ConfigurationError, process.services)

    def test_no_list_of_hypervisors_for_the_actions_of_a_plan(self) -> None:
        """Each asks Nova for its own, which costs Nova as much as one entry
        of the list."""
        services = process.services()
        self.nova.forget()
        for host in self.HOSTS:
            member = services.member(self.node_id(host))
            self.assertIs(PowerState.ON, member.node.power_state)
        self.assertEqual(
            [
                f'/v2.1/os-hypervisors/detail?hypervisor_hostname_pattern={h}'
                for h in self.HOSTS
            ],
            [request.target for request in self.nova.requests],
        )
