# SPDX-License-Identifier: Apache-2.0
"""Aggregates, zones, and the hosts that servers have left, on a loopback
Nova."""

import datetime
from typing import Any

from metal_drivers import compute, exceptions, services
from metal_drivers.model import Aggregate
from metal_drivers_tests.emulators import faults, messages, nova
from metal_drivers_tests.unit import base

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def minutes(count: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)


class ComputeTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = NOW
        self.nova = self.useFixture(
            nova.NovaEmulator(hosts=4, clock=lambda: self.now.timestamp())
        )
        found = services.open_compute(
            self.conf(
                nova={
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                }
            )
        )
        assert found is not None
        self.compute: compute.Compute = found


class TestGroups(ComputeTestCase):
    def test_aggregates_and_zones_in_one_request(self) -> None:
        self.nova.add_aggregate('gpu', ['compute-01', 'compute-02'])
        self.nova.add_aggregate('rack-1', ['compute-03'], zone='az1')
        self.assertEqual(
            [
                Aggregate('gpu', frozenset({'compute-01', 'compute-02'})),
                Aggregate('rack-1', frozenset({'compute-03'}), 'az1'),
            ],
            self.compute.list_aggregates(),
        )
        self.assertEqual(1, len(self.nova.requests))

    def test_a_service_has_its_zone(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-03'], zone='az1')
        zones = {
            service.host: service.zone
            for service in self.compute.list_services()
        }
        self.assertEqual('az1', zones['compute-03'])
        self.assertEqual('nova', zones['compute-01'])

    def test_odd_replies_are_protocol_errors(self) -> None:
        for body in (
            b'{"aggregates": {}}',
            b'{"aggregates": [7]}',
            b'{"aggregates": [{"name": "gpu", "hosts": "compute-01"}]}',
        ):
            with self.subTest(body=body):
                rule = self.nova.fail(
                    messages.matching('GET', '/v2.1/os-aggregates'),
                    faults.status(200, body),
                    None,
                )
                self.assertRaises(
                    exceptions.ProtocolError, self.compute.list_aggregates
                )
                self.nova.heal(rule)
        self.nova.fail(
            messages.matching('GET', '/v2.1/os-aggregates'),
            faults.status(
                200, b'{"aggregates": [{"name": "empty", "hosts": null}]}'
            ),
        )
        (empty,) = self.compute.list_aggregates()
        self.assertEqual(frozenset(), empty.hosts)


class TestLeaving(ComputeTestCase):
    """Which hosts servers have left."""

    def left(self, host: str, within: float = 30) -> str | None:
        return self.compute.left_host(host, self.now - minutes(within))

    def all_left(self, within: float = 30, most: int = 6) -> Any:
        return self.compute.left_hosts(self.now - minutes(within), most)

    def test_deleted(self) -> None:
        server = self.nova.add_server('compute-01')
        self.now += minutes(60)
        self.nova.remove_server(server)
        self.now += minutes(10)
        found = self.left('compute-01')
        assert found is not None
        self.assertIn(server.id, found)
        self.assertIn('deleted at 2026-11-22T13:00:00', found)
        self.assertEqual({'compute-01': found}, self.all_left())
        self.assertIsNone(self.left('compute-02'))
        # Longer ago than that.
        self.assertIsNone(self.left('compute-01', within=9))
        self.assertEqual({}, self.all_left(within=9))

    def test_moved_away(self) -> None:
        server = self.nova.add_server('compute-02')
        self.nova.add_migration(
            server, 'compute-01', 'compute-02', 'completed'
        )
        self.now += minutes(10)
        found = self.left('compute-01')
        assert found is not None
        self.assertIn(f'server {server.id} moved away at', found)
        self.assertEqual({'compute-01': found}, self.all_left())
        # It came there, and is there.
        self.assertIsNone(self.left('compute-02'))
        self.assertIsNone(self.left('compute-01', within=9))
        self.assertEqual({}, self.all_left(within=9))

    def test_one_that_was_shelved_is_on_no_host(self) -> None:
        self.nova.remove_server(self.nova.add_server(None))
        self.assertEqual({}, self.all_left())

    def test_a_cell_that_does_not_answer(self) -> None:
        """Nova leaves out its servers and migrations, in silence."""
        self.nova.remove_server(self.nova.add_server('compute-01'))
        self.nova.hosts['compute-01'].cell_answers = False
        exc = self.assertRaises(
            exceptions.UnavailableError, self.left, 'compute-01'
        )
        self.assertIn('nova-compute on compute-01: the data', str(exc))
        self.assertRaises(exceptions.UnavailableError, self.all_left)
        self.assertIsNone(self.left('compute-02'))

    def test_one_question_takes_three_requests(self) -> None:
        self.left('compute-01')
        self.assertEqual(
            ['1', '1', None],
            [request.last('limit') for request in self.nova.requests],
        )
        self.nova.remove_server(self.nova.add_server('compute-01'))
        self.nova.forget()
        self.left('compute-01')
        self.assertEqual(1, len(self.nova.requests))

    def test_pages(self) -> None:
        """However few entries a Nova gives at once."""
        self.nova.max_limit = 2
        for _ in range(4):
            self.nova.remove_server(self.nova.add_server('compute-01'))
        self.nova.remove_server(self.nova.add_server('compute-02'))
        self.assertEqual(
            {'compute-01', 'compute-02'}, set(self.all_left(most=5))
        )
        self.assertEqual(5, len(self.nova.requests))
        self.nova.forget()
        exc = self.assertRaises(
            exceptions.ProtocolError, self.all_left, most=4
        )
        self.assertIn('more than', str(exc))
        self.assertEqual(3, len(self.nova.requests))

    def test_filters_that_nova_leaves_out(self) -> None:
        """As it does for a user without the role admin: the server that it
        shows was elsewhere, or it does not show where."""
        self.nova.remove_server(self.nova.add_server('compute-01'))
        body = b'{"servers": [{"id": "s1", "OS-EXT-SRV-ATTR:host": "other"}]}'
        self.nova.fail(
            messages.matching('GET', '/v2.1/servers/detail'),
            faults.status(200, body),
        )
        exc = self.assertRaises(
            exceptions.ProtocolError, self.left, 'compute-01'
        )
        self.assertIn('admin', str(exc))
        for path, body in (
            ('/v2.1/servers/detail', b'{"servers": [{"id": "s1"}]}'),
            (
                '/v2.1/os-migrations',
                b'{"migrations": [{"instance_uuid": "s1", '
                b'"source_compute": null}]}',
            ),
        ):
            self.nova.fail(
                messages.matching('GET', path),
                faults.status(200, body),
            )
            exc = self.assertRaises(exceptions.ProtocolError, self.all_left)
            self.assertIn('admin', str(exc))

    def test_a_nova_before_2_59_is_an_error(self) -> None:
        """It would list all migrations that there ever were."""
        self.nova.maximum = (2, 58)
        self.assertRaises(exceptions.MetalError, self.left, 'compute-01')
        self.assertRaises(exceptions.MetalError, self.all_left)
