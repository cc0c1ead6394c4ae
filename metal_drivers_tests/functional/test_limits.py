# SPDX-License-Identifier: Apache-2.0
"""What an operator has forbidden, in a real cloud."""

from typing import Any

from metal_drivers_tests.functional import base


class TestLimits(base.CloudTestCase):
    def limited(self, **options: Any) -> None:
        """Have the command run with these of ``[metal_drivers]``."""
        self.config = self.config_of(
            {
                'metal_drivers': options,
                base.SHARED: self.cloud.keystone_options('watcher'),
            }
        )

    def test_a_trait_that_is_protected(self) -> None:
        node, host = self.node(1), self.host(1)
        self.cloud.ironic.request('PUT', f'/v1/nodes/{node}/traits/CUSTOM_DB')
        self.limited(protected_labels='gpu,custom_*')
        run = self.power_off(host)
        self.assert_row(run, 'refused', "'custom_*'", 'protected_labels')
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_no_more_hosts_than_allowed_are_off(self) -> None:
        hosts = [self.host(1), self.host(2)]
        for number in (1, 2):
            self.node(number)
        self.limited(max_powered_off='50%')
        run = self.listing(
            self.config, 'node', 'power', 'off', '--yes', *hosts
        )
        self.assert_status(1, run)
        results = sorted(row['Result'] for row in run.rows)
        self.assertEqual(['done', 'refused'], results)
        (refused,) = (row for row in run.rows if row['Result'] == 'refused')
        self.assertIn('max_powered_off is 50%', refused['Detail'])

    def test_a_host_that_was_just_switched_off(self) -> None:
        node, host = self.node(3), self.host(3)
        self.limited(min_dwell=3600)
        self.assert_row(self.power_off(host), 'done')
        run = self.listing(self.config, 'node', 'power', 'on', host)
        self.assert_row(run, 'refused', 'min_dwell is 3600 s')
        self.assert_power(node, 'off')
