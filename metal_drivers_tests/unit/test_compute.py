# SPDX-License-Identifier: Apache-2.0
"""Nova's side, on a loopback Nova."""

from typing import Any

from metal_drivers import compute, exceptions, services
from metal_drivers._openstack import auth
from metal_drivers.model import CheckStatus
from metal_drivers_tests.emulators import faults, messages, nova
from metal_drivers_tests.unit import base


def is_hypervisors(request: messages.Request) -> bool:
    return 'os-hypervisors' in request.path


def is_servers(request: messages.Request) -> bool:
    return request.path.endswith('/servers/detail')


class TestCompute(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.nova = self.useFixture(nova.NovaEmulator(hosts=3))
        self.compute = self.open()

    def open(self, **options: Any) -> compute.Compute:
        values = {
            'auth_type': 'none',
            'endpoint_override': f'{self.nova.url}/v2.1',
        } | options
        found = services.open_compute(self.conf(nova=values))
        assert found is not None
        return found

    # Hosts.

    def test_lists_hosts_with_what_is_known(self) -> None:
        self.nova.add_server('compute-02')
        self.nova.hosts['compute-03'].alive = False
        hosts = {host.name: host for host in self.compute.list_hosts()}
        self.assertEqual({'compute-01', 'compute-02', 'compute-03'}, {*hosts})
        self.assertEqual(1, hosts['compute-02'].servers)
        self.assertEqual(
            self.nova.hosts['compute-01'].hypervisor_id, hosts['compute-01'].id
        )
        self.assertTrue(hosts['compute-01'].up)
        self.assertFalse(hosts['compute-03'].up)

    def test_asks_once_for_each_page(self) -> None:
        for number in range(2497):
            self.nova.add_host(f'more-{number}')
        self.assertEqual(2500, len(self.compute.list_hosts()))
        self.assertEqual(3, sum(map(is_hypervisors, self.nova.requests)))

    def test_a_compute_that_just_died_does_not_hang_the_list(self) -> None:
        """From 2.88 on it would."""
        self.nova.hosts['compute-01'].just_dead = True
        self.assertEqual(3, len(self.compute.list_hosts()))
        (request,) = filter(is_hypervisors, self.nova.requests)
        self.assertEqual(
            'compute 2.53', request.headers['OpenStack-API-Version']
        )

    def test_a_list_that_hangs_ends_with_the_timeout(self) -> None:
        # The option of older releases of keystoneauth is of whole seconds.
        self.patch(auth, 'REQUEST_TIMEOUT', 0.3)
        self.nova.fail(is_hypervisors, faults.hang(), None)
        exc = self.assertRaises(
            exceptions.TimedOutError, self.open().list_hosts
        )
        self.assertIn('Nova', str(exc))
        self.assertIn('timeout', str(exc))

    def test_a_url_without_its_version_is_named(self) -> None:
        lost = self.open(endpoint_override=f'{self.nova.url}/wrong')
        exc = self.assertRaises(exceptions.MetalError, lost.list_hosts)
        self.assertIn('endpoint', str(exc))

    def test_odd_replies_are_protocol_errors(self) -> None:
        for body in (
            b'{"hypervisors": [{}]}',
            b'{"hypervisors": {}}',
            b'[]',
            b'{"hypervisors": [{"service": 7}]}',
            b'not json',
        ):
            self.nova.fail(is_hypervisors, faults.status(200, body))
            exc = self.assertRaises(
                exceptions.ProtocolError, self.compute.list_hosts
            )
            self.assertIn('Nova', str(exc))

    # One host.

    def test_finds_hosts_by_a_part_of_their_name(self) -> None:
        self.nova.add_host('s1', hypervisor_hostname='Compute-02.lab')
        found = self.compute.find_hosts('compute-02')
        self.assertEqual({'compute-02', 's1'}, {host.name for host in found})
        self.assertEqual(0, found[0].servers)
        self.assertEqual([], self.compute.find_hosts('100%'))
        for request in filter(is_hypervisors, self.nova.requests):
            self.assertEqual(
                'compute 2.53', request.headers['OpenStack-API-Version']
            )

    def test_shows_a_host_by_its_uuid(self) -> None:
        self.nova.add_server('compute-02')
        uuid = self.nova.hosts['compute-02'].hypervisor_id
        for key in (uuid, uuid.upper()):
            host = self.compute.get_host(key)
            assert host is not None
            self.assertEqual(('compute-02', 1), (host.name, host.servers))
        self.assertEqual(2, sum(map(is_hypervisors, self.nova.requests)))
        other = '00000000-dead-4000-8000-000000000000'
        self.assertIsNone(self.compute.get_host(other))

    def test_no_host_is_not_no_nova(self) -> None:
        """A 404 comes from an endpoint that is wrong, too."""
        for path in ('', '/v2.1/wrong'):
            lost = self.open(endpoint_override=f'{self.nova.url}{path}')
            uuid = self.nova.hosts['compute-02'].hypervisor_id
            for call, key in (
                (lost.find_hosts, 'compute-02'),
                (lost.get_host, uuid),
            ):
                exc = self.refusal(call, key)
                self.assertIn('endpoint', str(exc))

    def test_odd_replies_for_one_host_are_protocol_errors(self) -> None:
        for body in (b'[]', b'{"hypervisors": [7]}', b'{"hypervisor": {}}'):
            for call in (self.compute.find_hosts, self.compute.get_host):
                self.nova.fail(is_hypervisors, faults.status(200, body))
                self.assertRaises(exceptions.ProtocolError, call, 'x')

    # Servers.

    def count(self, host: str) -> int:
        hypervisor = self.nova.hosts[host].hypervisor_id
        return self.compute.count_servers(host, hypervisor)

    def test_counts_servers_of_one_host_shut_off_ones_too(self) -> None:
        self.nova.add_server('compute-01', status='SHUTOFF')
        self.nova.add_server('compute-01')
        self.nova.add_server('compute-02')
        self.assertEqual(2, self.count('compute-01'))
        self.assertEqual(0, self.count('compute-03'))

    def test_counts_servers_now_not_what_the_list_says(self) -> None:
        self.nova.add_server('compute-01')
        self.nova.hosts['compute-01'].running_vms = 0
        self.assertEqual(1, self.count('compute-01'))

    def test_a_user_who_may_not_ask_gets_no_answer(self) -> None:
        self.nova.admin = False
        exc = self.assertRaises(
            exceptions.AuthenticationError, self.count, 'compute-01'
        )
        self.assertIn('role', str(exc))

    def test_servers_that_are_being_scheduled_have_no_host_yet(self) -> None:
        self.assertEqual(set(), self.compute.list_unplaced())
        self.assertEqual(1, sum(map(is_servers, self.nova.requests)))
        server = self.nova.add_server(None, status='BUILD')
        self.nova.add_server('compute-01', status='BUILD')
        self.nova.add_server(None, status='ERROR')
        self.assertEqual({server.id}, self.compute.list_unplaced())
        self.assertEqual(0, self.count('compute-02'))

    def test_a_user_who_may_not_see_where_servers_are(self) -> None:
        self.nova.fail(
            is_servers, faults.status(200, b'{"servers": [{"id": "s1"}]}')
        )
        exc = self.assertRaises(
            exceptions.ProtocolError, self.compute.list_unplaced
        )
        self.assertIn('role admin', str(exc))

    def moving(self, server: str, migration: str, host: int = 1) -> set[str]:
        """A server of that status on compute-02, with a migration."""
        added = self.nova.add_server('compute-02', status=server)
        self.nova.add_migration(added, 'compute-02', 'compute-01', migration)
        return self.compute.list_moving(f'compute-{host:02}')

    def test_nothing_moves(self) -> None:
        self.assertEqual(set(), self.compute.list_moving('compute-01'))
        self.assertEqual(1, len(self.nova.requests))

    def test_servers_that_come_or_go(self) -> None:
        for host in (1, 2):
            self.nova.cloud.migrations.clear()
            self.assertEqual(1, len(self.moving('MIGRATING', 'running', host)))
        self.assertEqual(set(), self.compute.list_moving('compute-03'))

    def test_a_resize_that_was_not_confirmed(self) -> None:
        self.assertEqual(1, len(self.moving('VERIFY_RESIZE', 'finished')))

    def test_what_has_moved_long_ago(self) -> None:
        for status in ('completed', 'confirmed', 'reverted', 'error'):
            self.assertEqual(set(), self.moving('ACTIVE', status))

    def test_a_migration_that_nobody_has_ended(self) -> None:
        """Nova keeps it for ever, when a service dies in the middle."""
        self.assertEqual(set(), self.moving('ACTIVE', 'running'))
        (gone,) = self.nova.cloud.servers
        self.nova.remove_server(gone)
        self.assertEqual(set(), self.compute.list_moving('compute-01'))

    def test_migrations_that_may_not_be_seen(self) -> None:
        self.nova.admin = False
        self.assertRaises(
            exceptions.AuthenticationError,
            self.compute.list_moving,
            'compute-01',
        )

    # The service.

    def test_all_services_in_one_request(self) -> None:
        services = {
            service.host: service.id
            for service in self.compute.list_services()
        }
        self.assertEqual(
            {name: host.service_id for name, host in self.nova.hosts.items()},
            services,
        )
        self.assertEqual(1, len(self.nova.requests))

    def test_disables_with_a_reason_and_enables(self) -> None:
        service = self.compute.get_service('compute-01')
        self.assertTrue(service.enabled and service.up)
        self.compute.disable(service, 'for a test')
        self.assertEqual(
            ('disabled', 'for a test'),
            (
                self.compute.get_service('compute-01').status,
                self.compute.get_service('compute-01').disabled_reason,
            ),
        )
        self.compute.enable(service)
        service = self.compute.get_service('compute-01')
        self.assertEqual(
            ('enabled', None), (service.status, service.disabled_reason)
        )

    def test_a_host_without_nova_compute_is_not_found(self) -> None:
        exc = self.assertRaises(
            exceptions.NotFoundError, self.compute.get_service, 'nowhere'
        )
        self.assertIn('nowhere', str(exc))

    # A cell whose database does not answer.

    def test_no_host_is_left_out_with_its_cell(self) -> None:
        """Nova leaves out its services, and says so from 2.69 on only."""
        self.nova.hosts['compute-02'].cell_answers = False
        for call in (
            self.compute.list_services,
            self.compute.list_hosts,
            lambda: self.compute.get_service('compute-02'),
            lambda: self.compute.find_hosts('compute-02'),
            lambda: self.compute.get_host(
                self.nova.hosts['compute-02'].hypervisor_id
            ),
            lambda: self.compute.list_moving('compute-02'),
        ):
            self.assertRaises(exceptions.UnavailableError, call)
        (result,) = self.compute.check()
        self.assertIs(CheckStatus.FAILED, result.status)
        self.assertIn('nova-compute on compute-02: the data', result.detail)

    def test_the_other_cells_are_still_known(self) -> None:
        self.nova.hosts['compute-02'].cell_answers = False
        self.assertTrue(self.compute.get_service('compute-01').up)
        self.assertEqual(0, self.count('compute-01'))
        found = self.compute.list_services(whole=False)
        self.assertEqual(
            ['compute-01', 'compute-03'], [each.host for each in found]
        )

    def test_a_message_names_ten_services_at_most(self) -> None:
        for number in range(30, 50):
            self.nova.add_host(f'row-{number}').cell_answers = False
        exc = self.assertRaises(
            exceptions.UnavailableError, self.compute.list_services
        )
        self.assertIn('row-39 and 10 more: ', str(exc))

    def test_an_empty_list_of_servers_is_not_believed(self) -> None:
        """Nova leaves out those of a cell that does not answer, in
        silence; a moment later it may answer again."""
        self.nova.add_server('compute-01', status='SHUTOFF')
        self.nova.fail(is_servers, faults.status(200, b'{"servers": []}'))
        self.assertEqual(1, self.count('compute-01'))
        self.nova.hosts['compute-01'].cell_answers = False
        self.assertRaises(
            exceptions.UnavailableError, self.count, 'compute-01'
        )

    def test_another_hypervisor_tells_nothing(self) -> None:
        other = self.nova.hosts['compute-02'].hypervisor_id
        exc = self.assertRaises(
            exceptions.ProtocolError,
            self.compute.count_servers,
            'compute-01',
            other,
        )
        self.assertIn('compute-01 is not about that host', str(exc))
        for body in (
            b'[]',
            b'{"hypervisor": 7}',
            b'{"hypervisor": {"servers": 7}}',
        ):
            self.nova.fail(is_hypervisors, faults.status(200, body))
            self.assertRaises(
                exceptions.ProtocolError, self.count, 'compute-01'
            )

    def test_a_nova_without_the_newer_version_is_asked_for_the_older(
        self,
    ) -> None:
        self.nova.maximum = (2, 60)
        for _ in range(2):
            self.assertEqual(3, len(self.compute.list_services()))
        self.assertEqual(
            ['compute 2.69', 'compute 2.53', 'compute 2.53'],
            [
                request.headers['OpenStack-API-Version']
                for request in self.nova.requests
            ],
        )
        self.nova.maximum = (2, 50)
        self.assertRaises(exceptions.RefusedError, self.compute.list_services)

    # The check.

    def test_check_tells_how_many_are_up(self) -> None:
        self.nova.hosts['compute-03'].alive = False
        (result,) = self.compute.check()
        self.assertIs(CheckStatus.OK, result.status)
        self.assertIn('3 compute hosts, 2 up, 3 enabled', result.detail)

    def test_check_fails_where_the_endpoint_is_not_the_whole_url(self) -> None:
        for path in ('', '/v2.1/servers'):
            wrong = self.open(endpoint_override=f'{self.nova.url}{path}')
            (result,) = wrong.check()
            self.assertIs(CheckStatus.FAILED, result.status)
            self.assertIn('is the whole URL', result.detail)

    def test_check_warns_of_a_nova_without_computes(self) -> None:
        self.nova.cloud.hosts.clear()
        (result,) = self.compute.check()
        self.assertIs(CheckStatus.WARNING, result.status)
        self.assertIn('has no nova-compute services', result.detail)

    def test_check_fails_where_nova_is_gone(self) -> None:
        lost = self.open(endpoint_override='http://127.0.0.1:1/v2.1')
        (result,) = lost.check()
        self.assertIs(CheckStatus.FAILED, result.status)
        self.assertIn('[nova]', result.detail)
