# SPDX-License-Identifier: Apache-2.0
"""What a plan of many actions costs Nova."""

import datetime
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from watcher import objects
from watcher.applier.actions import factory

from metal_drivers import clock
from metal_drivers.watcher import process
from metal_drivers_tests.functional_watcher import backends, base

#: Seconds, in which the actions begin one after the other.
PLAN = 600.0


class _Clock(clock.Clock):
    """Nobody waits; the time passes at once."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime.datetime:
        begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        return begin + datetime.timedelta(seconds=self.seconds)

    def wait(self, alarm: threading.Event, seconds: float) -> None:
        self.seconds += seconds


class TestPlan(backends.Ironic):
    """A hundred hosts go off, one after the other, over ten minutes."""

    HOSTS: ClassVar[Mapping[str, int]] = {
        f'compute-{number:03}': 0 for number in range(1, 102)
    }
    START_APPLIER = False

    def backend(self) -> base.Sections:
        # So that each action has to know how many hosts are off.
        limit = {'max_powered_off': '100', 'max_power_off_per_minute': 6000}
        return dict(super().backend()) | {'metal_drivers': limit}

    def test_no_list_of_hypervisors_for_each_action(self) -> None:
        time = _Clock()
        process.services().connection.clock = time
        begin = time.seconds
        self.nova.forget()
        planned = self.actions_of(self.plan_of(self.audit()))
        self.assertEqual(100, len(planned))
        for number, action in enumerate(planned):
            time.seconds = max(time.seconds, begin + number * PLAN / 100)
            self.run_action(action['input_parameters'])
        self.assertLess(time.seconds - begin, PLAN + 60)
        self.assertEqual(100, [*self.powers().values()].count('off'))
        # One of the audit, one of the actions.
        self.assertEqual(2, self.lists())

    def lists(self) -> int:
        """How many lists of all hypervisors Nova was asked for."""
        return sum(
            request.path.endswith('/os-hypervisors/detail')
            and 'hypervisor_hostname_pattern' not in request.query
            for request in self.nova.requests
        )

    def run_action(self, parameters: dict[str, Any]) -> None:
        record = objects.Action(
            self.context,
            action_type=base.ACTION,
            input_parameters=parameters,
        )
        action = factory.ActionFactory().make_action(record)
        action.pre_condition()
        self.assertTrue(action.execute())
        action.post_condition()
