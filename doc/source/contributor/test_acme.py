"""The tests of the ACME driver: the contract, on a controller that is one
on loopback, and what the contract cannot know."""

import acme

import metal_drivers
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, http, messages


class AcmeController(http.HttpEmulator):
    def __init__(self):
        super().__init__()
        self.sockets = {
            key: {'id': key, 'label': f'compute-{key}', 'power': 'on'}
            for key in ('a1', 'a2')
        }

    def routes(self):
        return (
            http.route('GET', '/sockets', self.list),
            http.route('GET', '/sockets/(?P<key>.+)', self.show),
            http.route('PUT', '/sockets/(?P<key>.+)', self.switch),
        )

    def list(self, request):
        return messages.json_reply([*self.sockets.values()])

    def show(self, request, key):
        if key not in self.sockets:
            return messages.json_reply({}, 404)
        return messages.json_reply(self.sockets[key])

    def switch(self, request, key):
        if key in self.sockets:
            self.sockets[key] |= request.json()
        return self.show(request, key)


class TestAcme(contract.RemoteDriverContract):
    secrets = ('s3cret',)

    def create_driver(self):
        self.controller = self.useFixture(AcmeController())
        return acme.AcmeDriver({'url': self.controller.url, 'token': 's3cret'})

    def create_unreachable_driver(self):
        return acme.AcmeDriver(
            {'url': 'http://127.0.0.1:1', 'token': 's3cret'}
        )

    def assert_each_call_raises(self, error, fault):
        """Whatever is asked, where every request meets that fault."""
        rule = self.controller.fail(messages.matching(), fault, None)
        for call in (
            self.driver.list_nodes,
            lambda: self.driver.get_node('a1'),
            lambda: self.driver.set_power_state(
                'a1', metal_drivers.PowerState.OFF
            ),
        ):
            # And no subclass: what to do about it depends on the class.
            exc = self.assertRaises(error, call)
            self.assertIs(error, type(exc))
        rule.left = 0

    def test_each_status_is_the_error_that_says_what_to_do(self):
        for status, error in {
            302: metal_drivers.ProtocolError,
            400: metal_drivers.RefusedError,
            401: metal_drivers.AuthenticationError,
            403: metal_drivers.AuthenticationError,
            404: metal_drivers.NotFoundError,
            409: metal_drivers.BusyError,
            423: metal_drivers.RefusedError,
            429: metal_drivers.BusyError,
            500: metal_drivers.UnavailableError,
            503: metal_drivers.UnavailableError,
        }.items():
            self.assert_each_call_raises(error, faults.status(status))

    def test_a_connection_that_breaks_is_unavailable(self):
        self.assert_each_call_raises(
            metal_drivers.UnavailableError, faults.close()
        )

    def test_odd_replies_are_protocol_errors(self):
        for body in (
            b'',
            b'<html>Sign in</html>',
            b'\xff\xfe',
            b'null',
            b'7',
            b'"sockets"',
            b'{"id": "a1"}',
            b'[null]',
            b'[["id", "label", "power"]]',
            b'[{"id": "a1", "label": "compute-a1"}]',
            b'[{"id": 1, "label": "compute-a1", "power": "on"}]',
            b'[{"id": "", "label": "compute-a1", "power": "on"}]',
            b'[{"id": "a1", "label": null, "power": "on"}]',
            b'[{"id": "a1", "label": "compute-a1", "power": "dim"}]',
            b'[{"id": "a1", "label": "compute-a1", "power": {}}]',
        ):
            one = body.strip(b'[]')
            for call, reply in (
                (self.driver.list_nodes, body),
                (lambda: self.driver.get_node('a1'), one),
                (lambda: self.switch_on('a1'), one),
            ):
                self.controller.fail(
                    messages.matching(), faults.status(200, reply)
                )
                self.assertRaises(metal_drivers.ProtocolError, call)

    def test_a_url_or_token_that_cannot_be_used(self):
        for url, token in (
            ('acme.example', 's3cret'),
            (self.controller.url, 's3cret\n'),
            (self.controller.url, 's3cret-€'),
        ):
            driver = acme.AcmeDriver({'url': url, 'token': token})
            exc = self.assertRaises(
                metal_drivers.ConfigurationError, driver.list_nodes
            )
            self.assertNotIn('s3cret', f'{exc} {exc!r}')
