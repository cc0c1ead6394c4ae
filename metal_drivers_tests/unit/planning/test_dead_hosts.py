# SPDX-License-Identifier: Apache-2.0
"""Plans, carried out: what hosts that do not come back cost the others."""

import datetime

import testtools

from metal_drivers.compute import markers
from metal_drivers.model import Capability
from metal_drivers.planning import Decision, Wish, make_plan, unreliable
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit.power import simulator

#: As MAAS, and as Ironic.
BOTH: tuple[frozenset[Capability], ...] = (frozenset(), simulator.CAPABLE)


class TestToday(testtools.TestCase):
    """What a check tells of hosts that may not come back, and a plan,
    at the time that it is."""

    #: Long before today, whenever that is.
    BEGUN = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)

    def setUp(self) -> None:
        super().setUp()
        cloud = simulator.SimCloud(3, simulator.OFF, BOTH[1])
        for number, kind in (
            (1, markers.MarkerKind.POWERED_OFF),
            (2, markers.MarkerKind.POWERING_ON),
        ):
            host = cloud.nova.hosts[f'h{number}']
            host.status = 'disabled'
            host.reason = markers.reason(f'id-{number}', self.BEGUN, kind)
        self.cloud = cloud
        self.members = cloud.fleet().members

    def told(self, now: datetime.datetime | None = None) -> dict[str, str]:
        found = unreliable(self.members, PowerSettings(), now)
        return {member.node.id: trouble for member, trouble in found}

    def test_a_power_on_that_did_not_end(self) -> None:
        self.assertEqual(
            {
                'id-2': 'is still off after a power on that was begun at '
                '2020-01-01 00:00:00 UTC'
            },
            self.told(),
        )

    def test_a_power_on_that_may_be_under_way(self) -> None:
        self.assertEqual({}, self.told(self.BEGUN))

    def test_a_plan(self) -> None:
        decision = make_plan(
            self.cloud.fleet(), self.cloud.nova, Wish(), PowerSettings()
        )
        self.assertEqual(['id-1'], [member.node.id for member in decision.on])


class TestDeadHosts(testtools.TestCase):
    """h1 is busy; all others are off, and two of them are dead.

    The dead ones are off longest: a plan tries them first. Nothing but our
    marker says that it failed.
    """

    DEAD = 'id-2', 'id-3'

    def begin(
        self, spares: int, capabilities: frozenset[Capability] = BOTH[1]
    ) -> None:
        self.cloud = simulator.SimCloud(
            1 + spares, simulator.OFF, capabilities
        )
        self.tried: list[list[str]] = []
        now = self.cloud.clock.now()
        for number, host in enumerate(self.cloud.nova.hosts.values(), 1):
            node_id = f'id-{number}'
            if number == 1:
                host.servers, host.machine.power = 1, simulator.ON
                continue
            when = now - datetime.timedelta(days=1, seconds=-number)
            host.status = 'disabled'
            host.reason = markers.reason(node_id, when)
            if node_id in self.DEAD:
                host.machine.ends_in = 'swallowed'

    def audit(self, free: int) -> Decision:
        """A plan, and all that it wants."""
        cloud = self.cloud
        decision = make_plan(
            cloud.fleet(),
            cloud.nova,
            Wish(min_free_hosts_num=free),
            PowerSettings(),
            now=cloud.clock.now(),
        )
        chosen = [member.node.id for member in decision.on]
        self.assertEqual([], list(decision.off))
        self.tried.append(chosen)
        cloud.calls.restart()
        cloud.engine().switch(cloud.fleet(), chosen, simulator.ON)
        self.assertEqual([], cloud.harm)
        for sim in cloud.driver.nodes.values():
            sim.say(fault=None)
        return decision

    def free(self) -> int:
        """Hosts on which Nova places servers."""
        return sum(
            host.enabled and not host.servers
            for host in self.cloud.nova.hosts.values()
        )

    def test_a_shortage_is_filled_in_the_next_audit(self) -> None:
        for capabilities in BOTH:
            self.begin(100, capabilities)
            self.audit(5)
            self.assertEqual(3, self.free())
            self.audit(5)
            # One more than is missing: the next one may be dead, too.
            self.assertEqual(6, self.free())
            first, second = self.tried
            self.assertEqual({*self.DEAD}, {*self.DEAD} & {*first})
            self.assertEqual(set(), {*self.DEAD} & {*second})

    def test_a_dead_host_is_not_tried_while_good_ones_are_off(self) -> None:
        """However often, and however long after."""
        for capabilities in BOTH:
            self.begin(20, capabilities)
            for free in range(1, 19):
                self.audit(free)
                self.cloud.clock.advance(7200)
            self.audit(18)
            self.assertEqual(18, self.free())
            tried = [node for chosen in self.tried for node in chosen]
            self.assertEqual(sorted(tried), sorted(set(tried)))
            # No other is left.
            decision = self.audit(20)
            self.assertEqual([*self.DEAD], self.tried[-1])
            self.assertEqual(2, decision.hosts_unreliable)

    def test_less_and_less_often(self) -> None:
        """Doubled with each failure, up to a day."""
        self.begin(2)
        for _ in range(24 * 6 * 4):
            self.audit(1)
            if self.tried[-1]:
                self.assertEqual(1, len(self.tried[-1]))
            self.cloud.clock.advance(600)
        each = dict.fromkeys(self.DEAD, 0)
        for chosen in self.tried:
            for node in chosen:
                each[node] += 1
        # After 1, 2, 4, 8, 16, and 24 hours; in four days and more.
        for node, count in each.items():
            self.assertLess(count, 9, node)
            self.assertLess(4, count, node)
