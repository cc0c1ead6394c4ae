# SPDX-License-Identifier: Apache-2.0
"""Which compute host runs on which node."""

import threading
from collections.abc import Callable
from typing import Any

import testtools

from metal_drivers import exceptions, fleet
from metal_drivers.model import ComputeHost, Node
from metal_drivers_tests.unit.power import simulator

UUID = '8d6b7f6c-6b1f-4c63-9b0e-0f0f8a1d2c3e'


def node(name: str, *names: str, **fields: Any) -> Node:
    return Node(f'id-{name}', name, host_names=names, **fields)


def host(name: str, uuid: str = '', service: str = '') -> ComputeHost:
    return ComputeHost(
        uuid or f'u-{name}', service or name, name, 'up', 'enabled', 's'
    )


class TestMatch(testtools.TestCase):
    def match(self, nodes: list[Node], hosts: list[ComputeHost]) -> list[str]:
        """The host of each node, or what the problem is."""
        self.fleet = fleet.match(nodes, hosts)
        self.assertEqual(nodes, [each.node for each in self.fleet.members])
        for each in self.fleet.members:
            self.assertEqual(each.host is None, bool(each.problem))
        return [
            each.host.hypervisor_hostname
            if each.host
            else ('? ' if each.doubtful else '- ') + each.problem
            for each in self.fleet.members
        ]

    def test_by_uuid_in_either_case(self) -> None:
        for told, known in ((UUID, UUID.upper()), (UUID.upper(), UUID)):
            self.assertEqual(
                ['h1'],
                self.match(
                    [node('n1', hypervisor_id=told)], [host('h1', known)]
                ),
            )

    def test_uuid_before_names(self) -> None:
        nodes = [node('n1', 'h2', hypervisor_id=UUID)]
        self.assertEqual(
            ['h1'], self.match(nodes, [host('h2'), host('h1', UUID)])
        )

    def test_uuid_that_nova_does_not_know(self) -> None:
        nodes = [node('n1', 'h1', hypervisor_id=UUID)]
        self.assertEqual(
            [f'? Nova has no hypervisor {UUID}'],
            self.match(nodes, [host('h1')]),
        )

    def test_integer_of_older_releases(self) -> None:
        nodes = [node('n1', 'h1', hypervisor_id='12')]
        (said,) = self.match(nodes, [host('h1')])
        self.assertIn('? its hypervisor id is 12, a number', said)
        self.assertIn('set it to the uuid', said)

    def test_two_nodes_with_one_uuid(self) -> None:
        nodes = [node(name, hypervisor_id=UUID) for name in ('n1', 'n2')]
        self.assertEqual(
            ['? 2 nodes claim host h1'] * 2,
            self.match(nodes, [host('h1', UUID)]),
        )

    def test_full_name_before_short_name(self) -> None:
        nodes = [node('n1', 'H1.a', 'h1')]
        self.assertEqual(
            ['h1.A'], self.match(nodes, [host('h1'), host('h1.A')])
        )
        self.assertEqual(['h1'], self.match(nodes, [host('h1')]))

    def test_short_name_that_two_machines_have(self) -> None:
        nodes = [node('n1', 'h1.a', 'h1'), node('n2', 'h1.b', 'H1')]
        self.assertEqual(
            ['? 2 nodes claim host h1'] * 2, self.match(nodes, [host('h1')])
        )
        self.assertEqual(
            ['h1.a', 'h1.b'], self.match(nodes, [host('h1.a'), host('h1.b')])
        )
        # The first is known by its full name; whether the short one is
        # the second is not.
        self.assertEqual(
            ['h1.a', '? 2 nodes claim host h1'],
            self.match(nodes, [host('h1.a'), host('h1')]),
        )

    def test_short_name_of_another_does_not_touch_a_uuid(self) -> None:
        nodes = [
            node('n1', 'h1', hypervisor_id=UUID),
            node('n2', 'h2', 'h1'),
        ]
        self.assertEqual(
            ['h1', 'h2'], self.match(nodes, [host('h1', UUID), host('h2')])
        )

    def test_a_name_told_twice_by_one_node(self) -> None:
        nodes = [node('n1', 'h1', 'H1')]
        self.assertEqual(['h1'], self.match(nodes, [host('h1')]))

    def test_two_hypervisors_of_one_name(self) -> None:
        hosts = [host('h1', 'u1'), host('H1', 'u2')]
        self.assertEqual(
            ['? 2 hypervisors are named h1'],
            self.match([node('n1', 'h1')], hosts),
        )

    def test_by_the_hypervisor_and_not_by_the_service(self) -> None:
        hosts = [host('h1', service='s1')]
        self.assertEqual(
            ['h1', '- no hypervisor is named s1 or s1.a'],
            self.match([node('n1', 'h1'), node('n2', 's1', 's1.a')], hosts),
        )

    def test_node_that_tells_nothing(self) -> None:
        self.assertEqual(
            ['- the node does not report which hypervisor it runs'],
            self.match([node('h1')], [host('h1')]),
        )

    def test_without_nova(self) -> None:
        cloud = simulator.SimCloud(2)
        found = fleet.load(cloud.driver, None)
        self.assertEqual(
            [(None, 'Nova is not configured', False)] * 2,
            [(m.host, m.problem, m.doubtful) for m in found.members],
        )

    def test_one_list_of_each(self) -> None:
        cloud = simulator.SimCloud(2)
        found = fleet.load(cloud.driver, cloud.nova)
        self.assertEqual(
            ['list_hosts', 'list_nodes'], sorted(cloud.calls.names())
        )
        self.assertEqual(
            ['n1 (h1)', 'n2 (h2)'], [m.label for m in found.members]
        )

    def test_both_lists_are_asked_for_at_the_same_time(self) -> None:
        """Each answers only once the other one was asked for."""
        cloud = simulator.SimCloud(2)
        both = threading.Barrier(2, timeout=30)

        def meeting(ask: Callable[[], Any]) -> Callable[[], Any]:
            def asked() -> Any:
                both.wait()
                return ask()

            return asked

        for service, name in (
            (cloud.driver, 'list_nodes'),
            (cloud.nova, 'list_hosts'),
        ):
            self.patch(service, name, meeting(getattr(service, name)))
        found = fleet.load(cloud.driver, cloud.nova)
        self.assertEqual(2, len(found.members))

    def test_a_nova_that_hangs_keeps_no_error_from_being_told(self) -> None:
        cloud = simulator.SimCloud(2)
        over = threading.Event()
        self.addCleanup(over.set)
        self.patch(cloud.nova, 'list_hosts', over.wait)
        cloud.fail(exceptions.UnavailableError('away'), 'list_nodes')
        exc = self.assertRaises(
            exceptions.UnavailableError, fleet.load, cloud.driver, cloud.nova
        )
        self.assertEqual('away', str(exc))

    def test_nova_that_does_not_answer_is_not_no_nova(self) -> None:
        cloud = simulator.SimCloud()
        cloud.fail(exceptions.UnavailableError('away'), 'list_hosts')
        self.assertRaises(
            exceptions.UnavailableError,
            fleet.load,
            cloud.driver,
            cloud.nova,
        )


class TestFind(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fleet = fleet.match(
            [node('n1', 'h1.a'), node('n2', 'h2.a'), node('s2'), node('s2')],
            [host('h1.a', service='s1'), host('h2.a', service='s2')],
        )

    def test_by_every_name(self) -> None:
        for ref in ('id-n1', 'n1', 's1', 'h1.a'):
            self.assertEqual('n1', self.fleet.find(ref).node.name)

    def test_no_part_of_a_name(self) -> None:
        for ref in ('', 'n', 'h1', 'n3', 'N1'):
            exc = self.assertRaises(
                exceptions.NotFoundError, self.fleet.find, ref
            )
            self.assertIn(repr(ref), str(exc))
            self.assertIn('metal-drivers node list', str(exc))

    def test_several(self) -> None:
        # The service of one node, and the name of two others.
        exc = self.assertRaises(exceptions.RefusedError, self.fleet.find, 's2')
        self.assertIn("'s2' matches 3 nodes: id-n2, id-s2, id-s2", str(exc))
        self.assertIn('Use the id', str(exc))
