# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed, raced and interrupted, in a real cloud."""

import dataclasses
import re
import signal

from metal_drivers_tests.emulators import messages
from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import proxy, waiting

CHANGE = messages.matching('PUT', '/v2.1/os-services/.*')
SWITCH = messages.matching('PUT', '/v1/nodes/.*/states/power')


@dataclasses.dataclass(frozen=True)
class Point:
    """A request at which something happens."""

    match: messages.Match
    #: Whether the service has got it.
    arrived: bool
    #: How many of its kind come before.
    after: int = 0


DISABLED = Point(CHANGE, True)


class InterruptedTestCase(base.CloudTestCase):
    """With proxies before Ironic and Nova, so that a test chooses what a
    run is about to do when something happens."""

    def setUp(self) -> None:
        super().setUp()
        self.proxies = [
            self.useFixture(proxy.Proxy(root(self.cloud.rest(kind).url)))
            for kind in ('baremetal', 'compute')
        ]
        ironic, nova = self.proxies
        self.slow = self.config_of(
            {
                base.SHARED: self.cloud.keystone_options('watcher'),
                base.IRONIC: {'endpoint_override': ironic.url},
                'nova': {'endpoint_override': f'{nova.url}/v2.1'},
            }
        )

    def hold(self, point: Point) -> proxy.Held:
        found = self.proxies[point.match is not SWITCH]
        return found.hold(point.match, point.arrived, point.after)

    def start(self, state: str, *nodes: str) -> base.Command:
        """Begin to switch them; not waited for."""
        return self.start_command(
            self.slow,
            *('node', 'power', state, *nodes, '-f', 'json'),
            *(('--yes',) if state == 'off' else ()),
        )

    def changes(self) -> list[str]:
        """What was asked of the services, in order."""
        found = [
            (request.at, request.json())
            for one in self.proxies
            for request in one.requests
            if CHANGE(request) or SWITCH(request)
        ]
        return [
            str(body.get('status') or body.get('target'))
            for _, body in sorted(found, key=lambda entry: entry[0])
        ]

    def power(self, node: str) -> str:
        return str(self.cloud.ironic.wait_settled(node)['power_state'])

    def age(self, host: str) -> None:
        """As if the run had been killed long ago."""
        service = self.service(host)
        if (service['disabled_reason'] or '').startswith(base.OURS):
            self.put_service(
                host,
                status='disabled',
                disabled_reason=base.aged(service['disabled_reason']),
            )


class TestKilled(InterruptedTestCase):
    """SIGKILL, and what the next run makes of it."""

    def kill_at(self, state: str, point: Point, host: str) -> None:
        held = self.hold(point)
        command = self.start(state, host)
        self.until(held, command)
        command.send(signal.SIGKILL)
        command.wait()

    def recover(self, node: str, host: str) -> None:
        """Whatever was left: after this it is whole again."""
        self.cloud.ironic.wait_settled(node)
        self.age(host)
        run = self.listing(self.config, 'node', 'recover')
        self.assert_status(0, run)
        service = self.service(host)
        if self.power(node) == 'power on':
            self.assertEqual('enabled', service['status'], str(service))
            return
        reason = service['disabled_reason'] or ''
        self.assertTrue(reason.startswith(base.OURS), service)

    def off(self, point: Point) -> str:
        """Killed while it switches a host off; the power then."""
        node, host = self.node(1), self.host(1)
        self.kill_at('off', point, host)
        self.recover(node, host)
        return self.power(node)

    def test_before_the_disabling(self) -> None:
        self.assertEqual('power on', self.off(Point(CHANGE, False)))

    def test_after_the_disabling(self) -> None:
        self.assertEqual('power on', self.off(DISABLED))

    def test_before_the_power_off(self) -> None:
        self.assertEqual('power on', self.off(Point(SWITCH, False)))

    def test_after_the_power_off(self) -> None:
        self.assertEqual('power off', self.off(Point(SWITCH, True)))

    def test_off_and_not_yet_marked_so(self) -> None:
        self.assertEqual('power off', self.off(Point(CHANGE, False, 1)))

    def on(self, point: Point) -> None:
        """Killed while it switches a host on; the next run ends it."""
        node, host = self.node(2), self.host(2)
        self.assert_row(self.power_off(host), 'done')
        self.kill_at('on', point, host)
        self.recover(node, host)
        run = self.listing(self.config, 'node', 'power', 'on', host)
        self.assert_status(0, run)
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_before_the_power_on(self) -> None:
        self.on(Point(SWITCH, False))

    def test_after_the_power_on(self) -> None:
        self.on(Point(SWITCH, True))

    def test_before_the_enabling(self) -> None:
        self.on(Point(CHANGE, False))

    def test_after_the_enabling(self) -> None:
        self.on(Point(CHANGE, True))

    def test_the_list_tells_it_and_the_same_command_finishes_it(self) -> None:
        node, host = self.node(3), self.host(3)
        self.kill_at('off', DISABLED, host)
        run = self.listing(self.config, 'node', 'list')
        self.assertEqual(1, len(run.rows), run.stdout)
        self.assertIn('interrupted', run.row['Note'])
        # Whoever is at work may still switch it off, as far as is known.
        run = self.listing(
            self.config, 'node', 'power', 'on', host, '--timeout', '5'
        )
        self.assert_row(run, 'refused', 'another process', 'try again')
        self.assertLess(run.seconds, base.BOUND)
        self.age(host)
        self.assert_row(self.power_off(host), 'done', 'off')
        self.assert_power(node, 'off')
        run = self.listing(self.config, 'node', 'list')
        self.assertIn('powered off by metal-drivers', run.row['Note'])

    def test_enabled_by_hand_stays_enabled(self) -> None:
        node, host = self.node(1), self.host(1)
        self.kill_at('off', DISABLED, host)
        self.put_service(host, status='enabled')
        run = self.listing(self.config, 'node', 'recover', host)
        self.assert_row(run, 'already', 'not disabled by metal-drivers')
        run = self.listing(self.slow, 'node', 'power', 'on', host)
        self.assert_row(run, 'already', 'on')
        self.assertEqual(['disabled'], self.changes())
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_disabled_by_others_is_left_to_them(self) -> None:
        self.node(2)
        host = self.host(2)
        self.kill_at('off', DISABLED, host)
        self.put_service(host, status='disabled', disabled_reason='new memory')
        run = self.listing(self.config, 'node', 'recover')
        self.assertEqual([], run.rows)
        self.assert_service(host, 'disabled', 'new memory')


class TestRaced(InterruptedTestCase):
    """The scheduler is faster."""

    def boot(self, number: int) -> None:
        server = self.cloud.boot(
            self.cloud.compute_host(number), self.unique('server')
        )
        self.addCleanup(self.cloud.delete_server, server)

    def test_server_that_lands_before_the_disabling(self) -> None:
        node, host = self.node(3), self.host(3)
        held = self.hold(Point(CHANGE, False))
        command = self.start('off', host)
        self.until(held, command)
        self.boot(3)
        held.go_on.set()
        self.assert_row(command.wait(), 'refused', '1 server is on')
        self.assertEqual(['disabled', 'enabled'], self.changes())
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_server_that_is_on_its_way(self) -> None:
        """Nova has chosen the host, and shows the server on none yet."""
        node, host = self.node(3), self.host(3)
        self.cloud.freeze_compute(3)
        self.addCleanup(self.cloud.thaw_compute, 3)
        server = self.cloud.nova.ask_for_server(
            self.unique('server'), host=host
        )
        self.addCleanup(self.cloud.delete_server, server)
        command = self.start('off', host)
        waiting.wait_until(
            lambda: self.changes() or not command.running, 'the disabling'
        )
        self.cloud.thaw_compute(3)
        self.assert_row(command.wait(), 'refused', '1 server is on')
        self.assertEqual(['disabled', 'enabled'], self.changes())
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')


class TestMoved(InterruptedTestCase):
    def test_resize_that_is_not_confirmed(self) -> None:
        """Nova counts the server on another host; what it needs to go back
        is here."""
        node, host = self.node(3), self.host(3)
        server = self.cloud.boot(host, self.unique('server'))
        self.addCleanup(self.cloud.delete_server, server)
        self.cloud.nova.resize(server)
        run = self.power_off(host)
        self.assert_row(run, 'refused', 'resized and not confirmed', server)
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')
        self.cloud.nova.act(server, confirmResize=None)
        waiting.wait_until(
            lambda: self.cloud.nova.status(server) == 'ACTIVE',
            'the resize to be confirmed',
        )
        self.assert_row(self.power_off(host), 'done')


class TestBatch(InterruptedTestCase):
    def test_one_failure_stops_nobody(self) -> None:
        nodes = [self.node(number) for number in (1, 2, 3)]
        hosts = [self.host(number) for number in (1, 2, 3)]
        self.cloud.ironic.forbid_power_off(nodes[1])
        run = self.start('off', hosts[0], 'nobody', hosts[1], hosts[2]).wait()
        self.assert_status(1, run)
        self.assertEqual(
            ['done', 'failed', 'refused', 'done'],
            [row['Result'] for row in run.rows],
        )
        self.assertEqual(
            ['power off', 'power on', 'power off'],
            list(map(self.power, nodes)),
        )
        self.assert_service(hosts[1], 'enabled')
        run = self.start('on', *hosts).wait()
        self.assert_status(0, run)
        self.assertEqual(['power on'] * 3, list(map(self.power, nodes)))
        for host in hosts:
            self.assert_service(host, 'enabled')

    def interrupted(self, number: signal.Signals) -> None:
        node, host = self.node(1), self.host(1)
        self.cloud.ironic.lock(node)
        self.addCleanup(self.cloud.ironic.unlock, node)
        command = self.start('off', host)
        path = f'/v1/nodes/{node}'
        waiting.wait_until(
            lambda: self.proxies[0].count('GET', path) > 1,
            'the command to look again',
        )
        command.send(number)
        run = command.wait()
        self.assert_row(
            run,
            'failed',
            'cancelled before',
            'last reported power state was on',
        )
        self.assertEqual([], self.changes())
        self.assert_service(host, 'enabled')

    def test_ctrl_c_ends_the_waiting_and_the_rows_tell(self) -> None:
        self.interrupted(signal.SIGINT)

    def test_so_does_a_supervisor(self) -> None:
        self.interrupted(signal.SIGTERM)


def root(url: str) -> str:
    """Where a service is, without the path."""
    found = re.match('https?://[^/]+', url)
    assert found is not None
    return found.group()
