# SPDX-License-Identifier: Apache-2.0
"""A few nodes by their names, and what that costs."""

import random
from collections.abc import Iterable

import testtools

from metal_drivers import base, compute, exceptions, fleet, lookup
from metal_drivers.drivers import fake
from metal_drivers.model import Capability, ComputeHost, ComputeService, Node
from metal_drivers_tests.unit import base as unit

_UUIDS = [f'{n}d6b7f6c-6b1f-4c63-9b0e-0f0f8a1d2c3e' for n in range(4)]
_NAMES = ('h1', 'H1', 'h1.a', 'h1.b', 'h2', 'h2.a', 'h12', 's1', 'h')


class _Nodes(fake.FakeDriver):
    def __init__(self, nodes: Iterable[Node], find: bool) -> None:
        super().__init__({})
        self._nodes = {node.id: node for node in nodes}
        self.listed = 0
        if find:
            self.capabilities |= {Capability.FIND}

    def list_nodes(self) -> list[Node]:
        self.listed += 1
        return list(self._nodes.values())

    def find_nodes(self, ref: str) -> list[Node]:
        return base.named(self._nodes.values(), ref)


class _Nova(compute.Compute):
    def __init__(self, hosts: Iterable[ComputeHost]) -> None:
        self.hosts = list(hosts)
        self.listed = 0

    def list_hosts(self) -> list[ComputeHost]:
        self.listed += 1
        return self.hosts

    def find_hosts(self, name: str) -> list[ComputeHost]:
        return [
            host
            for host in self.hosts
            if name.casefold() in host.hypervisor_hostname.casefold()
        ]

    def get_host(self, hypervisor_id: str) -> ComputeHost | None:
        return {h.id: h for h in self.hosts}.get(hypervisor_id.casefold())

    def get_service(self, host: str) -> ComputeService:
        for each in self.hosts:
            if each.name == host:
                return ComputeService(each.service_id, host, 'up', 'enabled')
        raise exceptions.NotFoundError('no such')


def _host(name: str, uuid: str, service: str = '') -> ComputeHost:
    return ComputeHost(uuid, service or name, name, 'up', 'enabled', uuid)


def _said(found: fleet.Fleet, ref: str) -> object:
    """The member of that name, or why there is none."""
    try:
        return found.find(ref)
    except exceptions.NotFoundError:
        return 'not found'
    except exceptions.RefusedError as exc:
        ids = str(exc).partition(': ')[2].partition('.')[0]
        return set(ids.split(', '))


class TestEqual(testtools.TestCase):
    """What is found is what the whole fleet would give."""

    def test_in_small_clouds_with_confusing_names(self) -> None:
        chance = random.Random(7)  # noqa: S311
        matched = ambiguous = 0
        for _ in range(400):
            find = chance.random() < 0.5
            nodes = [
                Node(
                    f'id{number}',
                    chance.choice(_NAMES),
                    # Only a driver that lists them may have these.
                    hypervisor_id=(
                        chance.choice([*_UUIDS, '7', _UUIDS[0].upper()])
                        if not find and chance.random() < 0.4
                        else None
                    ),
                    host_names=tuple(
                        chance.sample(_NAMES, chance.randint(0, 2))
                    ),
                )
                for number in range(chance.randint(1, 4))
            ]
            names = chance.sample(_NAMES, 3)
            hosts = [
                # Each has a nova-compute of its own.
                _host(chance.choice(_NAMES), uuid, service)
                for uuid, service in zip(_UUIDS, names, strict=False)
            ]
            driver, nova = _Nodes(nodes, find), _Nova(hosts)
            whole = fleet.load(driver, nova)
            for ref in (*_NAMES, 'id0', 'id1', '', 'x', _UUIDS[0]):
                found = lookup.look_up(driver, nova, [ref])
                expected = _said(whole, ref)
                self.assertEqual(expected, _said(found, ref), f'{ref} {nodes}')
                matched += isinstance(expected, fleet.Member)
                ambiguous += isinstance(expected, set)
            both = lookup.look_up(driver, nova, _NAMES)
            for ref in _NAMES:
                self.assertEqual(_said(whole, ref), _said(both, ref))
            for member in whole.members:
                node_id = member.node.id
                self.assertEqual(member, lookup.member(driver, nova, node_id))
        # It was about something.
        self.assertTrue(matched > 100 and ambiguous > 100)

    def test_a_name_that_a_node_with_a_uuid_has_too(self) -> None:
        nodes = [
            Node('id1', 'n1', host_names=('h1.a',)),
            Node('id2', 'n2', hypervisor_id=_UUIDS[1], host_names=('h1.a',)),
        ]
        nova = _Nova([_host('h1.a', _UUIDS[0], 'h1'), _host('h2', _UUIDS[1])])
        driver = _Nodes(nodes, find=False)
        for found in (
            fleet.load(driver, nova),
            lookup.look_up(driver, nova, ['h1']),
        ):
            self.assertEqual('not found', _said(found, 'h1'))

    def test_a_name_of_one_that_shares_another(self) -> None:
        nodes = [
            Node('id1', 'c1.a', host_names=('c1.a', 'c1')),
            Node('id2', 'c1.b', host_names=('c1.b', 'c1')),
            Node('id3', 'x', host_names=('c1.b',)),
        ]
        nova = _Nova([_host('c1.b', _UUIDS[0], 'c1.a')])
        driver = _Nodes(nodes, find=True)
        whole = fleet.load(driver, nova).find('c1.a')
        self.assertEqual('id1', whole.node.id)
        found = lookup.look_up(driver, nova, ['c1.a'])
        self.assertEqual(whole, found.find('c1.a'))


class TestCost(unit.TestCase):
    def setUp(self) -> None:
        super().setUp()
        nodes = [
            Node(f'id{n}', f'h{n}', host_names=(f'h{n}.a', f'h{n}'))
            for n in range(100, 200)
        ]
        self.driver = _Nodes(nodes, find=True)
        self.nova = _Nova(
            _host(f'h{n}.a', f'u{n}', f'h{n}') for n in range(100, 200)
        )

    def find(self, *refs: str) -> list[str]:
        found = lookup.look_up(self.driver, self.nova, refs)
        return [found.find(ref).node.id for ref in refs]

    def test_no_list_for_a_few(self) -> None:
        self.assertEqual(
            ['id101', 'id102', 'id103'], self.find('h101', 'h102.a', 'id103')
        )
        self.assertEqual((0, 0), (self.driver.listed, self.nova.listed))

    def test_no_list_for_one_that_is_not_there(self) -> None:
        self.assertRaises(exceptions.NotFoundError, self.find, 'nonsense')
        self.assertEqual((0, 0), (self.driver.listed, self.nova.listed))

    def test_one_list_for_many(self) -> None:
        refs = [f'h{n}' for n in range(100, 120)]
        self.assertEqual(20, len(self.find(*refs)))
        self.assertEqual((1, 1), (self.driver.listed, self.nova.listed))

    def test_the_lists_for_a_service_that_is_named_otherwise(self) -> None:
        self.nova.hosts[0] = _host('h100.a', 'u100', 'blade-7')
        self.assertEqual(['id100'], self.find('blade-7'))
        self.assertEqual((1, 1), (self.driver.listed, self.nova.listed))
