# SPDX-License-Identifier: Apache-2.0
"""The base of the emulators: connections, faults, the end."""

import json
import threading
import time
from collections.abc import Iterable

import requests
import testtools

from metal_drivers_tests.emulators import faults, http, messages


class Counter(http.HttpEmulator):
    """Counts up with each POST."""

    def __init__(self) -> None:
        super().__init__()
        self.value = 0

    def routes(self) -> Iterable[http.Route]:
        return (
            http.route('GET', '/value', self._get),
            http.route('POST', '/value', self._post),
            http.route('GET', '/broken', self._broken),
        )

    def _get(self, request: messages.Request) -> messages.Reply:
        return messages.json_reply({'value': self.value})

    def _post(self, request: messages.Request) -> messages.Reply:
        self.value += request.json()['by']
        return messages.Reply(202, content_type=None)

    def _broken(self, request: messages.Request) -> messages.Reply:
        raise KeyError('a bug')


def everything(request: messages.Request) -> bool:
    return True


class TestHttpEmulator(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(Counter())
        self.session = requests.Session()
        self.addCleanup(self.session.close)

    def get(self) -> requests.Response:
        return self.session.get(f'{self.server.url}/value', timeout=5)

    def post(self) -> requests.Response:
        return self.session.post(
            f'{self.server.url}/value', json={'by': 1}, timeout=5
        )

    def test_requests_are_recorded(self) -> None:
        self.post()
        self.session.get(f'{self.server.url}/value?a=%20b&a=c', timeout=5)
        post, get = self.server.requests
        self.assertEqual(('POST', {'by': 1}), (post.method, post.json()))
        self.assertEqual({'a': [' b', 'c']}, get.query)
        self.assertEqual(1, self.server.count('GET', '/val.*', a='c'))
        self.assertEqual(0, self.server.count('GET', '/val'))
        self.assertTrue(get.headers['user-AGENT'])

    def test_a_connection_is_kept(self) -> None:
        for _ in range(3):
            self.post()
            self.get()
        self.assertEqual(1, self.server.connections)
        requests.get(f'{self.server.url}/value', timeout=5)
        self.assertEqual(2, self.server.connections)

    def test_a_connection_that_breaks_before_the_reply(self) -> None:
        for fault, cause in (
            (faults.reset(), 'ConnectionResetError'),
            (faults.close(), 'RemoteDisconnected'),
        ):
            self.server.fail(everything, fault)
            error = self.assertRaises(requests.ConnectionError, self.post)
            self.assertIn(cause, repr(error))
        self.assertEqual(0, self.server.value)
        self.assertEqual(202, self.post().status_code)

    def test_a_reply_that_is_lost_after_the_work(self) -> None:
        for fault in (faults.reset(True), faults.close(True)):
            self.server.fail(everything, fault)
            self.assertRaises(requests.ConnectionError, self.post)
        self.assertEqual(2, self.server.value)

    def test_a_body_that_is_cut_off(self) -> None:
        self.server.fail(everything, faults.truncated())
        self.assertRaises(requests.exceptions.ChunkedEncodingError, self.get)

    def test_bodies_that_are_not_what_they_should_be(self) -> None:
        for fault, status in (
            (faults.malformed_json(), 200),
            (faults.html(), 200),
            (faults.bad_gateway(), 502),
            (faults.empty(), 200),
        ):
            self.server.fail(everything, fault)
            response = self.get()
            self.assertEqual(status, response.status_code)
            self.assertRaises(ValueError, response.json)
        self.assertEqual({'value': 0}, self.get().json())

    def test_replies_that_are_given(self) -> None:
        self.server.fail(
            everything,
            faults.status(503, b'{}', headers=[('Retry-After', '7')]),
        )
        response = self.get()
        self.assertEqual(503, response.status_code)
        self.assertEqual('7', response.headers['Retry-After'])
        self.server.fail(everything, faults.wrong_content_type())
        response = self.get()
        self.assertEqual('text/plain', response.headers['Content-Type'])
        self.assertEqual({'value': 0}, response.json())

    def test_how_often_and_where_a_fault_strikes(self) -> None:
        rule = self.server.fail(
            messages.matching('GET'), faults.status(500), times=2
        )
        self.assertEqual(202, self.post().status_code)
        statuses = [self.get().status_code for _ in range(3)]
        self.assertEqual([500, 500, 200], statuses)
        self.assertEqual(2, rule.used)
        kept = self.server.fail(everything, faults.status(500), times=None)
        other = self.server.fail(everything, faults.status(501), times=None)
        self.server.heal(kept)
        self.assertEqual(501, self.get().status_code)
        self.server.heal(other)
        self.assertEqual(200, self.get().status_code)

    def test_a_request_that_hangs_until_it_is_let_go(self) -> None:
        gate = threading.Event()
        self.server.fail(everything, faults.hang(gate))
        statuses: list[int] = []
        client = threading.Thread(
            target=lambda: statuses.append(self.post().status_code)
        )
        client.start()
        self.server.wait_for(messages.matching('POST'))
        self.assertEqual(0, self.server.value)
        gate.set()
        client.join(5)
        self.assertEqual([202], statuses)
        self.assertEqual(1, self.server.value)

    def test_a_client_that_gives_up_on_a_slow_reply(self) -> None:
        self.server.fail(everything, faults.slow(30))
        self.assertRaises(
            requests.ReadTimeout,
            self.session.get,
            f'{self.server.url}/value',
            timeout=0.02,
        )
        self.server.fail(everything, faults.slow(0.001))
        self.assertEqual(200, self.get().status_code)

    def test_frozen_replies_stay_as_they_were(self) -> None:
        self.server.freeze()
        before = self.get().content
        self.post()
        self.assertEqual(before, self.get().content)
        self.server.thaw()
        self.assertEqual({'value': 1}, json.loads(self.get().content))


class TestEnd(testtools.TestCase):
    def test_no_thread_and_no_time_is_left_behind(self) -> None:
        before = set(threading.enumerate())
        server = Counter()
        server.setUp()
        url = f'{server.url}/value'
        server.fail(messages.matching(), faults.hang(), times=4)
        server.fail(messages.matching(), faults.slow(60))
        errors: list[Exception] = []

        def ask() -> None:
            try:
                requests.get(url, timeout=30)
            except requests.RequestException as error:
                errors.append(error)

        clients = [threading.Thread(target=ask) for _ in range(5)]
        for client in clients:
            client.start()
        server.wait_for(messages.matching(), times=5)
        idle = requests.Session()
        self.addCleanup(idle.close)
        self.assertEqual(200, idle.get(url, timeout=5).status_code)
        start = time.monotonic()
        server.cleanUp()
        self.assertLess(time.monotonic() - start, 2)
        for client in clients:
            client.join(5)
        self.assertEqual(5, len(errors))
        self.assertEqual(before, set(threading.enumerate()))
        self.assertRaises(requests.ConnectionError, ask_once, url)

    def test_a_bug_in_a_route_fails_the_test(self) -> None:
        server = Counter()
        server.setUp()
        response = requests.get(f'{server.url}/broken', timeout=5)
        self.assertEqual(500, response.status_code)
        error = self.assertRaises(http.EmulatorError, server.cleanUp)
        self.assertIn('a bug', str(error))


def ask_once(url: str) -> None:
    requests.get(url, timeout=5)
