# SPDX-License-Identifier: Apache-2.0
"""Who is told what, by a real Prometheus and a real Alertmanager: of hosts
that are off on purpose, that failed to come back, and that just died."""

import datetime
import http.server
import json
import pathlib
import re
import textwrap
import threading
import urllib.parse
from typing import Any

import fixtures
import yaml

from metal_drivers.compute import markers
from metal_drivers_tests.emulators import nova as nova_emulator
from metal_drivers_tests.functional import base, prometheus
from metal_drivers_tests.functional.services import process, waiting

PLANNED, DIED, FAILED = 'compute-01', 'compute-02', 'compute-03'
HOSTS = (PLANNED, DIED, FAILED)
PURPOSE, DOWN = 'MetalHostOffOnPurpose', 'HostDown'
COME_BACK = 'MetalHostFailedToComeBack'

#: What the operators of a site have themselves.
_RULES = """
groups:
  - name: site
    rules:
      - alert: HostDown
        expr: up{job="node"} == 0
        labels: {severity: critical}
"""


class Site(fixtures.Fixture):
    """The node_exporter of each host, behind a proxy, and who is notified.

    :ivar dead: the hosts whose exporters do not answer.
    :ivar told: what each receiver was notified of: its alerts, by name and
        host.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dead: set[str] = set()
        self.told: dict[str, set[tuple[str, str]]] = {}

    def _setUp(self) -> None:
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # A proxy is asked for a whole URL.
                host = urllib.parse.urlsplit(self.path).hostname
                self.answer(503 if host in site.dead else 200, b'node_up 1\n')

            def do_POST(self) -> None:
                length = int(self.headers['Content-Length'])
                site.notify(self.path, json.loads(self.rfile.read(length)))
                self.answer(200)

            def answer(self, status: int, body: bytes = b'') -> None:
                self.send_response(status)
                self.send_header('Content-Type', 'text/plain')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.daemon_threads = True
        self.url = f'http://127.0.0.1:{server.server_port}'
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

    def notify(self, path: str, message: dict[str, Any]) -> None:
        known = self.told.setdefault(path.strip('/'), set())
        for alert in message['alerts']:
            labels = alert['labels']
            if alert['status'] == 'firing':
                known.add((labels['alertname'], labels.get('host', '')))


class TestAlertmanager(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.nova = self.useFixture(nova_emulator.NovaEmulator(HOSTS))
        self.leave(PLANNED, markers.MarkerKind.POWERED_OFF)
        self.leave(FAILED, markers.MarkerKind.FAILED_ON, times=1)
        self.site = self.useFixture(Site())
        self.alertmanager = prometheus.Alertmanager(
            self,
            self.folder,
            {
                name: f'{self.site.url}/{name}'
                for name in ('operators', 'nobody')
            },
        )
        rules = self.folder / 'site.yml'
        rules.write_text(_RULES)
        self.prometheus = prometheus.Prometheus(
            self,
            self.folder,
            self.exporter(),
            [self.job()],
            [rules],
            self.alertmanager.address,
        )

    def leave(
        self, host: str, kind: markers.MarkerKind, times: int = 0
    ) -> None:
        """As metal-drivers does."""
        found = self.nova.hosts[host]
        found.status = 'disabled'
        now = datetime.datetime.now(datetime.UTC)
        found.disabled_reason = markers.reason(f'id-{host}', now, kind, times)

    def exporter(self) -> str:
        """The address of one, over these hosts."""
        fleet = self.folder / 'fleet.yaml'
        nodes = [
            {
                'id': f'id-{host}',
                'host_names': [host],
                'power_state': 'on' if host == DIED else 'off',
            }
            for host in HOSTS
        ]
        fleet.write_text(yaml.safe_dump(nodes))
        config = self.config_of(
            {
                'metal_drivers': {'driver': 'fake'},
                'watcher.metal.drivers.fake': {'fleet_file': fleet},
                'nova': {
                    'auth_type': 'none',
                    'endpoint_override': f'{self.nova.url}/v2.1',
                },
            }
        )
        address = f'127.0.0.1:{process.free_port()}'
        self.start_command(
            config, 'metrics', f'--listen={address}', '--interval=1'
        )
        return address

    def job(self) -> dict[str, Any]:
        """That of node_exporter, with the label that README.rst adds."""
        readme = (prometheus.FOLDER / 'README.rst').read_text('utf-8')
        (block,) = re.findall(
            r'^   relabel_configs:\n(?:    .*\n)+', readme, re.M
        )
        return {
            'job_name': 'node',
            'static_configs': [
                {'targets': [f'{host}:9100' for host in HOSTS]}
            ],
            'proxy_url': self.site.url,
            **yaml.safe_load(textwrap.dedent(block)),
        }

    def wait(self, condition: Any, what: str) -> None:
        waiting.wait_until(condition, what, timeout=120)

    def test_a_host_that_is_off_on_purpose_wakes_nobody(self) -> None:
        self.wait(
            lambda: self.site.told.get('nobody') == {(PURPOSE, PLANNED)},
            'the host that is off on purpose',
        )
        self.wait(
            lambda: self.site.told.get('operators') == {(COME_BACK, FAILED)},
            'the host that failed to come back',
        )
        self.prometheus.wait('sum(up{job="node"})', len(HOSTS))

        # It is off, so it does not answer any more.
        self.site.dead.add(PLANNED)
        self.wait(
            lambda: (DOWN, PLANNED) in self.alertmanager.alerts(),
            'the alert that is to be held back',
        )
        alerts = self.alertmanager.alerts()
        self.assertEqual(
            {'state': 'suppressed', 'silencedBy': []}
            | {'inhibitedBy': [alerts[PURPOSE, PLANNED]['fingerprint']]},
            alerts[DOWN, PLANNED]['status'],
        )
        # Nor do these. It is in the same group as they are, of which the
        # operators are told as a whole.
        self.site.dead |= {DIED, FAILED}
        expected = {(COME_BACK, FAILED), (DOWN, DIED), (DOWN, FAILED)}
        self.wait(
            lambda: self.site.told['operators'] >= expected,
            f'{expected} and not {self.site.told}',
        )
        self.assertEqual(expected, self.site.told['operators'])
        self.assertEqual({(PURPOSE, PLANNED)}, self.site.told['nobody'])
