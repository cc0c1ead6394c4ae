# SPDX-License-Identifier: Apache-2.0
"""The command, with a real Ironic that is stopped, hangs or has many
nodes."""

import re
from typing import Any

from metal_drivers_tests.functional import base, test_ironic
from metal_drivers_tests.functional.services import (
    ironic,
    waiting,
)


class TestIronicInTrouble(test_ironic.IronicTestCase):
    """With an Ironic of the test's own, to be stopped and started."""

    def start(self, **options: Any) -> ironic.StandaloneIronic:
        service = ironic.StandaloneIronic(**options)
        self.start_service(service)
        return service

    def test_restart_in_the_middle_is_told(self) -> None:
        """The conductor forgets what it was doing, and says so."""
        service = self.start(power_delay=4)
        node = service.enroll(self.unique('node'), power=None)
        service.alter(node, power_state='power on')
        command = self.start_command(
            self.config_for(service.url),
            *('node', 'power', 'off', '--yes', '--hard', '--unmatched'),
            *('--timeout', '60', node, '-f', 'json'),
        )
        waiting.wait_until(
            lambda: service.node(node)['target_power_state'],
            'the request for power',
        )
        service.restart(crash=True)
        run = command.wait()
        self.assert_row(run, 'failed', 'conductor restart', 'state is on')
        found = service.node(node)
        self.assertEqual('power on', found['power_state'])
        self.assertIsNone(found['target_power_state'])

    def test_stopped_and_started_again(self) -> None:
        service = self.start()
        node = service.enroll(self.unique('node'))
        config = self.config_for(service.url)
        service.stop(crash=True)
        for words in (
            ['node', 'list'],
            ['node', 'power', 'off', '--yes', '--unmatched', node],
        ):
            run = self.listing(config, *words)
            self.assert_error(run, 1, 'Ironic', f'[{base.IRONIC}]', 'is up')
            self.assertLess(run.seconds, base.BOUND)
        service.start()
        run = self.listing(config, 'node', 'list')
        self.assertEqual(node, run.row['ID'])
        self.assertEqual('on', run.row['Power State'])

    def test_hanging_ends_with_the_timeout(self) -> None:
        service = self.start()
        node = service.enroll(self.unique('node'))
        config = self.config_for(service.url, timeout=2)
        service.pause()
        self.addCleanup(service.resume)
        run = self.listing(
            config, *('node', 'power', 'off', '--yes', '--unmatched', node)
        )
        self.assert_error(run, 1, 'Ironic', f'[{base.IRONIC}]', 'timeout')
        self.assertLess(run.seconds, base.BOUND)
        service.resume()
        run = self.listing(config, 'node', 'list')
        self.assertEqual('on', run.row['Power State'])

    def test_pages_are_followed_and_filtered(self) -> None:
        """Ironic leaves the filter out of its link to the next page."""
        service = self.start(max_limit=5)
        names = [f'node-{number:02}' for number in range(12)]
        for number, name in enumerate(names):
            service.enroll(
                name,
                power=None,
                resource_class='ours' if number % 2 else 'theirs',
            )
        self.assertEqual(
            names, self.listed(self.config_for(service.url), service, 3)
        )
        config = self.config_for(service.url, resource_class='ours')
        self.assertEqual(names[1::2], self.listed(config, service, 2))

    def listed(
        self, config: str, service: ironic.StandaloneIronic, requests: int
    ) -> list[str]:
        """The names in the list, which takes so many requests."""
        before = len(service.log.read_text())
        run = self.listing(config, 'node', 'list')
        self.assert_status(0, run)
        log = service.log.read_text()[before:]
        self.assertEqual(requests, len(re.findall(r'GET /v1/nodes\?', log)))
        return sorted(row['Name'] for row in run.rows)
