# SPDX-License-Identifier: Apache-2.0
"""A cell of Nova whose database does not answer, in a real cloud.

Nova leaves out what it would have to ask that cell for, and often does not
say so: a host that looks idle may have servers.
"""

from typing import Any

from metal_drivers_tests.emulators import messages
from metal_drivers_tests.functional import base, test_interrupted
from metal_drivers_tests.functional.services import errors

CHANGE = test_interrupted.CHANGE
Point = test_interrupted.Point


def asking(path: str) -> messages.Match:
    return messages.matching('GET', f'/v2.1/{path}')


SERVERS_ON = asking('os-hypervisors/.*-.*')
SERVICE = asking('os-services')
BEING_BUILT = asking('servers/detail')


class CellTestCase(test_interrupted.InterruptedTestCase):
    """The database of the only cell with computes can be lost. It is back
    after the test, with all computes as they were."""

    def setUp(self) -> None:
        super().setUp()
        for number in (1, 2, 3):
            self.addCleanup(self.restore, number)

    def lose(self) -> None:
        self.addCleanup(self.cloud.cell.restore)
        self.cloud.cell.lose()


class TestNova(CellTestCase):
    """Why Nova is asked as it is."""

    def ask(self, path: str, version: str) -> Any:
        """What Nova answers: an object, or the status of an error."""
        headers = {'OpenStack-API-Version': f'compute {version}'}
        try:
            return self.cloud.rest('compute').request(
                'GET', path, headers=headers
            )
        except errors.RequestFailed as error:
            return error.status

    def test_what_it_leaves_out(self) -> None:
        host = self.cloud.compute_host(1)
        server = self.cloud.boot(host, self.unique('server'))
        self.addCleanup(self.cloud.delete_server, server)
        self.lose()
        hypervisor = f'/os-hypervisors/{self.cloud.hypervisor_id(1)}'
        migrations = f'/os-migrations?host={host}'
        # It says that it cannot know.
        for path in (
            '/os-hypervisors/detail',
            f'/os-hypervisors/detail?hypervisor_hostname_pattern={host}',
            f'{hypervisor}?with_servers=true',
            migrations,
        ):
            self.assertEqual(500, self.ask(path, '2.53'), path)
        services = f'/os-services?binary=nova-compute&host={host}'
        unknown = {'binary': 'nova-compute', 'host': host, 'status': 'UNKNOWN'}
        self.assertEqual({'services': [unknown]}, self.ask(services, '2.69'))
        # It does not.
        self.assertEqual({'services': []}, self.ask(services, '2.53'))
        self.assertEqual({'migrations': []}, self.ask(migrations, '2.69'))
        servers = '/servers/detail?all_tenants=1'
        self.assertEqual({'servers': []}, self.ask(servers, '2.53'))
        # With 2.69 it does, but only for all servers on one page.
        (found,) = self.ask(servers, '2.69')['servers']
        self.assertEqual((server, 'UNKNOWN'), (found['id'], found['status']))
        for more in ('status=ACTIVE', f'host={host}', 'limit=1000'):
            reply = self.ask(f'{servers}&{more}', '2.69')
            self.assertEqual({'servers': []}, reply)


class TestPower(CellTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.nodes = [self.node(number) for number in (1, 2)]
        self.busy, self.idle = map(self.cloud.compute_host, (1, 2))
        server = self.cloud.boot(self.busy, self.unique('server'))
        self.addCleanup(self.cloud.delete_server, server)
        # Before the server is deleted.
        self.addCleanup(self.cloud.cell.restore)

    def off_and_lost_at(self, host: str, point: Point) -> base.Run:
        """Begin to power it off, and lose the cell at some request."""
        held = self.hold(point)
        command = self.start('off', host)
        self.until(held, command)
        self.lose()
        held.go_on.set()
        return command.wait()

    def assert_untouched(self) -> None:
        """Nothing was sent to Ironic, and both nodes are on."""
        self.assertEqual(0, self.proxies[0].count('PUT'))
        for node in self.nodes:
            self.assert_power(node, 'on')

    def test_lost_before_anything_is_asked(self) -> None:
        self.lose()
        for host in (self.busy, self.idle):
            run = self.start('off', host).wait()
            self.assert_error(run, 1, f'to find hypervisor {host} failed')
        for words in (('plan',), ('node', 'list'), ('node', 'recover')):
            run = self.listing(self.slow, *words)
            self.assert_error(run, 1, 'Nova', 'to list hypervisors failed')
        self.assert_untouched()
        self.cloud.cell.restore()
        for host in (self.busy, self.idle):
            self.assert_service(host, 'enabled')
        run = self.listing(self.slow, 'plan')
        self.assertEqual(['stay', 'stay'], [r['Action'] for r in run.rows])
        self.assert_row(self.power_off(self.busy), 'refused', '1 server is')
        self.assert_row(self.power_off(self.idle), 'done')

    def test_lost_before_nova_compute_is_disabled(self) -> None:
        for host, point, told in (
            (self.busy, Point(SERVERS_ON, False), 'list the servers on'),
            (self.idle, Point(SERVERS_ON, False), 'list the servers on'),
            (self.idle, Point(CHANGE, False), 'set nova-compute on'),
        ):
            run = self.off_and_lost_at(host, point)
            self.assert_row(run, 'failed', f'{told} {host}')
            self.assert_untouched()
            self.cloud.cell.restore()
            self.assert_service(host, 'enabled')

    def test_lost_after_nova_compute_was_disabled(self) -> None:
        """Nova can tell neither how it is, nor enable it: a recovery does
        that once it can."""
        for point, told in (
            # This one is empty, without a word: the next question is not.
            (Point(BEING_BUILT, False), 'list the migrations to and from'),
            (Point(SERVERS_ON, False, 1), 'list the servers on'),
            (Point(SERVICE, False, 1), 'show nova-compute on'),
        ):
            run = self.off_and_lost_at(self.idle, point)
            self.assert_row(
                run,
                'failed',
                f'{told} {self.idle}',
                'may be left disabled',
                f'node recover {self.idle}',
            )
            self.assert_untouched()
            self.cloud.cell.restore()
            self.age(self.idle)
            run = self.listing(self.config, 'node', 'recover', self.idle)
            self.assert_row(run, 'done', 'enabled')
            self.assert_service(self.idle, 'enabled')
