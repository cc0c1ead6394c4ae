# SPDX-License-Identifier: Apache-2.0
"""Others replace our reason while we are at work, as Masakari does within
a second of a notification."""

from metal_drivers.model import Capability, OffMode, Outcome, PowerResult
from metal_drivers.power import Step
from metal_drivers_tests.unit.power import base, simulator

MASAKARI = 'Masakari detected host failed.'
SIMPLE = frozenset({Capability.SOFT_OFF})


class TestReplaced(base.PowerCase):
    def replace(self) -> None:
        self.cloud.nova.change('h1', 'disabled', MASAKARI)

    def assert_told(self, result: PowerResult) -> None:
        self.assertIn(MASAKARI, result.detail)
        self.assertIn('remains out of use until someone does', result.detail)
        self.assertEqual(1, result.detail.count(MASAKARI))
        self.assert_service('disabled', MASAKARI)

    def calls(self) -> list[str]:
        self.cloud.off()
        return [call.name for call in self.cloud.calls.made]

    def test_before_the_request(self) -> None:
        for capabilities in (simulator.CAPABLE, SIMPLE):
            self.use(simulator.SimCloud(capabilities=capabilities))
            calls = self.calls()
            first = calls.index('disable') + 2
            last = calls.index('set_power_state') + 1
            self.assertLess(first, last)
            # At the last moment, nobody can know.
            for number in range(first, last):
                self.use(simulator.SimCloud(capabilities=capabilities))
                self.cloud.calls.meddling[number] = self.replace
                result = self.cloud.off()
                self.assert_ended(Outcome.REFUSED, result)
                self.assert_told(result)
                self.assert_sent()

    def test_while_servers_are_being_scheduled(self) -> None:
        self.cloud.nova.unplaced.add('s1')
        self.cloud.clock.at(5, self.replace)
        self.cloud.clock.at(20, self.cloud.nova.unplaced.clear)
        result = self.cloud.off()
        self.assert_ended(Outcome.REFUSED, result)
        self.assert_told(result)
        self.assert_sent()

    def test_between_soft_and_hard(self) -> None:
        self.node.ignores_soft = True
        self.cloud.clock.at(100, self.replace)
        result = self.cloud.off()
        self.assert_ended(Outcome.FAILED, result)
        self.assert_told(result)
        self.assert_sent(OffMode.SOFT)

    def test_after_the_request(self) -> None:
        self.cloud.clock.at(5, self.replace)
        result = self.cloud.off()
        self.assert_ended(Outcome.DONE, result, 'off, by soft power off')
        self.assert_told(result)

    def test_after_a_request_that_fails(self) -> None:
        self.node.ends_in = 'the BMC said no'
        self.cloud.clock.at(5, self.replace)
        result = self.cloud.off(off_modes=(OffMode.HARD,))
        self.assert_ended(Outcome.FAILED, result, 'the BMC said no')
        self.assert_told(result)
        self.assertNotIn(Step.UNDONE, self.steps())

    def test_enabled_after_the_request(self) -> None:
        # Right before the last look at it: the node is off by then.
        calls = self.calls()
        number = len(calls) - calls[::-1].index('get_service')
        self.use(simulator.SimCloud())
        self.cloud.calls.meddling[number] = lambda: self.cloud.nova.change(
            'h1', 'enabled', None
        )
        result = self.cloud.off()
        self.assert_ended(Outcome.DONE, result, 'Someone else enabled')

    def test_of_a_host_that_was_theirs_before(self) -> None:
        """Another reason of others is as good as the first."""
        self.host.status, self.host.reason = 'disabled', base.THEIRS
        self.cloud.calls.meddling[5] = self.replace
        result = self.cloud.off()
        self.assert_ended(Outcome.DONE, result)
        self.assertNotIn(MASAKARI, result.detail)
