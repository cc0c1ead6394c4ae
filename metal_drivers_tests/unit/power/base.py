# SPDX-License-Identifier: Apache-2.0
"""What the tests of power share."""

import fixtures
import testtools

from metal_drivers.model import OffMode, Outcome, PowerResult
from metal_drivers.power import Step
from metal_drivers_tests.unit.power import simulator

#: A reason of ours, as an earlier run has left it.
OURS = (
    'metal-drivers/1 powered off to save energy, 2025-12-31T00:00:00Z, '
    'node id-1'
)
THEIRS = 'rack 7 is to be moved'


class PowerCase(testtools.TestCase):
    """A test with a cloud of one node, n1, that is host h1."""

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.use(simulator.SimCloud())

    def use(self, cloud: simulator.SimCloud) -> None:
        self.cloud = cloud
        self.node, self.host = cloud.node, cloud.host

    def assert_ended(
        self, outcome: Outcome, result: PowerResult, *said: str
    ) -> None:
        self.assertIs(outcome, result.outcome, result.detail)
        for text in said:
            self.assertIn(text, result.detail)
        self.assertNotIn('Traceback', result.detail)
        self.assertNotIn('\n', result.detail)
        self.assertEqual([], self.cloud.harm)

    def assert_sent(self, *modes: OffMode) -> None:
        """These requests, and no others, arrived."""
        sent = [request.mode for request in self.cloud.driver.requests]
        self.assertEqual(list(modes), sent)

    def assert_service(self, status: str, reason: str | None) -> None:
        self.assertEqual(
            (status, reason), (self.host.status, self.host.reason)
        )

    def assert_enabled(self) -> None:
        self.assert_service('enabled', None)

    def assert_ours(self) -> None:
        """Disabled, with the reason that this run gives."""
        self.assertEqual('disabled', self.host.status)
        reason = self.host.reason or ''
        self.assertTrue(reason.startswith('metal-drivers/1 '), reason)

    def steps(self) -> list[Step]:
        """What was done, without the first step and the last."""
        return [
            event.step
            for event in self.cloud.events
            if event.step is not Step.ASKED and not event.step.last
        ]
