# SPDX-License-Identifier: Apache-2.0
"""The command with hooks: what an operator sees of them."""

import pathlib

import fixtures

from metal_drivers_tests.emulators import faults, masakari, messages
from metal_drivers_tests.unit.cli import base
from metal_drivers_tests.unit.power import simulator

FLAG = '/v1/segments/.*/hosts/.*'


class TestMasakari(base.CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.power.engine.Clock',
                lambda: simulator.SimClock(simulator.Calls()),
            )
        )
        self.masakari = self.useFixture(masakari.MasakariEmulator())
        self.rack = self.masakari.add_segment('rack-1')
        self.watched = self.masakari.add_host(self.rack, 'compute-01')
        self.config['metal_drivers']['hooks'] = 'masakari'
        self.config['metal_drivers.hooks.masakari'] = {
            'endpoint_override': f'{self.masakari.url}/v1'
        }

    def power(self, state: str, *words: str) -> dict[str, str]:
        yes = ['--yes'] if state == 'off' else []
        done = self.metal(
            *('node', 'power', state, 'compute-01', '-f', 'json'),
            *yes,
            *words,
        )
        (row,) = done.json
        found: dict[str, str] = row
        return found

    def assert_flag(self, flag: bool) -> None:
        node = self.ironic.node('metal-01').uuid
        attributes = f'SSH metal-drivers/1 node {node}' if flag else 'SSH'
        self.assertEqual(
            (flag, attributes),
            (self.watched.on_maintenance, self.watched.control_attributes),
        )

    def test_off_and_on(self) -> None:
        self.assertEqual('done', self.power('off')['Result'])
        self.assert_flag(True)
        nova = self.nova.hosts['compute-01']
        self.assertFalse(self.masakari.report_down('compute-01', nova))
        self.assertEqual('done', self.power('on')['Result'])
        self.assert_flag(False)
        self.assertEqual('enabled', nova.status)

    def test_the_flag_is_cleared_before_nova_compute_is_enabled(self) -> None:
        self.power('off')
        seen = []
        nova = self.nova.hosts['compute-01']
        self.masakari.on_update = lambda host: seen.append(
            (host.on_maintenance, nova.status)
        )
        self.power('on')
        self.assertEqual([(False, 'disabled')], seen)

    def test_what_is_left_is_a_note_and_recovered_by_name_or_not(self) -> None:
        for words in ([], ['compute-01']):
            self.power('off')
            self.masakari.fail(
                messages.matching('PUT', FLAG), faults.status(500), None
            )
            row = self.power('on')
            self.assertEqual('done', row['Result'])
            for said in (
                'nova-compute is up and enabled',
                'hook masakari: Masakari',
                '`metal-drivers node recover compute-01` tries again',
            ):
                self.assertIn(said, row['Detail'])
            listed = self.metal('node', 'list', '-f', 'json').json[0]
            self.assertIn('set by metal-drivers', listed['Note'])
            self.masakari.heal()
            done = self.metal('node', 'recover', *words, '-f', 'json')
            (row,) = done.json
            self.assertEqual('already', row['Result'])
            self.assert_flag(False)

    def test_a_plan_has_it_too(self) -> None:
        self.power('off')
        self.masakari.fail(
            messages.matching('PUT', FLAG), faults.status(500), None
        )
        self.power('on')
        rows = self.metal(
            *('plan', '--min-free-hosts-num', '3', '-f', 'json')
        ).json
        (row,) = (row for row in rows if 'metal-01' in row['Node'])
        self.assertEqual('on', row['Action'])
        self.assertIn('a hook has something left', row['Reason'])

    def test_refused(self) -> None:
        self.rack.busy = True
        row = self.power('off')
        self.assertEqual('refused', row['Result'])
        self.assertIn('recovering a host of segment rack-1', row['Detail'])
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        self.assertEqual(0, self.ironic.count('PUT'))

    def test_a_whole_batch_lists_once(self) -> None:
        self.masakari.add_host(self.rack, 'compute-03')
        self.metal('node', 'power', 'off', '--yes', 'compute-01', 'compute-03')
        self.assertEqual(2, self.masakari.count('PUT', FLAG))
        self.assertEqual(1, self.masakari.count('GET', '/v1/segments'))


class TestAdopted(base.CommandTestCase):
    def test_the_list_tells_them_apart(self) -> None:
        self.config['metal_drivers']['adopted_reasons'] = 'Masakari *'
        for number, reason in ((1, masakari.REASON), (3, 'new memory')):
            self.ironic.node(f'metal-0{number}').power_state = 'power off'
            service = self.nova.hosts[f'compute-0{number}']
            service.status, service.disabled_reason = 'disabled', reason
        rows = self.metal('node', 'list', '-f', 'json').json
        self.assertIn(
            'counts as powered off by metal-drivers', rows[0]['Note']
        )
        self.assertIn(masakari.REASON, rows[0]['Note'])
        self.assertEqual(
            'nova-compute disabled by someone else: new memory',
            rows[2]['Note'],
        )


class TestCommand(base.CommandTestCase):
    def test_its_status_is_obeyed_and_its_reason_shown(self) -> None:
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        script = home / 'hook.sh'
        script.write_text(
            f'#!/bin/sh\ncat >> {home}/told\n'
            'echo noise\necho "ticket 7 is open" >&2\nexit 1\n'
        )
        script.chmod(0o755)
        self.config['metal_drivers']['hooks'] = 'command'
        self.config['metal_drivers.hooks.command'] = {'executable': script}
        done = self.metal(
            'node', 'power', 'off', '--yes', 'compute-01', '-f', 'json'
        )
        (row,) = done.json
        self.assertEqual('refused', row['Result'])
        self.assertIn('exit status 1: ticket 7 is open', row['Detail'])
        self.assertEqual(0, self.ironic.count('PUT'))
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        told = (home / 'told').read_text()
        self.assertIn('"event": "before_off"', told)
        self.assertIn('"event": "undone"', told)

    def test_what_another_process_could_not_tell_is_told_by_the_next(
        self,
    ) -> None:
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        script = home / 'hook.sh'
        script.write_text(
            f'#!/bin/sh\nread -r line; echo "$line" >> {home}/told\n'
            f'case $line in *after_on*) test -e {home}/works;; esac\n'
        )
        script.chmod(0o755)
        (home / 'state').mkdir()
        self.config['metal_drivers']['hooks'] = 'command'
        self.config['metal_drivers.hooks.command'] = {
            'executable': script,
            'state_dir': home / 'state',
        }
        self.metal('node', 'power', 'off', '--yes', 'compute-01')
        done = self.metal('node', 'power', 'on', 'compute-01')
        self.assertIn('hook command', done.stdout)
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        plan = self.metal('plan', '--min-free-hosts-num', '3')
        self.assertIn('a hook has something left of it', plan.stdout)
        (home / 'works').touch()
        (home / 'told').unlink()
        puts = self.ironic.count('PUT')
        done = self.metal('node', 'recover')
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertIn('"event": "after_on"', (home / 'told').read_text())
        self.assertEqual(puts, self.ironic.count('PUT'))
        plan = self.metal('plan', '--min-free-hosts-num', '3')
        self.assertNotIn('a hook has something left of it', plan.stdout)
