# SPDX-License-Identifier: Apache-2.0
"""Nova's ``up`` is believed once it is known to be of this boot."""

from __future__ import annotations

from collections.abc import Callable

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers.model import Capability, OffMode, Outcome, PowerResult
from metal_drivers_tests.unit.power import base, simulator

DOWN = exceptions.UnavailableError('the service is not there')
OFF, ON = simulator.OFF, simulator.ON

#: A service that tells no ends: MAAS.
SIMPLE = frozenset({Capability.SOFT_OFF})


class ReportsCase(base.PowerCase):
    """n1 is on, and nova-compute on it was disabled by us."""

    capabilities = simulator.CAPABLE

    def setUp(self) -> None:
        super().setUp()
        self.begin()

    def begin(self, kind: MarkerKind = MarkerKind.POWERED_OFF) -> None:
        self.use(simulator.SimCloud(capabilities=self.capabilities))
        self.host.status = 'disabled'
        self.host.reason = markers.reason('id-1', simulator._EPOCH, kind)

    def recover(self) -> PowerResult:
        (result,) = self.cloud.engine().recover(self.cloud.fleet())
        return result

    def runs(self) -> list[Callable[[], PowerResult]]:
        """Each that may give a host back that is on."""
        return [lambda: self.recover(), lambda: self.cloud.on()]

    def power_cycled(self, boot: float) -> None:
        """By somebody, within the last seconds."""
        self.node.last_on = self.cloud.clock.time - 2
        self.node.on_since = self.cloud.clock.time
        self.host.boot = boot


class TestReports(ReportsCase):
    def test_up_of_the_time_before_is_not_believed(self) -> None:
        for boot in (25, 50, 100):
            for run in self.runs():
                self.begin()
                self.power_cycled(boot)
                result = run()
                self.assertTrue(result.outcome.good, result.detail)
                self.assert_enabled()
                self.assertLessEqual(boot, self.cloud.clock.time)
                self.assertLess(self.cloud.clock.time, boot + 20)

    def test_it_does_not_come_back(self) -> None:
        for run in self.runs():
            self.begin()
            self.power_cycled(1e6)
            result = run()
            self.assert_ended(
                Outcome.TIMED_OUT, result, 'not confirmed to be up'
            )
            self.assert_ours()

    def test_a_change_is_no_report(self) -> None:
        """A new reason moves the time just as a report does."""
        again = markers.reason(
            'id-1', simulator._EPOCH.replace(microsecond=5000)
        )
        for run in self.runs():
            self.begin()
            self.power_cycled(50)
            self.cloud.clock.at(
                10, lambda: self.cloud.nova.change('h1', 'disabled', again)
            )
            self.assertTrue(run().outcome.good)
            self.assertLessEqual(50, self.cloud.clock.time)

    def test_one_that_runs_is_back_with_its_next_report(self) -> None:
        for run in self.runs():
            self.begin()
            self.assertTrue(run().outcome.good)
            self.assertLess(self.cloud.clock.time, 15)
            self.assert_enabled()

    def test_powered_on_by_us_a_moment_after_it_went_off(self) -> None:
        """A report of the old one may reach Nova late."""
        self.use(simulator.SimCloud(power=OFF))
        self.host.status, self.host.reason = 'disabled', base.OURS
        self.node.last_on, self.host.boot = self.cloud.clock.time, 50

        def late() -> None:
            self.node.last_on = self.cloud.clock.time

        # The node is on at 10.
        self.cloud.clock.at(6, late)
        self.assert_ended(Outcome.DONE, self.cloud.on(), 'up and enabled')
        self.assertLessEqual(60, self.cloud.clock.time)

    def test_reports_that_are_kept_elsewhere(self) -> None:
        """Nova has no time of them, or the time of a change long ago."""
        for tells, moves in ((False, True), (True, False)):
            for run in self.runs():
                self.begin()
                self.cloud.nova.tells_time = tells
                self.cloud.nova.reports_move_time = moves
                self.power_cycled(100)
                self.assertTrue(run().outcome.good)
                self.assertLessEqual(100, self.cloud.clock.time)
                self.begin()
                self.cloud.nova.tells_time = tells
                self.cloud.nova.reports_move_time = moves
                self.assertTrue(run().outcome.good)
                # For as long as Nova would call up what is gone.
                self.assertLess(60, self.cloud.clock.time)
                self.assertLess(self.cloud.clock.time, 70)

    def test_and_a_change_of_late_is_no_report_either(self) -> None:
        self.cloud.nova.reports_move_time = False
        self.host.changed_at = self.cloud.clock.time
        self.cloud.clock.advance(30)
        self.power_cycled(1e6)
        self.assert_ended(Outcome.TIMED_OUT, self.recover())
        self.assert_ours()
        # It runs, and there is an end to it.
        self.host.boot = 0
        self.assert_ended(Outcome.DONE, self.recover())


class TestShuttingDown(ReportsCase):
    """A soft power off was sent, and its end is told by nobody."""

    capabilities = SIMPLE

    def begin(self, kind: MarkerKind = MarkerKind.SHUTTING_DOWN) -> None:
        super().begin(kind)

    def test_given_back_once_it_has_reported_after_all_time_outs(
        self,
    ) -> None:
        for run in self.runs():
            self.begin()
            result = run()
            self.assertTrue(result.outcome.good, result.detail)
            self.assertIn('soft power off was sent', result.detail)
            self.assertIn('host powers off by itself', result.detail)
            self.assertLess(360, self.cloud.clock.time)
            self.assert_enabled()

    def test_its_nova_compute_stopped_a_moment_ago(self) -> None:
        for run in self.runs():
            self.begin()
            self.cloud.clock.advance(361)
            self.node.last_on = self.cloud.clock.time - 5
            self.node.on_since, self.host.boot = self.cloud.clock.time, 1e6
            result = run()
            self.assert_ended(
                Outcome.TIMED_OUT, result, 'soft power off was sent'
            )
            self.assert_ours()

    def test_a_power_off_that_fails_does_not_give_it_back(self) -> None:
        self.cloud.clock.advance(1000)
        for number in (1, 2):
            self.cloud.calls.faults.clear()
            self.cloud.fail(DOWN, 'count_servers', number=number)
            result = self.cloud.off()
            self.assert_ended(Outcome.FAILED, result, 'remains disabled')
            self.assert_ours()

    def test_the_mark_that_is_written(self) -> None:
        for capabilities, modes, kind in (
            (SIMPLE, (OffMode.SOFT, OffMode.HARD), MarkerKind.SHUTTING_DOWN),
            (SIMPLE, (OffMode.HARD,), MarkerKind.POWERING_OFF),
            (simulator.CAPABLE, (OffMode.SOFT,), MarkerKind.POWERING_OFF),
        ):
            self.use(simulator.SimCloud(capabilities=capabilities))
            self.node.ignores_soft = OffMode.HARD in modes
            kinds = []

            def note(host: simulator.SimHost) -> None:
                mark = markers.parse(host.reason)
                kinds.append(mark and mark.kind)  # noqa: B023

            self.cloud.nova.disabled = note
            self.assert_ended(Outcome.DONE, self.cloud.off(off_modes=modes))
            self.assertEqual({kind, MarkerKind.POWERED_OFF}, set(kinds))
            self.assertEqual(MarkerKind.POWERED_OFF, kinds[-1])

    def test_off_at_last(self) -> None:
        self.node.power = OFF
        self.assert_ended(Outcome.ALREADY, self.recover(), 'off')
        self.assert_ours()
