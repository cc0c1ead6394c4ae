# SPDX-License-Identifier: Apache-2.0
"""Replies that are not what they should be."""

import json
from typing import Any

from metal_drivers import exceptions
from metal_drivers.model import PowerState
from metal_drivers_tests.emulators import faults, maas_data, messages
from metal_drivers_tests.unit.drivers.maas import base, breaking

VERSION = messages.matching('GET', '.*/version/')
Protocol = exceptions.ProtocolError
Unavailable = exceptions.UnavailableError


class TestList(breaking.FaultTestCase):
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


class TestDroppedAuthorization(breaking.FaultTestCase):
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


class TestUnauthorized(breaking.FaultTestCase):
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
