# SPDX-License-Identifier: Apache-2.0
"""What must not be switched, either way, and what would lift that."""

from typing import Any

from metal_drivers import fleet, guards
from metal_drivers.model import ComputeHost, Node, Outcome, PowerState
from metal_drivers.settings import PowerSettings
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON

NODE = Node('id-1', 'Rack-1', soft_off=True)
HOST = ComputeHost('u', 'Host-1', 'host-1.DB.example', 'up', 'enabled', 's')


class TestGuards(base.PowerCase):
    def refused(
        self, *said: str, states: tuple[PowerState, ...] = (ON, OFF)
    ) -> None:
        """Both ways, and before anything is changed."""
        for state in states:
            self.node.power = ON if state is OFF else OFF
            (result,) = self.cloud.switch(state, 'n1')
            self.assert_ended(Outcome.REFUSED, result, *said)
            self.assertEqual(
                set(),
                {'set_power_state', 'disable', 'enable'}
                & set(self.cloud.calls.names()),
            )

    def test_maintenance(self) -> None:
        self.node.say(maintenance='broken fan')
        self.refused(
            'in maintenance (broken fan)', 'end the maintenance first'
        )

    def test_locked(self) -> None:
        self.node.say(locked='by ann')
        self.refused('locked (by ann)', 'unlock it first')

    def test_kept_on(self) -> None:
        self.node.say(keep_on='disable_power_off is set')
        self.refused(
            'forbids powering it off (disable_power_off is set); change that '
            'there',
            states=(OFF,),
        )
        self.assert_ended(Outcome.ALREADY, self.cloud.on())

    def test_kept_off(self) -> None:
        self.node.say(keep_off='it is not deployed')
        self.refused(
            'forbids powering it on (it is not deployed)', states=(ON,)
        )

    def test_state_is_not_known(self) -> None:
        for state in (PowerState.UNKNOWN, PowerState.ERROR):
            self.node.shown = state
            self.refused(
                f'its power state is {state.value}, not',
                'Fix the power reporting',
            )

    def test_unmatched(self) -> None:
        self.node.say(host_names=('elsewhere',))
        self.refused('no hypervisor is named elsewhere', '--unmatched')

    def test_unmatched_and_wanted(self) -> None:
        self.node.say(host_names=('elsewhere',))
        self.host.status, self.host.reason = 'disabled', base.THEIRS
        result = self.cloud.off(unmatched=True)
        self.assert_ended(Outcome.DONE, result)
        self.assertEqual(
            {'get_node', 'set_power_state'}, set(self.cloud.calls.names())
        )

    def test_doubtful_even_if_wanted(self) -> None:
        self.use(simulator.SimCloud(2))
        for sim in self.cloud.driver.nodes.values():
            sim.say(host_names=('h1.example',))
        for wanted in (False, True):
            self.assert_ended(
                Outcome.REFUSED,
                self.cloud.off(unmatched=wanted),
                '2 nodes claim host h1',
                'Fix that first',
            )
        self.assertEqual({'get_node'}, set(self.cloud.calls.names()))

    def test_guards_see_the_node_as_it_is_now(self) -> None:
        (member,) = self.cloud.fleet().members
        self.node.say(maintenance='since a moment ago')
        result = self.cloud.engine().switch_one(member, OFF)
        self.assert_ended(Outcome.REFUSED, result, 'since a moment ago')


class TestProtected(base.PowerCase):
    def protecting(self, *patterns: str, **node: Any) -> str | None:
        values: dict[str, Any] = {'id': 'id-1', 'name': 'Rack-1'} | node
        return guards.protecting(fleet.Member(Node(**values), HOST), patterns)

    def test_by_any_name(self) -> None:
        for pattern in ('rack-?', 'HOST-1', '*.db.*', 'id-1', '*'):
            self.assertEqual(pattern, self.protecting('x', pattern))

    def test_by_a_name_that_is_not_matched(self) -> None:
        self.assertEqual('db-*', self.protecting('db-*', host_names=['DB-1']))

    def test_by_none(self) -> None:
        self.assertIsNone(self.protecting('host', 'rack', 'db', '', 'ost-1'))

    def test_says_which_pattern(self) -> None:
        for pattern in ('N1', 'h1', 'H1.ex*'):
            settings = PowerSettings(protected_hosts=('x', pattern))
            (member,) = self.cloud.fleet().members
            for state in (ON, OFF):
                reason = guards.refusal(
                    guards.Request(member, state, settings)
                )
                assert reason is not None
                self.assertIn(repr(pattern), reason)
                self.assertIn('protected_hosts', reason)

    def test_changes_nothing(self) -> None:
        result = self.cloud.off(protected_hosts=('h*',), unmatched=True)
        self.assert_ended(Outcome.REFUSED, result, "protected by 'h*'")
        self.assertEqual(['get_node'], self.cloud.calls.names())
