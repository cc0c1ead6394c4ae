# SPDX-License-Identifier: Apache-2.0
"""The command and the driver, with a real Ironic that wants a password."""

from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import shared


class TestIronicWithPassword(base.TestCase):
    """Ironic with http_basic."""

    def setUp(self) -> None:
        super().setUp()
        self.ironic = shared.basic_ironic_for(self)
        self.right = str(self.ironic.password)

    def config_with(self, password: str) -> str:
        return self.config_of(
            {
                base.IRONIC: {
                    'auth_type': 'http_basic',
                    'endpoint_override': self.ironic.url,
                    'username': self.ironic.username,
                    'password': password,
                }
            }
        )

    def test_right_password(self) -> None:
        node = self.enroll(self.ironic, self.unique('node'))
        config = self.config_with(self.right)
        run = self.listing(
            config,
            *('node', 'power', 'off', '--yes', '--unmatched', node),
        )
        self.assert_row(run, 'done')
        self.assertEqual('power off', self.ironic.node(node)['power_state'])
        run = self.listing(config, '--debug', 'node', 'list')
        self.assert_status(0, run)
        self.assertIn('REQ: ', run.stderr)
        self.assert_kept(run, self.right, f'admin:{self.right}')

    def test_wrong_password(self) -> None:
        wrong = 'Wr0ng-s3cret'
        config = self.config_with(wrong)
        for words in (
            ['node', 'list'],
            ['node', 'power', 'on', 'a'],
        ):
            run = self.listing(config, *words)
            self.assert_error(run, 1, 'Ironic', f'[{base.IRONIC}]', 'password')
            self.assert_kept(run, wrong, f'admin:{wrong}')

    def test_wrong_password_is_a_failed_check(self) -> None:
        wrong = 'Wr0ng-s3cret'
        run = self.listing(self.config_with(wrong), 'check')
        self.assert_status(1, run)
        failed = [row for row in run.rows if row['Result'] == 'failed']
        (row,) = failed
        self.assertIn('password', row['Detail'])
        self.assert_kept(run, wrong, f'admin:{wrong}')

    def test_debugging_shows_no_password(self) -> None:
        wrong = 'Wr0ng-s3cret'
        run = self.command(self.config_with(wrong), '--debug', 'node', 'list')
        self.assert_status(1, run)
        # It is a log with everything else in it.
        self.assertIn('REQ: ', run.stderr)
        self.assert_kept(run, wrong, f'admin:{wrong}')
