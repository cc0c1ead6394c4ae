# SPDX-License-Identifier: Apache-2.0
"""The emulated MAAS answers as the real one was recorded to.

Every recorded request is sent, as the same user and to machines in the
same state. What is compared: method, path, status, content type, every
text, every value that the recordings kept, and the names and types of
all that they did not.
"""

import json
import re
from typing import Any, ClassVar

import requests
import testtools

from metal_drivers_tests.emulators import maas, maas_client, maas_data

# Cases in which python-libmaas sends nothing.
NO_HTTP = {
    'anonymous_list': 'without a key libmaas offers no machines',
    'connect_malformed_key': 'libmaas parses the key before it asks',
}

# The key whose value a recording of a machine leaves out the rest with.
MORE = '...'


def shape(value: Any) -> Any:
    """The names and the types in a JSON value."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


def cut(actual: Any, recorded: Any) -> Any:
    """Reduce an actual body to what its recording kept of it."""
    if isinstance(recorded, list) and isinstance(actual, list):
        cuts = [cut(a, r) for a, r in zip(actual, recorded, strict=False)]
        return cuts + actual[len(recorded) :]
    if isinstance(recorded, dict) and MORE in recorded:
        kept = {k: v for k, v in actual.items() if k in recorded}
        return kept | {MORE: f'{len(actual) - len(kept)} more keys'}
    if isinstance(recorded, dict) and 'hardware_info' in recorded:
        return shape(actual)
    return actual


def expected(recorded: Any) -> Any:
    """What ``cut`` makes of a body that is as recorded."""
    if isinstance(recorded, list):
        return [expected(item) for item in recorded]
    if isinstance(recorded, dict) and 'hardware_info' in recorded:
        return shape(recorded)
    return recorded


class Stage:
    """An emulator in the state in which a case was recorded."""

    def __init__(self, series: str, case: dict[str, Any]) -> None:
        self.name: str = case['case']
        self.exchanges: list[dict[str, Any]] = case['http']
        self.background = series == '3.4'
        self.server = maas.MaasEmulator(series, self._machines(series))
        self._recall()
        self._break()

    def _machines(self, series: str) -> list[maas.Machine]:
        (case,) = (
            case
            for case in maas_data.recorded(series)
            if case['case'] == 'list_machines'
        )
        return [
            maas.Machine(
                recorded['system_id'],
                recorded['hostname'],
                status=maas.Status(recorded['status']),
                power_type=recorded['power_type'],
                power='on' if recorded['power_state'] == 'on' else 'off',
                cached=recorded['power_state'],
                owner=recorded['owner'],
                locked=recorded['locked'],
                tags=recorded.get('tag_names', ()),
            )
            for recorded in case['http'][0]['response']['body']
        ]

    def _recall(self) -> None:
        """The state that the first reply shows was there before."""
        body = self.exchanges[0]['response']['body']
        if isinstance(body, dict) and 'system_id' in body:
            machine = self.server.machine(body['system_id'])
            machine.cached = body['power_state']
            machine.status_message = body['status_message']
            if machine.cached in ('on', 'off'):
                machine.power = machine.cached

    @property
    def machine(self) -> maas.Machine:
        """The one that the case is about."""
        path = self.exchanges[0]['request']['path']
        (system_id,) = re.findall('/machines/([^/]+)/', path)
        return self.server.machine(system_id)

    def _break(self) -> None:
        name, region = self.name, self.server.region
        if name == 'query_power_state_compute-11':
            self.machine.power = 'off'
        elif 'driver' in name:
            self.machine.driver_missing = True
        elif 'no_rack' in name:
            text = self.exchanges[0]['response']['body']
            (region.rack_id,) = re.findall('controller ([^;]+);', text)
            region.rack = maas.Rack.NONE
        elif 'rack_says' in name or 'rack_connection' in name:
            region.rack = maas.Rack.LOST
        elif 'no_image' in name:
            region.images = False
        elif 'slow' in name or 'takes' in name:
            # A hundredth of what it was.
            self.machine.bmc_seconds = 0.03 if 'slow' in name else 0.015
        elif re.search('bmc_(error|fail)|_broken$|state_compute-5', name):
            self.machine.unreachable = True
        elif 'wait_true' in name and self.background:
            self.machine.held = True

    def prepare(self, client: maas_client.MaasClient) -> None:
        """Bring about what was under way."""
        if self.name.startswith('joe_') or self.name.endswith('_joe'):
            client.apikey = self.server.joe.apikey
        elif self.name.startswith('wrong_'):
            parts = self.server.apikey.split(':')
            wrong = ('key', 'token', 'secret').index(self.name.split('_')[1])
            parts[wrong] = 'x' * len(parts[wrong])
            client.apikey = ':'.join(parts)
        elif 'in_progress' in self.name and self.background:
            self.machine.held = True
            client.power(self.machine.system_id, 'on')

    def before(self, number: int) -> None:
        """Let pass what passed before an exchange."""
        last = number == len(self.exchanges) - 1
        if last and 'wait_true' in self.name and self.background:
            self.server.release()

    def body(self, recorded: Any) -> Any:
        """A recorded body with what was taken out of it put back."""
        if isinstance(recorded, str) and '<' in recorded:
            secret = self.server.admin.token_secret
            return re.sub('<.*>', secret, recorded)
        return recorded


class ReplayCase(testtools.TestCase):
    series: ClassVar[str]

    def replay(self, case: dict[str, Any]) -> None:
        stage = Stage(self.series, case)
        self.useFixture(stage.server)
        client = self.useFixture(maas_client.MaasClient(stage.server))
        stage.prepare(client)
        stage.server.forget()
        for number, exchange in enumerate(case['http']):
            stage.before(number)
            asked = exchange['request']
            response = client.send(
                asked['method'], asked['path'], asked['fields']
            )
            self.compare(stage, exchange['response'], response)
        self.assertEqual(
            [
                (e['request']['method'], e['request']['path'])
                for e in case['http']
            ],
            [(r.method, r.target) for r in stage.server.requests],
        )

    def compare(
        self,
        stage: Stage,
        recorded: dict[str, Any],
        response: requests.Response,
    ) -> None:
        self.assertEqual(
            (recorded['status'], recorded['content_type']),
            (response.status_code, response.headers['Content-Type']),
            response.text[:200],
        )
        body = stage.body(recorded['body'])
        if not recorded['content_type'].startswith('application/json'):
            self.assertEqual(body, response.text)
            self.assertEqual(recorded['bytes'], len(response.content))
        elif isinstance(body, str):
            document = response.json()
            self.assertEqual({'doc', 'hash', 'resources'}, set(document))
        else:
            actual = response.json()
            self.assertEqual(expected(body), cut(actual, body))
            if json.loads(response.text) and 'hostname' not in response.text:
                self.assertEqual(recorded['bytes'], len(response.content))


class TestReplay34(ReplayCase):
    series = '3.4'


class TestReplay37(ReplayCase):
    series = '3.7'


def _fill(cls: type[ReplayCase]) -> None:
    def add(case: dict[str, Any]) -> None:
        name = re.sub(r'\W', '_', case['case'])
        setattr(cls, f'test_{name}', lambda self: self.replay(case))

    for case in maas_data.recorded(cls.series):
        if case['case'] not in NO_HTTP:
            add(case)


_fill(TestReplay34)
_fill(TestReplay37)


class TestExhaustive(testtools.TestCase):
    def test_each_case_is_replayed_or_has_a_reason_not_to_be(self) -> None:
        for cls in (TestReplay34, TestReplay37):
            cases = maas_data.recorded(cls.series)
            silent = {case['case'] for case in cases if not case['http']}
            self.assertEqual(set(NO_HTTP), silent)
            replayed = [n for n in dir(cls) if n.startswith('test_')]
            self.assertEqual(len(cases), len(replayed) + len(silent))
            self.assertEqual(83, len(cases))
