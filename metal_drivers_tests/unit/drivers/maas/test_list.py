# SPDX-License-Identifier: Apache-2.0
"""The list of machines, and what each is shown as."""

from typing import Any

import fixtures

from metal_drivers import exceptions
from metal_drivers.drivers.maas import MaasDriver
from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import faults, maas
from metal_drivers_tests.unit.drivers.maas import base


class TestList(base.MaasTestCase):
    def names(self, **options: Any) -> list[str]:
        return [n.name for n in self.driver_with(**options).list_nodes()]

    def test_one_request_after_the_description(self) -> None:
        for _ in range(30):
            self.maas.add_machine()
        for _ in range(3):
            self.assertEqual(30, len(self.driver.list_nodes()))
        self.assertEqual(1, self.requests(base.DESCRIBE))
        self.assertEqual(3, self.requests(base.LIST))
        self.assertEqual(4, len(self.maas.requests))
        self.assertEqual(1, self.maas.connections)

    def test_only_deployed_machines(self) -> None:
        for status in maas.Status:
            self.maas.add_machine(hostname=status.name, status=status)
        self.assertEqual(['DEPLOYED'], self.names())
        (listed,) = filter(base.LIST, self.maas.requests)
        self.assertEqual({'status': ['deployed']}, listed.query)

    def test_only_deployed_machines_of_one_that_knows_no_filters(
        self,
    ) -> None:
        """[src] Before 2.6 every machine comes back."""
        self.maas.add_machine(hostname='new', status=maas.Status.NEW)
        client = self.driver_with()._maas
        every = client.call('Machines.read', 'list machines')
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.connection.filters',
                lambda config: {},
            )
        )
        self.assertEqual(1, len(every))
        self.assertEqual([], self.names())

    def test_filters(self) -> None:
        machines: dict[str, dict[str, Any]] = {
            'a': {'tags': ['x', 'y'], 'zone': 'az1'},
            'b': {'tags': ['x'], 'pool': 'gold'},
            'c': {'zone': 'az2'},
            'd': {'tags': ['x', 'y'], 'status': maas.Status.READY},
        }
        for name, fields in machines.items():
            self.maas.add_machine(hostname=name, **fields)
        for options, names in (
            ({'tags': ['x']}, 'ab'),
            ({'tags': ['x', 'y']}, 'a'),
            ({'not_tags': ['y', 'nonsense']}, 'bc'),
            ({'pools': ['gold']}, 'b'),
            ({'pools': ['gold', 'compute']}, 'abc'),
            ({'zones': ['az2']}, 'c'),
            ({'zones': ['az1'], 'tags': ['x'], 'not_tags': ['y']}, 'b'),
        ):
            self.maas.forget()
            self.assertEqual(list(names), self.names(**options), str(options))
            self.assertEqual(1, self.requests(base.LIST))

    def test_filters_arrive_as_they_are_written(self) -> None:
        odd = ['a+b&c', 'ö ä%20', 'x#y?z']
        self.maas.region.pools |= set(odd)
        self.assertEqual([], self.names(pools=odd))
        (listed,) = filter(base.LIST, self.maas.requests)
        self.assertEqual(odd, listed.query['pool'])

    def test_an_unknown_filter_value_is_a_wrong_option(self) -> None:
        for option, told in (
            ('tags', 'No such tag'),
            ('pools', 'No such pool'),
            ('zones', 'No such zone'),
        ):
            driver = self.driver_with(**{option: ['nonsense']})
            exc = self.error(exceptions.ConfigurationError, driver.list_nodes)
            self.assertIn(told, str(exc))
            self.assertIn('nonsense', str(exc))
            self.assertIn(option, exc.cure)

    def test_joe_sees_his_own(self) -> None:
        self.maas.add_machine(hostname='admins')
        self.maas.add_machine(hostname='joes', owner='joe')
        self.assertEqual(['joes'], self.names(api_key=self.maas.joe.apikey))

    def test_a_list_has_a_time_out_of_its_own(self) -> None:
        driver = self.driver_with(timeout=60, list_timeout=0.2)
        driver.list_nodes()
        rule = self.maas.fail(base.LIST, faults.hang(), None)
        exc = self.error(exceptions.TimedOutError, driver.list_nodes)
        self.assertIn('within 0.2 s', str(exc))
        self.assertIn(self.maas.maas_url, exc.cure)
        self.assertIn(f'[{base.GROUP}] list_timeout', exc.cure)
        self.maas.heal(rule)
        self.assertEqual([], driver.list_nodes())

    def test_a_list_may_take_longer_than_other_requests(self) -> None:
        time = self.useFixture(base.LoopTime())
        driver = self.driver_with(timeout=50)
        driver.list_nodes()
        self.maas.fail(base.LIST, time.takes(60))
        self.assertEqual([], driver.list_nodes())

    def test_the_time_out_is_configured(self) -> None:
        (option,) = (
            each
            for each in MaasDriver.get_config_opts()
            if each.name == 'list_timeout'
        )
        self.assertEqual(300, option.default)
        conf = self.conf(
            '', **{base.GROUP: {'url': 'http://x', 'list_timeout': 0}}
        )
        conf.register_opts(MaasDriver.get_config_opts(), base.GROUP)
        self.assertRaises(ValueError, lambda: conf[base.GROUP].list_timeout)


class TestMachine(base.MaasTestCase):
    """How one is shown."""

    def test_names_the_fullest_first(self) -> None:
        node = self.node(hostname='c1', domain='rack.example.com')
        self.assertEqual(('c1.rack.example.com', 'c1'), node.host_names)
        self.assertEqual('c1', node.name)

    def test_a_cached_state_is_marked_so(self) -> None:
        self.maas.add_machine(power='off', cached='on')
        (node,) = self.driver.list_nodes()
        self.assertIs(PowerState.ON, node.power_state)
        self.assertIsNone(node.observed_at)
        node = self.driver.get_node(node.id)
        self.assertIs(PowerState.OFF, node.power_state)
        self.assertIsNotNone(node.observed_at)

    def test_what_must_not_be_switched(self) -> None:
        for fields, told in (
            ({'power_type': 'manual'}, 'power type is manual'),
            ({'power_type': ''}, 'power type is not set'),
            ({'ephemeral_deploy': True}, 'in memory'),
            ({'status': maas.Status.READY}, 'status is Ready'),
            ({'status': maas.Status.ALLOCATED}, 'status is Allocated'),
            ({'status': maas.Status.RESCUE_MODE}, 'status is Rescue mode'),
        ):
            node = self.node(**fields)
            for reason in (node.keep_on, node.keep_off):
                self.assertIn(told, reason or '')
        node = self.node()
        self.assertEqual((None, None), (node.keep_on, node.keep_off))

    def test_locked(self) -> None:
        self.assertIsNotNone(self.node(locked=True).locked)
        self.assertIsNone(self.node().locked)

    def test_soft_off_where_it_is_one(self) -> None:
        self.assertTrue(self.node(power_type='ipmi').soft_off)
        for power_type in ('redfish', 'manual', 'virsh', 'webhook'):
            self.assertFalse(self.node(power_type=power_type).soft_off)

    def test_labels_and_details(self) -> None:
        node = self.node(tags=['x', 'y'], zone='az2', pool='gold')
        self.assertEqual({'x', 'y'}, node.labels)
        self.assertEqual('az2', node.details['zone'])
        self.assertEqual('gold', node.details['pool'])
        self.assertEqual('ipmi', node.details['power_type'])
        self.assertNotIn('power_parameters', node.details)


class TestFind(base.MaasTestCase):
    """Never a list to find one machine."""

    def setUp(self) -> None:
        super().setUp()
        for name, domain in (('c1', 'a'), ('c1', 'b'), ('c2', 'a')):
            self.maas.add_machine(hostname=name, domain=domain)

    def find(self, ref: str, **options: Any) -> list[str]:
        driver = self.driver_with(**options)
        self.maas.forget()
        return [node.host_names[0] for node in driver.find_nodes(ref)]

    def test_all_of_one_short_name(self) -> None:
        for ref in ('c1', 'C1', 'c1.a'):
            self.assertEqual(['c1.a', 'c1.b'], self.find(ref))
            self.assertLessEqual(self.requests(base.LIST), 2)
        self.assertEqual(['c2.a'], self.find('c2'))
        self.assertEqual([], self.find('c2.b'))

    def test_by_id_with_whoever_shares_its_name(self) -> None:
        self.assertEqual(
            ['c1.a', 'c1.b'], self.find(self.maas.machine('c1').system_id)
        )
        self.assertEqual(2, self.requests(base.LIST))

    def test_asks_only_for_what_is_configured(self) -> None:
        machine = self.maas.machine('c2')
        for ref in ('c2', machine.system_id):
            self.maas.region.tags.add('y')
            self.assertEqual([], self.find(ref, tags=['y']))
        machine.tags = ['y']
        self.assertEqual(['c2.a'], self.find('c2', tags=['y']))
        for request in filter(base.LIST, self.maas.requests):
            self.assertTrue({'id', 'hostname'} & set(request.query))

    def test_one_that_is_not_deployed_tells_its_status(self) -> None:
        self.maas.machine('c2').status = maas.Status.READY
        (node,) = self.driver.find_nodes('c2')
        for reason in (node.keep_on, node.keep_off):
            self.assertIn('its status is Ready', reason or '')
        self.assertNotIn(node.id, [n.id for n in self.driver.list_nodes()])

    def test_one_that_is_not_deployed_is_in_nobodys_way(self) -> None:
        one = self.maas.machine('c1')
        one.status = maas.Status.READY
        self.assertEqual(['c1.b'], self.find('c1'))
