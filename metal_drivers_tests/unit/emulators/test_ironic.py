# SPDX-License-Identifier: Apache-2.0
"""Ironic as its clients see it: pages, power, errors."""

import json
from typing import Any

import requests
import testtools

from metal_drivers_tests.emulators import ironic


class IronicCase(testtools.TestCase):
    def start(self, *args: Any, **kwargs: Any) -> ironic.IronicEmulator:
        server: ironic.IronicEmulator = self.useFixture(
            ironic.IronicEmulator(*args, **kwargs)
        )
        self.ironic = server
        self.session = requests.Session()
        self.addCleanup(self.session.close)
        return server

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        version: str | None = '1.95',
    ) -> requests.Response:
        headers = {}
        if version is not None:
            headers['X-OpenStack-Ironic-API-Version'] = version
        return self.session.request(
            method,
            self.ironic.url + path,
            json=body,
            headers=headers,
            timeout=5,
        )

    def get(self, path: str) -> Any:
        response = self.ask('GET', path)
        self.assertEqual(200, response.status_code, response.text)
        return response.json()

    def power(
        self, ident: str, target: str, version: str | None = '1.95'
    ) -> requests.Response:
        path = f'/v1/nodes/{ident}/states/power'
        return self.ask('PUT', path, {'target': target}, version)

    def assertFault(
        self, status: int, message: str, response: requests.Response
    ) -> None:
        self.assertEqual(status, response.status_code, response.text)
        inner = json.loads(response.json()['error_message'])
        self.assertIn(message, inner['faultstring'])


class TestLists(IronicCase):
    def test_ten_thousand_nodes_in_full_pages(self) -> None:
        server = self.start(10000)
        url: str | None = '/v1/nodes?fields=uuid,power_state'
        sizes: list[int] = []
        seen: set[str] = set()
        while url:
            page = self.get(url)
            sizes.append(len(page['nodes']))
            seen.update(node['uuid'] for node in page['nodes'])
            url = page.get('next', '').removeprefix(server.url)
        self.assertEqual([1000] * 10 + [0], sizes)
        self.assertEqual(set(server.nodes), seen)

    def test_only_the_fields_that_were_asked_for(self) -> None:
        self.start(1)
        (node,) = self.get('/v1/nodes?fields=name,extra')['nodes']
        self.assertEqual({'name', 'extra', 'links'}, set(node))
        self.assertFault(
            500, "'zork'", self.ask('GET', '/v1/nodes?fields=zork')
        )
        newer = '/v1/nodes?fields=disable_power_off'
        self.assertFault(406, '', self.ask('GET', newer, version='1.94'))

    def test_the_next_link_forgets_the_filter(self) -> None:
        # As in Ironic 39.0.0, where only true flags are carried over.
        server = self.start(max_limit=1)
        for group in ('a', 'b', 'a'):
            server.add_node(conductor_group=group, maintenance=True)
        path = '/v1/nodes?conductor_group=a&maintenance=true'
        page = self.get(path)
        self.assertNotIn('conductor_group', page['next'])
        self.assertIn('maintenance=True', page['next'])
        second = self.get(page['next'].removeprefix(server.url))
        (node,) = second['nodes']
        self.assertEqual('b', server.node(node['uuid']).conductor_group)

    def test_what_a_project_does_not_own(self) -> None:
        server = self.start(2)
        hidden = server.node('node-1')
        hidden.visible = False
        self.assertEqual(1, len(self.get('/v1/nodes')['nodes']))
        response = self.ask('GET', f'/v1/nodes/{hidden.uuid}')
        self.assertFault(404, 'could not be found', response)


class TestVersions(IronicCase):
    def test_discovery_and_headers(self) -> None:
        server = self.start(valid_token=lambda token: False)
        for path in ('/', '/v1'):
            response = self.ask('GET', path, version=None)
            headers = response.headers
            self.assertEqual(200, response.status_code)
            self.assertEqual('1.1', headers['X-OpenStack-Ironic-API-Version'])
            self.assertEqual(
                '1.115', headers['X-OpenStack-Ironic-API-Maximum-Version']
            )
        document = requests.get(server.url, timeout=5).json()
        self.assertEqual('1.115', document['default_version']['version'])

    def test_three_shapes_of_errors(self) -> None:
        self.start(valid_token=lambda token: token == 'good')
        error = self.ask('GET', '/v1/nodes').json()['error']
        self.assertEqual(401, error['code'])
        self.session.headers['X-Auth-Token'] = 'good'
        response = self.ask('GET', '/v1/nodes', version='1.999')
        inner = json.loads(response.json()['error_message'])
        self.assertEqual((406, 406), (response.status_code, inner['code']))
        self.assertFault(404, 'Node x ', self.ask('GET', '/v1/nodes/x'))

    def test_names_do_not_exist_before_they_were_invented(self) -> None:
        self.start(1)
        self.assertEqual('node-0', self.get('/v1/nodes/node-0')['name'])
        response = self.power('node-0', 'power off', version=None)
        self.assertFault(404, 'Node node-0 could not be found', response)


class TestPower(IronicCase):
    def test_off_and_on(self) -> None:
        server = self.start(1)
        for target, state in (
            ('power off', 'power off'),
            ('rebooting', 'power on'),
            ('soft power off', 'power off'),
        ):
            response = self.power('node-0', target)
            self.assertEqual(
                (202, b''), (response.status_code, response.content)
            )
            self.assertEqual(state, server.node('node-0').power_state)

    def test_a_change_under_way(self) -> None:
        server = self.start(2)
        server.hold('node-0')
        self.power('node-0', 'soft power off')
        self.power('node-1', 'power off')
        held = self.get('/v1/nodes/node-0')
        self.assertEqual('power on', held['power_state'])
        self.assertEqual('power off', held['target_power_state'])
        self.assertTrue(held['reservation'])
        self.assertFault(
            409, 'is locked by host', self.power('node-0', 'power off')
        )
        self.assertEqual('power off', server.node('node-1').power_state)
        server.release()
        done = self.get('/v1/nodes/node-0/states')
        self.assertEqual('power off', done['power_state'])
        self.assertIsNone(done['target_power_state'])
        self.assertIsNone(server.node('node-0').reservation)

    def test_a_change_that_fails(self) -> None:
        server = self.start(1)
        server.node('node-0').power_error = 'BMC says no'
        self.assertEqual(202, self.power('node-0', 'power off').status_code)
        node = self.get('/v1/nodes/node-0')
        self.assertEqual('BMC says no', node['last_error'])
        self.assertEqual('power on', node['power_state'])
        self.assertIsNone(node['target_power_state'])

    def test_what_is_refused(self) -> None:
        server = self.start(1)
        server.add_node(name='always-on', disable_power_off=True)
        for ident, target, version, status, message in (
            ('nobody', 'power off', '1.95', 404, 'Node nobody could not'),
            (
                'always-on',
                'power off',
                '1.95',
                409,
                'Failed to set node power',
            ),
            ('node-0', 'explode', '1.95', 400, '"explode" can not'),
            ('node-0', 'soft power off', '1.26', 406, 'not acceptable'),
        ):
            response = self.power(ident, target, version)
            self.assertFault(status, message, response)
        server.workers_free = False
        response = self.power('node-0', 'power off')
        self.assertFault(503, 'lack of free conductor workers', response)
        states = {node.power_state for node in server.nodes.values()}
        self.assertEqual({'power on'}, states)
