# SPDX-License-Identifier: Apache-2.0
"""A cell of Nova whose database does not answer, in a real cloud.

Nova leaves out what it would have to ask that cell for, and often does not
say so: a host that looks idle may have servers.
"""

from typing import Any

from metal_drivers_tests.emulators import messages
from metal_drivers_tests.functional import base, test_interrupted
from metal_drivers_tests.functional.services import errors, process, waiting

CHANGE = test_interrupted.CHANGE
SWITCH = test_interrupted.SWITCH
Point = test_interrupted.Point


def asking(path: str) -> messages.Match:
    return messages.matching('GET', f'/v2.1/{path}')


SERVERS_ON = asking('os-hypervisors/.*-.*')
SERVICE = asking('os-services')
BEING_BUILT = asking('servers/detail')
MIGRATIONS = asking('os-migrations')


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

    def begin(self, host: str, *points: Point) -> base.Command:
        """Begin to power it off, and lose the cell at some request, which
        then goes on.

        :param points: that request; and before it, those that it comes
            after.
        """
        first, *others = points
        held = self.hold(first)
        command = self.start('off', host)
        self.until(held, command)
        for point in others:
            following = self.hold(point)
            held.go_on.set()
            held = following
            self.until(held, command)
        self.lose()
        held.go_on.set()
        return command


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

    def off_and_lost_at(self, host: str, *points: Point) -> base.Run:
        return self.begin(host, *points).wait()

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
            (Point(SERVERS_ON, False), 'list the servers on'),
            (Point(SERVICE, False), 'show nova-compute on'),
        ):
            run = self.off_and_lost_at(
                self.idle, test_interrupted.DISABLED, point
            )
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

    def test_lost_once_it_was_off(self) -> None:
        """It is ours, and comes back; though Nova is lost once more, when it
        is to say that nova-compute is up."""
        run = self.off_and_lost_at(
            self.idle, Point(SWITCH, True), Point(SERVICE, False)
        )
        self.assert_row(run, 'done', 'off')
        self.assert_power(self.nodes[1], 'off')
        self.cloud.cell.restore()
        run = self.listing(self.config, 'node', 'list')
        notes = {row['Host']: row['Note'] for row in run.rows}
        self.assertIn('metal-drivers', notes[self.idle])
        self.age(self.idle)
        held = self.hold(Point(SWITCH, True))
        command = self.start('on', self.idle)
        self.until(held, command)
        self.lose()
        nova = self.proxies[1]
        asked = nova.count('GET', '/v2.1/os-services')
        held.go_on.set()
        waiting.wait_until(
            lambda: (
                nova.count('GET', '/v2.1/os-services') > asked + 1
                or not command.running
            ),
            'Nova to be asked for nova-compute twice',
        )
        self.cloud.cell.restore()
        self.assert_row(command.wait(), 'done', 'up and enabled')
        self.assert_power(self.nodes[1], 'on')
        self.assert_service(self.idle, 'enabled')


class TestPlan(CellTestCase):
    def test_lost_while_it_is_asked_who_was_idle(self) -> None:
        """A server was deleted a moment ago, and Nova does not show it."""
        for number in (1, 2):
            self.node(number)
        host = self.cloud.compute_host(1)
        self.cloud.delete_server(self.cloud.boot(host, self.unique('server')))
        words = ('plan', '--min-free-hosts-num=0', '--idle-minutes=30')
        held = self.hold(Point(MIGRATIONS, False))
        command = self.start_command(self.slow, *words, '-f', 'json')
        self.until(held, command)
        self.lose()
        held.go_on.set()
        run = command.wait()
        self.assert_status(0, run)
        for row in run.rows:
            self.assertEqual('stay', row['Action'])
            self.assertIn('not known whether a server was', row['Reason'])
            self.assertIn('nova-compute on compute-01', row['Reason'])
        self.cloud.cell.restore()
        run = self.listing(self.slow, *words)
        (row,) = (row for row in run.rows if host in row['Node'])
        self.assertEqual('stay', row['Action'])


class TestThatSaysSo(CellTestCase):
    """A Nova that is configured to leave out nothing."""

    def setUp(self) -> None:
        super().setUp()
        self.api = self.cloud.process('nova-api')
        config = self.cloud.directory / 'nova' / 'nova.conf'
        text = config.read_text()
        self.addCleanup(self.restart)
        self.addCleanup(config.write_text, text)
        option = 'list_records_by_skipping_down_cells = false'
        config.write_text(f'{text}\n[api]\n{option}\n')
        self.restart()

    def restart(self) -> None:
        self.api.stop()
        self.api.start()
        root = self.cloud.where.root('compute')
        self.api.wait_ready(lambda: process.answers(root))

    def test_lost_for_one_moment(self) -> None:
        """While it is asked for the servers that are being scheduled, which
        by default would seem to be none."""
        node, host = self.node(3), self.cloud.compute_host(3)
        following = self.hold(Point(MIGRATIONS, False))
        command = self.begin(host, Point(BEING_BUILT, False))
        waiting.wait_until(
            lambda: following.there.is_set() or not command.running,
            'the next question, or the end',
        )
        self.cloud.cell.restore()
        following.go_on.set()
        run = command.wait()
        self.assert_row(run, 'failed', 'the servers that are being built')
        self.assertEqual(0, self.proxies[0].count('PUT'))
        self.assert_power(node, 'on')
