# SPDX-License-Identifier: Apache-2.0
"""A MAAS that cannot be reached, or is none."""

import asyncio
import json
import socket
import threading
from typing import Any

import fixtures

from metal_drivers import exceptions
from metal_drivers.drivers.maas import MaasDriver
from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import faults, maas_data
from metal_drivers_tests.unit.drivers.maas import base, breaking

Protocol = exceptions.ProtocolError
Unavailable = exceptions.UnavailableError


class TestConnect(breaking.FaultTestCase):
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
