# SPDX-License-Identifier: Apache-2.0
"""``check``."""

import datetime
import re

from metal_drivers.compute import markers
from metal_drivers_tests.emulators import masakari
from metal_drivers_tests.unit import cures
from metal_drivers_tests.unit.cli import base
from metal_drivers_tests.unit.deploy import reading

WHEN = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


class TestCheck(base.CommandTestCase):
    def results(self, status: int) -> dict[str, tuple[str, str]]:
        done = self.metal('check', '-f', 'json')
        self.assertEqual(status, done.status, done.stderr)
        found = {
            row['Check']: (row['Result'], row['Detail']) for row in done.json
        }
        self.assertEqual([], cures.without(found))
        return found

    def test_all_is_well_but_for_one_node(self) -> None:
        results = self.results(0)
        self.assertEqual('ok', results['driver'][0])
        self.assertEqual('ok', results['nova'][0])
        self.assertEqual('warning', results['matching'][0])
        self.assertIn('3 of 4 nodes', results['matching'][1])
        self.assertIn('metal-04', results['matching'][1])

    def test_the_lines_in_the_readme_are_printed(self) -> None:
        """In this order; the demonstration has three nodes, all matched."""
        self.ironic.remove_node(self.ironic.node('metal-04'))
        text = (reading.TOP / 'README.rst').read_text(encoding='utf-8')
        sample = text.partition('$ metal-drivers check\n')[2]
        shown = [
            (name.strip(), (result.strip(), detail.strip()))
            for name, result, detail in re.findall(
                r'^    \|(.*)\|(.*)\|(.*)\|$',
                sample.partition('\n\n')[0],
                re.M,
            )
        ][1:]
        results = self.results(0)
        names = [name for name, _ in shown]
        self.assertLess(5, len(names))
        self.assertEqual(names, [n for n in results if n in names])
        for name, (result, detail) in shown:
            self.assertEqual(result, results[name][0], name)
            # Other ports.
            said = re.sub(r':\d+/', ':0/', results[name][1])
            self.assertEqual(re.sub(r':\d+/', ':0/', detail), said)

    def test_a_service_that_is_gone_is_a_failure(self) -> None:
        self.config['nova'] |= {'endpoint_override': 'http://127.0.0.1:1/v2.1'}
        result, detail = self.results(1)['nova']
        self.assertEqual('failed', result)
        self.assertIn(
            'could not connect (Unable to establish connection to '
            'http://127.0.0.1:1/v2.1/os-services?binary=nova-compute: '
            'Connection refused)',
            detail,
        )

    def test_no_nova_is_a_warning(self) -> None:
        del self.config['nova']
        self.assertEqual('warning', self.results(0)['nova'][0])

    def test_half_of_the_credentials_for_nova_is_a_failure(self) -> None:
        del self.config['nova']['auth_type']
        self.config['nova']['username'] = 'watcher'
        result, detail = self.results(1)['nova']
        self.assertEqual('failed', result)
        self.assertIn('[nova] lacks auth_type', detail)

    def test_a_keystone_that_is_gone_is_a_failure(self) -> None:
        self.config['nova'] |= {
            'auth_type': 'password',
            'auth_url': 'http://127.0.0.1:1/v3',
            'username': 'watcher',
            'password': 'p4ssword',
        }
        result, detail = self.results(1)['nova']
        self.assertEqual('failed', result)
        self.assertIn(
            'Nova: no token from Keystone: could not connect to '
            'http://127.0.0.1:1/v3 (Connection refused). Check that Keystone '
            'is up',
            detail,
        )
        self.assertNotIn('HTTPConnectionPool', detail)

    def test_a_driver_that_is_not_used_is_half_configured(self) -> None:
        self.config['metal_drivers'] = {'driver': 'ironic'}
        self.config['maas_client'] = {'url': 'http://maas.example/MAAS'}
        result, detail = self.results(0)['driver maas']
        self.assertEqual('warning', result)
        self.assertIn('are in [maas_client]. Add api_key or', detail)
        # Where that is why none is used, it is said once.
        del self.config['metal_drivers']
        results = self.results(1)
        self.assertIn('lacks api_key or api_key_file', results['driver'][1])
        self.assertNotIn('driver maas', results)

    def test_a_refused_selection_is_a_failure(self) -> None:
        del self.config['watcher.metal.drivers.ironic']['endpoint_override']
        state, detail = self.results(1)['driver']
        self.assertEqual('failed', state)
        self.assertIn('endpoint_override', detail)

    def test_a_pattern_that_protects_nothing_is_a_warning(self) -> None:
        self.config['metal_drivers'] = {'protected_hosts': 'compute-*, db-*'}
        state, detail = self.results(0)['protected hosts']
        self.assertEqual('warning', state)
        self.assertIn('db-*', detail)
        self.assertNotIn('compute-*', detail)

    def test_hosts_that_failed_to_power_on_are_a_warning(self) -> None:
        self.assertNotIn('unreliable hosts', self.results(0))
        for host, times in (('compute-01', 1), ('compute-03', 2)):
            node = self.ironic.node(host.replace('compute', 'metal'))
            self.mark(host, node.uuid)
            node.power_state = 'power off'
            self.nova.hosts[host].disabled_reason = markers.reason(
                node.uuid, WHEN, markers.MarkerKind.FAILED_ON, times
            )
        state, detail = self.results(0)['unreliable hosts']
        self.assertEqual('warning', state)
        self.assertIn(
            '2 hosts may not come back: metal-01 (compute-01) failed to '
            'power on 1 time, last at 2026-03-01 00:00:00 UTC; metal-03',
            detail,
        )

    def test_unreliable_are_those_that_an_audit_counts(self) -> None:
        """Failed or not; but only hosts that are off."""
        for number in (1, 2):
            node = self.ironic.node(f'metal-0{number}')
            node.fault = 'power failure'
            node.power_state = 'power off' if number == 1 else 'power on'
        _, detail = self.results(0)['unreliable hosts']
        self.assertIn('1 host may not come back: metal-01', detail)
        self.assertIn('has a fault: power failure. Check', detail)

    def test_lists_hypervisors_once(self) -> None:
        """How many are up and enabled, the list of services tells."""
        self.nova.hosts['compute-02'].status = 'disabled'
        detail = self.results(0)['nova'][1]
        self.assertIn('3 compute hosts, 3 up, 2 enabled', detail)
        self.assertEqual(1, self.nova.count('GET', '/v2.1/os-services'))
        self.assertEqual(
            1, self.nova.count('GET', '/v2.1/os-hypervisors/detail')
        )

    def test_changes_nothing(self) -> None:
        self.results(0)
        for server in (self.ironic, self.nova):
            self.assertEqual(0, server.count('PUT'))
            self.assertEqual(0, server.count('POST'))


class TestHooks(base.CommandTestCase):
    """What hooks add to ``check`` and to the lists."""

    def setUp(self) -> None:
        super().setUp()
        self.masakari = self.useFixture(masakari.MasakariEmulator())
        self.rack = self.masakari.add_segment('rack-1')
        self.masakari.add_host(self.rack, 'compute-01')
        self.config['metal_drivers']['hooks'] = 'masakari, command'
        self.config['metal_drivers.hooks.masakari'] = {
            'endpoint_override': f'{self.masakari.url}/v1'
        }
        self.config['metal_drivers.hooks.command'] = {
            'executable': '/bin/true'
        }

    def results(self, status: int) -> dict[str, tuple[str, str]]:
        done = self.metal('check', '-f', 'json')
        self.assertEqual(status, done.status, done.stderr)
        found = {
            row['Check']: (row['Result'], row['Detail']) for row in done.json
        }
        self.assertEqual([], cures.without(found))
        return found

    def test_each_hook_is_checked(self) -> None:
        results = self.results(0)
        self.assertEqual(('ok', '/bin/true'), results['hook command'])
        self.assertIn('1 hosts in 1 segments', results['hook masakari'][1])

    def test_one_that_cannot_be_used(self) -> None:
        self.config['metal_drivers.hooks.command']['executable'] = 'true'
        result, detail = self.results(1)['hooks']
        self.assertEqual('failed', result)
        self.assertIn('not an absolute path', detail)

    def test_nor_is_any_node_powered_then(self) -> None:
        self.config['metal_drivers']['hooks'] = 'masakaki'
        done = self.metal('node', 'power', 'off', '--yes', 'compute-01')
        self.assertEqual(2, done.status)
        self.assert_one_line(
            done, "no hook 'masakaki'; installed are command, masakari"
        )
        self.assertEqual(0, self.ironic.count('PUT'))

    def test_the_flag_is_a_note(self) -> None:
        self.masakari.hosts['compute-01'].on_maintenance = True
        done = self.metal('node', 'list', '-f', 'json')
        notes = {row['Name']: row['Note'] for row in done.json}
        self.assertEqual(
            'under maintenance in Masakari, segment rack-1, set by someone '
            'else',
            notes['metal-01'],
        )
        self.assertEqual('', notes['metal-02'])
        shown = self.metal('node', 'show', 'compute-01', '-f', 'json').json
        self.assertEqual(notes['metal-01'], shown['Note'])

    def test_a_list_without_masakari(self) -> None:
        """It is shown all the same, and says what is missing."""
        self.config['metal_drivers.hooks.masakari'] = {
            'endpoint_override': 'http://127.0.0.1:1/v1'
        }
        done = self.metal('node', 'list', '-f', 'json')
        self.assertEqual((0, 4), (done.status, len(done.json)))
        self.assertIn('hook masakari: Masakari', done.stderr)
