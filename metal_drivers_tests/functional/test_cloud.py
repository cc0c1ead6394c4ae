# SPDX-License-Identifier: Apache-2.0
"""The command and the driver in a real cloud: Keystone, Nova, Ironic."""

import re

from metal_drivers_tests.functional import accounts, base
from metal_drivers_tests.functional.services import (
    errors,
    process,
    waiting,
)

NOVA = 'nova'


class TestLooking(base.CloudTestCase):
    """As Watcher's own user, who may see everything."""

    def test_list_matches_hosts_by_their_hypervisors(self) -> None:
        matched = self.node(1)
        unknown = '00000000-0000-4000-8000-00000000dead'
        alone, old, stray = (
            self.enroll(self.cloud.ironic, self.unique('alone'), extra=extra)
            for extra in (
                {},
                {'compute_node_id': 7},
                {'compute_node_id': unknown},
            )
        )
        run = self.listing(self.config, 'node', 'list')
        self.assert_status(0, run)
        self.assertEqual('', run.stderr)
        rows = {row['ID']: row for row in run.rows}
        self.assertEqual('compute-01', rows[matched]['Host'])
        self.assertEqual('up', rows[matched]['Hypervisor State'])
        self.assertEqual(0, rows[matched]['Servers'])
        self.assertEqual('on', rows[matched]['Power State'])
        self.assertEqual('', rows[matched]['Note'])
        for node, note in (
            (alone, 'does not report which hypervisor'),
            (old, 'is 7, a number as in older releases'),
            (stray, f'no hypervisor {unknown}'),
        ):
            self.assertIsNone(rows[node]['Host'])
            self.assertIn('unmatched', rows[node]['Note'])
            self.assertIn(note, rows[node]['Note'])

    def test_check_names_what_does_not_match(self) -> None:
        self.node(1)
        alone = self.unique('alone')
        self.enroll(self.cloud.ironic, alone)
        run = self.listing(self.config, 'check')
        self.assert_status(0, run)
        results = {row['Check']: row for row in run.rows}
        for name in ('driver', 'ironic endpoint', 'ironic rights', 'nova'):
            self.assertEqual('ok', results[name]['Result'], name)
        self.assertIn('watcher has', results['ironic rights']['Detail'])
        self.assertIn('3 compute hosts', results['nova']['Detail'])
        self.assertEqual('warning', results['matching']['Result'])
        self.assertIn('1 of 2 nodes', results['matching']['Detail'])
        self.assertIn(alone, results['matching']['Detail'])

    def test_show_by_the_name_of_the_host(self) -> None:
        node = self.node(2)
        run = self.listing(self.config, 'node', 'show', 'compute-02')
        self.assert_status(0, run)
        self.assertEqual(node, run.shown['ID'])
        self.assertEqual(
            self.cloud.hypervisor_id(2), run.shown['Hypervisor ID']
        )
        self.assertEqual('enabled', run.shown['Compute Service'])

    def test_auth_url_needs_no_version(self) -> None:
        node = self.node(1)
        url = self.cloud.auth_url.removesuffix('/v3')
        run = self.listing(
            self.config_as('watcher', auth_url=url), 'node', 'list'
        )
        self.assertEqual([node], [row['ID'] for row in run.rows])


class TestSwitching(base.CloudTestCase):
    """A host goes off and comes back."""

    def test_idle_host_goes_off_and_comes_back(self) -> None:
        node, host = self.node(1), self.host(1)
        self.assert_row(self.power_off(host), 'done', 'off')
        self.assert_power(node, 'off')
        service = self.service(host)
        self.assertEqual('disabled', service['status'])
        reason = service['disabled_reason']
        self.assertTrue(reason.startswith(base.OURS), reason)
        self.assertIn(node, reason)

        self.cloud.stop_compute(1)
        self.cloud.wait_service(host, 'down')
        self.assert_row(self.power_off(host), 'already', 'off')
        run = self.listing(self.config, 'node', 'list')
        self.assertEqual('off', run.row['Power State'])
        self.assertEqual('down', run.row['Hypervisor State'])
        self.assertIn('by metal-drivers', run.row['Note'])

        command = self.start_command(
            self.config, 'node', 'power', 'on', host, '-f', 'json'
        )
        waiting.wait_until(
            lambda: self.cloud.ironic.node(node)['power_state'] == 'power on',
            'the power to be on',
        )
        self.assertEqual('disabled', self.service(host)['status'])
        self.assertTrue(command.running)
        self.cloud.start_compute(1)
        self.assert_row(command.wait(), 'done', 'up and enabled')
        self.assert_service(host, 'enabled')
        self.assertEqual('up', self.service(host)['state'])

    def test_compute_that_stays_away_keeps_our_reason(self) -> None:
        node, host = self.node(2), self.host(2)
        self.assert_row(self.power_off(host), 'done')
        self.cloud.stop_compute(2)
        self.cloud.wait_service(host, 'down')
        words = ('node', 'power', 'on', host, '--timeout', '3')
        run = self.listing(self.config, *words)
        self.assert_row(run, 'timed out', 'not confirmed to be up', '3 s')
        self.assertLess(run.seconds, base.BOUND)
        self.assert_power(node, 'on')
        service = self.service(host)
        self.assertEqual('disabled', service['status'])
        self.assertTrue(service['disabled_reason'].startswith(base.OURS))
        # Once it is back, the same command finishes what it had begun.
        self.cloud.start_compute(2)
        self.cloud.wait_service(host, 'up')
        run = self.listing(self.config, *words)
        self.assert_row(run, 'already', 'up and enabled')
        self.assert_service(host, 'enabled')

    def test_host_with_a_server_is_refused(self) -> None:
        node, host = self.node(3), self.host(3)
        server = self.cloud.boot(host, self.unique('server'))
        self.addCleanup(self.delete_server, server)
        self.assert_row(self.power_off(host), 'refused', '1 server is on')
        # Nothing runs, and still it is somebody's.
        self.cloud.nova.request(
            'POST', f'/servers/{server}/action', {'os-stop': None}
        )
        waiting.wait_until(
            lambda: self.server_status(server) == 'SHUTOFF',
            'the server to be shut off',
        )
        self.assert_row(self.power_off(host), 'refused', '1 server is on')
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')
        self.delete_server(server)
        self.assert_row(self.power_off(host), 'done')

    def server_status(self, server: str) -> str:
        reply = self.cloud.nova.request('GET', f'/servers/{server}')
        return str(reply['server']['status'])

    def delete_server(self, server: str) -> None:
        """Delete a server, unless that was done before."""
        try:
            self.cloud.delete_server(server)
        except errors.RequestFailed as error:
            if error.status != 404:
                raise

    def test_service_that_others_disabled_is_left_to_them(self) -> None:
        node, host = self.node(1), self.host(1)
        self.put_service(host, status='disabled', disabled_reason='new memory')
        self.assert_row(self.power_off(host), 'done')
        self.assert_power(node, 'off')
        self.assert_service(host, 'disabled', 'new memory')
        run = self.listing(self.config, 'node', 'power', 'on', host)
        self.assert_row(run, 'done', 'by someone else', 'new memory')
        self.assert_power(node, 'on')
        self.assert_service(host, 'disabled', 'new memory')

    def test_node_that_must_stay_on_is_refused(self) -> None:
        node, host = self.node(2), self.host(2)
        self.cloud.ironic.forbid_power_off(node)
        self.assert_row(self.power_off(host), 'refused', 'disable_power_off')
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_nova_compute_is_disabled_first(self) -> None:
        self.node(3)
        run = self.power_off(self.host(3), '--debug')
        self.assert_status(0, run)
        # The last one tells whoever finds it that it is done.
        self.assertEqual(
            ['disabled', 'soft power off', 'disabled'], changes(run)
        )

    def test_failure_gives_the_host_back(self) -> None:
        """That Ironic cannot shows only once nova-compute is disabled."""
        node, host = self.node(3), self.host(3)
        self.cloud.ironic.alter(node, power_interface='no-such')
        self.addCleanup(self.cloud.ironic.alter, node, power_interface='fake')
        run = self.power_off(host, '--debug')
        self.assert_status(1, run)
        self.assertEqual('refused', run.row['Result'], str(run.row))
        self.assertIn('no-such', run.row['Detail'])
        self.assertEqual(
            ['disabled', 'soft power off', 'power off', 'enabled'],
            changes(run),
        )
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_dry_run_changes_nothing(self) -> None:
        node, host = self.node(1), self.host(1)
        run = self.listing(
            self.config, 'node', 'power', 'off', host, '--dry-run'
        )
        self.assert_row(run, 'planned', 'disable nova-compute on compute-01')
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')


def changes(run: base.Run) -> list[str]:
    """What a command with --debug asked Nova and Ironic to change."""
    return re.findall(
        r"""-X PUT .* -d '{"(?:status|target)": "([^"]*)\"""", run.stderr
    )


class TestConfiguration(base.CloudTestCase):
    """What a wrong line in the configuration leads to."""

    wrong = 'Wr0ng-s3cret'

    def test_wrong_password(self) -> None:
        config = self.config_as('watcher', password=self.wrong)
        for words in (
            ['node', 'list'],
            ['node', 'power', 'off', '--yes', 'compute-01'],
        ):
            run = self.listing(config, *words)
            self.assert_error(run, 1, 'Keystone', 'password')
            self.assert_kept(run, self.wrong)
        run = self.listing(config, '--debug', 'node', 'list')
        self.assert_status(1, run)
        self.assertIn('REQ: ', run.stderr)
        self.assert_kept(run, self.wrong)

    def test_wrong_password_is_a_failed_check(self) -> None:
        config = self.config_as('watcher', password=self.wrong)
        run = self.listing(config, 'check')
        self.assert_status(1, run)
        results = {row['Check']: row for row in run.rows}
        self.assertEqual('ok', results['driver']['Result'])
        for name in ('ironic endpoint', 'nova'):
            self.assertEqual('failed', results[name]['Result'])
            self.assertIn('password', results[name]['Detail'])
        self.assert_kept(run, self.wrong)

    def test_wrong_project(self) -> None:
        config = self.config_as('watcher', project_name='nothing')
        run = self.listing(config, 'node', 'list')
        self.assert_error(run, 1, 'Keystone', 'project')

    def test_wrong_region(self) -> None:
        for group in (base.IRONIC, NOVA):
            config = self.config_of(
                {
                    base.SHARED: self.cloud.keystone_options('watcher'),
                    group: {'region_name': 'Mars'},
                }
            )
            run = self.listing(config, 'node', 'list')
            # Where Ironic comes first, it has no nodes.
            self.assert_error(
                run,
                2,
                'region_name',
                f'[{group}]',
                warnings=1 if group == NOVA else 0,
            )

    def test_nobody_at_the_auth_url(self) -> None:
        url = f'http://127.0.0.1:{process.free_port()}'
        run = self.listing(
            self.config_as('watcher', auth_url=f'{url}/v3'), 'node', 'list'
        )
        self.assert_error(run, 1, 'Keystone is up', 'auth_url', url)
        self.assertLess(run.seconds, base.BOUND)

    def test_auth_url_of_another_service(self) -> None:
        """On these keystoneauth waits for itself, for ever."""
        for kind in ('baremetal', 'compute'):
            url = f'{self.cloud.rest(kind).url}/v3'
            run = self.listing(
                self.config_as('watcher', auth_url=url), 'node', 'list'
            )
            self.assert_error(run, 2, 'auth_url', url, 'not that of Keystone')
            self.assertLess(run.seconds, base.BOUND)

    def test_ironic_that_is_down(self) -> None:
        """Its URL of our own or of the catalogue: nobody is there."""
        url = f'http://127.0.0.1:{process.free_port()}'
        config = self.config_of(
            {
                base.SHARED: self.cloud.keystone_options('watcher'),
                base.IRONIC: {'endpoint_override': url},
            }
        )
        run = self.listing(config, 'node', 'list')
        self.assert_error(run, 1, url, 'is up', f'[{base.IRONIC}]')

    def test_endpoint_of_another_service(self) -> None:
        for kind in ('compute', 'placement', 'identity'):
            url = self.cloud.rest(kind).url
            config = self.config_of(
                {
                    base.SHARED: self.cloud.keystone_options('watcher'),
                    base.IRONIC: {'endpoint_override': url},
                }
            )
            run = self.listing(config, 'node', 'list')
            self.assert_error(run, 1, 'Ironic', f'[{base.IRONIC}]')

    def test_debugging_shows_no_secret(self) -> None:
        user = self.useFixture(
            accounts.TemporaryUser(self.cloud, self.unique('user'))
        )
        self.node(1)
        config = self.config_of({base.SHARED: user.options})
        run = self.listing(config, '--debug', 'node', 'list')
        self.assert_status(0, run)
        self.assertEqual(1, len(run.rows))
        self.assertIn('REQ: ', run.stderr)
        self.assert_kept(run, user.password)
        # What a token of Keystone begins with.
        self.assertNotIn('gAAAA', run.output)
