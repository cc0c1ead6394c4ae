# SPDX-License-Identifier: Apache-2.0
"""What the tests of choosing a driver share."""

from typing import Any

from metal_drivers import exceptions
from metal_drivers.selector import Candidate, CandidateState, Selector
from metal_drivers_tests.unit import base, distributions

IRONIC = 'watcher.metal.drivers.ironic'
FAKE = 'watcher.metal.drivers.fake'
ACME = 'watcher.metal.drivers.acme'
STANDALONE = {
    'auth_type': 'none',
    'endpoint_override': 'http://127.0.0.1:6385',
}
READY = distributions.READY


class SelectorTestCase(base.TestCase):
    """With a site directory for third parties' drivers."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def selector(self, pin: str | None = None, /, **sections: Any) -> Selector:
        """For a configuration that pins that driver, or none."""
        if pin is not None:
            sections['metal_drivers'] = {'driver': pin}
        return Selector(self.conf(**sections))

    def chosen(self, pin: str | None = None, /, **sections: Any) -> str:
        return self.selector(pin, **sections).select().name

    def refused(
        self, pin: str | None = None, /, **sections: Any
    ) -> exceptions.ConfigurationError:
        """The reason; the same one keeps a driver from being loaded."""
        chooser = self.selector(pin, **sections)
        error = self.refusal(chooser.select)
        self.assertEqual(str(error), str(self.refusal(chooser.load)))
        self.assertNotIn(
            CandidateState.SELECTED,
            {candidate.state for candidate in chooser.candidates()},
        )
        return error

    def candidate(self, name: str, /, **sections: Any) -> Candidate:
        (found,) = (
            candidate
            for candidate in self.selector(**sections).candidates()
            if candidate.name == name
        )
        return found
