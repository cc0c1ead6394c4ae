# SPDX-License-Identifier: Apache-2.0
"""Replies and connections that are not what they should be."""

import asyncio
import json
import socket
import threading
import time
from typing import Any

import fixtures

from metal_drivers import exceptions
from metal_drivers.drivers.maas import MaasDriver
from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import faults, maas_data, messages
from metal_drivers_tests.unit.drivers.maas import base

VERSION = messages.matching('GET', '.*/version/')

Protocol = exceptions.ProtocolError
Unavailable = exceptions.UnavailableError


class FaultTestCase(base.MaasTestCase):
    """Every test ends in seconds."""

    def setUp(self) -> None:
        super().setUp()
        self.heard: list[bytes] = []
        begin = time.monotonic()
        self.addCleanup(lambda: self.assertLess(time.monotonic() - begin, 5))

    def listening(self, reply: bytes | None, to: bytes = b'') -> str:
        """Where a server says this to everybody, or nothing at all.

        :param to: what a request begins with that gets the reply; to
            others nothing is said.
        """
        server = socket.create_server(('127.0.0.1', 0))
        kept: list[socket.socket] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    break
                kept.append(connection)
                if reply is not None:
                    said = connection.recv(65536)
                    self.heard.append(said)
                    if said.startswith(to):
                        connection.sendall(reply)
                        connection.close()
            for connection in [*kept, server]:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown, socket.SHUT_RDWR)
        return f'127.0.0.1:{server.getsockname()[1]}'


class TestConnect(FaultTestCase):
    """Before anything is known of MAAS: whatever is asked ends so."""

    def check_all(
        self, kind: type[base.E], driver: MaasDriver, *told: str
    ) -> base.E:
        exc = self.error(kind, driver.list_nodes)
        for part in (f'[{base.GROUP}]', *told):
            self.assertIn(part, str(exc))
        self.error(kind, driver.get_node, 'abc123')
        for state in (PowerState.ON, PowerState.OFF):
            self.error(kind, driver.set_power_state, 'abc123', state)
        self.assertEqual(
            {'abc123': PowerState.UNKNOWN}, driver.get_power_states(['abc123'])
        )
        (result,) = driver.check()
        self.recorder.note(result)
        self.assertEqual('failed', result.status.value)
        return exc

    def check_url(self, kind: type[base.E], url: str, *told: str) -> base.E:
        return self.check_all(kind, self.driver_with(url=url), *told)

    def check_description(
        self, kind: type[base.E], fault: faults.Fault, *told: str
    ) -> base.E:
        rule = self.maas.fail(base.DESCRIBE, fault, None)
        exc = self.check_all(kind, self.driver_with(), *told)
        self.assertEqual(rule.used, len(self.maas.requests))
        self.maas.heal()
        self.maas.forget()
        return exc

    def test_refused(self) -> None:
        url = 'http://127.0.0.1:1/MAAS'
        exc = self.check_url(
            Unavailable, url, f'could not connect to {url}', 'refused'
        )
        self.assertNotIn('Connect call', str(exc))
        self.assertIsNotNone(exc.__cause__)

    def test_dns_failure(self) -> None:
        def look_up(*args: Any) -> Any:
            raise socket.gaierror(-2, 'Name or service not known')

        self.useFixture(fixtures.MonkeyPatch('socket.getaddrinfo', look_up))
        self.check_url(
            Unavailable,
            'http://no-such-host.invalid/MAAS',
            'could not connect to http://no-such-host.invalid/MAAS',
            'Name or service not known',
        )

    def test_wrong_path(self) -> None:
        for path in ('', '/WRONG', '/MAAS/x'):
            exc = self.check_url(Protocol, self.maas.url + path, '404')
            self.assertIn('no MAAS at that URL', str(exc))

    def test_descriptions_that_are_none(self) -> None:
        for fault, kind, told in (
            (faults.html(), Protocol, 'text/html'),
            (faults.html(404), Protocol, 'HTML'),
            (faults.html(401), Protocol, 'no MAAS at that URL'),
            (faults.html(403), Protocol, 'no MAAS at that URL'),
            (faults.malformed_json(), Protocol, 'JSON'),
            (faults.status(200, b''), Protocol, 'JSON'),
            (faults.truncated(), Unavailable, 'incomplete'),
            (faults.reset(), Unavailable, 'incomplete'),
            (faults.close(), Unavailable, 'incomplete'),
            (faults.bad_gateway(), Unavailable, '502'),
            (faults.status(503, b'', None), Unavailable, '503'),
            (faults.status(500, b'{}'), Unavailable, '500'),
            (faults.wrong_content_type(None), Protocol, 'octet-stream'),
        ):
            self.check_description(kind, fault, told)

    def test_a_redirection_says_where_to(self) -> None:
        self.check_description(
            Protocol,
            faults.status(301, headers=[('Location', 'https://front/MAAS')]),
            '301, a redirection to https://front/MAAS',
        )

    def test_descriptions_of_another_shape(self) -> None:
        good = json.loads(maas_data.description(self.series))
        handler = next(
            each['auth']
            for each in good['resources']
            if each['auth'] and each['auth']['name'] == 'MachinesHandler'
        )
        shapes: tuple[Any, ...] = (
            *(None, [], {}, 7, 'x'),
            {'resources': None},
            {'resources': {'a': 1}},
            {'resources': [None]},
            {'resources': [{}]},
            {'resources': [{'anon': None, 'auth': 'x'}]},
            {'resources': [{'anon': None, 'auth': {'uri': 7}}]},
            {
                'resources': [
                    {'anon': None, 'auth': handler | {'uri': 'http://x/y/'}}
                ]
            },
            {
                'resources': [
                    {
                        'anon': None,
                        'auth': {
                            'name': 'credentials',
                            'uri': handler['uri'],
                            'doc': '',
                            'actions': [],
                        },
                    }
                ]
            },
        )
        for shape in shapes:
            body = json.dumps(shape).encode()
            self.check_description(Protocol, faults.status(200, body))

    def test_a_description_without_what_is_needed(self) -> None:
        """Calls that are not there, or that take something else."""
        good = json.loads(maas_data.description(self.series))

        def without(name: str) -> Any:
            return [
                each
                for each in good['resources']
                if not (each['auth'] and each['auth']['name'] == name)
            ]

        handler = next(
            each['auth']
            for each in good['resources']
            if each['auth'] and each['auth']['name'] == 'MachineHandler'
        )
        other = {'anon': None, 'auth': handler | {'params': ['node', 'id']}}
        machine = self.maas.add_machine()
        for resources in (
            [],
            without('MachineHandler'),
            [*without('MachineHandler'), other],
        ):
            body = json.dumps({'resources': resources}).encode()
            self.maas.fail(base.DESCRIBE, faults.status(200, body), None)
            driver = self.driver_with()
            self.error(Protocol, driver.get_node, machine.system_id)
            self.maas.heal()

    def test_a_description_is_asked_for_until_it_is_there(self) -> None:
        self.maas.fail(base.DESCRIBE, faults.malformed_json())
        self.error(Protocol, self.driver.list_nodes)
        self.assertEqual([], self.driver.list_nodes())
        self.assertEqual([], self.driver.list_nodes())
        self.assertEqual(2, self.requests(base.DESCRIBE))

    def test_what_is_no_http(self) -> None:
        for reply in (b'SSH-2.0-OpenSSH_9.6\r\n', b'HTTP/1.1 2x0 OK\r\n\r\n'):
            self.check_url(Unavailable, f'http://{self.listening(reply)}/MAAS')

    def test_nobody_answers(self) -> None:
        url = f'http://{self.listening(None)}/MAAS'
        driver = self.driver_with(url=url, timeout=0.2)
        exc = self.check_all(
            exceptions.TimedOutError, driver, 'within 0.2 s', '] timeout'
        )
        self.assertIsNotNone(exc.__cause__)

    def test_tls_to_who_does_not_speak_it(self) -> None:
        """libmaas takes 30 s for it."""
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.session.CONNECT', 0.05
            )
        )
        url = f'https://{self.listening(None)}/MAAS'
        self.check_url(
            Unavailable, url, f'could not connect to {url}', 'https or http'
        )

    def test_https_to_a_port_of_http(self) -> None:
        """MAAS' web server waits for the end of what it takes for the
        first line."""
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.plain_http.AFTER', 0
            )
        )
        for status in (200, 404, 500):
            reply = b'HTTP/1.1 %d Any\r\nContent-Length: 0\r\n\r\n' % status
            url = f'https://{self.listening(reply, to=b"GET ")}/MAAS'
            self.check_url(
                Unavailable, url, f'{url} speaks http, not https', 'url'
            )
        # The question whether it does goes over in clear, without the key.
        self.assertIn('GET /MAAS/api/2.0/describe/', str(self.heard))
        self.assertNotIn('Authorization', str(self.heard))

    def test_a_port_of_https_that_is_slow(self) -> None:
        """It, too, has an answer to http: that this is the wrong way."""
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.plain_http.AFTER', 0
            )
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.session.CONNECT', 0.1
            )
        )
        for status in (400, 301):
            reply = b'HTTP/1.1 %d Any\r\nContent-Length: 0\r\n\r\n' % status
            url = f'https://{self.listening(reply, to=b"GET ")}/MAAS'
            self.check_url(Unavailable, url, 'could not connect')

    def test_a_handshake_that_is_done_decides(self) -> None:
        """There are front ends that speak both on one port."""
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.plain_http.AFTER', 0
            )
        )
        server = self.start(self.series, tls=True)
        looked = threading.Event()
        server.fail(base.DESCRIBE, faults.hang(looked))

        async def speaks_http(*args: Any) -> bool:
            await asyncio.to_thread(server.wait_for, base.DESCRIBE)
            asyncio.get_running_loop().call_later(0.05, looked.set)
            return True

        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.session.Session._speaks_http',
                speaks_http,
            )
        )
        driver = self.driver_with(
            url=server.maas_url, api_key=server.apikey, cafile=server.cafile
        )
        self.assertEqual([], driver.list_nodes())
        self.assertTrue(looked.is_set())


class TestList(FaultTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.maas.add_machine(hostname='c1')
        self.driver.list_nodes()

    def check_fault(
        self, kind: type[base.E], fault: faults.Fault, *told: str
    ) -> base.E:
        self.maas.fail(base.LIST, fault, None)
        exc = self.error(kind, self.driver.list_nodes)
        for part in ('MAAS', *told):
            self.assertIn(part, str(exc))
        self.maas.heal()
        # It is well again at once.
        self.assertEqual(1, len(self.driver.list_nodes()))
        return exc

    def test_bodies_that_are_no_list(self) -> None:
        for fault, told in (
            (faults.html(), 'text/html'),
            (faults.malformed_json(), 'JSON'),
            (faults.status(200, b'null'), 'without a list'),
            (faults.status(200, b'{"a": 1}'), 'without a list'),
            (faults.status(200, b'"c1"'), 'without a list'),
            (faults.status(200, b'\xff\xfe\x00'), 'JSON'),
            (faults.status(200, b'[' * 100_000), 'Recursion'),
            (faults.status(200, b'[1]', None), 'octet-stream'),
            (faults.empty(204), 'octet-stream'),
        ):
            self.check_fault(Protocol, fault, told)

    def test_items_that_are_no_machines(self) -> None:
        items: tuple[Any, ...] = (
            *(None, 7, 'c1', [], {}),
            {'system_id': 'abc123'},
            {'system_id': 7, 'hostname': 'x', 'power_state': 'on'},
            {'system_id': 'abc123', 'hostname': 'x'},
            {'system_id': 'abc123', 'hostname': [], 'power_state': 'on'},
            {
                'system_id': 'abc123',
                'hostname': 'x',
                'power_state': 'on',
                'tag_names': 7,
            },
        )
        for item in items:
            body = json.dumps([item]).encode()
            self.check_fault(
                Protocol, faults.status(200, body), 'not a machine'
            )

    def test_values_that_are_new(self) -> None:
        """What libmaas raises ValueError for."""
        known = maas_data.machine(self.series)
        known |= {'status_name': 'Deployed', 'power_type': 'ipmi'}
        for fields, expected in (
            ({'power_state': 'standby'}, [PowerState.UNKNOWN]),
            ({'power_state': None}, [PowerState.UNKNOWN]),
            ({'power_state': ['off']}, [PowerState.UNKNOWN]),
            ({'status': 99, 'status_name': 'Melting'}, []),
        ):
            body = json.dumps([known | fields]).encode()
            self.maas.fail(base.LIST, faults.status(200, body))
            states = [n.power_state for n in self.driver.list_nodes()]
            self.assertEqual(expected, states)

    def test_connections_that_end(self) -> None:
        for fault in (
            faults.truncated(),
            faults.truncated(10_000),
            faults.reset(),
            faults.close(),
        ):
            self.check_fault(Unavailable, fault, 'an incomplete reply')

    def test_statuses(self) -> None:
        text = 'text/plain'
        refused = exceptions.RefusedError
        forbidden = exceptions.AuthenticationError
        for fault, kind, told in (
            (faults.bad_gateway(), Unavailable, 'HTML'),
            (faults.status(409, b'conflict', text), refused, 'conflict'),
            (faults.status(418, b'tea', text), refused, 'tea'),
            (faults.status(429, b'', text), Unavailable, '429'),
            (faults.status(500, b'oops', text), Unavailable, 'oops'),
            (faults.status(503, b'', text), Unavailable, '503'),
            (faults.html(503), Unavailable, '503'),
            (faults.html(400), Protocol, '400'),
            (faults.html(404), Protocol, '404'),
            (faults.status(302, b'', text), Protocol, '302'),
            (faults.status(599, b'', text), Protocol, '599'),
            (faults.status(403, b'', text), forbidden, '403'),
        ):
            self.check_fault(kind, fault, told)

    def test_html_in_progress_is_not_busy(self) -> None:
        """Whose request was not begun is known of MAAS' own words only."""
        page = b'<html>Maintenance already in progress</html>'
        exc = self.check_fault(
            Unavailable, faults.status(503, page, 'text/html')
        )
        self.assertNotIsInstance(exc, exceptions.BusyError)

    def test_what_is_compressed_wrongly(self) -> None:
        headers = [('Content-Encoding', 'gzip')]
        self.check_fault(
            Unavailable, faults.status(200, b'[]', headers=headers)
        )

    def test_a_reply_that_is_no_http(self) -> None:
        """aiohttp's error has the headers of the request in it."""
        exc = self.check_fault(
            Unavailable,
            faults.status(200, b'[]', headers=[('B\x01d', 'x')]),
            'ClientResponseError',
        )
        self.assertIsNone(exc.__cause__)

    def test_a_redirection_is_told_no_key(self) -> None:
        other = self.start(machines=1)
        for target in (other.maas_url, f'{self.maas.url}/login'):
            self.check_fault(
                Protocol,
                faults.status(302, headers=[('Location', target)]),
                f'a redirection to {target}',
            )
        self.assertEqual([], other.requests)

    def test_a_body_that_quotes_our_headers(self) -> None:
        def quote(exchange: faults.Exchange) -> None:
            header = exchange.request.headers['Authorization'].encode()
            exchange.send(messages.Reply(500, header, 'text/plain'))

        self.check_fault(Unavailable, quote, '***')


class TestDroppedAuthorization(FaultTestCase):
    """MAAS takes such requests for those of nobody, who may do little."""

    def check_dropped(self, op: str) -> None:
        body = f'Unrecognised signature: method=GET op={op}'.encode()
        driver = self.driver_with(tags=['x'])
        machine = self.maas.add_machine(tags=['x'])
        driver.list_nodes()
        fault = faults.status(400, body, 'text/plain; charset=utf-8')
        self.maas.fail(lambda request: not VERSION(request), fault, None)
        for call in (
            driver.list_nodes,
            lambda: driver.get_node(machine.system_id),
            lambda: driver.get_power_states([machine.system_id]),
            lambda: driver.set_power_state(machine.system_id, PowerState.OFF),
        ):
            exc = self.error(exceptions.AuthenticationError, call)
            self.assertEqual(400, exc.status)
            self.assertIn('without the Authorization header', str(exc))
            self.assertIn('proxy', exc.cure)
            self.assertNotIn('tags', str(exc))
        failed = driver.check()[-1]
        self.assertEqual('maas credentials', failed.name)
        self.assertIn('Authorization', failed.detail)
        self.maas.heal()

    def test_it_is_no_wrong_filter(self) -> None:
        for op in ('None', 'query_power_state', 'whoami'):
            self.check_dropped(op)


class TestUnauthorized(FaultTestCase):
    """401 has many reasons; its text is told to nobody."""

    def check_key(self, key: str) -> exceptions.AuthenticationError:
        driver = self.driver_with(api_key=self.keep_secret(key))
        exc = self.error(exceptions.AuthenticationError, driver.list_nodes)
        results = driver.check()
        self.recorder.note(*results)
        self.assertEqual('failed', results[-1].status.value)
        self.assertEqual('maas credentials', results[-1].name)
        machine = self.maas.add_machine()
        self.error(
            exceptions.AuthenticationError, driver.get_node, machine.system_id
        )
        self.error(
            exceptions.AuthenticationError,
            driver.set_power_state,
            machine.system_id,
            PowerState.OFF,
        )
        self.assertEqual(0, self.requests(base.is_power))
        return exc

    def test_wrong_keys(self) -> None:
        """The one for a wrong secret has the true one in it."""
        consumer, token, secret = self.maas.apikey.split(':')
        for key in (
            f'{consumer}:{token}:wr0ngsecret',
            f'{consumer}:wr0ngtoken:{secret}',
            f'wr0ngconsumer:{token}:{secret}',
        ):
            exc = self.check_key(key)
            self.assertEqual(401, exc.status)
            self.assertIn('API key', str(exc))
            self.assertIn(f'[{base.GROUP}] api_key', exc.cure)

    def test_a_clock_that_is_behind(self) -> None:
        """More than 300 s, as measured; ahead is no matter."""
        for skew in (290, -3600):
            self.maas.region.clock_skew = skew
            self.assertEqual([], self.driver.list_nodes())
        self.maas.region.clock_skew = 310
        exc = self.check_key(self.maas.apikey)
        self.assertIn('clock', str(exc))
        self.assertIn('clock', exc.cure)
        self.assertNotIn('api_key', exc.cure)

    def test_a_request_that_was_sent_twice(self) -> None:
        """aiohttp repeats a GET that met a closed connection, and MAAS
        takes no signature twice: that is no wrong key."""
        self.driver.list_nodes()
        self.maas.fail(base.LIST, faults.close(performed=True))
        exc = self.error(Unavailable, self.driver.list_nodes)
        self.assertIn('succeeded, but the reply was lost', str(exc))
        self.assertEqual([], self.driver.list_nodes())
