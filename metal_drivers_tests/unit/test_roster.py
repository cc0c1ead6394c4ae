# SPDX-License-Identifier: Apache-2.0
"""The fleet for counting: what it costs Nova, and how old it is."""

import dataclasses
import threading
from collections.abc import Callable

from metal_drivers import compute, exceptions, roster, services
from metal_drivers.drivers import fake
from metal_drivers.model import Node, PowerState
from metal_drivers_tests.emulators import faults, messages, nova
from metal_drivers_tests.unit import base

HOSTS = ('compute-1', 'compute-2', 'compute-3')


def is_list(request: messages.Request) -> bool:
    """Of all hypervisors."""
    return request.path.endswith('/os-hypervisors/detail')


class _Driver(fake.FakeDriver):
    def __init__(self, nodes: Callable[[], list[Node]]) -> None:
        super().__init__({})
        self.nodes = nodes

    def list_nodes(self) -> list[Node]:
        return self.nodes()


class _Lock:
    """Whoever waits for it says so."""

    def __init__(self, lock: threading.Lock, begun: threading.Barrier) -> None:
        self._lock, self._begun = lock, begun

    def __enter__(self) -> None:
        self._begun.wait(30)
        self._lock.acquire()

    def __exit__(self, *args: object) -> None:
        self._lock.release()


class TestRoster(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.nova = self.useFixture(nova.NovaEmulator(HOSTS))
        self.nodes = [
            Node(f'id-{host}', host, host_names=(host,))
            for host in (*HOSTS, 'compute-4')
        ]
        service = services.open_compute(
            self.conf(
                nova={
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                }
            )
        )
        self.now = 0.0
        self.driver = _Driver(lambda: self.nodes)
        self.roster = roster.Roster(self.driver, service, lambda: self.now)

    def lists(self) -> int:
        return sum(map(is_list, self.nova.requests))

    def hosts(self) -> list[str]:
        """The hosts that a node matches."""
        members = self.roster.load().members
        return [member.host.name for member in members if member.host]

    def test_one_list_of_hypervisors(self) -> None:
        for _ in range(20):
            self.assertEqual(list(HOSTS), self.hosts())
        self.assertEqual(1, self.lists())

    def test_not_for_ever(self) -> None:
        self.hosts()
        self.now += roster.KEPT
        self.hosts()
        self.assertEqual(2, self.lists())

    def test_nodes_and_services_are_as_they_are_now(self) -> None:
        self.roster.load()
        service = self.nova.hosts['compute-2']
        service.alive, service.status = False, 'disabled'
        service.disabled_reason = 'broken fan'
        self.nodes[0] = dataclasses.replace(
            self.nodes[0], power_state=PowerState.OFF
        )
        first, second, *_ = self.roster.load().members
        self.assertIs(PowerState.OFF, first.node.power_state)
        assert second.host is not None
        self.assertFalse(second.host.up or second.host.enabled)
        self.assertEqual('broken fan', second.host.disabled_reason)
        # Only the list has it.
        self.assertIsNone(second.host.servers)
        self.assertEqual(1, self.lists())

    def test_another_host(self) -> None:
        """Be it on, or off again by now."""
        for alive in (True, False):
            self.hosts()
            self.nova.add_host('compute-4').alive = alive
            before = self.lists()
            self.assertEqual([*HOSTS, 'compute-4'], self.hosts())
            self.assertEqual(before + 1, self.lists())
            del self.nova.cloud.hosts['compute-4']

    def test_a_host_less(self) -> None:
        self.hosts()
        del self.nova.cloud.hosts['compute-1']
        self.assertEqual(['compute-2', 'compute-3'], self.hosts())

    def test_a_service_that_was_left_behind(self) -> None:
        """It has no hypervisor; it costs no list each time."""
        left = self.nova.hosts['compute-3']
        left.alive = False
        list_hosts = compute.Compute.list_hosts
        self.patch(
            compute.Compute,
            'list_hosts',
            lambda nova: [h for h in list_hosts(nova) if h.name != left.name],
        )
        for _ in range(3):
            self.assertEqual(['compute-1', 'compute-2'], self.hosts())
        self.assertEqual(1, self.lists())

    def test_a_hypervisor_that_comes_after_its_service(self) -> None:
        late: list[str] = ['compute-3']
        list_hosts = compute.Compute.list_hosts
        self.patch(
            compute.Compute,
            'list_hosts',
            lambda nova: [h for h in list_hosts(nova) if h.name not in late],
        )
        self.assertEqual(['compute-1', 'compute-2'], self.hosts())
        late.clear()
        self.assertEqual(list(HOSTS), self.hosts())

    def test_a_failure_is_not_kept(self) -> None:
        self.nova.fail(is_list, faults.status(503), None)
        self.assertRaises(exceptions.UnavailableError, self.roster.load)
        self.nova.heal()
        self.assertEqual(list(HOSTS), self.hosts())

    def test_those_that_ask_at_the_same_time_share_an_answer(self) -> None:
        """But none gets one that was begun before it asked."""
        inside, go_on = threading.Event(), threading.Event()
        begun, answers = 0, []

        def list_nodes() -> list[Node]:
            nonlocal begun
            begun += 1
            if begun == 1:
                inside.set()
                go_on.wait(30)
            return [Node(f'of answer {begun}', 'node')]

        def load() -> None:
            answers.append(self.roster.load().members[0].node.id)

        self.driver.nodes = list_nodes
        first = threading.Thread(target=load)
        first.start()
        self.assertTrue(inside.wait(30))
        barrier = threading.Barrier(6)
        self.patch(self.roster, '_lock', _Lock(self.roster._lock, barrier))
        others = [threading.Thread(target=load) for _ in range(5)]
        for thread in others:
            thread.start()
        barrier.wait(30)
        go_on.set()
        for thread in (first, *others):
            thread.join(30)
        self.assertEqual(
            ['of answer 1', *['of answer 2'] * 5], sorted(answers)
        )


class TestNoNova(base.TestCase):
    def test_no_host(self) -> None:
        driver = fake.FakeDriver({'nodes': 2})
        found = roster.Roster(driver, None, lambda: 0.0).load()
        self.assertEqual([None, None], [m.host for m in found.members])
