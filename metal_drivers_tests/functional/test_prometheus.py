# SPDX-License-Identifier: Apache-2.0
"""Metrics and alerts in a real Prometheus, over the real cloud."""

import json
import pathlib
import time
from typing import Any

import fixtures
import requests

from metal_drivers_tests.functional import base, prometheus
from metal_drivers_tests.functional.services import process, waiting

#: By the number of the host.
WATTS = {1: 400, 2: 150}
#: Seconds that the first host is off, and by which the second comes later.
OFF, LATER = 90.0, 20.0


class TestRules(base.TestCase):
    """What is in ``contrib/prometheus``, checked by the tools of
    Prometheus."""

    def test_rules(self) -> None:
        promtool = prometheus.tool(self, 'promtool', 'prometheus')
        prometheus.run(promtool, 'check', 'config', 'prometheus.yml')
        output = prometheus.run(
            promtool, 'test', 'rules', 'tests/rules_test.yml'
        )
        self.assertIn('SUCCESS', output)

    def test_alertmanager(self) -> None:
        amtool = prometheus.tool(self, 'amtool', prometheus.PACKAGE)
        output = prometheus.run(amtool, 'check-config', 'alertmanager.yml')
        self.assertIn('1 inhibit rules', output)
        routed = ('config', 'routes', 'test', '--config.file=alertmanager.yml')
        for severity, receiver in (
            ('none', 'nobody'),
            ('warning', 'operators'),
        ):
            output = prometheus.run(
                amtool, *routed, f'severity={severity}', 'alertname=Metal'
            )
            self.assertEqual(receiver, output.strip().splitlines()[-1])


class TestPrometheus(base.CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.history = self.folder / 'history'
        self.nodes = {number: self.node(number) for number in (1, 2, 3)}
        self.hosts = {number: self.host(number) for number in self.nodes}
        watts = ', '.join(
            f'{self.hosts[number]}={each}' for number, each in WATTS.items()
        )
        self.config = self.conf_file(
            '[metal_drivers]\n'
            'poll_interval = 1\n'
            'power_on_timeout = 5\n'
            f'history_file = {self.history}\n'
            f'idle_watts = {watts}\n',
            watcher_clients_auth=self.cloud.keystone_options('watcher'),
        )
        port = process.free_port()
        self.exporter = self.start_command(
            self.config,
            *('metrics', f'--listen=127.0.0.1:{port}', '--interval=1'),
            '--min-free-hosts-num=0',
        )
        self.url = f'http://127.0.0.1:{port}/metrics'
        waiting.wait_until(
            lambda: process.answers(self.url, 'metal_drivers_hosts{'),
            'metrics',
        )
        self.prometheus = prometheus.Prometheus(
            self, self.folder, f'127.0.0.1:{port}'
        )
        self.prometheus.wait('sum(metal_drivers_hosts{power_state="on"})', 3)

    def power(self, state: str, number: int) -> base.Run:
        yes = ['--yes'] if state == 'off' else []
        return self.listing(
            self.config, 'node', 'power', state, self.hosts[number], *yes
        )

    def off(self) -> str:
        return (
            'sum(metal_drivers_hosts{power_state="off",'
            'disabled_by="metal-drivers"})'
        )

    def test_planned_and_failed(self) -> None:
        self.assert_row(self.power('off', 1), 'done')
        began = time.monotonic()
        self.prometheus.wait(self.off(), 1)
        self.wait_since(began, LATER)
        self.assert_row(self.power('off', 2), 'done')
        self.prometheus.wait(self.off(), 2)
        self.prometheus.wait('sum(metal_drivers_saved_power_watts)', 550)
        host = f'host="{self.hosts[1]}"'
        self.prometheus.wait(
            f'metal_drivers_host_off_seconds{{{host}}} > bool 10', 1
        )
        self.prometheus.wait(
            'count(count by (host) (ALERTS{alertstate="firing",'
            'alertname="MetalHostOffOnPurpose"}))',
            2,
        )
        self.wait_since(began, OFF)
        self.assert_row(self.power('on', 1), 'done')
        self.assert_row(self.power('on', 2), 'done')
        self.prometheus.wait(self.off(), 0)
        # A host that is on is half done until it is enabled, and the last
        # look may be from between.
        self.prometheus.wait(
            'count(metal_drivers_transition_half_done_seconds) or vector(0)', 0
        )

        # A planned off and on is no news.
        self.assertEqual(set(), self.prometheus.alerts())
        self.check_energy()
        self.check_dashboard()

        # The same host does not come back.
        self.assert_row(self.power('off', 2), 'done')
        self.prometheus.wait(self.off(), 1)
        self.cloud.ironic.alter(self.nodes[2], power_interface='no-such')
        self.addCleanup(
            self.cloud.ironic.alter, self.nodes[2], power_interface='fake'
        )
        run = self.power('on', 2)
        self.assertEqual(1, run.status, str(run))
        self.prometheus.wait('sum(metal_drivers_host_power_on_failures)', 1)
        waiting.wait_until(
            lambda: (
                self.prometheus.alerts()
                == {('MetalHostFailedToComeBack', self.hosts[2])}
            ),
            'the alert',
        )

    def wait_since(self, began: float, seconds: float) -> None:
        """For what is measured over time."""
        waiting.wait_until(
            lambda: time.monotonic() - began > seconds,
            'time to pass',
            timeout=seconds + 30,
        )

    def check_energy(self) -> None:
        """Watt seconds: of Prometheus, and of the history."""
        integrated = self.prometheus.value(
            'sum(sum_over_time(metal_drivers_saved_power_watts[1h]))'
        )
        integrated *= prometheus.INTERVAL
        lines = map(json.loads, self.history.read_text().splitlines())
        told = sum(
            line['off_seconds'] * line['watts']
            for line in lines
            if line['to'] == 'on' and line['outcome'] == 'done'
        )
        self.assertGreater(told, (OFF - 30) * sum(WATTS.values()) / 2)
        self.assertLess(
            abs(integrated / told - 1), 0.02, f'{integrated} and {told}'
        )

    def check_dashboard(self) -> None:
        """Each panel has data, or is about what did not happen."""
        read = json.loads((prometheus.FOLDER / 'dashboard.json').read_text())
        empty = set()
        for panel in read['panels']:
            for target in panel['targets']:
                expression = (
                    target['expr']
                    .replace('$zone', '.*')
                    .replace('$__range_s', '3600')
                    .replace('$__range', '1h')
                )
                if not self.prometheus.query(expression):
                    empty.add(panel['title'])
        self.assertEqual(
            {'Half done', 'Failed to come back', 'Off longest'}, empty
        )


class TestLong(base.TestCase):
    """Ten thousand scrapes of one exporter."""

    SCRAPES = 10_000

    def test_neither_memory_nor_threads_grow(self) -> None:
        port = process.free_port()
        config = self.config_of(
            {
                'metal_drivers': {'driver': 'fake'},
                'watcher.metal.drivers.fake': {'nodes': 200},
            }
        )
        command = self.start_command(
            config, 'metrics', f'--listen=127.0.0.1:{port}', '--interval=1'
        )
        url = f'http://127.0.0.1:{port}/metrics'
        waiting.wait_until(
            lambda: process.answers(url, 'metal_drivers_nodes_unmatched'),
            'metrics',
        )
        # What is kept once is kept now.
        scrape(url, self.SCRAPES // 10)
        before = usage(command.pid)
        scrape(url, self.SCRAPES)
        after = usage(command.pid)
        self.assertLessEqual(after['Threads'], before['Threads'], str(after))
        grown = after['VmRSS'] - before['VmRSS']
        # In KiB: less than 1 byte of any kind for each scrape would be 10.
        self.assertLess(grown, 2048, f'{before} and {after}')


def scrape(url: str, times: int) -> None:
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(times):
            reply = session.get(url, timeout=30)
            reply.raise_for_status()
            assert 'metal_drivers_nodes_unmatched' in reply.text


def usage(pid: int) -> dict[str, Any]:
    """Threads, and memory in KiB."""
    text = pathlib.Path(f'/proc/{pid}/status').read_text()
    lines = dict(line.split(':', 1) for line in text.splitlines())
    return {name: int(lines[name].split()[0]) for name in ('Threads', 'VmRSS')}
