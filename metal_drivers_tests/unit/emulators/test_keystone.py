# SPDX-License-Identifier: Apache-2.0
"""Keystone as its clients see it: passwords, tokens, the catalog."""

from typing import Any

import requests
import testtools

from metal_drivers_tests.emulators import keystone, nova


class TestKeystone(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keystone = self.useFixture(keystone.KeystoneEmulator())

    def log_in(
        self, password: str | None = None, scope: Any = None
    ) -> requests.Response:
        domain = {'id': 'default'}
        user: Any = {
            'name': 'admin',
            'domain': domain,
            'password': password or 'secret',
        }
        project: Any = {'project': {'name': 'admin', 'domain': domain}}
        identity: Any = {'methods': ['password'], 'password': {'user': user}}
        auth = {'identity': identity, 'scope': scope or project}
        return requests.post(
            f'{self.keystone.auth_url}/auth/tokens',
            json={'auth': auth},
            timeout=5,
        )

    def test_a_catalog_with_regions(self) -> None:
        for region in ('one', 'two'):
            self.keystone.add_endpoint('compute', f'http://{region}', region)
        response = self.log_in()
        self.assertEqual(201, response.status_code)
        token = response.json()['token']
        self.assertEqual('admin', token['project']['name'])
        services = {s['type']: s['endpoints'] for s in token['catalog']}
        self.assertEqual({'identity', 'compute'}, set(services))
        self.assertEqual(
            {('one', 'http://one'), ('two', 'http://two')},
            {(e['region'], e['url']) for e in services['compute']},
        )

    def test_system_scope(self) -> None:
        token = self.log_in(scope={'system': {'all': True}}).json()['token']
        self.assertEqual({'all': True}, token['system'])
        self.assertNotIn('project', token)

    def test_who_is_refused(self) -> None:
        for response in (
            self.log_in('wrong'),
            self.log_in(scope={'project': {'name': 'nowhere'}}),
        ):
            self.assertEqual(401, response.status_code)
            self.assertEqual('Unauthorized', response.json()['error']['title'])
            self.assertIn('Keystone', response.headers['WWW-Authenticate'])

    def test_tokens_that_expire(self) -> None:
        server = self.useFixture(
            nova.NovaEmulator(1, valid_token=self.keystone.valid)
        )
        token = self.log_in().headers['X-Subject-Token']

        def status() -> int:
            return requests.get(
                f'{server.url}/v2.1/os-services',
                headers={'X-Auth-Token': token},
                timeout=5,
            ).status_code

        self.assertEqual(200, status())
        self.keystone.expire_tokens()
        self.assertEqual(401, status())
        token = self.log_in().headers['X-Subject-Token']
        self.assertEqual(200, status())

    def test_discovery(self) -> None:
        root = requests.get(self.keystone.url, timeout=5)
        self.assertEqual(300, root.status_code)
        (version,) = root.json()['versions']['values']
        self.assertEqual('v3.14', version['id'])
        document = requests.get(self.keystone.auth_url, timeout=5).json()
        self.assertEqual(version, document['version'])
