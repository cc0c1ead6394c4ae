# SPDX-License-Identifier: Apache-2.0
"""Lists, credentials and connections of an emulated MAAS."""

import threading
import time
from typing import Any

import requests

from metal_drivers_tests.emulators import (
    http,
    maas,
    maas_auth,
    maas_client,
    messages,
)
from metal_drivers_tests.unit.emulators import test_maas

MaasCase = test_maas.MaasCase


class TestLists(MaasCase):
    def test_the_cache_is_not_the_truth(self) -> None:
        server = self.start(machines=1)
        (machine,) = server.machines.values()
        machine.power = 'off'
        self.assertEqual('on', self.listed()[0]['power_state'])
        server.refresh()
        self.assertEqual('off', self.listed()[0]['power_state'])
        machine.power = 'on'
        self.assertEqual('on', self.state(machine))
        self.assertEqual('on', self.listed()[0]['power_state'])

    def test_filters(self) -> None:
        server = self.start()
        server.add_machine(hostname='a', tags=['x', 'y'], zone='az2')
        server.add_machine(hostname='b', tags=['x'], cached='error')
        server.add_machine(hostname='c', owner='joe')
        server.add_machine(hostname='d', status=maas.Status.READY)
        server.region.tags.add('unused')
        for query, names in (
            ('', 'abcd'),
            ('hostname=a&hostname=c&hostname=z', 'ac'),
            ('tags=x', 'ab'),
            ('tags=x&tags=y', 'a'),
            ('tags=x,y', 'a'),
            ('tags=unused', ''),
            ('not_tags=y&not_tags=nonsense', 'bcd'),
            ('zone=az2&zone=az1&tags=x', 'ab'),
            ('owner=joe', 'c'),
            ('status=deployed&status=allocated', 'abc'),
            ('power_state=error', 'b'),
            ('domain=nowhere', ''),
            ('hostname=', ''),
            ('hostname=&hostname=a', 'a'),
            ('not_tags=x,y', 'abcd'),
            (f'id={server.machine("d").system_id}', 'd'),
        ):
            found = [m['hostname'] for m in self.listed(f'?{query}')]
            self.assertEqual(list(names), found, query)
        for query in (
            *('limit=1', 'fqdn=a', 'tags=x,q', 'zone=q', 'pool=q'),
            *('owner=q', 'status=Deployed', 'power_state=q'),
            *('pool=', 'status=', 'power_state=', 'status=&status=deployed'),
        ):
            reply = self.client.get(f'machines/?{query}')
            self.assertEqual(400, reply.status_code, query)
            self.assertEqual([query.partition('=')[0]], list(reply.json()))

    def test_a_filter_that_is_not_emulated_is_not_ignored(self) -> None:
        server = maas.MaasEmulator()
        server.setUp()
        client = self.useFixture(maas_client.MaasClient(server))
        client.get('machines/?mac_address=52:54:00:00:00:00')
        self.assertRaises(http.EmulatorError, server.cleanUp)

    def test_many_machines(self) -> None:
        server = self.start(machines=300)
        machines = self.listed()
        self.assertEqual(
            list(server.machines), [m['system_id'] for m in machines]
        )
        server.freeze()
        before = self.client.get('machines/').content
        self.assertGreater(len(before), 300 * 20000)
        for machine in server.machines.values():
            machine.cached = 'off'
        self.assertEqual(before, self.client.get('machines/').content)
        self.client.apikey = 'a:b:c'
        self.assertEqual(401, self.client.get('machines/').status_code)
        self.client.apikey = server.joe.apikey
        self.assertEqual([], self.listed())
        server.thaw()
        self.client.apikey = server.apikey
        self.assertEqual('off', self.listed()[-1]['power_state'])


class TestCredentials(MaasCase):
    def test_whose_clock_is_behind(self) -> None:
        server = self.start()
        for skew, status in ((290, 200), (310, 401), (-3600, 200)):
            server.region.clock_skew = skew
            reply = self.client.get('users/?op=whoami')
            self.assertEqual(status, reply.status_code)
            self.assertEqual(status == 401, 'Expired' in reply.text)

    def test_a_request_is_good_once(self) -> None:
        server = self.start()
        headers = {'Authorization': maas_auth.sign(server.apikey)}
        url = f'{server.maas_url}/api/2.0/users/?op=whoami'
        statuses = [
            requests.get(url, headers=headers, timeout=5).status_code
            for _ in range(2)
        ]
        self.assertEqual([200, 401], statuses)

    def test_where_a_secret_was_sent(self) -> None:
        server = self.start()
        self.client.get('users/?op=whoami')
        self.client.apikey = None
        self.client.get('describe/')
        reply = self.client.get('users/?op=whoami')
        self.assertEqual(401, reply.status_code)
        carries = maas.carries(server.admin.token_secret)
        self.assertEqual(
            ['/MAAS/api/2.0/users/'],
            [r.path for r in server.requests if carries(r)],
        )
        self.assertNotIn(server.admin.token_secret, repr(server.admin))

    def test_who_is_nobody_gets_no_list(self) -> None:
        """Nor whose Authorization a front end has dropped."""
        self.start(machines=1)
        self.client.apikey = None
        reply = self.client.get('machines/?status=deployed')
        self.assertEqual(400, reply.status_code)
        self.assertEqual(
            'Unrecognised signature: method=GET op=None', reply.text
        )


class TestServer(MaasCase):
    def uris(self) -> set[str]:
        resources = self.client.get('describe/').json()['resources']
        handlers = [r['auth'] or r['anon'] for r in resources]
        return {h['uri'].removesuffix(h['path']) for h in handlers}

    def test_the_address_in_the_description(self) -> None:
        server = self.start()
        self.assertEqual({server.url}, self.uris())
        server.region.advertised_url = 'http://inside.invalid:5240'
        self.assertEqual({'http://inside.invalid:5240'}, self.uris())

    def test_a_version_that_no_controller_has_reported(self) -> None:
        server = self.start()
        for reported, version in ((True, '3.7.3'), (False, 'None')):
            server.region.reported = reported
            told = self.client.get('version/').json()
            self.assertEqual(version, told['version'])

    def test_tls(self) -> None:
        server = self.start(tls=True)
        self.assertTrue(server.url.startswith('https://'))
        self.assertEqual({server.url}, self.uris())
        url = f'{server.maas_url}/api/2.0/version/'
        self.assertRaises(
            requests.exceptions.SSLError, requests.get, url, timeout=5
        )
        named = url.replace('127.0.0.1', 'localhost')
        reply = requests.get(named, timeout=5, verify=server.cafile)
        self.assertEqual(200, reply.status_code)

    def test_tls_ends_with_the_test(self) -> None:
        before = set(threading.enumerate())
        server = maas.MaasEmulator(tls=True)
        server.setUp()
        client = self.useFixture(maas_client.MaasClient(server))
        self.assertEqual(200, client.get('version/').status_code)
        server.cleanUp()
        self.assertEqual(before, set(threading.enumerate()))

    def test_workers(self) -> None:
        server = self.start('3.7', machines=3, workers=2)
        server.hold()
        first, second, third = server.machines.values()
        threads = [self.in_background(m, 'off')[0] for m in (first, second)]
        server.wait_for_actions(2)
        threads.append(self.in_background(third, 'off')[0])
        deadline = time.monotonic() + http.PATIENCE
        while server.concurrency < 3:
            self.assertLess(time.monotonic(), deadline)
        # It waits for a worker, so nothing was asked of the third yet.
        self.assertEqual([], third.actions)
        server.release()
        for thread in threads:
            thread.join(5)
        self.assertEqual('off', third.power)

    def test_latency(self) -> None:
        server = self.start(machines=1)
        server.region.latency['machine'] = maas.NEVER
        server.region.machine_latency = 3600
        replies: list[Any] = []
        client = threading.Thread(target=lambda: replies.append(self.listed()))
        client.start()
        self.addCleanup(client.join, 5)
        server.wait_for(messages.matching('GET', '.*/machines/'))
        self.assertEqual([], replies)
        while not replies:
            server.advance(3600)
        self.assertEqual(1, len(replies[0]))

    def test_a_client_is_counted_once_at_a_time(self) -> None:
        server = self.start(machines=1)
        for _ in range(3):
            self.listed()
        self.assertEqual(1, server.concurrency)
        self.assertEqual(1, server.connections)
