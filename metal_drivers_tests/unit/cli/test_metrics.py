# SPDX-License-Identifier: Apache-2.0
"""``metrics``."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import stat
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import fixtures
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser

from metal_drivers.compute import markers
from metal_drivers.metrics import serving
from metal_drivers_tests.emulators import faults, messages
from metal_drivers_tests.unit.cli import base

#: Its modules.
_CLIENT = 'prometheus_client.'
NODES = messages.matching('GET', '/v1/nodes')
HYPERVISORS = messages.matching('GET', '/v2.1/os-hypervisors/detail')

Samples = dict[str, list[tuple[dict[str, str], float]]]


def openmetrics(text: str) -> Iterator[Any]:
    parse: Any = parser.text_string_to_metric_families
    families: Iterator[Any] = parse(text)
    return families


def samples(text: str) -> Samples:
    """By the name; the text is OpenMetrics."""
    found: Samples = {}
    for family in openmetrics(text):
        found[family.name] = [
            (sample.labels, sample.value) for sample in family.samples
        ]
    return found


class MetricsTestCase(base.CommandTestCase):
    def leave(
        self, number: int, kind: markers.MarkerKind, power: str, times: int = 0
    ) -> None:
        node = self.ironic.node(f'metal-{number:02}')
        node.power_state = f'power {power}'
        self.mark(f'compute-{number:02}', node.uuid)
        service = self.nova.hosts[f'compute-{number:02}']
        marker = markers.parse(service.disabled_reason)
        assert marker is not None
        service.disabled_reason = markers.reason(
            node.uuid, marker.when, kind, times
        )

    def metrics(self, *args: str) -> Samples:
        done = self.metal('metrics', *args)
        self.assertEqual((0, ''), (done.status, done.stderr))
        return samples(done.stdout)

    def one(self, name: str, found: Samples, **labels: str) -> float:
        """The value of the only series of that name with these labels."""
        (value,) = (
            value
            for its, value in found[f'metal_drivers_{name}']
            if labels.items() <= its.items()
        )
        return value


class TestOnce(MetricsTestCase):
    def test_hosts(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        self.leave(1, markers.MarkerKind.POWERED_OFF, 'off')
        found = self.metrics()
        count = {
            (
                labels['zone'],
                labels['power_state'],
                labels['disabled_by'],
            ): value
            for labels, value in found['metal_drivers_hosts']
            if value
        }
        self.assertEqual(
            {
                ('az1', 'off', 'metal-drivers'): 1,
                ('nova', 'on', 'nobody'): 2,
            },
            count,
        )
        # A zero for all else: two zones, four states, three of who.
        self.assertEqual(24, len(found['metal_drivers_hosts']))
        self.assertEqual(
            {'ironic'},
            {its['driver'] for its, _ in found['metal_drivers_hosts']},
        )
        self.assertEqual(1, self.one('nodes_unmatched', found))

    def test_series_of_a_host(self) -> None:
        self.leave(1, markers.MarkerKind.POWERED_OFF, 'off')
        self.leave(2, markers.MarkerKind.POWERING_ON, 'off')
        self.leave(3, markers.MarkerKind.FAILED_ON, 'off', times=2)
        found = self.metrics()
        for name, host in (
            ('host_off_seconds', 'compute-01'),
            ('transition_half_done_seconds', 'compute-02'),
            ('host_power_on_failures', 'compute-03'),
        ):
            ((labels, value),) = found[f'metal_drivers_{name}']
            self.assertEqual(host, labels['host'])
            # Since March 2026.
            self.assertGreater(value, 1 if 'failures' in name else 86400)
        self.assertEqual('on', _label(found, 'transition_half_done', 'to'))
        self.assertEqual(2.0, self.one('host_power_on_failures', found))
        self.assertEqual(2.0, self.one('hosts_unreliable', found))

    def test_none_for_hosts_that_are_on(self) -> None:
        found = self.metrics()
        for name in (
            'host_off_seconds',
            'transition_half_done_seconds',
            'host_power_on_failures',
        ):
            self.assertEqual([], found[f'metal_drivers_{name}'])

    def test_watts(self) -> None:
        self.leave(1, markers.MarkerKind.POWERED_OFF, 'off')
        self.leave(3, markers.MarkerKind.POWERED_OFF, 'off')
        self.config['metal_drivers']['idle_watts'] = 'compute-01=150'
        found = self.metrics()
        self.assertEqual(150, self.one('saved_power_watts', found))
        self.assertEqual(1, self.one('saving_hosts_unknown', found))

    def test_reserves(self) -> None:
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        found = self.metrics('--reserve=zone=az1,min_free_hosts_num=4')
        for reserve, ready, wanted in (
            ('all', 2, 1),
            ('zone az1', 1, 4),
        ):
            self.assertEqual(
                (ready, wanted),
                (
                    self.one('reserve_hosts_ready', found, reserve=reserve),
                    self.one('reserve_hosts_wanted', found, reserve=reserve),
                ),
            )

    def test_two_rules_for_one_group_make_one_series(self) -> None:
        """OpenMetrics allows no series twice."""
        self.nova.add_aggregate('rack-1', ['compute-01'], 'az1')
        rules = [
            '--reserve=zone=az1,min_free_hosts_num=1',
            '--reserve=zone=az1,min_free_hosts_num=4',
            '--reserve=zone=az1,min_free_hosts_num=2',
        ]
        found = self.metrics(*rules)
        for name, value in (('ready', 1), ('wanted', 4)):
            self.assertEqual(
                value,
                self.one(f'reserve_hosts_{name}', found, reserve='zone az1'),
            )

    def test_a_service_that_does_not_answer(self) -> None:
        for service, other, emulator, request in (
            ('ironic', 'nova', self.ironic, NODES),
            ('nova', 'ironic', self.nova, HYPERVISORS),
        ):
            emulator.fail(request, faults.status(500), times=None)
            done = self.metal('metrics')
            emulator.heal()
            self.assertEqual(0, done.status)
            found = samples(done.stdout)
            self.assertEqual(
                (0, 1),
                (
                    self.one('scrape_success', found, service=service),
                    self.one('scrape_success', found, service=other),
                ),
            )
            for name in ('duration', 'timestamp'):
                self.assertLess(
                    0,
                    self.one(f'scrape_{name}_seconds', found, service=service),
                )
            # What it was before may be wrong by now.
            self.assertNotIn('metal_drivers_hosts', found)
            self.assertIn('500', done.stderr)

    def test_conventions(self) -> None:
        text = self.metal('metrics').stdout
        self.assertTrue(text.endswith('# EOF\n'))
        for family in openmetrics(text):
            with self.subTest(name=family.name):
                self.assertRegex(family.name, r'^metal_drivers_[a-z_]+$')
                self.assertRegex(family.documentation, r'^[A-Z].{20,}\.$')
                for unit in ('seconds', 'watts'):
                    self.assertEqual(
                        family.name.endswith(unit), family.unit == unit
                    )

    def test_bounded(self) -> None:
        """More hosts that are on and in order make no more series."""
        before = sum(map(len, self.metrics().values()))
        for number in range(10, 40):
            host = self.nova.add_host(f'compute-{number:02}')
            self.ironic.add_node(
                name=f'metal-{number:02}',
                extra={'compute_node_id': host.hypervisor_id},
            )
        self.assertEqual(before, sum(map(len, self.metrics().values())))

    def test_usage(self) -> None:
        for args, part in (
            (['--listen', 'here'], 'must be ADDRESS:PORT'),
            (['--listen', '127.0.0.1:99999'], 'must be ADDRESS:PORT'),
            (['--interval', '0'], 'at least 1'),
        ):
            done = self.metal('metrics', *args)
            self.assertEqual(2, done.status)
            self.assertIn(part, done.stderr)

    def test_without_the_extra(self) -> None:
        with mock.patch.dict('sys.modules', {'prometheus_client': None}):
            for name in list(sys.modules):
                if name.startswith(('metal_drivers.metrics', _CLIENT)):
                    del sys.modules[name]
            done = self.metal('metrics')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'watcher-metal-drivers[metrics]')


class TestTextfile(MetricsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'metal.prom'

    def test_one_file_that_others_can_read(self) -> None:
        self.path.write_text('former')
        done = self.metal('metrics', f'--textfile={self.path}')
        self.assertEqual((0, '', ''), (done.status, done.stdout, done.stderr))
        self.assertEqual([self.path], list(self.folder.iterdir()))
        self.assertEqual(0o644, stat.S_IMODE(self.path.stat().st_mode))
        families: Any = text_parser.text_string_to_metric_families(
            self.path.read_text()
        )
        self.assertIn('metal_drivers_hosts', {f.name for f in families})

    def test_the_former_stays_until_the_new_one_is_whole(self) -> None:
        self.path.write_text('former')
        seen = []

        def replace(new: str, path: str) -> None:
            seen.append((self.path.read_text(), pathlib.Path(new).read_text()))
            raise OSError(28, 'No space left on device')

        with mock.patch('os.replace', replace):
            done = self.metal('metrics', f'--textfile={self.path}')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, str(self.path), 'No space left')
        ((former, new),) = seen
        self.assertEqual('former', former)
        self.assertIn('metal_drivers_hosts', new)
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_a_directory_that_is_not_there(self) -> None:
        done = self.metal('metrics', f'--textfile={self.folder}/no/metal.prom')
        self.assertEqual(1, done.status)
        self.assert_one_line(done, 'No such file or directory')


class TestListen(MetricsTestCase):
    def listen(self, act: Callable[[str], None], *args: str) -> base.Done:
        """``--listen``, ended by SIGTERM once something was done.

        :param act: is given the URL, in a thread of its own.
        """
        listening = serving.listening
        failed: list[BaseException] = []

        @contextlib.contextmanager
        def and_act(*args: Any) -> Iterator[int]:
            with listening(*args) as port:

                def run() -> None:
                    try:
                        act(f'http://127.0.0.1:{port}/metrics')
                    except BaseException as exc:
                        failed.append(exc)
                    os.kill(os.getpid(), signal.SIGTERM)

                thread = threading.Thread(target=run)
                thread.start()
                yield port
                thread.join()

        with mock.patch.object(serving, 'listening', and_act):
            done = self.metal('metrics', '--listen=127.0.0.1:0', *args)
        if failed:
            raise failed[0]
        return done

    def test_asked_once_however_often_it_is_scraped(self) -> None:
        def act(url: str) -> None:
            for _ in range(20):
                found = samples(
                    _get(url, accept='application/openmetrics-text')
                )
                self.assertEqual(1, self.one('nodes_unmatched', found))

        done = self.listen(act)
        self.assertEqual(0, done.status, done.stderr)
        self.assertRegex(done.stderr, r'^Serving metrics on port \d+ of 127')
        lists = [r for r in self.ironic.requests if NODES(r)]
        self.assertEqual(1, len(lists))
        lists = [r for r in self.nova.requests if HYPERVISORS(r)]
        self.assertEqual(1, len(lists))

    def test_text_where_openmetrics_is_not_asked_for(self) -> None:
        def act(url: str) -> None:
            text = _get(url)
            self.assertNotIn('# EOF', text)
            self.assertIn('metal_drivers_hosts{', text)

        self.assertEqual(0, self.listen(act).status)

    def test_sigterm_ends_it_while_a_service_hangs(self) -> None:
        hanging = threading.Event()
        over = threading.Event()
        self.addCleanup(over.set)

        def hang(exchange: faults.Exchange) -> None:
            hanging.set()
            exchange.wait(over)

        self.ironic.fail(NODES, hang)
        done = self.listen(lambda url: self.assertTrue(hanging.wait(30)))
        # It did not wait for the answer: nobody has given it.
        self.assertFalse(over.is_set())
        self.assertEqual(0, done.status, done.stderr)

    def test_a_port_in_use(self) -> None:
        with socket.create_server(('127.0.0.1', 0)) as other:
            port = other.getsockname()[1]
            done = self.metal('metrics', f'--listen=127.0.0.1:{port}')
        self.assertEqual(2, done.status)
        self.assert_one_line(
            done, f'127.0.0.1:{port}: Address already in use', '--listen'
        )

    def test_an_address_that_is_not_there(self) -> None:
        done = self.metal('metrics', '--listen=no-such-host.invalid:9797')
        self.assertEqual(2, done.status)
        self.assert_one_line(done, 'Cannot listen on no-such-host.invalid')

    def test_a_file_as_well(self) -> None:
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder, 'metal.prom')
        written = threading.Event()
        write = serving.write

        def and_tell(*args: Any) -> None:
            write(*args)
            written.set()

        with mock.patch.object(serving, 'write', and_tell):
            self.listen(
                lambda url: self.assertTrue(written.wait(30)),
                f'--textfile={path}',
            )
        self.assertIn('metal_drivers_hosts{', path.read_text())


def _label(found: Samples, name: str, label: str) -> str:
    ((labels, _),) = found[f'metal_drivers_{name}_seconds']
    return labels[label]


def _get(url: str, accept: str = '*/*') -> str:
    request = urllib.request.Request(url, headers={'Accept': accept})
    with urllib.request.urlopen(request, timeout=30) as reply:
        body: bytes = reply.read()
    return re.sub('\r', '', body.decode())
