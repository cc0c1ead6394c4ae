# SPDX-License-Identifier: Apache-2.0
"""Thousands of interleavings over the runner.

``METAL_DRIVERS_EXAMPLES`` is how many runs there are. What is wrong with
the rules is found by ``test_exhaustive``.
"""

import os

import hypothesis
import testtools
from hypothesis import stateful

from metal_drivers_tests.unit.power import state_machine

EXAMPLES = int(os.environ.get('METAL_DRIVERS_EXAMPLES', '50'))


def run(examples: int) -> None:
    stateful.run_state_machine_as_test(
        state_machine.Machine,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=12,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            print_blob=False,
            verbosity=hypothesis.Verbosity.quiet,
        ),
    )


class TestMachine(testtools.TestCase):
    def test_nothing_ever_goes_wrong(self) -> None:
        run(EXAMPLES)
