# SPDX-License-Identifier: Apache-2.0
"""What is told of each step, to a hook and to the log."""

import datetime

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.model import Outcome
from metal_drivers.power import Step
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON


class TestEvents(base.PowerCase):
    def test_each_step_is_told(self) -> None:
        self.node.ignores_soft = True
        self.cloud.off()
        self.assertEqual(
            [
                Step.ASKED,
                Step.DISABLED,
                Step.SOFT_OFF,
                Step.WAITING,
                Step.HARD_OFF,
                Step.STATE,
                Step.DONE,
            ],
            [
                event.step
                for event in self.cloud.events
                if event.step is not Step.DISABLED or event.duration == 0
            ],
        )

    def test_of_whom_by_what_for_how_long_and_how_it_ended(self) -> None:
        self.cloud.off()
        first, *_, last = self.cloud.events
        self.assertEqual(
            ('id-1', 'h1', 'sim', OFF, 0, None),
            (
                first.node_id,
                first.host,
                first.backend,
                first.target,
                first.duration,
                first.outcome,
            ),
        )
        self.assertIs(Outcome.DONE, last.outcome)
        self.assertEqual(self.cloud.clock.time, last.duration)

    def test_ends(self) -> None:
        self.host.servers = 1
        self.cloud.off()
        self.assertIs(Step.REFUSED, self.cloud.events[-1].step)
        self.host.servers, self.node.ends_in = 0, 'the BMC said no'
        self.cloud.off()
        self.assertIs(Step.FAILED, self.cloud.events[-1].step)
        self.assertIn(Step.UNDONE, self.steps())

    def test_a_line_of_the_log_for_each(self) -> None:
        self.cloud.off()
        lines = self.log.output.splitlines()
        self.assertEqual(len(self.cloud.events), len(lines))
        self.assertIn(
            'power node=id-1 name=n1 host=h1 backend=sim target=off '
            'step="soft power off" duration=0.000',
            lines,
        )

    def test_a_line_stays_one(self) -> None:
        self.cloud.fail(
            exceptions.RefusedError('two\nlines "quoted"'), 'count_servers'
        )
        self.cloud.off()
        self.assertIn(r'detail="two\nlines \"quoted\""', self.log.output)


class TestMark(base.PowerCase):
    def test_is_read_back(self) -> None:
        when = datetime.datetime(2026, 3, 1, 1, 2, 3, tzinfo=datetime.UTC)
        mark = markers.parse(markers.reason('id-1', when))
        assert mark is not None
        self.assertEqual((when, 'id-1'), (mark.when, mark.node_id))
        self.assertTrue(mark.names('id-1'))
        self.assertFalse(mark.names('id-12'))

    def test_of_an_id_that_is_cut(self) -> None:
        when = self.cloud.clock.now()
        mark = markers.parse(markers.reason('x' * 300, when))
        assert mark is not None
        self.assertTrue(mark.names('x' * 300))
        self.assertFalse(mark.names('x' * 30))

    def test_what_others_made_of_it_is_theirs(self) -> None:
        for reason in (
            'metal-drivers/1 hold this host',
            base.OURS.replace('2025-12-31', '2025-13-31'),
            base.OURS.replace('/1', '/2'),
        ):
            self.assertIsNone(markers.parse(reason), reason)

    def test_for_how_long_somebody_may_be_at_work(self) -> None:
        now = self.cloud.clock.now()
        for age, left in ((0, 60), (50, 10), (60, 0), (-9e4, 60)):
            when = now - datetime.timedelta(seconds=age)
            mark = markers.Marker(when, 'x', markers.MarkerKind.POWERING_OFF)
            self.assertEqual(left, mark.left(now))
            self.assertEqual(left + 300, mark.left(now, after=300))
            self.assertEqual(0, markers.Marker(when, 'x').left(now))
