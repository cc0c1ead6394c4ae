# SPDX-License-Identifier: Apache-2.0
"""Which hosts an audit switches."""

import dataclasses
from typing import Any
from unittest import mock

from metal_drivers import base as driver_base
from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Node, PowerState
from metal_drivers.planning.decision import (
    room_to_go_off,
)
from metal_drivers.power import PowerEngine, PowerSettings
from metal_drivers.power import shared as power_shared
from metal_drivers_tests.unit.planning import base
from metal_drivers_tests.unit.planning.base import OFF, ON, host


class TestDecide(base.DecisionTestCase):
    def test_wanted(self) -> None:
        for busy, percent, least, wanted in (
            (0, 10.0, 1, 1),
            (10, 10.0, 1, 1),
            (29, 10.0, 1, 2),
            (30, 10.0, 1, 3),
            (30, 10.0, 5, 5),
            (7, 50.0, 0, 3),
            (3, 0.0, 0, 0),
            (1, 10.0, 1.9, 1),
        ):
            members = [host(n, servers=2) for n in range(busy)]
            decision = self.decide(
                *members, free_used_percent=percent, min_free_hosts_num=least
            )
            self.assertEqual(wanted, decision.wanted, str(members))
            self.assertEqual(busy, decision.busy)

    def test_surplus_goes_off_in_the_order_of_names(self) -> None:
        members = [host(n) for n in (9, 10, 11, 2)]
        self.assert_off(self.decide(*members), 2, 9, 10)

    def test_servers_not_known_is_busy(self) -> None:
        decision = self.decide(
            host(1, servers=None), host(2, servers=1), min_free_hosts_num=0
        )
        self.assert_off(decision)
        self.assertEqual(2, decision.busy)

    def test_off_longest_comes_back_first(self) -> None:
        members = [
            host(1, OFF, ours=2),
            host(2, OFF, ours=5),
            host(3, OFF),
            host(4, OFF, ours=3),
        ]
        self.assert_on(self.decide(*members, min_free_hosts_num=3), 2, 4, 1)
        self.assert_on(self.decide(*members, min_free_hosts_num=9), 2, 4, 1, 3)

    def test_a_busy_host_that_is_given_back_fills_no_shortage(self) -> None:
        """Its nova-compute was left disabled; no server fits another."""
        members = [host(1, servers=1, ours=2), host(2, OFF, ours=3)]
        self.assert_on(self.decide(*members), 1, 2)

    def test_no_host_comes_twice_where_others_are_missing(self) -> None:
        decision = self.decide(host(1, ours=2), min_free_hosts_num=3)
        self.assert_on(decision, 1)

    def test_it_relies_on_no_host_that_the_plan_has_no_room_for(self) -> None:
        members = [host(1, OFF, ours=3), host(2, OFF, ours=2, fault='x')]
        decision = self.decide(*members, min_free_hosts_num=2)
        self.assertEqual(1, len(decision.relied_on))
        decision = self.decide(*members, min_free_hosts_num=2, max_actions=1)
        self.assert_on(decision, 1)
        self.assertEqual((), decision.relied_on)

    def test_spare_is_ours_or_enabled(self) -> None:
        members = [host(1, OFF, reason='broken fan'), host(2, OFF)]
        self.assert_on(self.decide(*members, min_free_hosts_num=2), 2)
        self.assert_on(
            self.decide(*members, min_free_hosts_num=2, any_off_host=True),
            1,
            2,
        )

    def test_mark_of_another_node_is_not_ours(self) -> None:
        member = host(1, OFF, ours=5)
        moved = dataclasses.replace(
            member, node=dataclasses.replace(member.node, id='other')
        )
        self.assert_on(self.decide(moved))

    def test_off_with_shut_off_servers_is_busy_and_no_spare(self) -> None:
        decision = self.decide(host(1, OFF, servers=1))
        self.assert_on(decision)
        self.assertEqual(1, decision.busy)

    def test_never_touched(self) -> None:
        for member in (
            host(1, maintenance='disk'),
            host(1, locked='somebody'),
            host(1, busy='conductor-1'),
            host(1, target=OFF),
            host(1, keep_on='not Deployed'),
            host(1, reason='others'),
            host(1, up=False),
            host(1, PowerState.UNKNOWN),
            host(1, PowerState.ERROR),
            dataclasses.replace(host(1), host=None, problem='no host'),
        ):
            with self.subTest(member=member):
                self.assert_off(self.decide(member, min_free_hosts_num=0))
        for member in (
            host(1, OFF, maintenance='disk'),
            host(1, OFF, locked='somebody'),
            host(1, OFF, busy='conductor-1'),
            host(1, OFF, target=ON),
            host(1, OFF, keep_off='not Deployed'),
            host(1, PowerState.UNKNOWN, up=False),
        ):
            with self.subTest(member=member):
                self.assert_on(self.decide(member, min_free_hosts_num=1))

    def test_protected_counts_as_free(self) -> None:
        settings = PowerSettings(protected_hosts=('host-1',))
        decision = self.decide(host(1), host(2), host(3), settings=settings)
        self.assert_off(decision, 2, 3)

    def test_what_nova_cannot_use_is_not_free(self) -> None:
        decision = self.decide(
            host(1, reason='others'),
            host(2, up=False),
            host(3, target=OFF),
            host(4, OFF, ours=1),
        )
        self.assert_on(decision, 4)

    def test_on_its_way_counts_as_there(self) -> None:
        decision = self.decide(
            host(1, OFF, target=ON, up=True), host(2, OFF, ours=1)
        )
        self.assert_on(decision)

    def test_left_halfway(self) -> None:
        """On, and disabled by us: by a run that was killed."""
        halfway = host(1, ours=1)
        self.assert_off(self.decide(halfway, host(2)), 1)
        self.assert_on(self.decide(halfway, host(2, OFF, ours=9)), 1)
        # Servers are on it: it must be given back, whatever is wanted.
        busy = host(1, servers=3, ours=1)
        decision = self.decide(busy, host(2), host(3))
        self.assertEqual([1], base.numbers(decision.on))
        self.assertEqual([2], base.numbers(decision.off))

    def test_left_halfway_beyond_what_is_missing(self) -> None:
        decision = self.decide(host(1, ours=1), host(2, ours=1))
        self.assertEqual([1], base.numbers(decision.on))
        self.assertEqual([2], base.numbers(decision.off))

    def test_left_halfway_and_must_not_go_off(self) -> None:
        """It is given back, wanted or not, and before those that may."""
        kept = host(2, ours=1, keep_on='disable_power_off')
        self.assert_on(self.decide(kept, host(1)), 2)
        self.assert_on(self.decide(host(1, ours=1), host(2), room=0), 1)
        decision = self.decide(kept, host(1, ours=1))
        self.assertEqual([2], base.numbers(decision.on))
        self.assertEqual([1], base.numbers(decision.off))

    def test_left_halfway_and_must_not_be_touched(self) -> None:
        kinds: tuple[dict[str, Any], ...] = (
            {'maintenance': 'disk'},
            {'locked': 'somebody'},
            {'busy': 'cleaning'},
        )
        for node in kinds:
            for servers in (0, 1):
                member = host(1, servers=servers, ours=1, **node)
                self.assert_on(self.decide(member))
                self.assert_off(self.decide(member, min_free_hosts_num=0))

    def test_left_halfway_and_not_up(self) -> None:
        """What does not come back keeps no other from coming."""
        dead = host(1, ours=1, up=False)
        self.assert_on(self.decide(dead, host(2, OFF, ours=1)), 2)
        # There is no other: it may only be slow.
        self.assert_on(self.decide(dead, host(2, servers=1)), 1)
        self.assert_off(self.decide(dead, host(2)), 1)
        # Nothing would come of it.
        self.assert_on(self.decide(dead, host(2), room=0))

    def test_somebody_may_be_at_it(self) -> None:
        fresh = host(1, ours=0.01, under_way=True)
        self.assert_off(self.decide(fresh, min_free_hosts_num=0))
        self.assert_on(self.decide(fresh, min_free_hosts_num=1))
        # It was seen to be off: nobody is.
        back = host(1, ours=0.01)
        self.assert_on(self.decide(back, min_free_hosts_num=1), 1)

    def test_max_actions(self) -> None:
        members = [host(n) for n in range(9)]
        self.assert_off(self.decide(*members, max_actions=2), 0, 1)

    def test_max_powered_off(self) -> None:
        members = [host(n) for n in range(8)]
        members += [host(8, OFF), host(9, PowerState.UNKNOWN)]
        for limit, room in (('', None), ('5', 3), ('30%', 1), ('1', 0)):
            settings = PowerSettings(max_powered_off=limit)
            self.assertEqual(room, room_to_go_off(members, settings))
        self.assert_off(self.decide(*members, room=3), 0, 1, 2)

    def test_what_may_be_a_host_takes_room(self) -> None:
        doubtful = Member(
            Node('id-9', 'node-9', OFF),
            problem='Nova has no hypervisor 9',
            doubtful=True,
        )
        settings = PowerSettings(max_powered_off='1')
        members = [host(0), host(1)]
        self.assertEqual(1, room_to_go_off(members, settings))
        self.assertEqual(0, room_to_go_off([*members, doubtful], settings))
        sure = dataclasses.replace(doubtful, doubtful=False)
        self.assertEqual(1, room_to_go_off([*members, sure], settings))

    def test_a_plan_has_room_where_the_engine_has(self) -> None:
        """Or it has actions that can only be refused."""
        for others, off in (
            ([host(2)], 0),
            ([host(2, OFF)], 1),
            ([host(2, PowerState.UNKNOWN)], 1),
            ([host(2, PowerState.ERROR)], 1),
            ([host(2, ON, target=OFF)], 1),
            ([host(2, ON, target=ON)], 0),
            # It may not come.
            ([host(2, OFF, target=ON)], 1),
            ([host(2, PowerState.UNKNOWN, target=ON)], 1),
            ([host(2, OFF), host(3, OFF, target=ON), host(4)], 2),
        ):
            fleet = Fleet((host(1), *others))
            for limit in (off, off + 1):
                settings = PowerSettings(
                    max_powered_off=str(limit), dry_run=True
                )
                room = room_to_go_off(fleet.members, settings)
                self.assertEqual(limit - off, room, str(others))
                refused = 'hosts are off' in self.power_off(fleet, settings)
                self.assertIs(not room, refused, str(others))

    def power_off(self, fleet: Fleet, settings: PowerSettings) -> str:
        """What the engine says to powering host 1 off."""
        driver = mock.Mock(spec=driver_base.MetalDriver, capabilities=())
        driver.get_node.return_value = fleet.members[0].node
        engine = PowerEngine(
            driver, None, settings, shared=power_shared.Shared()
        )
        (result,) = engine.switch(fleet, ['id-1'], OFF)
        return result.detail

    def test_dwell(self) -> None:
        settings = PowerSettings(min_dwell=7200)
        self.assert_on(
            self.decide(
                host(1, OFF, ours=1), host(2, OFF, ours=3), settings=settings
            ),
            2,
        )
        # When somebody else powered it off is not known.
        self.assert_on(
            self.decide(
                host(1, OFF, reason='others'),
                settings=settings,
                any_off_host=True,
            ),
            1,
        )
        # Nothing is sent to a host that is on.
        self.assert_on(self.decide(host(1, ours=1), settings=settings), 1)

    def test_numbers(self) -> None:
        decision = self.decide(
            host(1, servers=1), host(2), host(3), host(4, OFF), host(5, OFF)
        )
        self.assertEqual(
            (3, 2, 1, 2, 1),
            (
                decision.hosts_on,
                decision.hosts_off,
                decision.busy,
                decision.ready,
                decision.wanted,
            ),
        )
