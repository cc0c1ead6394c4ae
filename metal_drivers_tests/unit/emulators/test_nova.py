# SPDX-License-Identifier: Apache-2.0
"""Nova as its clients see it: versions, pages, rights."""

from typing import Any

import requests
import testtools

from metal_drivers_tests.emulators import nova

HYPERVISORS = '/v2.1/os-hypervisors/detail'
SERVICES = '/v2.1/os-services'
SERVERS = '/v2.1/servers/detail'
MIGRATIONS = '/v2.1/os-migrations'


class NovaCase(testtools.TestCase):
    version = '2.87'

    def start(self, *args: Any, **kwargs: Any) -> nova.NovaEmulator:
        server: nova.NovaEmulator = self.useFixture(
            nova.NovaEmulator(*args, **kwargs)
        )
        self.nova = server
        session = requests.Session()
        self.addCleanup(session.close)
        self.session = session
        return server

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        version: str | None = None,
        **headers: str,
    ) -> requests.Response:
        headers['OpenStack-API-Version'] = f'compute {version or self.version}'
        return self.session.request(
            method, self.nova.url + path, json=body, headers=headers, timeout=5
        )

    def get(self, path: str, version: str | None = None) -> Any:
        response = self.ask('GET', path, version=version)
        self.assertEqual(200, response.status_code, response.text)
        return response.json()

    def service(self, name: str) -> dict[str, Any]:
        path = f'{SERVICES}?binary=nova-compute&host={name}'
        (found,) = self.get(path)['services']
        assert isinstance(found, dict)
        return found

    def assertRefused(
        self, status: int, message: str, response: requests.Response
    ) -> None:
        self.assertEqual(status, response.status_code, response.text)
        (error,) = response.json().values()
        self.assertEqual(status, error['code'])
        self.assertIn(message, error['message'])


class TestSearch(NovaCase):
    version = '2.53'

    def test_by_a_part_of_the_name(self) -> None:
        self.start(['compute-1', 'compute-12', 'other'])
        for pattern, names in (
            ('compute-1', ['compute-1', 'compute-12']),
            ('TE-12', ['compute-12']),
            ('o_her', ['other']),
            ('%25', ['compute-1', 'compute-12', 'other']),
        ):
            found = self.get(
                f'{HYPERVISORS}?hypervisor_hostname_pattern={pattern}'
            )
            self.assertEqual(
                names,
                [each['hypervisor_hostname'] for each in found['hypervisors']],
            )

    def test_no_pages(self) -> None:
        self.start(2)
        path = f'{HYPERVISORS}?hypervisor_hostname_pattern='
        self.assertRefused(404, "matching 'x'", self.ask('GET', path + 'x'))
        self.assertRefused(
            400, 'not supported', self.ask('GET', f'{path}compute&limit=5')
        )


class TestVersions(NovaCase):
    def test_discovery(self) -> None:
        server = self.start(valid_token=lambda token: False)
        versions = requests.get(server.url, timeout=5).json()['versions']
        self.assertEqual(
            ['', '2.104'], [version['version'] for version in versions]
        )
        version = requests.get(f'{server.url}/v2.1/', timeout=5).json()
        self.assertEqual('2.1', version['version']['min_version'])

    def test_the_old_api_without_a_microversion(self) -> None:
        server = self.start(2)
        response = requests.get(server.url + HYPERVISORS, timeout=5)
        self.assertEqual(
            '2.1', response.headers['X-OpenStack-Nova-API-Version']
        )
        views = response.json()['hypervisors']
        self.assertEqual([1, 2], [view['id'] for view in views])

    def test_what_changes_with_the_version(self) -> None:
        server = self.start(['h'])
        host = server.hosts['h']
        for version, key, has_count in (
            ('2.52', 1, True),
            ('2.53', host.hypervisor_id, True),
            ('2.87', host.hypervisor_id, True),
            ('2.88', host.hypervisor_id, False),
        ):
            (view,) = self.get(HYPERVISORS, version)['hypervisors']
            self.assertEqual(key, view['id'])
            self.assertEqual(has_count, 'running_vms' in view)

    def test_a_version_that_does_not_exist(self) -> None:
        """Whatever is asked for, and what was asked is not done."""
        server = self.start(['h'], maximum=(2, 60))
        key = server.add_server('h').id
        service = f'{SERVICES}/{server.hosts["h"].service_id}'
        for method, path in (
            ('GET', '/v2.1/'),
            ('GET', HYPERVISORS),
            ('GET', '/v2.1/os-hypervisors'),
            ('GET', f'/v2.1/os-hypervisors/{server.hosts["h"].hypervisor_id}'),
            ('GET', SERVERS),
            ('GET', f'/v2.1/servers/{key}'),
            ('GET', MIGRATIONS),
            ('GET', SERVICES),
            ('PUT', service),
        ):
            body = {'status': 'disabled'} if method == 'PUT' else None
            for version in ('2.0', '2.61', '3.0'):
                response = self.ask(method, path, body, version)
                self.assertRefused(406, 'maximum is 2.60', response)
        self.assertEqual('enabled', server.hosts['h'].status)

    def test_migrations_have_pages_since_2_59(self) -> None:
        server = self.start(2, max_limit=2)
        hosts = list(server.hosts)
        for _ in range(3):
            server.add_migration(server.add_server(hosts[0]), *hosts)
        found = self.get(f'{MIGRATIONS}?host={hosts[0]}', '2.53')
        self.assertEqual(['migrations'], list(found))
        self.assertEqual(3, len(found['migrations']))
        self.assertNotIn('uuid', found['migrations'][0])
        found = self.get(MIGRATIONS, '2.59')
        self.assertEqual(2, len(found['migrations']))
        (link,) = found['migrations_links']
        rest = self.get(link['href'].removeprefix(server.url), '2.59')
        self.assertEqual(1, len(rest['migrations']))


class TestLists(NovaCase):
    def test_every_host_is_on_one_page(self) -> None:
        server = self.start(4, max_limit=2)
        url: str | None = HYPERVISORS
        sizes, names = [], []
        while url:
            page = self.get(url)
            sizes.append(len(page['hypervisors']))
            names += [h['service']['host'] for h in page['hypervisors']]
            links = page.get('hypervisors_links')
            url = links and links[0]['href'].removeprefix(server.url)
        # The last full page cannot know that it is the last.
        self.assertEqual([2, 2, 0], sizes)
        self.assertEqual(sorted(server.hosts), names)

    def test_servers_of_one_host(self) -> None:
        server = self.start(2)
        server.add_server('compute-01', 'SHUTOFF', tenant_id='other')
        server.add_server(None, 'BUILD')
        path = f'{SERVERS}?all_tenants=1'
        self.assertEqual(2, len(self.get(path)['servers']))
        (view,) = self.get(f'{path}&host=compute-01')['servers']
        self.assertEqual('SHUTOFF', view['status'])
        self.assertEqual('compute-01', view['OS-EXT-SRV-ATTR:host'])
        # Without all_tenants: only those of the own project.
        self.assertEqual(1, len(self.get(SERVERS)['servers']))

    def test_a_count_that_lags(self) -> None:
        server = self.start()
        host = server.add_host('h', servers=2)
        path = f'/v2.1/os-hypervisors/{host.hypervisor_id}'
        self.assertEqual(2, self.get(path)['hypervisor']['running_vms'])
        host.running_vms = 0
        self.assertEqual(0, self.get(path)['hypervisor']['running_vms'])
        self.assertEqual(2, len(self.get(SERVERS)['servers']))


class TestRights(NovaCase):
    def test_tokens(self) -> None:
        server = self.start(1, valid_token=lambda token: token == 'good')
        for token, status in (('bad', 401), ('good', 200)):
            response = self.ask('GET', HYPERVISORS, **{'X-Auth-Token': token})
            self.assertEqual(status, response.status_code)
        response = self.ask('GET', HYPERVISORS)
        self.assertRefused(401, 'requires authentication', response)
        self.assertIn(server.auth_url, response.headers['WWW-Authenticate'])

    def test_a_member_may_not(self) -> None:
        server = self.start(1)
        server.admin = False
        service = server.hosts['compute-01'].service_id
        for method, path, rule in (
            ('GET', HYPERVISORS, 'os-hypervisors:list-detail'),
            ('GET', SERVICES, 'os-services:list'),
            ('GET', f'{SERVERS}?all_tenants=1', 'servers:detail:get_all_ten'),
            ('PUT', f'{SERVICES}/{service}', 'os-services:update'),
        ):
            body = {'status': 'disabled'} if method == 'PUT' else None
            response = self.ask(method, path, body)
            self.assertRefused(403, f'os_compute_api:{rule}', response)
        self.assertEqual('enabled', server.hosts['compute-01'].status)

    def test_a_member_filters_by_host_in_vain(self) -> None:
        server = self.start(2)
        server.add_server('compute-01')
        server.admin = False
        (view,) = self.get(f'{SERVERS}?host=compute-02')['servers']
        self.assertNotIn('OS-EXT-SRV-ATTR:host', view)


class TestServices(NovaCase):
    def put(self, key: str, body: Any) -> requests.Response:
        return self.ask('PUT', f'{SERVICES}/{key}', body)

    def test_disable_and_enable(self) -> None:
        server = self.start(['h'])
        key = server.hosts['h'].service_id
        body = {'status': 'disabled', 'disabled_reason': 'ours'}
        reply = self.put(key, body).json()['service']
        self.assertEqual(
            ('disabled', 'ours'), (reply['status'], reply['disabled_reason'])
        )
        (view,) = self.get(HYPERVISORS)['hypervisors']
        self.assertEqual('disabled', view['status'])
        self.assertEqual('ours', view['service']['disabled_reason'])
        self.put(key, {'status': 'enabled'})
        found = self.service('h')
        self.assertEqual(
            ('enabled', None), (found['status'], found['disabled_reason'])
        )

    def test_what_a_put_is_refused_for(self) -> None:
        server = self.start(['h'])
        key = server.hosts['h'].service_id
        unknown = key[:-4] + '0000'
        off = {'status': 'disabled'}
        for where, body, status, message in (
            (unknown, off, 404, f'Service {unknown} could not be found.'),
            ('5', off, 400, 'Invalid uuid 5'),
            (key, [], 400, "[] is not of type 'object'"),
            (key, {}, 400, 'No updates were requested.'),
            (key, off | {'disabled_reason': 'x' * 256}, 400, 'is too long'),
            (key, off | {'disabled_reason': ''}, 400, 'non-empty'),
            (key, off | {'other': 1}, 400, "'other' was unexpected"),
            (key, {'status': 'off'}, 400, "'off' is not one of"),
            (
                key,
                {'status': 'enabled', 'disabled_reason': 'x'},
                400,
                "with status 'enabled' is invalid",
            ),
        ):
            self.assertRefused(status, message, self.put(where, body))
        self.assertEqual('enabled', self.service('h')['status'])
        exact = off | {'disabled_reason': 'x' * 255}
        self.assertEqual(200, self.put(key, exact).status_code)

    def test_a_server_lands_right_after_the_disable(self) -> None:
        server = self.start(['h'])
        server.on_disable(server.add_server)
        key = server.hosts['h'].service_id
        for status in ('disabled', 'disabled', 'enabled'):
            self.put(key, {'status': status})
            self.assertEqual(1, len(self.get(SERVERS)['servers']))

    def test_the_controllers_are_no_computes(self) -> None:
        self.start(1)
        binaries = [s['binary'] for s in self.get(SERVICES)['services']]
        self.assertEqual(
            ['nova-scheduler', 'nova-conductor', 'nova-compute'], binaries
        )
