"""The contract, with a controller on loopback, and what only the driver
itself can know."""

import testtools

from acme_metal.driver import AcmeDriver
from metal_drivers import ConfigurationError, PowerState, ProtocolError
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, messages
from tests.controller import TOKEN, Controller


def driver(url, token=TOKEN, timeout=5.0):
    return AcmeDriver({'url': url, 'token': token, 'timeout': timeout})


class TestContract(contract.RemoteDriverContract):
    """Each hook that is given here opens the rules that need it."""

    secrets = (TOKEN,)
    unknown_id = 'zzzz'

    def create_driver(self):
        self.controller = self.useFixture(Controller())
        return driver(self.controller.url)

    # Other services than the one that works.

    def create_unreachable_driver(self):
        return driver('http://127.0.0.1:1')

    def create_unauthorised_driver(self):
        return driver(self.controller.url, token='wr0ng')

    def create_silent_driver(self, address):
        return driver(f'http://{address}', timeout=0.1)

    # What the service has, and what it was asked for.

    def hosts(self):
        return {key: f'compute-{key}' for key in self.controller.power}

    def requests_made(self):
        return len(self.controller.requests)

    def commands(self):
        return list(self.controller.commands)

    def switchable_nodes(self):
        return self.driver.list_nodes()

    # Trouble, each with what ends it.

    def make_unknown(self, node):
        self.controller.silent.add(node.id)
        return lambda: self.controller.silent.discard(node.id)

    make_unreachable = make_unknown

    def switch_outside(self, node, state):
        self.controller.power[node.id] = state.value

    def hold(self):
        self.controller.hold()
        return self.controller.release

    def lose_reply(self):
        return self.failing('PUT', faults.close(performed=True), 1)

    def lose_reply_to_proxy(self, status):
        return self.failing('PUT', faults.status(status, performed=True), 1)

    def redirect_to(self, url):
        return self.failing(
            'PUT', faults.status(307, headers=[('Location', url)])
        )

    def fail_with(self, status, body=b''):
        return self.failing(None, faults.status(status, body))

    def failing(self, method, fault, times=None):
        rule = self.controller.fail(messages.matching(method), fault, times)
        return lambda: self.controller.heal(rule)


class TestReplies(testtools.TestCase):
    """Whatever ACME does not answer is a ProtocolError."""

    def setUp(self):
        super().setUp()
        self.controller = self.useFixture(Controller())
        self.driver = driver(self.controller.url)

    def assert_protocol_error(self, call, body):
        self.controller.fail(messages.matching(), faults.status(200, body))
        exc = self.assertRaises(ProtocolError, call)
        # And no subclass: what to do about it depends on the class.
        self.assertIs(ProtocolError, type(exc), body)

    def test_odd_sockets(self):
        for view in (
            b'',
            b'<html>Sign in</html>',
            b'\xff\xfe',
            b'null',
            b'7',
            b'["id", "label", "power"]',
            b'{"id": "a1"}',
            b'{"id": 1, "label": "compute-a1", "power": "on"}',
            b'{"id": "", "label": "compute-a1", "power": "on"}',
            b'{"id": "a1", "label": null, "power": "on"}',
            b'{"id": "a1", "label": "", "power": "on"}',
            b'{"id": "a1", "label": "compute-a1", "power": "dim"}',
            b'{"id": "a1", "label": "compute-a1", "power": {}}',
        ):
            self.assert_protocol_error(self.driver.list_nodes, view)
            for call, body in (
                (self.driver.list_nodes, b'[' + (view or b',') + b']'),
                (lambda: self.driver.get_node('a1'), view),
                (
                    lambda: self.driver.set_power_state('a1', PowerState.ON),
                    view,
                ),
            ):
                self.assert_protocol_error(call, body)

    def test_a_url_or_token_that_cannot_be_used(self):
        for url, token in (
            ('controller.example', TOKEN),
            (self.controller.url, f'{TOKEN}\n'),
            (self.controller.url, f'{TOKEN}-€'),
        ):
            exc = self.assertRaises(
                ConfigurationError, driver(url, token).list_nodes
            )
            self.assertNotIn(TOKEN, f'{exc} {exc!r}')
