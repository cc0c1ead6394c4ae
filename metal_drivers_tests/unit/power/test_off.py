# SPDX-License-Identifier: Apache-2.0
"""Switching off: what is asked, in which order, and how."""

import functools

from metal_drivers import exceptions
from metal_drivers.model import (
    Capability,
    OffMode,
    Outcome,
    PowerState,
)
from metal_drivers.power import Step
from metal_drivers_tests.unit.power import base, simulator

SOFT, HARD = OffMode.SOFT, OffMode.HARD
OFF, ON = simulator.OFF, simulator.ON

DOWN = exceptions.UnavailableError('the service is not there')


class TestOrder(base.PowerCase):
    def test_disabled_then_asked_again_then_off(self) -> None:
        result = self.cloud.off()
        self.assert_ended(Outcome.DONE, result, 'off, by soft power off')
        self.assertEqual(
            'get_node count_servers get_service disable list_unplaced '
            'list_moving count_servers get_node get_service '
            'set_power_state',
            ' '.join(self.cloud.calls.names()[:10]),
        )
        self.assert_ours()
        self.assertEqual(
            'metal-drivers/1 powered off to save energy, '
            '2026-01-01T00:00:10.368Z, node id-1',
            self.host.reason,
        )
        self.assertEqual(
            [Step.DISABLED, Step.SOFT_OFF, Step.STATE], self.steps()
        )

    def test_already_off(self) -> None:
        self.use(simulator.SimCloud(power=OFF))
        self.assert_ended(Outcome.ALREADY, self.cloud.off(), 'off')
        self.assertEqual(['get_node'], self.cloud.calls.names())

    def test_a_node_that_changes_while_a_slot_is_waited_for(self) -> None:
        """Nothing is disabled for it."""
        self.use(simulator.SimCloud(2))
        self.cloud.switch(OFF, 'n2', max_power_off_per_minute=1)
        self.cloud.clock.at(5, lambda: self.node.say(maintenance='repair'))
        (result,) = self.cloud.switch(OFF, 'n1', max_power_off_per_minute=1)
        self.assert_ended(Outcome.REFUSED, result, 'repair')
        self.assertNotIn('disable', self.cloud.calls.names())

    def test_dry_run_plans_and_changes_nothing(self) -> None:
        self.assert_ended(
            Outcome.PLANNED,
            self.cloud.off(dry_run=True),
            'would disable nova-compute on h1, then soft power off, then '
            'hard power off',
        )
        self.assertEqual(
            {'get_node', 'list_moving', 'count_servers', 'get_service'},
            set(self.cloud.calls.names()),
        )

    def test_dry_run_leaves_an_earlier_disabling(self) -> None:
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.host.servers = 1
        result = self.cloud.off(dry_run=True)
        self.assert_ended(Outcome.REFUSED, result, '1 server is on h1')
        self.assert_service('disabled', base.OURS)

    def test_dry_run_does_not_plan_what_is_done(self) -> None:
        self.host.status, self.host.reason = 'disabled', base.THEIRS
        result = self.cloud.off(dry_run=True)
        self.assert_ended(Outcome.PLANNED, result, 'would soft power off')

    def test_not_waited_for(self) -> None:
        result = self.cloud.off(wait=False)
        self.assert_ended(
            Outcome.PLANNED, result, 'soft power off was requested'
        )
        self.assertEqual(0, self.cloud.clock.time)
        self.assert_sent(SOFT)
        self.assert_ours()

    def test_not_waited_for_and_not_known(self) -> None:
        self.cloud.fail(DOWN, 'set_power_state', arrives_after=0)
        result = self.cloud.off(wait=False)
        self.assert_ended(Outcome.FAILED, result, 'remains disabled')
        self.assert_ours()


class TestServers(base.PowerCase):
    def test_servers_shut_off_ones_too(self) -> None:
        # Nova counts them all; how busy they are is not asked.
        self.host.servers = 2
        result = self.cloud.off()
        self.assert_ended(
            Outcome.REFUSED, result, '2 servers are on h1. Move or delete them'
        )
        self.assertNotIn('disable', self.cloud.calls.names())
        self.assert_sent()

    def test_nova_does_not_answer(self) -> None:
        for number in (1, 2):
            self.use(simulator.SimCloud())
            self.cloud.fail(DOWN, 'count_servers', number=number)
            result = self.cloud.off()
            self.assert_ended(Outcome.FAILED, result, DOWN.message)
            self.assertNotIn('disabled', result.detail)
            self.assert_sent()
            self.assert_enabled()

    def test_nova_does_not_answer_at_all(self) -> None:
        for name in ('count_servers', 'get_service'):
            self.cloud.fail(DOWN, name, times=1000)
        result = self.cloud.off()
        self.assert_ended(Outcome.FAILED, result, DOWN.message)
        self.assertNotIn('disabled', result.detail)

    def test_nova_is_not_there_to_be_asked(self) -> None:
        (member,) = self.cloud.fleet().members
        self.cloud.nova = None  # type: ignore[assignment]
        result = self.cloud.engine().switch_one(member, OFF)
        self.assert_ended(Outcome.REFUSED, result, 'Configure [nova]')
        self.assert_sent()

    def test_one_lands_after_the_disabling(self) -> None:
        def land(host: simulator.SimHost) -> None:
            host.servers += 1

        self.cloud.nova.disabled = land
        result = self.cloud.off()
        self.assert_ended(Outcome.REFUSED, result, '1 server is on h1')
        self.assert_sent()
        self.assert_enabled()
        self.assertIn(Step.UNDONE, self.steps())

    def test_one_lands_while_the_node_is_busy(self) -> None:
        self.cloud.fail(exceptions.BusyError('locked'), 'set_power_state')
        self.cloud.clock.at(1, lambda: self.land())
        result = self.cloud.off()
        self.assert_ended(Outcome.REFUSED, result, '1 server is on h1')
        self.assert_sent()

    def test_one_lands_before_the_hard_power_off(self) -> None:
        self.node.ignores_soft = True
        self.cloud.clock.at(100, lambda: self.land())
        result = self.cloud.off()
        self.assertEqual(ON, self.node.power)
        self.assert_ended(Outcome.FAILED, result, '1 server is on h1')
        self.assert_sent(SOFT)

    def test_enabled_by_others_before_the_hard_power_off(self) -> None:
        self.node.ignores_soft = True
        self.cloud.clock.at(
            100, lambda: self.cloud.nova.change('h1', 'enabled', None)
        )
        result = self.cloud.off()
        self.assert_ended(Outcome.FAILED, result, 'someone else enabled')
        self.assert_sent(SOFT)
        self.assert_enabled()
        self.assertEqual(1, self.cloud.calls.names().count('disable'))

    def test_enabled_by_others_who_had_disabled_it(self) -> None:
        self.host.status, self.host.reason = 'disabled', base.THEIRS
        self.node.ignores_soft = True
        self.cloud.clock.at(
            100, lambda: self.cloud.nova.change('h1', 'enabled', None)
        )
        result = self.cloud.off()
        self.assert_ended(Outcome.FAILED, result, 'someone else enabled')
        self.assert_sent(SOFT)
        self.assert_enabled()

    def test_forbidden_before_the_hard_power_off(self) -> None:
        for said in (
            {'maintenance': 'repair'},
            {'locked': 'by joe'},
            {'labels': frozenset({'keep'})},
        ):
            self.use(simulator.SimCloud())
            self.node.ignores_soft = True
            say = functools.partial(self.node.say, **said)
            self.cloud.clock.at(100, say)
            result = self.cloud.off(protected_labels=('keep',))
            self.assert_ended(Outcome.FAILED, result)
            self.assert_sent(SOFT)
            self.assert_enabled()

    def test_a_change_of_others_is_not_overrun(self) -> None:
        """A reboot by somebody shows as on, with on as the target."""
        self.node.ignores_soft = True
        self.cloud.clock.at(
            179, lambda: self.cloud.driver.start(self.node, ON, 60)
        )
        self.assert_ended(Outcome.DONE, self.cloud.off())
        soft, hard = self.cloud.driver.requests
        self.assertLessEqual(soft.at + 239, hard.at)

    def land(self) -> None:
        self.host.servers += 1

    def test_unmanaged_service(self) -> None:
        result = self.cloud.off(manage_compute_service=False)
        self.assert_ended(Outcome.DONE, result)
        names = self.cloud.calls.names()
        self.assertEqual(2, names.count('count_servers'))
        self.assertEqual(
            {'get_node', 'list_moving', 'count_servers', 'set_power_state'},
            set(names),
        )


class TestScheduling(base.PowerCase):
    """Servers for which the scheduler has chosen, and Nova shows no host."""

    def setUp(self) -> None:
        super().setUp()
        self.unplaced = self.cloud.nova.unplaced
        self.unplaced.add('s1')

    def place(self, servers: int) -> None:
        self.unplaced.clear()
        self.host.servers = servers

    def test_one_lands_here(self) -> None:
        self.cloud.clock.at(5, lambda: self.place(1))
        result = self.cloud.off()
        self.assert_ended(Outcome.REFUSED, result, '1 server is on h1')
        self.assertIn(Step.SCHEDULING, self.steps())
        self.assert_sent()
        self.assert_enabled()

    def test_it_lands_elsewhere(self) -> None:
        self.cloud.clock.at(5, lambda: self.place(0))
        self.assert_ended(Outcome.DONE, self.cloud.off())
        (sent,) = self.cloud.driver.requests
        self.assertLessEqual(5, sent.at)

    def test_one_is_migrated_here(self) -> None:
        """It may be lost where its host goes off before it has come."""
        self.unplaced.clear()
        self.host.moving = 1
        for dry_run in (True, False):
            result = self.cloud.off(dry_run=dry_run)
            self.assert_ended(
                Outcome.REFUSED, result, 'migrating or resizing', 's0'
            )
        self.assert_sent()
        self.assert_enabled()

    def test_one_arrives_just_then(self) -> None:
        """Right after it was not on its way any more, it is there."""
        self.unplaced.clear()
        self.host.moving = 1
        self.cloud.calls.meddling[6] = lambda: self.cloud.nova.arrive('h1')
        result = self.cloud.off()
        self.assert_ended(Outcome.REFUSED, result, '1 server is on h1')
        self.assert_sent()

    def test_others_come_later_and_cannot_land_here(self) -> None:
        self.cloud.clock.at(5, lambda: self.place(0))
        self.cloud.clock.at(4, lambda: self.unplaced.add('s2'))
        self.cloud.clock.at(6, lambda: self.unplaced.add('s3'))
        self.assert_ended(Outcome.DONE, self.cloud.off())

    def test_one_that_does_not_end(self) -> None:
        self.unplaced.update(['s2', 's3', 's4', 's5'])
        result = self.cloud.off()
        self.assert_ended(
            Outcome.REFUSED, result, 'after 60 s', 's1, s2, s3 and 2 more'
        )
        self.assertEqual(60, self.cloud.clock.time)
        self.assert_sent()
        self.assert_enabled()


class TestModes(base.PowerCase):
    def test_hard_after_the_soft_deadline(self) -> None:
        self.node.ignores_soft = True
        result = self.cloud.off(soft_off_timeout=60)
        self.assert_ended(Outcome.DONE, result, 'off, by hard power off')
        self.assert_sent(SOFT, HARD)
        soft, hard = self.cloud.driver.requests
        self.assertEqual((60, None), (soft.timeout, hard.timeout))
        self.assertLessEqual(60, hard.at - soft.at)
        self.assertLessEqual(hard.at - soft.at, 70)

    def test_soft_off_of_a_service_that_tells_nothing(self) -> None:
        self.use(simulator.SimCloud(capabilities=[Capability.SOFT_OFF]))
        self.node.ignores_soft = True
        self.assert_ended(Outcome.DONE, self.cloud.off())
        soft, hard = self.cloud.driver.requests
        self.assertEqual((None, 180), (soft.timeout, hard.at - soft.at))

    def test_which_of_the_two_it_was_is_not_known(self) -> None:
        """The soft one works late, with the hard one on its way."""
        self.use(simulator.SimCloud(capabilities=[Capability.SOFT_OFF]))
        self.node.shutdown = 185
        result = self.cloud.off()
        self.assert_ended(
            Outcome.DONE,
            result,
            'after a soft and a hard',
            'is not known',
            'may still take effect',
        )
        self.assert_sent(SOFT, HARD)

    def test_hard_where_an_ignored_soft_off_has_no_end(self) -> None:
        capabilities = [Capability.SOFT_OFF, Capability.TELLS_END]
        self.use(simulator.SimCloud(capabilities=capabilities))
        self.node.ignores_soft = self.node.overruled = True
        self.assert_ended(Outcome.DONE, self.cloud.off())
        soft, hard = self.cloud.driver.requests
        self.assertEqual(180, hard.at - soft.at)

    def test_soft_has_its_whole_time_after_a_wait(self) -> None:
        self.cloud.fail(
            exceptions.BusyError('locked'), 'set_power_state', times=30
        )
        self.node.delay = 170
        self.assert_ended(Outcome.DONE, self.cloud.off(), 'soft')
        self.assert_sent(SOFT)

    def test_node_or_service_without_soft(self) -> None:
        self.node.say(soft_off=False)
        self.assert_ended(Outcome.DONE, self.cloud.off(), 'hard power off')
        self.assert_sent(HARD)
        self.use(simulator.SimCloud(capabilities=[Capability.TELLS_END]))
        self.assert_ended(Outcome.DONE, self.cloud.off(), 'hard power off')
        self.assert_sent(HARD)

    def test_soft_turns_out_not_to_be_supported(self) -> None:
        error = exceptions.UnsupportedError('no soft power off')
        self.cloud.fail(error, 'set_power_state')
        self.assert_ended(Outcome.DONE, self.cloud.off(), 'hard power off')
        self.assert_sent(HARD)
        self.assertLess(self.cloud.clock.time, 30)

    def test_soft_only_and_the_node_cannot(self) -> None:
        self.node.say(soft_off=False)
        result = self.cloud.off(off_modes=(SOFT,))
        self.assert_ended(
            Outcome.REFUSED, result, 'power_off_mode', 'Allow a hard power off'
        )
        self.assertEqual(['get_node'], self.cloud.calls.names())

    def test_soft_only_and_the_system_takes_longer(self) -> None:
        """Without a word from the service it may go off any time."""
        self.use(simulator.SimCloud(capabilities=[Capability.SOFT_OFF]))
        self.node.delay = 200
        result = self.cloud.off(off_modes=(SOFT,))
        self.assert_ended(Outcome.TIMED_OUT, result, 'remains disabled')
        self.assert_ours()
        self.cloud.clock.advance(100)
        self.assertEqual(OFF, self.node.power)

    def test_cancelled_while_the_system_shuts_down(self) -> None:
        """Its time is over, and it may go off all the same."""
        self.use(simulator.SimCloud(capabilities=[Capability.SOFT_OFF]))
        self.node.delay = 200
        (member,) = self.cloud.fleet().members
        engine = self.cloud.engine(soft_off_timeout=30)
        self.cloud.clock.at(30, engine.cancel)
        result = engine.switch_one(member, OFF)
        self.assert_ended(Outcome.FAILED, result, 'cancelled after')
        self.assert_ours()

    def test_soft_only_is_ignored(self) -> None:
        self.node.ignores_soft = True
        result = self.cloud.off(off_modes=(SOFT,))
        self.assertIn(result.outcome, (Outcome.FAILED, Outcome.TIMED_OUT))
        self.assert_sent(SOFT)

    def test_hard_at_once(self) -> None:
        self.assert_ended(Outcome.DONE, self.cloud.off(off_modes=(HARD,)))
        self.assert_sent(HARD)

    def test_soft_done_late_is_no_reason_for_hard(self) -> None:
        # The state is off already, and the conductor still has the lock.
        self.node.delay = 184
        self.node.shown = ON
        self.cloud.clock.at(178, lambda: self.show(OFF))
        self.assert_ended(
            Outcome.DONE, self.cloud.off(), 'off, after soft power off'
        )
        self.assert_sent(SOFT)

    def show(self, state: PowerState) -> None:
        self.node.shown = state
