# SPDX-License-Identifier: Apache-2.0
"""Nodes that match no host, and hosts that were left disabled."""

import datetime
import shlex

from metal_drivers.compute import markers
from metal_drivers.compute.markers import MarkerKind
from metal_drivers_tests.unit.cli import maas
from metal_drivers_tests.unit.doctor import base


class TestMismatches(base.DoctorTestCase):
    """Nodes of Ironic."""

    def is_on(self, host: str) -> bool:
        return True  # also those that are on no node

    def test_a_node_without_a_likely_host(self) -> None:
        self.assertNotIn('matching metal-04', self.rows())

    def test_a_hypervisor_of_the_same_name(self) -> None:
        host = self.nova.add_host('Metal-04.lab.example.com')
        node = self.ironic.node('metal-04')
        result, detail = self.rows()['matching metal-04']
        self.assertEqual('warning', result)
        self.assertIn('only by the domain', detail)
        self.assertIn(
            'openstack baremetal node set --extra '
            f'compute_node_id={host.hypervisor_id} -- {node.uuid}',
            self.script(),
        )

    def test_a_hypervisor_that_was_made_anew(self) -> None:
        node = self.ironic.node('metal-04')
        node.extra = {'compute_node_id': node.uuid}
        host = self.nova.add_host('metal-04')
        _, detail = self.rows()['matching metal-04']
        self.assertIn(f'Nova has no hypervisor {node.uuid}. ', detail)
        self.assertIn(f'its uuid is {host.hypervisor_id}', detail)

    def test_a_name_that_is_nearly_the_same(self) -> None:
        self.ironic.node('metal-04').name = 'metal-compute-rack-4'
        self.nova.add_host('metal-compute-rak-4')
        _, detail = self.rows()['matching metal-compute-rack-4']
        self.assertIn('nearly', detail)

    def test_what_could_be_two_hosts_is_not_guessed(self) -> None:
        self.nova.add_host('metal-04.a')
        self.nova.add_host('metal-04.b')
        self.assertNotIn('matching metal-04', self.rows())

    def test_a_host_that_another_node_runs(self) -> None:
        self.ironic.node('metal-04').name = 'compute-01'
        _, detail = self.rows()['matching compute-01']
        self.assertIn('matches metal-01', detail)
        self.assertFalse(
            [line for line in self.script() if line.startswith('openstack')]
        )


class TestMismatchesInMaas(maas.MaasCommandTestCase):
    def test_names_that_differ_by_the_domain(self) -> None:
        self.maas.add_machine(hostname='compute-06')
        self.nova.add_host('compute-06.other.example.com')
        rows = {row['Check']: row for row in self.rows('check')}
        self.assertEqual(
            {'GET'}, {request.method for request in self.maas.requests}
        )
        row = rows['matching compute-06']
        self.assertEqual('warning', row['Result'])
        self.assertIn('no hypervisor is named compute-06', row['Detail'])
        self.assertIn(
            'Hypervisor compute-06.other.example.com differs from that name '
            'only by the domain',
            row['Detail'],
        )
        self.assertIn('give both the same name', row['Detail'])


class TestDisabled(base.DoctorTestCase):
    NAME = 'disabled hosts'

    def disable(
        self,
        kind: MarkerKind,
        when: datetime.datetime | None = None,
        times: int = 0,
    ) -> str:
        node = self.ironic.node('metal-03')
        when = when or datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
        host = self.nova.hosts['compute-03']
        host.status = 'disabled'
        host.disabled_reason = markers.reason(node.uuid, when, kind, times)
        return node.uuid

    def test_none(self) -> None:
        self.assertEqual('ok', self.rows()[self.NAME][0])

    def test_a_host_that_someone_powered_on(self) -> None:
        node_id = self.disable(MarkerKind.POWERED_OFF)
        result, detail = self.rows()[self.NAME]
        self.assertEqual('warning', result)
        self.assertIn('metal-03 (compute-03)', detail)
        self.assertIn('2026-03-01 00:00 UTC', detail)
        script = self.script(f'--config-file={self.main}')
        self.assertIn(
            [
                'metal-drivers',
                f'--config-file={self.main}',
                *('node', 'recover', '--', node_id),
            ],
            [shlex.split(line, comments=True) for line in script],
        )
        # It is a command, and it does what it says.
        (command,) = [line for line in script if 'recover' in line][-1:]
        done = self.run_command(*shlex.split(command)[1:])
        self.assertEqual(0, done.status, done.stdout + done.stderr)
        self.assertEqual('enabled', self.nova.hosts['compute-03'].status)

    def test_what_a_killed_run_left(self) -> None:
        self.disable(MarkerKind.POWERING_OFF)
        self.assertIn('not finished', self.rows()[self.NAME][1])
        self.disable(MarkerKind.FAILED_ON, times=2)
        self.assertIn('not seen to come up', self.rows()[self.NAME][1])

    def test_a_host_that_is_off_is_as_it_should_be(self) -> None:
        self.disable(MarkerKind.POWERED_OFF)
        self.ironic.node('metal-03').power_state = 'power off'
        self.assertEqual('ok', self.rows()[self.NAME][0])

    def test_a_run_that_is_at_work(self) -> None:
        self.disable(
            MarkerKind.POWERING_OFF, datetime.datetime.now(datetime.UTC)
        )
        self.assertEqual('ok', self.rows()[self.NAME][0])

    def test_what_someone_else_disabled(self) -> None:
        self.nova.hosts['compute-03'].status = 'disabled'
        self.assertEqual('ok', self.rows()[self.NAME][0])
