# SPDX-License-Identifier: Apache-2.0
"""The commands on MAAS, with computes that live and die with the power of
their machine."""

import datetime
import threading
from typing import Any

import fixtures

from metal_drivers import clock
from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit.cli import base
from metal_drivers_tests.unit.drivers.maas import base as maas_base
from metal_drivers_tests.unit.drivers.maas import leaks

GROUP = maas_base.GROUP


class OwnTime(clock.Clock):
    """Passes for each thread in what that waits, and nobody sleeps."""

    def __init__(self) -> None:
        self._waited = threading.local()

    def monotonic(self) -> float:
        return getattr(self._waited, 'seconds', 0.0)

    def now(self) -> datetime.datetime:
        return super().now() + datetime.timedelta(seconds=self.monotonic())

    def wait(self, alarm: threading.Event, seconds: float) -> None:
        if not alarm.is_set():
            self._waited.seconds = self.monotonic() + seconds


class MaasCommandTestCase(base.CommandTestCase):
    """A MAAS of four deployed machines, and one that is ready.

    Nova knows three by their short name, and compute-04 by its full one.
    All that the commands print is searched for the API key.
    """

    series = '3.7'

    def setUp(self) -> None:
        super().setUp()
        self.printed: list[base.Done] = []
        self.maas: maas.MaasEmulator = self.useFixture(
            maas.MaasEmulator(self.series)
        )
        self.maas.region.confirm = 0
        for number in (1, 2, 3, 4):
            self.maas.add_machine(hostname=f'compute-{number:02}')
        self.maas.add_machine(
            hostname='compute-05', status=maas.Status.READY, owner=None
        )
        self.nova.add_host('compute-04.lab.example.com')
        self.nova.add_host('compute-05')
        del self.config['watcher.metal.drivers.ironic']
        self.config[GROUP] = {
            'url': self.maas.maas_url,
            'api_key': self.maas.apikey,
            'timeout': 5,
        }
        self.secrets = {*self.maas.apikey.split(':')}
        self.addCleanup(self.check_output)
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.power.engine.Clock',
                OwnTime,
            )
        )

    def check_output(self) -> None:
        recorder = leaks.Recorder()
        recorder.secrets = self.secrets
        recorder.note(*self.printed)
        self.assertEqual([], recorder.leaks())
        self.assertEqual([], self.maas.done(*maas_base.FORBIDDEN))

    def is_on(self, host: str) -> bool:
        return self.maas.machine(host.partition('.')[0]).power == 'on'

    def run_command(self, *args: str, **kwargs: Any) -> base.Done:
        done = super().run_command(*args, **kwargs)
        self.printed.append(done)
        return done

    def rows(self, *args: str, status: int = 0) -> list[dict[str, Any]]:
        done = self.metal(*args, '-f', 'json')
        self.assertEqual((status, ''), (done.status, done.stderr))
        rows: list[dict[str, Any]] = done.json
        return rows

    def off(self, *names: str, status: int = 0) -> list[dict[str, Any]]:
        return self.rows(
            'node', 'power', 'off', *names, '--yes', status=status
        )

    def on(self, *names: str, status: int = 0) -> list[dict[str, Any]]:
        return self.rows('node', 'power', 'on', *names, status=status)

    def effects(self, name: str) -> list[maas.Effect]:
        return [each.effect for each in self.maas.machine(name).actions]


class TestLook(MaasCommandTestCase):
    def test_the_driver_is_chosen(self) -> None:
        rows = {row['Name']: row for row in self.rows('driver', 'list')}
        self.assertEqual('selected', rows['maas']['State'])
        done = self.metal('driver', 'show', 'maas', '-f', 'json')
        self.assertIn('api_key = ***', done.json['Options'])

    def test_check(self) -> None:
        results = {row['Check']: row for row in self.rows('check')}
        for name, result in (
            ('driver', 'ok'),
            ('maas endpoint', 'ok'),
            ('maas tls', 'warning'),
            ('maas credentials', 'ok'),
            ('maas clock', 'ok'),
            ('maas machines', 'ok'),
            ('nova', 'ok'),
            ('matching', 'ok'),
        ):
            self.assertEqual(result, results[name]['Result'], name)
        self.assertIn('4 of 4 nodes', results['matching']['Detail'])
        self.assertEqual(0, self.maas.count('POST'))

    def test_list_matches_by_full_and_by_short_name(self) -> None:
        rows = self.rows('node', 'list')
        self.assertEqual(
            [
                ('compute-01', 'compute-01', 'on', 'up', 0),
                ('compute-02', 'compute-02', 'on', 'up', 1),
                ('compute-03', 'compute-03', 'on', 'up', 0),
                ('compute-04', 'compute-04.lab.example.com', 'on', 'up', 0),
            ],
            [
                (
                    row['Name'],
                    row['Host'],
                    row['Power State'],
                    row['Hypervisor State'],
                    row['Servers'],
                )
                for row in rows
            ],
        )
        self.assertEqual({''}, {row['Note'] for row in rows})
        self.assertEqual(2, len(self.maas.requests))

    def test_live(self) -> None:
        self.maas.machine('compute-03').power = 'off'
        states = {
            row['Name']: row['Power State']
            for row in self.rows('node', 'list', '--live')
        }
        self.assertEqual('off', states['compute-03'])
        self.assertEqual('on', states['compute-01'])

    def test_live_says_why_a_state_is_not_known(self) -> None:
        self.maas.machine('compute-03').unreachable = True
        rows = {r['Name']: r for r in self.rows('node', 'list', '--live')}
        self.assertEqual('unknown', rows['compute-03']['Power State'])
        done = self.metal('node', 'show', 'compute-03', '-f', 'json')
        self.assertIn(done.json['Fault'], rows['compute-03']['Note'])
        self.assertIn('(500', rows['compute-03']['Note'])
        self.assertEqual('', rows['compute-01']['Note'])

    def test_show(self) -> None:
        done = self.metal('node', 'show', 'compute-04', '-f', 'json')
        self.assertEqual('compute-04.lab.example.com', done.json['Host'])
        self.assertEqual('Deployed', done.json['Status Name'])
        self.assertTrue(done.json['Soft Off'])
        self.assertTrue(done.json['Observed At'])

    def test_what_is_not_deployed_tells_its_status(self) -> None:
        """It is in no list; who names it reads why nothing is done."""
        names = [row['Name'] for row in self.rows('node', 'list')]
        self.assertNotIn('compute-05', names)
        system_id = self.maas.machine('compute-05').system_id
        for name in ('compute-05', system_id):
            done = self.metal('node', 'show', name)
            self.assertEqual(0, done.status, done.stderr)
            self.assertIn('not Deployed', done.stdout)
            (row,) = self.off(name, status=1)
            self.assertEqual('refused', row['Result'])
            self.assertIn('not Deployed', row['Detail'])
        self.assertEqual([], self.effects('compute-05'))


class TestCost(MaasCommandTestCase):
    """Never a list to find one machine: a MAAS takes 0.1 s for each."""

    def fill(self) -> None:
        for _ in range(1000):
            self.maas.add_machine()

    def lists(self) -> tuple[int, int]:
        """How many lists were asked for, of MAAS and of Nova."""
        machines = [
            request
            for request in filter(maas_base.LIST, self.maas.requests)
            if not {'id', 'hostname'} & set(request.query)
        ]
        hosts = [
            request
            for request in self.nova.requests
            if request.path.endswith('/os-hypervisors/detail')
            and 'hypervisor_hostname_pattern' not in request.query
        ]
        return len(machines), len(hosts)

    def test_of_one_machine(self) -> None:
        self.fill()
        name = 'compute-04.lab.example.com'
        system_id = self.maas.machine('compute-04').system_id
        for ref in (name, 'compute-04', system_id):
            done = self.metal('node', 'show', ref, '-f', 'json')
            self.assertEqual(name, done.json['Host'])
        self.assertEqual('done', self.off(name)[0]['Result'])
        self.assertEqual('done', self.on('compute-04')[0]['Result'])
        (row,) = self.rows('node', 'recover', system_id)
        self.assertEqual('already', row['Result'])
        self.assertEqual((0, 0), self.lists())
        # Without the list there is nothing that takes long.
        self.maas.forget()
        self.metal('node', 'show', 'compute-04')
        self.assertLessEqual(len(self.maas.requests), 4)

    def test_of_a_name_that_is_wrong(self) -> None:
        self.fill()
        done = self.metal('node', 'show', 'nonsense')
        self.assert_one_line(done, "no node or host 'nonsense'")
        self.assertEqual((0, 0), self.lists())

    def test_an_ambiguous_name_is_still_no_match(self) -> None:
        self.fill()
        other = self.maas.add_machine(hostname='compute-01', domain='other')
        for ref in ('compute-01.lab.example.com', other.system_id):
            done = self.metal('node', 'show', ref, '-f', 'json')
            if done.status == 0:
                self.assertIn('2 nodes claim host', done.json['Note'])
        done = self.metal('node', 'show', 'compute-01')
        self.assert_one_line(done, 'matches 2 nodes')
        for ref in ('compute-01', other.system_id):
            self.assertEqual('refused', self.off(ref, status=1)[0]['Result'])
        self.assertEqual([], self.effects('compute-01'))
        self.assertEqual((0, 0), self.lists())

    def test_all_are_listed_once_where_those_that_are_off_are_counted(
        self,
    ) -> None:
        self.config['metal_drivers']['max_powered_off'] = '2'
        results = [
            row['Result']
            for row in self.off(
                'compute-01', 'compute-03', 'compute-04', status=1
            )
        ]
        self.assertEqual(2, results.count('done'))
        self.assertEqual(1, results.count('refused'))
        self.assertEqual((1, 1), self.lists())


class TestPower(MaasCommandTestCase):
    def test_off_and_on_again(self) -> None:
        (row,) = self.off('compute-01')
        self.assertEqual('done', row['Result'])
        self.assertEqual('off', self.maas.machine('compute-01').power)
        host = self.nova.hosts['compute-01']
        self.assertEqual('disabled', host.status)
        (listed, *_) = self.rows('node', 'list')
        self.assertEqual('off', listed['Power State'])
        self.assertEqual('down', listed['Hypervisor State'])
        (row,) = self.on('compute-01')
        self.assertEqual('done', row['Result'])
        self.assertEqual('on', self.maas.machine('compute-01').power)
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        self.assertEqual(
            [maas.Effect.SOFT_OFF, maas.Effect.ON],
            self.effects('compute-01'),
        )
        for action in self.maas.actions:
            self.assertIn('metal-drivers', action.comment or '')

    def test_by_the_full_name(self) -> None:
        name = 'compute-04.lab.example.com'
        self.assertEqual('done', self.off(name)[0]['Result'])
        self.assertEqual('disabled', self.nova.hosts[name].status)
        self.assertEqual('done', self.on(name)[0]['Result'])
        self.assertEqual('enabled', self.nova.hosts[name].status)

    def test_on_of_what_is_on(self) -> None:
        """Whatever MAAS has cached."""
        self.maas.machine('compute-01').cached = 'off'
        (row,) = self.on('compute-01')
        self.assertEqual('already', row['Result'])
        self.assertEqual([], self.maas.actions)

    def test_a_busy_host_is_refused(self) -> None:
        (row,) = self.off('compute-02', status=1)
        self.assertEqual('refused', row['Result'])
        self.assertIn('1 server', row['Detail'])
        self.assertEqual('enabled', self.nova.hosts['compute-02'].status)
        self.assertEqual([], self.maas.actions)

    def test_what_maas_keeps_is_refused(self) -> None:
        machine = self.maas.machine('compute-01')
        for fields, told in (
            ({'locked': True}, 'locked'),
            ({'power_type': 'manual'}, 'power type is manual'),
            ({'ephemeral_deploy': True}, 'in memory'),
        )[: 3 if self.series == '3.7' else 2]:  # new in 3.5
            before = {name: getattr(machine, name) for name in fields}
            for power, switch in (('on', self.off), ('off', self.on)):
                machine.power = machine.cached = power
                for name, value in fields.items():
                    setattr(machine, name, value)
                (row,) = switch('compute-01', status=1)
                self.assertEqual('refused', row['Result'], told)
                if 'manual' not in told:  # which tells no power state
                    self.assertIn(told, row['Detail'])
            note = self.rows('node', 'list')[0]['Note']
            self.assertIn(told, note)
            for name, value in before.items():
                setattr(machine, name, value)
        self.assertEqual([], self.maas.actions)
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def test_what_is_not_known_is_not_switched(self) -> None:
        self.maas.machine('compute-01').unreachable = True
        for switch in (self.on, self.off):
            (row,) = switch('compute-01', status=1)
            self.assertNotIn(row['Result'], ('done', 'already'))
        self.assertEqual([], self.maas.actions)
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def test_a_machine_that_ignores_the_soft_off(self) -> None:
        machine = self.maas.machine('compute-01')
        machine.soft_off_seconds = maas.NEVER
        (row,) = self.off('compute-01')
        self.assertEqual('done', row['Result'])
        self.assertEqual(
            [maas.Effect.SOFT_OFF, maas.Effect.OFF],
            self.effects('compute-01'),
        )
        self.assertEqual('off', machine.power)

    def test_a_machine_that_can_only_have_its_power_cut(self) -> None:
        self.maas.machine('compute-01').power_type = 'redfish'
        self.assertEqual('done', self.off('compute-01')[0]['Result'])
        self.assertEqual([maas.Effect.OFF], self.effects('compute-01'))
        self.maas.machine('compute-03').power_type = 'redfish'
        (row,) = self.off('compute-03', '--soft', status=1)
        self.assertEqual('refused', row['Result'])
        self.assertEqual([], self.effects('compute-03'))

    def test_an_off_that_never_happens(self) -> None:
        """MAAS says 200 or 500: it is seen to be on, and given back."""
        self.maas.machine('compute-01').off_seconds = maas.NEVER
        (row,) = self.off('compute-01', '--hard', status=1)
        self.assertEqual('timed out', row['Result'])
        self.assertEqual([maas.Effect.OFF], self.effects('compute-01'))
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def test_an_off_that_is_given_less_time_than_maas_may_take(self) -> None:
        """The host may still go off when the command has given up."""
        self.maas.machine('compute-01').off_seconds = maas.NEVER
        (row,) = self.off('compute-01', '--hard', '--timeout', '30', status=1)
        self.assertEqual('timed out', row['Result'])
        self.assertIn('remains disabled', row['Detail'])
        self.assertEqual('disabled', self.nova.hosts['compute-01'].status)

    def test_a_lost_reply_is_asked_after(self) -> None:
        self.maas.fail(messages.matching('POST'), faults.close(performed=True))
        self.assertEqual('done', self.off('compute-01')[0]['Result'])
        self.assertEqual(1, len(self.effects('compute-01')))

    def test_a_reason_that_masakari_replaces(self) -> None:
        masakari = 'Masakari detected host failed.'
        self.nova.on_disable(
            lambda host: setattr(host, 'disabled_reason', masakari)
        )
        (row,) = self.off('compute-01', status=1)
        self.assertEqual('refused', row['Result'])
        self.assertIn(masakari, row['Detail'])
        self.assertEqual([], self.maas.actions)
        host = self.nova.hosts['compute-01']
        self.assertEqual(masakari, host.disabled_reason)

    def test_a_second_power_on_of_another_process(self) -> None:
        """The first may still be under way: it would be a power cycle."""
        self.off('compute-01')
        self.maas.machine('compute-01').on_seconds = maas.NEVER
        for result in ('timed out', 'refused'):
            (row,) = self.on('compute-01', '--timeout', '30', status=1)
            self.assertEqual(result, row['Result'], row['Detail'])
        self.assertIn('powering it on', row['Detail'])
        self.assertEqual(
            [maas.Effect.SOFT_OFF, maas.Effect.ON],
            self.effects('compute-01'),
        )

    def test_several_at_once(self) -> None:
        names = ['compute-01', 'compute-02', 'compute-03', 'compute-04']
        rows = self.off(*names, status=1)
        self.assertEqual(
            ['done', 'refused', 'done', 'done'],
            [row['Result'] for row in rows],
        )
        rows = self.on(*names)
        self.assertEqual(
            ['done', 'already', 'done', 'done'],
            [row['Result'] for row in rows],
        )
        for host in self.nova.hosts.values():
            self.assertEqual('enabled', host.status)


class TestPower34(TestPower):
    """Which answers before anything has happened."""

    series = '3.4'


class TestErrors(MaasCommandTestCase):
    """One line, with the cure; and no key, with --debug neither."""

    def check_commands(self, status: int, *told: str) -> None:
        for command in (
            ('node', 'list'),
            ('node', 'show', 'compute-01'),
            ('node', 'power', 'off', 'compute-01', '--yes'),
            ('node', 'power', 'on', 'compute-01'),
        ):
            done = self.metal(*command)
            self.assertEqual(status, done.status)
            self.assert_one_line(done, *told)
            done = self.metal('--debug', *command)
            self.assertEqual(status, done.status)
            self.assertIn('Traceback', done.stderr)
        done = self.metal('--debug', 'check', '-f', 'json')
        self.assertEqual(1, done.status)
        self.assertIn('failed', [row['Result'] for row in done.json])
        self.assertEqual([], self.maas.actions)

    def test_wrong_keys(self) -> None:
        right = self.maas.apikey.split(':')
        for number in range(3):
            wrong = list(right)
            wrong[number] = f'wr0ng{number}'
            self.secrets |= set(wrong)
            self.config[GROUP]['api_key'] = ':'.join(wrong)
            self.check_commands(1, 'API key', f'[{GROUP}] api_key')

    def test_a_malformed_key(self) -> None:
        self.secrets.add('wr0ngkey')
        self.config[GROUP]['api_key'] = 'wr0ngkey:x'
        self.check_commands(2, 'malformed', f'[{GROUP}] api_key')

    def test_half_a_section(self) -> None:
        del self.config[GROUP]['url']
        self.check_commands(2, f'[{GROUP}]', 'url')

    def test_nobody_there(self) -> None:
        self.config[GROUP]['url'] = 'http://127.0.0.1:1/MAAS'
        self.check_commands(1, 'MAAS', '127.0.0.1', f'[{GROUP}] url')

    def test_somebody_else_there(self) -> None:
        self.config[GROUP]['url'] = f'{self.nova.url}/MAAS'
        self.check_commands(1, 'MAAS', f'[{GROUP}] url')

    def test_a_list_that_breaks_off(self) -> None:
        self.maas.fail(maas_base.LIST, faults.truncated(), None)
        self.check_commands(1, ' machine', 'incomplete reply')

    def test_an_unknown_tag(self) -> None:
        self.config[GROUP]['tags'] = 'nonsense'
        self.check_commands(2, 'nonsense', 'tags')

    def test_a_tag_that_keeps_nothing_out(self) -> None:
        self.config[GROUP]['not_tags'] = 'nosuch'
        done = self.metal('check', '-f', 'json')
        self.assertEqual(1, done.status)
        (found,) = [e for e in done.json if e['Check'] == 'maas filters']
        self.assertEqual('failed', found['Result'])
        self.assertIn('no tag named nosuch', found['Detail'])

    def test_a_clock_that_is_behind(self) -> None:
        self.maas.region.clock_skew = 400
        self.check_commands(1, 'clock')
