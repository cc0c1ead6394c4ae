# SPDX-License-Identifier: Apache-2.0
"""``node power on`` and ``node power off``."""

import contextlib
import os
import re
import signal
import threading
from unittest import mock

import fixtures

from metal_drivers.cli import signals
from metal_drivers_tests.emulators import messages
from metal_drivers_tests.unit.cli import base
from metal_drivers_tests.unit.power import simulator


def is_power(request: messages.Request) -> bool:
    return request.path.endswith('/states/power')


class CloudTestCase(base.CommandTestCase):
    """With time that passes at once."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.services.Clock',
                lambda: simulator.SimClock(simulator.Calls()),
            )
        )


class TestPower(CloudTestCase):
    def state(self, name: str) -> str | None:
        return self.ironic.node(name).power_state

    def rows(self, done: base.Done) -> list[tuple[str, str]]:
        return [(row['Node'], row['Result']) for row in done.json]

    def test_off_and_on_again(self) -> None:
        done = self.metal(
            'node', 'power', 'off', 'metal-01', '--yes', '-f', 'json'
        )
        self.assertEqual((0, ''), (done.status, done.stderr))
        self.assertEqual([('metal-01 (compute-01)', 'done')], self.rows(done))
        self.assertEqual('power off', self.state('metal-01'))
        self.assertEqual('disabled', self.nova.hosts['compute-01'].status)
        done = self.metal('node', 'power', 'on', 'compute-01', '-f', 'json')
        self.assertEqual([('metal-01 (compute-01)', 'done')], self.rows(done))
        self.assertEqual('power on', self.state('metal-01'))
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def test_what_one_power_off_asks_of_the_services(self) -> None:
        """No more than this, and no list of hypervisors among it. By the
        name of its node, Nova is asked three times more whether a host has
        that name, too."""
        self.config['metal_drivers'] = {'power_off_mode': 'hard'}
        done = self.metal('node', 'power', 'off', 'compute-01', '--yes')
        self.assertEqual(0, done.status, done.stderr)
        self.assertLessEqual(len(self.ironic.requests), 7)
        self.assertLessEqual(len(self.nova.requests), 10)

    def test_no_list_of_hypervisors_for_one_node(self) -> None:
        """Whatever it is called: Nova looks for names, and for a uuid."""
        host = self.nova.hosts['compute-01']
        host.hypervisor_hostname = 'compute-01.example.org'
        (uuid,) = (
            n.uuid for n in self.ironic.nodes.values() if n.name == 'metal-01'
        )
        for ref in (uuid, 'metal-01', 'compute-01', 'compute-01.example.org'):
            for words in (('off', ref, '--yes'), ('on', ref)):
                done = self.metal('node', 'power', *words, '-f', 'json')
                self.assertEqual(
                    [('metal-01 (compute-01)', 'done')], self.rows(done)
                )
        asked = [
            request.target.removeprefix('/v2.1/os-hypervisors')
            for request in self.nova.requests
            if 'os-hypervisors' in request.path
        ]
        pattern = '/detail?hypervisor_hostname_pattern='
        self.assertEqual(
            {
                f'/{host.hypervisor_id}',
                f'/{host.hypervisor_id}?with_servers=true',
                '?limit=1',
                pattern,
            },
            {re.sub('(?<=pattern=).+', '', target) for target in asked},
        )

    def test_already_so_is_good(self) -> None:
        done = self.metal('node', 'power', 'on', 'metal-01', '-f', 'json')
        self.assertEqual(0, done.status)
        self.assertEqual('already', done.json[0]['Result'])
        self.assertFalse(any(map(is_power, self.ironic.requests)))

    def test_a_busy_host_is_refused(self) -> None:
        done = self.metal(
            'node', 'power', 'off', 'metal-02', '--yes', '-f', 'json'
        )
        self.assertEqual(1, done.status)
        self.assertEqual('refused', done.json[0]['Result'])
        self.assertIn('1 server', done.json[0]['Detail'])
        self.assertEqual('power on', self.state('metal-02'))
        self.assertEqual('enabled', self.nova.hosts['compute-02'].status)

    def test_each_node_has_a_result_in_the_order_asked(self) -> None:
        done = self.metal(
            *('node', 'power', 'off', 'nope', 'metal-02', 'metal-01'),
            *('compute-01', '--yes', '-f', 'json'),
        )
        self.assertEqual(1, done.status)
        self.assertEqual(
            [
                ('nope', 'failed'),
                ('metal-02 (compute-02)', 'refused'),
                ('metal-01 (compute-01)', 'done'),
            ],
            self.rows(done),
        )

    def test_options_may_stand_between_nodes(self) -> None:
        done = self.metal(
            *('node', 'power', 'off', 'metal-01', '--unmatched', 'metal-04'),
            *('--dry-run', 'metal-02', '-f', 'json'),
        )
        self.assertEqual(
            ['planned', 'planned', 'refused'],
            [row['Result'] for row in done.json],
        )

    def test_a_name_that_fits_two_is_refused(self) -> None:
        self.ironic.add_node(name='compute-01')
        done = self.metal(
            'node', 'power', 'off', 'compute-01', '--yes', '-f', 'json'
        )
        self.assertEqual(1, done.status)
        self.assertEqual('refused', done.json[0]['Result'])
        self.assertIn('matches 2 nodes', done.json[0]['Detail'])
        self.assertFalse(any(map(is_power, self.ironic.requests)))

    def test_unmatched_takes_the_option(self) -> None:
        command = ('node', 'power', 'off', 'metal-04', '--yes', '-f', 'json')
        done = self.metal(*command)
        self.assertEqual(1, done.status)
        self.assertEqual('refused', done.json[0]['Result'])
        self.assertIn('--unmatched', done.json[0]['Detail'])
        done = self.metal(*command, '--unmatched')
        self.assertEqual(0, done.status)
        self.assertEqual('power off', self.state('metal-04'))

    def test_dry_run_needs_no_yes_and_changes_nothing(self) -> None:
        done = self.metal(
            'node', 'power', 'off', 'metal-01', '--dry-run', '-f', 'json'
        )
        self.assertEqual(0, done.status)
        self.assertEqual('planned', done.json[0]['Result'])
        self.assertIn('disable nova-compute', done.json[0]['Detail'])
        for server in (self.ironic, self.nova):
            self.assertEqual(0, server.count('PUT'))

    def test_off_asks_nobody_where_nobody_is(self) -> None:
        done = self.metal('node', 'power', 'off', 'metal-01')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'metal-01', '--yes', '--dry-run')
        self.assertEqual('power on', self.state('metal-01'))

    def test_off_asks_at_a_terminal(self) -> None:
        for answer in ('n\n', '\n', ''):
            done = self.metal(
                'node', 'power', 'off', 'metal-01', answer=answer
            )
            self.assertEqual(1, done.status)
            self.assertIn('Power off metal-01? [y/N]', done.stderr)
            self.assertEqual('power on', self.state('metal-01'))
        done = self.metal('node', 'power', 'off', 'metal-01', answer='y\n')
        self.assertEqual(0, done.status)
        self.assertEqual('power off', self.state('metal-01'))

    def test_hard_and_soft(self) -> None:
        for option, target in (
            ('--hard', 'power off'),
            ('--soft', 'soft power off'),
        ):
            self.ironic.forget()
            done = self.metal(
                'node', 'power', 'off', 'metal-01', option, '--yes'
            )
            self.assertEqual(0, done.status)
            (request,) = filter(is_power, self.ironic.requests)
            self.assertEqual(target, request.json()['target'])
            self.metal('node', 'power', 'on', 'metal-01')
        done = self.metal(
            'node', 'power', 'off', 'metal-01', '--soft', '--hard', '--yes'
        )
        self.assertEqual(2, done.status)

    def test_no_wait_returns_when_accepted(self) -> None:
        self.ironic.hold()
        done = self.metal(
            *('node', 'power', 'off', 'metal-01', '--no-wait', '--yes'),
            *('-f', 'json'),
        )
        self.assertEqual(0, done.status)
        self.assertEqual('planned', done.json[0]['Result'])
        self.assertIn('was requested', done.json[0]['Detail'])

    def test_timeout_is_a_number_of_seconds(self) -> None:
        for wrong in ('0', '-1', 'soon', 'nan', 'inf'):
            done = self.metal(
                'node', 'power', 'on', 'metal-01', '--timeout', wrong
            )
            self.assertEqual(2, done.status, wrong)

    def test_timeout_ends_the_waiting(self) -> None:
        self.ironic.node('metal-01').reservation = 'conductor-9'
        done = self.metal(
            *('node', 'power', 'off', 'metal-01', '--yes', '-f', 'json'),
            *('--timeout', '60'),
        )
        self.assertEqual(1, done.status)
        self.assertEqual('timed out', done.json[0]['Result'])
        self.assertIn('conductor-9', done.json[0]['Detail'])
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def test_progress_is_for_terminals(self) -> None:
        done = self.metal('node', 'power', 'off', 'metal-01', '--yes')
        self.assertEqual('', done.stderr)
        done = self.metal(
            'node', 'power', 'on', 'metal-03', terminal=True, piped=True
        )
        self.assertEqual('', done.stderr)
        done = self.metal('node', 'power', 'on', 'metal-01', terminal=True)
        self.assertIn('metal-01 (compute-01): power on', done.stderr)
        self.assertIn('nova-compute enabled', done.stderr)

    def test_progress_has_an_end(self) -> None:
        done = self.metal(
            *('node', 'power', 'off', 'metal-01', 'metal-02', '--yes'),
            *('-f', 'json'),
            terminal=True,
        )
        self.assertIn('metal-02 (compute-02): refused', done.stderr)
        self.assertIn('metal-01 (compute-01): done', done.stderr)
        self.assertEqual(2, len(done.json))

    def test_a_signal_cancels_and_the_table_is_printed(self) -> None:
        self.ironic.node('metal-01').reservation = 'conductor-9'
        # Where the tests themselves run under nohup, it is ignored.
        former = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGHUP, former)
        before = signal.getsignal(signal.SIGINT)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # As Ctrl-C does, once, in the middle of a wait.
            left = [number]

            def interrupted(
                clock: simulator.SimClock,
                alarm: threading.Event,
                seconds: float,
                left: list[signal.Signals] = left,
            ) -> None:
                with contextlib.suppress(IndexError):
                    os.kill(os.getpid(), left.pop())
                self.assertTrue(alarm.wait(30))

            with mock.patch.object(simulator.SimClock, 'wait', interrupted):
                done = self.metal(
                    *('node', 'power', 'off', 'metal-01', 'nope'),
                    *('--yes', '-f', 'json'),
                )
            self.assertEqual((1, ''), (done.status, done.stderr))
            self.assertEqual(2, len(done.json))
            self.assertIn('cancelled before', done.json[0]['Detail'])
            self.assertEqual('power on', self.state('metal-01'))
        self.assertEqual(before, signal.getsignal(signal.SIGINT))

    def test_nohup_goes_on_without_its_terminal(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.addCleanup(signal.signal, signal.SIGHUP, before)
        with signals.cancelling(self.fail):
            self.assertEqual(signal.SIG_IGN, signal.getsignal(signal.SIGHUP))
            self.assertNotEqual(
                signal.SIG_DFL, signal.getsignal(signal.SIGTERM)
            )
