# SPDX-License-Identifier: Apache-2.0
"""A host that does not power on, as an operator sees it."""

import datetime
from typing import Any

from metal_drivers.compute import markers
from metal_drivers_tests.unit.cli import base


class TestReliability(base.CommandTestCase):
    """metal-01 and metal-03 were powered off; metal-01 is dead."""

    def setUp(self) -> None:
        super().setUp()
        # The one that is off longest comes back first.
        for name in ('metal-01', 'metal-03'):
            self.power('off', name)
        self.dead = self.ironic.node('metal-01')
        self.dead.power_error = 'no answer from the BMC'

    def power(self, state: str, *names: str, status: int = 0) -> Any:
        yes = ['--yes'] if state == 'off' else []
        done = self.metal('node', 'power', state, *names, *yes, '-f', 'json')
        self.assertEqual(status, done.status, done.stdout + done.stderr)
        return done.json

    def try_it(self) -> str:
        """Try it, and have Ironic forget why it failed."""
        (row,) = self.power('on', 'metal-01', status=1)
        self.assertEqual('failed', row['Result'])
        self.dead.last_error = None
        return str(row['Detail'])

    def ago(self, **since: float) -> None:
        """It was so long ago that it failed."""
        host = self.nova.hosts['compute-01']
        mark = markers.parse(host.disabled_reason)
        assert mark is not None
        host.disabled_reason = markers.reason(
            mark.node_id,
            mark.when - datetime.timedelta(**since),
            mark.kind,
            mark.times,
        )

    def note(self) -> str:
        found = self.metal('node', 'list', '-f', 'json').json
        (row,) = (row for row in found if row['Name'] == 'metal-01')
        return str(row['Note'])

    def warning(self) -> str | None:
        done = self.metal('check', '-f', 'json')
        self.assertEqual(0, done.status, done.stderr)
        found = {row['Check']: row for row in done.json}
        row = found.get('unreliable hosts', {'Result': '', 'Detail': None})
        self.assertIn(row['Result'], ('', 'warning'))
        return row['Detail'] and str(row['Detail'])

    def plan(
        self, free: int, short: bool = False
    ) -> dict[str, tuple[str, str]]:
        done = self.metal(
            'plan', '--min-free-hosts-num', str(free), '-f', 'json'
        )
        self.assertEqual(0, done.status, done.stderr)
        self.assertEqual(short, 'cannot be kept' in done.stderr, done.stderr)
        return {
            row['Node'].split()[0]: (row['Action'], row['Reason'])
            for row in done.json
        }

    def test_it_is_counted_and_shown(self) -> None:
        for times in ('1 time', '2 times'):
            detail = self.try_it()
            self.assertIn('gave up: no answer from the BMC', detail)
            self.assertIn(
                f'The marker on compute-01 now says "failed to power on, '
                f'{times}"',
                detail,
            )
            note, warning = self.note(), self.warning()
            assert warning is not None
            self.assertIn(f'failed to power on {times}, last at ', note)
            self.assertIn(
                '1 host may not come back: metal-01 (compute-01) failed to '
                f'power on {times}, last at ',
                warning,
            )
        self.assertIn(
            'metal-drivers/1 failed to power on, 2 times, ',
            self.nova.hosts['compute-01'].disabled_reason or '',
        )
        (row,) = self.metal('node', 'recover', 'metal-01', '-f', 'json').json
        self.assertIn('off; failed to power on, 2 times', row['Detail'])

    def test_a_plan_takes_it_last(self) -> None:
        self.assertEqual('on', self.plan(1)['metal-01'][0])
        self.try_it()
        # Not before it is due, even where no other is left.
        self.assertEqual('on', self.plan(1)['metal-03'][0])
        action, reason = self.plan(2, short=True)['metal-01']
        self.assertEqual('stay', action)
        self.assertIn('it is tried again after', reason)
        self.ago(hours=1, seconds=1)
        plan = self.plan(1)
        self.assertEqual(
            ('stay', 'on'), (plan['metal-01'][0], plan['metal-03'][0])
        )
        action, reason = self.plan(2)['metal-01']
        self.assertEqual('on', action)
        self.assertIn('no better host is left', reason)

    def test_a_power_on_that_succeeds_clears_it(self) -> None:
        self.try_it()
        self.dead.power_error = None
        (row,) = self.power('on', 'metal-01')
        self.assertEqual('done', row['Result'])
        self.assertEqual('', self.note())
        self.assertIsNone(self.warning())
        self.power('off', 'metal-01')
        self.assertIsNone(self.warning())

    def test_so_does_recover_once_it_was_powered_on_by_hand(self) -> None:
        self.try_it()
        self.dead.power_state = 'power on'
        self.assertIn('not off any more', self.note())
        (row,) = self.metal('node', 'recover', 'metal-01', '-f', 'json').json
        self.assertEqual('done', row['Result'])
        self.assertEqual('', self.note())
        self.assertIsNone(self.warning())
