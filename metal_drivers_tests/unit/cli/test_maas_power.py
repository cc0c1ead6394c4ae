# SPDX-License-Identifier: Apache-2.0
"""``node power`` on MAAS."""

from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit.cli import maas as maas_cli


class TestPower(maas_cli.MaasCommandTestCase):
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
        self.assertIn('may still take effect', row['Detail'])
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
