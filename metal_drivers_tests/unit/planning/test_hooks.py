# SPDX-License-Identifier: Apache-2.0
"""Hosts that others have something to do with."""

import dataclasses

from metal_drivers.planning.decision import Decision, Situation, decide
from metal_drivers.planning.wish import Wish
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit.planning import base

MASAKARI = 'Masakari detected host failed.'


class TestAdopted(base.DecisionTestCase):
    """Off, with a reason that others wrote over ours."""

    def setUp(self) -> None:
        super().setUp()
        self.members = [
            base.host(1, servers=3),
            base.host(2, base.OFF, reason=MASAKARI),
            base.host(3, base.OFF, reason='new memory'),
        ]

    def test_it_is_not_counted_on_by_default(self) -> None:
        decision = self.decide(*self.members)
        self.assert_on(decision)
        said = 'it is off, and nova-compute was disabled by someone else'
        for number in (2, 3):
            self.assertIn(said, self.reason(decision, number))

    def test_it_comes_back_where_its_reason_is_adopted(self) -> None:
        settings = PowerSettings(adopted_reasons=('Masakari *',))
        decision = self.decide(*self.members, settings=settings)
        self.assert_on(decision, 2)
        self.assertIn('new memory', self.reason(decision, 3))

    def test_one_that_is_on_is_left_to_them(self) -> None:
        settings = PowerSettings(adopted_reasons=('Masakari *',))
        self.members[1] = base.host(2, reason=MASAKARI)
        self.assert_on(self.decide(*self.members, settings=settings))


class TestLeft(base.DecisionTestCase):
    """Back and enabled, and a hook could not clean up."""

    def planned(self, *left: str, **changes: object) -> Decision:
        members = (base.host(1, servers=3), base.host(2))
        node = dataclasses.replace(members[1].node, **changes)  # type: ignore[arg-type]
        members = (members[0], dataclasses.replace(members[1], node=node))
        situation = Situation(members, PowerSettings(), base.NOW, left=left)
        return decide(situation, Wish())

    def test_it_is_tried_again(self) -> None:
        decision = self.planned('id-2')
        self.assert_on(decision, 2)
        self.assertIn('a hook has something left', self.reason(decision, 2))

    def test_a_busy_host_too(self) -> None:
        self.assert_on(self.planned('id-1'), 1)

    def test_only_that(self) -> None:
        self.assert_on(self.planned())
        self.assert_on(self.planned('id-7'))

    def test_not_while_its_power_changes(self) -> None:
        self.assert_on(self.planned('id-2', busy='a conductor'))

    def test_not_one_that_is_off(self) -> None:
        """Though its nova-compute is enabled: that would power it on."""
        self.assert_on(self.planned('id-2', power_state=base.OFF), 2)
        members = (base.host(1), base.host(2, base.OFF))
        situation = Situation(
            members, PowerSettings(), base.NOW, left={'id-2'}
        )
        self.assert_on(decide(situation, Wish()))

    def test_not_one_that_someone_else_disabled(self) -> None:
        members = (base.host(1), base.host(2, reason='new memory'))
        situation = Situation(
            members, PowerSettings(), base.NOW, left={'id-2'}
        )
        self.assert_on(decide(situation, Wish()))

    def test_not_one_that_goes_off(self) -> None:
        members = (base.host(1), base.host(2))
        situation = Situation(
            members, PowerSettings(), base.NOW, left={'id-1'}
        )
        self.assert_off(decide(situation, Wish()), 1)

    def test_a_hook_that_always_fails_keeps_no_other_from_going_off(
        self,
    ) -> None:
        members = (base.host(1, servers=1), base.host(2), base.host(3))
        settings = PowerSettings()
        situation = Situation(members, settings, base.NOW, left={'id-1'})
        for limit, on, off in ((1, [], [2]), (2, [1], [2]), (None, [1], [2])):
            decision = decide(situation, Wish(max_actions=limit))
            self.assertEqual(on, base.numbers(decision.on))
            self.assertEqual(off, base.numbers(decision.off))
