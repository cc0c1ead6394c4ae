# SPDX-License-Identifier: Apache-2.0
"""``node list`` and ``node show``."""

import dataclasses
import datetime
from typing import Any

import fixtures

from metal_drivers.compute import markers
from metal_drivers.drivers.ironic import nodes
from metal_drivers.model import Node
from metal_drivers_tests.unit.cli import base

LONG_AGO = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)

YES = {'off': ['--yes'], 'on': []}


class TestList(base.CommandTestCase):
    def test_joins_nodes_and_hosts(self) -> None:
        done = self.metal('node', 'list', '-f', 'json')
        self.assertEqual((0, ''), (done.status, done.stderr))
        rows = done.json
        self.assertEqual(
            {
                'ID': self.ironic.node('metal-02').uuid,
                'Name': 'metal-02',
                'Power State': 'on',
                'Host': 'compute-02',
                'Hypervisor State': 'up',
                'Servers': 1,
                'Note': '',
            },
            rows[1],
        )
        self.assertIsNone(rows[3]['Host'])
        self.assertIn('unmatched', rows[3]['Note'])

    def test_notes_what_is_out_of_the_ordinary(self) -> None:
        node = self.ironic.node('metal-01')
        node.maintenance, node.maintenance_reason = True, 'new fan'
        node.last_error = 'no answer from the BMC'
        self.ironic.node('metal-02').reservation = 'conductor-1'
        host = self.nova.hosts['compute-03']
        host.status, host.disabled_reason = 'disabled', 'kernel upgrade'
        one, two, three, _ = self.metal('node', 'list', '-f', 'json').json
        self.assertIn('maintenance: new fan', one['Note'])
        self.assertIn('no answer from the BMC', one['Note'])
        self.assertIn('conductor-1', two['Note'])
        self.assertIn('by someone else: kernel upgrade', three['Note'])

    def test_notes_what_we_have_left(self) -> None:
        ids = [node.uuid for node in self.ironic.nodes.values()]
        self.mark('compute-01', ids[0])
        self.mark('compute-02', ids[1], under_way=True)
        self.mark('compute-03', 'other')
        self.ironic.node('metal-01').power_state = 'power off'
        off, on, other, _ = self.metal('node', 'list', '-f', 'json').json
        since = '2026-03-01 00:00:00 UTC'
        self.assertEqual(
            f'powered off by metal-drivers since {since}', off['Note']
        )
        self.assertIn(
            f'interrupted: metal-drivers began powering it off at {since}',
            on['Note'],
        )
        self.assertIn('node recover compute-02', on['Note'])
        self.assertIn('for another node (other)', other['Note'])
        self.ironic.node('metal-01').power_state = 'power on'
        on = self.metal('node', 'list', '-f', 'json').json[0]
        self.assertIn('not off any more', on['Note'])

    def test_notes_a_power_on_that_was_begun(self) -> None:
        node = self.ironic.node('metal-01')
        self.mark('compute-01', node.uuid)
        service = self.nova.hosts['compute-01']
        assert service.disabled_reason is not None
        service.disabled_reason = service.disabled_reason.replace(
            'powered off to save energy', 'powering on'
        )
        on = self.metal('node', 'list', '-f', 'json').json[0]
        self.assertIn(
            'interrupted: metal-drivers began powering it on', on['Note']
        )
        node.power_state = 'power off'
        off = self.metal('node', 'list', '-f', 'json').json[0]
        self.assertIn('off; metal-drivers began powering it on', off['Note'])

    def test_notes_how_often_a_power_on_failed(self) -> None:
        node = self.ironic.node('metal-01')
        self.mark('compute-01', node.uuid)
        self.nova.hosts['compute-01'].disabled_reason = markers.reason(
            node.uuid, LONG_AGO, markers.MarkerKind.FAILED_ON, 2
        )
        on = self.metal('node', 'list', '-f', 'json').json[0]
        self.assertIn('not off any more', on['Note'])
        node.power_state = 'power off'
        off = self.metal('node', 'list', '-f', 'json').json[0]
        self.assertEqual(
            'failed to power on 2 times, last at 2026-03-01 00:00:00 UTC',
            off['Note'],
        )

    def test_without_nova_nothing_matches(self) -> None:
        del self.config['nova']
        for row in self.metal('node', 'list', '-f', 'json').json:
            self.assertIsNone(row['Host'])
            self.assertIn('Nova is not configured', row['Note'])

    def test_live_where_the_service_cannot(self) -> None:
        """Ironic has what its conductors saw last, of one node too."""
        done = self.metal('node', 'list', '--live', '-f', 'json')
        self.assertEqual(0, done.status)
        self.assertEqual('on', done.json[0]['Power State'])
        (line,) = done.stderr.splitlines()
        self.assertIn('cannot be queried for live power states', line)
        self.assertEqual(0, self.ironic.count('GET', '/v1/nodes/.+'))

    def test_every_format_works(self) -> None:
        for kind in ('table', 'json', 'yaml', 'value', 'csv'):
            done = self.metal('node', 'list', '-f', kind, '-c', 'Host')
            self.assertEqual(0, done.status)
            self.assertIn('compute-01', done.stdout)
            self.assertNotIn('metal-01', done.stdout)


class TestAge(base.CommandTestCase):
    """A state that was not asked live says how old it is."""

    def setUp(self) -> None:
        super().setUp()
        node_of = nodes.node_of
        seen = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
            minutes=61, seconds=5
        )

        def old(entry: Any) -> Node:
            return dataclasses.replace(
                node_of(entry), observed_at=seen, powered_on_at=LONG_AGO
            )

        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.ironic.driver.node_of', old
            )
        )

    def test_in_the_list(self) -> None:
        for live in ((), ('--live',)):
            done = self.metal('node', 'list', *live)
            self.assertIn('on (61 min ago)', done.stdout)
            done = self.metal('node', 'list', *live, '-f', 'json')
            self.assertEqual('on', done.json[0]['Power State'])

    def test_of_one(self) -> None:
        done = self.metal('node', 'show', 'metal-01')
        self.assertIn('on (as seen 61 min ago)', done.stdout)
        done = self.metal('node', 'show', 'metal-01', '-f', 'json')
        self.assertEqual('on', done.json['Power State'])
        self.assertIs(False, done.json['Asked Live'])
        self.assertEqual(str(LONG_AGO), done.json['Powered On At'])

    def test_of_one_that_is_there_already(self) -> None:
        self.ironic.node('metal-01').power_state = 'power off'
        for state, name in (('off', 'metal-01'), ('on', 'metal-03')):
            done = self.metal(
                'node', 'power', state, name, '-f', 'json', *YES[state]
            )
            (row,) = done.json
            self.assertEqual('already', row['Result'])
            self.assertEqual(f'{state}, as seen 61 min ago', row['Detail'])


class TestShow(base.CommandTestCase):
    def test_a_state_without_its_time(self) -> None:
        done = self.metal('node', 'show', 'metal-01')
        self.assertIn('on (as last reported)', done.stdout)

    def test_finds_by_id_name_and_host(self) -> None:
        uuid = self.ironic.node('metal-02').uuid
        for ref in (uuid, 'metal-02', 'compute-02'):
            done = self.metal('node', 'show', ref, '-f', 'json')
            self.assertEqual(0, done.status)
            self.assertEqual(uuid, done.json['ID'])
            self.assertEqual(1, done.json['Servers'])

    def test_shows_why_a_service_is_disabled(self) -> None:
        host = self.nova.hosts['compute-03']
        host.status, host.disabled_reason = 'disabled', 'kernel upgrade'
        done = self.metal('node', 'show', 'compute-03', '-f', 'json')
        self.assertEqual('kernel upgrade', done.json['Disabled Reason'])

    def test_an_unknown_node_is_an_error(self) -> None:
        done = self.metal('node', 'show', 'metal-99')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, "'metal-99'", 'node list')

    def test_a_name_that_fits_two_is_refused(self) -> None:
        self.ironic.add_node(name='compute-01')
        done = self.metal('node', 'show', 'compute-01')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, 'matches 2 nodes', 'Use the id')
