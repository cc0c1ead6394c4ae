# SPDX-License-Identifier: Apache-2.0
"""Reasons that others write over ours."""

import contextlib

from metal_drivers import exceptions
from metal_drivers.model import Outcome, PowerResult
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON
AWAY = exceptions.UnavailableError('nobody answers')
MASAKARI = 'Masakari detected host failed.'


class TestAdopted(base.PowerCase):
    ADOPTED = ('Masakari *', 'pacemaker')

    def setUp(self) -> None:
        super().setUp()
        self.node.power = OFF
        self.host.status, self.host.reason = 'disabled', MASAKARI

    def recover(self, **settings: object) -> list[PowerResult]:
        engine = self.cloud.engine(**settings)
        return engine.recover(self.cloud.fleet())

    def test_not_by_default(self) -> None:
        self.assertEqual([], self.recover())
        result = self.cloud.on()
        self.assert_ended(Outcome.DONE, result, 'disabled by someone else')
        self.assert_service('disabled', MASAKARI)

    def test_power_on_enables(self) -> None:
        result = self.cloud.on(adopted_reasons=self.ADOPTED)
        self.assert_ended(Outcome.DONE, result, 'up and enabled')
        self.assert_enabled()

    def test_from_then_on_it_is_as_any_other(self) -> None:
        """A process that is killed leaves our marker."""
        self.cloud.fail(KeyboardInterrupt(), 'set_power_state')
        with contextlib.suppress(KeyboardInterrupt):
            self.cloud.on(adopted_reasons=self.ADOPTED)
        self.assert_ours()

    def test_min_dwell_is_not_counted_from_then(self) -> None:
        result = self.cloud.on(adopted_reasons=self.ADOPTED, min_dwell=600)
        self.assert_ended(Outcome.DONE, result)

    def test_recovery_writes_the_marker(self) -> None:
        (result,) = self.recover(adopted_reasons=self.ADOPTED)
        self.assert_ended(Outcome.ALREADY, result, 'powered off by metal')
        self.assert_ours()
        self.assertEqual(OFF, self.node.power)

    def test_a_host_that_is_on_is_left_to_them(self) -> None:
        self.node.power = ON
        self.assertEqual([], self.recover(adopted_reasons=self.ADOPTED))
        result = self.cloud.on(adopted_reasons=self.ADOPTED)
        self.assert_ended(Outcome.ALREADY, result)
        self.assert_service('disabled', MASAKARI)

    def test_another_reason_is_left(self) -> None:
        for reason in ('masakari detected', 'pacemaker fenced it', None):
            self.host.reason = reason
            self.assertEqual([], self.recover(adopted_reasons=self.ADOPTED))

    def test_a_dry_run_changes_nothing(self) -> None:
        self.recover(adopted_reasons=self.ADOPTED, dry_run=True)
        self.cloud.on(adopted_reasons=self.ADOPTED, dry_run=True)
        self.assert_service('disabled', MASAKARI)

    def test_a_write_that_fails_ends_it(self) -> None:
        self.cloud.fail(AWAY, 'disable')
        result = self.cloud.on(adopted_reasons=self.ADOPTED)
        self.assert_ended(Outcome.FAILED, result, 'nobody answers')
        self.assert_sent()
