# SPDX-License-Identifier: Apache-2.0
"""What hooks are told, when, and what becomes of their failures."""

from metal_drivers import exceptions
from metal_drivers.hooks import in_use
from metal_drivers.model import Capability, OffMode, Outcome, PowerResult
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON
REFUSES = exceptions.RefusedError('a ticket is open', cure='Close it.')
AWAY = exceptions.UnavailableError('nobody answers')
BUSY = exceptions.BusyError('a host is being recovered')
MASAKARI = 'Masakari detected host failed.'


class HooksCase(base.PowerCase):
    def use(self, cloud: simulator.SimCloud) -> None:
        super().use(cloud)
        self.hook = simulator.SimHooks(cloud.calls)
        cloud.hooks = self.hook

    def assert_told(self, *events: str) -> None:
        self.assertEqual(list(events), self.hook.told)
        self.hook.told.clear()

    def assert_flag(self, flag: bool) -> None:
        self.assertEqual({'h1': 'id-1'} if flag else {}, self.hook.flags)

    def recover(self, *refs: str, **settings: bool) -> list[PowerResult]:
        self.cloud.calls.restart()
        engine = self.cloud.engine(**settings)
        return engine.recover(self.cloud.fleet(), refs)

    def powered_off(self) -> None:
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.hook.told.clear()
        # What one process has left is of long ago for the next.
        self.cloud.clock.advance(1000)


class TestOrder(HooksCase):
    def test_a_whole_day(self) -> None:
        self.assert_ended(Outcome.DONE, self.cloud.off(), 'off')
        self.assert_told('before_off', 'after_off')
        self.assert_flag(True)
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'enabled')
        self.assert_told('before_on', 'before_enable', 'after_on')
        self.assert_flag(False)
        self.assert_enabled()

    def test_among_the_other_calls(self) -> None:
        self.cloud.off()
        calls = self.cloud.calls.names()
        place = calls.index('hook before_off')
        self.assertEqual('disable', calls[place - 1])
        sent = calls.index('set_power_state')
        # All that the request rests on is asked for after that.
        self.assertEqual(
            [
                'list_unplaced',
                'list_moving',
                'count_servers',
                'get_node',
                'get_service',
            ],
            calls[place + 1 : sent],
        )
        self.assertEqual('hook after_off', calls[-1])
        self.cloud.on()
        calls = self.cloud.calls.names()
        place = calls.index('hook before_enable')
        self.assertEqual(
            ['get_node', 'get_service', 'enable', 'hook after_on'],
            calls[place + 1 :],
        )

    def test_a_hook_that_took_long_cannot_stale_the_marker(self) -> None:
        def slow() -> None:
            self.cloud.clock.advance(50)

        self.cloud.off()
        number = self.cloud.calls.names().index('hook before_off') + 1
        self.use(simulator.SimCloud())
        self.cloud.calls.meddling[number] = slow
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assertEqual(3, self.cloud.calls.names().count('disable'))

    def test_with_none_nothing_is_asked_more(self) -> None:
        calls = []
        for hooks in (False, True):
            self.use(simulator.SimCloud())
            if not hooks:
                self.cloud.hooks = in_use.Hooks()
            for _ in range(2):
                self.cloud.off()
                calls.append(self.cloud.calls.names())
                self.cloud.on()
                calls.append(self.cloud.calls.names())
        without, with_one = calls[:4], calls[4:]
        for less, more in zip(without, with_one, strict=True):
            self.assertNotIn('hook', ''.join(less))
            self.assertGreater(len(more), len(less))

    def test_dry_run_tells_nothing_and_says_whom_it_would_tell(self) -> None:
        result = self.cloud.off(dry_run=True)
        self.assert_ended(
            Outcome.PLANNED,
            result,
            'would disable nova-compute on h1, then tell flag, then soft',
        )
        self.powered_off()
        self.cloud.on(dry_run=True)
        self.recover(dry_run=True)
        self.assert_told()

    def test_not_waited_for(self) -> None:
        result = self.cloud.off(wait=False)
        self.assert_ended(Outcome.PLANNED, result)
        self.assert_told('before_off')
        self.cloud.clock.advance(1000)
        self.recover()
        self.assert_told('after_off')
        self.cloud.on(wait=False)
        self.assert_told('before_on')
        self.cloud.clock.advance(1000)
        self.recover()
        self.assert_told('before_enable', 'after_on')
        self.assert_flag(False)

    def test_without_nova_compute(self) -> None:
        unmanaged = {'manage_compute_service': False}
        self.assert_ended(Outcome.DONE, self.cloud.off(**unmanaged))
        self.assert_told('before_off', 'after_off')
        self.assert_ended(Outcome.DONE, self.cloud.on(**unmanaged))
        self.assert_told('before_on', 'after_on')
        self.assert_flag(False)

    def test_nobody_is_told_of_what_is_so_already(self) -> None:
        self.powered_off()
        self.assert_ended(Outcome.ALREADY, self.cloud.off())
        self.assert_told()

    def test_a_soft_power_off_and_a_hard_one_are_one_event(self) -> None:
        self.node.ignores_soft = True
        self.assert_ended(Outcome.DONE, self.cloud.off())
        self.assert_sent(OffMode.SOFT, OffMode.HARD)
        self.assert_told('before_off', 'after_off')


class TestRefused(HooksCase):
    def test_a_hook_refuses(self) -> None:
        self.hook.fails['before_off'] = [REFUSES]
        result = self.cloud.off()
        self.assert_ended(
            Outcome.REFUSED, result, 'hook flag: a ticket is open. Close it'
        )
        self.assert_sent()
        self.assert_enabled()
        self.assert_told('before_off', 'undone')

    def test_whatever_it_fails_with(self) -> None:
        for error in (AWAY, BUSY, exceptions.TimedOutError('did not end')):
            self.use(simulator.SimCloud())
            self.hook.fails['before_off'] = [error]
            self.assert_ended(Outcome.REFUSED, self.cloud.off(), error.message)
            self.assert_sent()
            self.assert_enabled()

    def test_without_nova_compute_too(self) -> None:
        self.hook.fails['before_off'] = [REFUSES]
        result = self.cloud.off(manage_compute_service=False)
        self.assert_ended(Outcome.REFUSED, result)
        self.assert_sent()
        self.assert_told('before_off', 'undone')


class TestUndone(HooksCase):
    def test_a_server_that_landed_meanwhile(self) -> None:
        self.cloud.nova.disabled = lambda host: setattr(host, 'servers', 1)
        self.assert_ended(Outcome.REFUSED, self.cloud.off(), '1 server is')
        self.assert_told('before_off', 'undone')
        self.assert_flag(False)
        self.assert_enabled()

    def test_before_nova_compute_is_enabled(self) -> None:
        self.cloud.nova.disabled = lambda host: setattr(host, 'servers', 1)
        self.cloud.off()
        calls = self.cloud.calls.names()
        self.assertLess(calls.index('hook undone'), calls.index('enable'))

    def test_the_node_is_seen_again(self) -> None:
        """It may have gone off while the hook took its time."""
        self.cloud.nova.disabled = lambda host: setattr(host, 'servers', 1)
        self.cloud.off()
        calls = self.cloud.calls.names()
        self.assertEqual(
            ['get_node', 'get_service', 'enable'],
            calls[calls.index('hook undone') + 1 :],
        )

    def test_not_while_the_node_may_still_go_off(self) -> None:
        simple = frozenset({Capability.SOFT_OFF})
        self.use(simulator.SimCloud(capabilities=simple))
        self.node.ignores_soft = True
        result = self.cloud.off(off_modes=(OffMode.SOFT,))
        self.assertIs(Outcome.TIMED_OUT, result.outcome)
        self.assert_told('before_off')
        self.assert_flag(True)
        self.assert_ours()

    def test_nova_compute_is_enabled_although_it_fails(self) -> None:
        self.cloud.nova.disabled = lambda host: setattr(host, 'servers', 1)
        self.hook.fails = {'undone': [AWAY]}
        result = self.cloud.off()
        self.assert_ended(
            Outcome.FAILED,
            result,
            '1 server is on h1',
            'hook flag: nobody answers. `metal-drivers node recover h1` tries '
            'again',
        )
        self.assert_enabled()
        self.assert_flag(True)
        self.cloud.clock.advance(1000)
        self.recover()
        self.assert_flag(False)

    def test_one_that_is_away_refuses_and_says_it_once(self) -> None:
        self.hook.fails = {'before_off': [AWAY], 'undone': [AWAY]}
        result = self.cloud.off()
        self.assert_ended(
            Outcome.REFUSED,
            result,
            'If the hook did anything before, `metal-drivers node recover h1` '
            'undoes it',
        )
        self.assertEqual(1, result.detail.count('nobody answers'))
        self.assert_enabled()

    def test_a_reason_that_was_replaced_meanwhile(self) -> None:
        """As Masakari does, if its flag came too late."""
        self.cloud.off()
        number = self.cloud.calls.names().index('hook before_off') + 2
        self.use(simulator.SimCloud())
        self.cloud.calls.meddling[number] = lambda: self.cloud.nova.change(
            'h1', 'disabled', MASAKARI
        )
        self.assert_ended(Outcome.REFUSED, self.cloud.off(), MASAKARI)
        self.assert_sent()
        self.assert_told('before_off', 'undone')
        self.assert_service('disabled', MASAKARI)


class TestAfterwards(HooksCase):
    def test_a_failure_after_an_off_is_said_and_repeated(self) -> None:
        self.hook.fails['after_off'] = [AWAY]
        result = self.cloud.off()
        self.assert_ended(Outcome.DONE, result, 'off, by soft', 'recover h1')
        self.cloud.clock.advance(1000)
        (result,) = self.recover()
        self.assert_ended(Outcome.ALREADY, result)
        self.assert_told('before_off', 'after_off', 'after_off')

    def test_nova_compute_is_enabled_whatever_a_hook_does(self) -> None:
        self.powered_off()
        self.hook.fails = {
            name: [AWAY] for name in ('before_on', 'before_enable')
        }
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'hook flag: nobody answers')
        self.assert_enabled()
        self.assert_told('before_on', 'before_enable', 'after_on')
        self.assert_flag(False)

    def test_a_hook_that_is_busy_is_told_until_it_is_not(self) -> None:
        self.powered_off()
        self.hook.fails = {
            'before_enable': [BUSY],
            'after_on': [BUSY, BUSY, BUSY],
        }
        began = self.cloud.clock.time
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'up and enabled')
        self.assertNotIn('hook', result.detail)
        self.assert_told('before_on', 'before_enable', *['after_on'] * 4)
        self.assert_flag(False)
        self.assertLess(self.cloud.clock.time - began, 100)

    def test_but_not_for_ever(self) -> None:
        self.powered_off()
        self.hook.fails = {
            'before_enable': [BUSY],
            'after_on': [BUSY] * 1000,
        }
        result = self.cloud.on(service_up_timeout=200)
        self.assert_ended(
            Outcome.DONE,
            result,
            'up and enabled',
            'a host is being recovered',
            'recover h1',
        )
        self.assert_enabled()
        self.assert_flag(True)

    def test_another_failure_is_not_waited_for(self) -> None:
        self.powered_off()
        self.hook.fails = {'before_enable': [AWAY], 'after_on': [AWAY]}
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'nobody answers')
        self.assert_told('before_on', 'before_enable', 'after_on')

    def test_recovery_of_all_knows_what_is_left(self) -> None:
        self.test_another_failure_is_not_waited_for()
        self.assert_flag(True)
        (result,) = self.recover()
        self.assert_ended(Outcome.ALREADY, result)
        self.assert_told('after_on')
        self.assert_flag(False)
        self.assertEqual([], self.recover())

    def test_so_does_the_process_where_the_hook_does_not(self) -> None:
        self.test_another_failure_is_not_waited_for()
        self.hook.flags.clear()
        (result,) = self.recover()
        self.assert_ended(Outcome.ALREADY, result)
        self.assert_told('after_on')
        self.assertEqual([], self.recover())

    def test_a_power_on_of_a_host_that_is_on_repeats_it(self) -> None:
        self.test_another_failure_is_not_waited_for()
        self.assert_ended(Outcome.ALREADY, self.cloud.on())
        self.assert_told('after_on')
        self.assert_flag(False)

    def test_that_of_others_is_left(self) -> None:
        self.host.status, self.host.reason = 'disabled', base.THEIRS
        self.hook.flags['h1'] = 'id-1'
        self.cloud.on()
        self.recover('n1')
        self.assert_told()
        self.assert_flag(True)


class TestKilled(HooksCase):
    """At each call, and then a recovery."""

    def killed(self, capabilities: frozenset[Capability]) -> int:
        """How many calls there are at which it was killed."""
        self.use(simulator.SimCloud(capabilities=capabilities))
        self.cloud.off()
        count = len(self.cloud.calls.made)
        self.cloud.clock.advance(1000)
        self.cloud.on()
        return count + len(self.cloud.calls.made)

    def test_nothing_is_left(self) -> None:
        for number in range(1, self.killed(simulator.CAPABLE) + 1):
            for arrives in (None, 0.0):
                self.use(simulator.SimCloud())
                self.day(number, arrives)
                self.cloud.calls.faults.clear()
                self.cloud.clock.advance(1000)
                for result in self.recover('n1'):
                    self.assertTrue(result.outcome.good, result)
                off = self.node.power is OFF
                self.assert_flag(off)
                self.assertEqual(off, not self.host.enabled, str(number))
                self.assertEqual([], self.cloud.harm)

    def day(self, number: int, arrives: float | None) -> None:
        """Off and on, until the call of that number."""
        self.cloud.fail(
            KeyboardInterrupt(), number=number, arrives_after=arrives
        )
        for act in (self.cloud.off, self.cloud.on):
            try:
                act()
            except KeyboardInterrupt:
                return
            self.cloud.clock.advance(1000)
            made = len(self.cloud.calls.made)
            (fault,) = self.cloud.calls.faults
            fault.number -= made
