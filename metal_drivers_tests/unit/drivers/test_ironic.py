# SPDX-License-Identifier: Apache-2.0
"""The Ironic driver, on a loopback Ironic."""

import re
from collections.abc import Callable
from typing import Any

import fixtures

from metal_drivers import conformance, exceptions
from metal_drivers.base import ConfigStatus
from metal_drivers.drivers import ironic
from metal_drivers.model import CheckStatus, Node, OffMode, PowerState
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, http, messages
from metal_drivers_tests.emulators import ironic as emulator
from metal_drivers_tests.emulators import keystone as keystone_emulator
from metal_drivers_tests.unit import base

PASSWORD = 'Ir0nic-s3cret'


def is_power(request: messages.Request) -> bool:
    return request.path.endswith('/states/power')


def is_node(request: messages.Request) -> bool:
    return request.path.startswith('/v1/nodes')


class _Controlled(contract.RemoteDriverContract):
    """What a loopback Ironic can be brought to do."""

    ironic: emulator.IronicEmulator

    def requests_made(self) -> int:
        return len(self.ironic.requests)

    def commands(self) -> list[conformance.Command]:
        found = []
        for request in self.ironic.requests:
            if is_power(request):
                body = request.json()
                what = body['target'].replace('power ', '')
                key = request.path.split('/')[3]
                timeout = body.get('timeout')
                found.append(conformance.Command(key, what, timeout))
        return found

    def switchable_nodes(self) -> list[Node]:
        return self.driver.list_nodes()

    def make_unknown(self, node: Node) -> Callable[[], None]:
        self.ironic.node(node.id).power_state = None
        return lambda: self._restore(node)

    def make_unreachable(self, node: Node) -> Callable[[], None]:
        # What the conductor makes of it, in its next round.
        found = self.ironic.node(node.id)
        found.power_state, found.fault = 'error', 'power failure'
        found.maintenance = True
        return lambda: self._restore(node)

    def switch_outside(
        self, node: Node, state: PowerState
    ) -> Callable[[], None]:
        self.ironic.node(node.id).power_state = f'power {state.value}'
        return lambda: self._restore(node)

    def hold(self) -> Callable[[], None]:
        self.ironic.hold()
        return self.ironic.release

    def lose_reply(self) -> Callable[[], None]:
        return self.undone(
            self.ironic.fail(is_power, faults.close(performed=True))
        )

    def hosts(self) -> dict[str, str]:
        # Nothing of what Ironic keeps tells which host is on these.
        return dict.fromkeys(self.ironic.nodes, '')

    def lose_reply_to_proxy(self, status: int) -> Callable[[], None]:
        fault = faults.status(status, performed=True)
        return self.undone(self.ironic.fail(is_power, fault))

    def redirect_to(self, url: str) -> Callable[[], None]:
        fault = faults.status(307, headers=[('Location', url)])
        return self.undone(self.ironic.fail(is_power, fault, None))

    def fail_with(self, status: int, body: bytes = b'') -> Callable[[], None]:
        return self.undone(
            self.ironic.fail(is_node, faults.status(status, body), None)
        )

    def undone(self, rule: http.Rule) -> Callable[[], None]:
        return lambda: self.ironic.heal(rule)

    def _restore(self, node: Node) -> None:
        found = self.ironic.node(node.id)
        found.power_state, found.fault = 'power on', None
        found.maintenance = False


class TestIronicContract(_Controlled):
    """Without authentication, as a standalone Ironic mostly is."""

    def create_driver(self) -> ironic.IronicDriver:
        self.ironic = self.useFixture(emulator.IronicEmulator(nodes=3))
        return self.driver_at(self.ironic.url)

    def create_unreachable_driver(self) -> ironic.IronicDriver:
        return self.driver_at('http://127.0.0.1:1')

    def create_silent_driver(self, address: str) -> ironic.IronicDriver:
        return self.driver_at(f'http://{address}', timeout=0.05)

    def driver_at(self, url: str, **more: Any) -> ironic.IronicDriver:
        return ironic.IronicDriver(
            {'auth_type': 'none', 'endpoint_override': url} | more
        )


class TestIronicWithKeystoneContract(_Controlled):
    """With a password, and Ironic found in the catalogue."""

    secrets = (PASSWORD,)

    def create_driver(self) -> ironic.IronicDriver:
        self.keystone = self.useFixture(
            keystone_emulator.KeystoneEmulator({'watcher': PASSWORD})
        )
        self.ironic = self.useFixture(
            emulator.IronicEmulator(nodes=2, valid_token=self.keystone.valid)
        )
        self.keystone.add_endpoint('baremetal', self.ironic.url)
        return self.driver_at(self.keystone.auth_url)

    def create_unreachable_driver(self) -> ironic.IronicDriver:
        return self.driver_at('http://127.0.0.1:1/v3')

    def create_unauthorised_driver(self) -> ironic.IronicDriver:
        return self.driver_at(self.keystone.auth_url, password='wr0ng')

    def create_silent_driver(self, address: str) -> ironic.IronicDriver:
        return self.driver_at(f'http://{address}/v3', timeout=0.05)

    def driver_at(self, url: str, **more: Any) -> ironic.IronicDriver:
        return ironic.IronicDriver(
            {
                'auth_type': 'password',
                'auth_url': url,
                'username': 'watcher',
                'password': PASSWORD,
                'project_name': 'service',
                'user_domain_id': 'default',
                'project_domain_id': 'default',
            }
            | more
        )

    def test_wrong_password_names_keystone_and_the_cure(self) -> None:
        driver = self.driver_at(self.keystone.auth_url, password='wr0ng')
        exc = self.assertRaises(
            exceptions.AuthenticationError, driver.list_nodes
        )
        self.assertIn('Keystone did not accept the credentials', str(exc))
        self.assertIn('Check the user, the password', str(exc))
        self.assertNotIn('wr0ng', str(exc))

    def test_wrong_region_names_the_option(self) -> None:
        driver = self.driver_at(self.keystone.auth_url, region_name='Mars')
        exc = self.assertRaises(
            exceptions.ConfigurationError, driver.list_nodes
        )
        self.assertIn('region_name', str(exc))

    def test_expired_token_is_renewed(self) -> None:
        self.driver.list_nodes()
        self.keystone.expire_tokens()
        self.assertEqual(2, len(self.driver.list_nodes()))

    def test_empty_list_warns_and_names_the_role(self) -> None:
        for node in self.ironic.nodes.values():
            node.visible = False
        log = self.useFixture(fixtures.FakeLogger())
        self.assertEqual([], self.driver.list_nodes())
        self.assertIn('rbac_service_role_elevated_access', log.output)
        self.assertIn('system_scope', log.output)
        checks = {each.name: each for each in self.driver.check()}
        self.assertIs(CheckStatus.WARNING, checks['ironic nodes'].status)
        self.assertIn('service', checks['ironic nodes'].detail)


class TestIronic(base.TestCase):
    """What is special about Ironic."""

    def setUp(self) -> None:
        super().setUp()
        self.ironic = self.useFixture(emulator.IronicEmulator(nodes=1))
        self.driver = self.driver_with()

    def driver_with(self, **options: Any) -> ironic.IronicDriver:
        driver = ironic.IronicDriver(
            {'auth_type': 'none', 'endpoint_override': self.ironic.url}
            | options
        )
        self.addCleanup(driver.close)
        return driver

    def node(self, **fields: Any) -> Node:
        """The driver's view of a node with these fields."""
        return self.driver.get_node(self.ironic.add_node(**fields).uuid)

    # Listing.

    def test_lists_with_one_request_for_each_page(self) -> None:
        for _ in range(2499):
            self.ironic.add_node()
        self.assertEqual(2500, len(self.driver.list_nodes()))
        self.assertEqual(3, self.ironic.count('GET', '/v1/nodes'))

    def test_asks_only_for_fields_that_are_used(self) -> None:
        self.driver.list_nodes()
        (request,) = (r for r in self.ironic.requests if is_node(r))
        fields = request.query['fields'][0].split(',')
        self.assertIn('power_state', fields)
        for unused in ('driver_info', 'instance_info', 'properties', 'links'):
            self.assertNotIn(unused, fields)

    def test_narrows_the_list_at_the_service(self) -> None:
        self.ironic.add_node(name='ours', conductor_group='rack1')
        driver = self.driver_with(conductor_group='rack1')
        self.assertEqual(['ours'], [n.name for n in driver.list_nodes()])

    def test_narrows_every_page_of_the_list(self) -> None:
        """Ironic leaves the filter out of its link to the next page."""
        self.ironic.max_limit = 2
        for number in range(6):
            self.ironic.add_node(
                name=f'n{number}', conductor_group='ours' * (number % 2)
            )
        driver = self.driver_with(conductor_group='ours')
        self.assertEqual(
            ['n1', 'n3', 'n5'], [n.name for n in driver.list_nodes()]
        )

    def test_an_older_ironic_is_asked_for_less(self) -> None:
        self.ironic.maximum = 60
        self.assertEqual(1, len(self.driver.list_nodes()))
        (request,) = (r for r in self.ironic.requests if is_node(r))
        self.assertNotIn('disable_power_off', request.query['fields'][0])

    def test_too_old_an_ironic_is_named(self) -> None:
        self.ironic.maximum = 20
        exc = self.assertRaises(
            exceptions.ProtocolError, self.driver.list_nodes
        )
        self.assertIn('1.20', str(exc))
        self.assertIn('1.27', str(exc))

    def test_a_filter_that_ironic_is_too_old_for_is_named(self) -> None:
        self.ironic.maximum = 45
        driver = self.driver_with(owner='me')
        exc = self.assertRaises(
            exceptions.ConfigurationError, driver.list_nodes
        )
        self.assertEqual(('owner',), exc.options)

    # What a node tells.

    def test_reads_power_states(self) -> None:
        for told, state in (
            ('power on', PowerState.ON),
            ('power off', PowerState.OFF),
            ('error', PowerState.ERROR),
            (None, PowerState.UNKNOWN),
            ('rebooting', PowerState.UNKNOWN),
        ):
            self.assertIs(state, self.node(power_state=told).power_state)

    def test_a_node_is_done_when_target_and_lock_are_gone(self) -> None:
        node = self.node(target_power_state='power off')
        self.assertIs(PowerState.OFF, node.target)
        self.assertIsNotNone(node.busy)
        node = self.node(reservation='conductor-1')
        self.assertIsNone(node.target)
        self.assertIn('conductor-1', node.busy or '')
        node = self.node()
        self.assertIsNone(node.busy)

    def test_tells_what_forbids_to_switch(self) -> None:
        node = self.node(disable_power_off=True)
        self.assertIn('disable_power_off', node.keep_on or '')
        self.assertIsNone(node.keep_off)
        for state in ('cleaning', 'clean wait', 'deploying', 'inspecting'):
            node = self.node(provision_state=state)
            self.assertIn(state, node.keep_on or '')
            self.assertIn(state, node.keep_off or '')
        for state in ('active', 'available', 'enroll', 'manageable'):
            node = self.node(provision_state=state)
            self.assertIsNone(node.keep_on)

    def test_tells_maintenance_and_faults(self) -> None:
        node = self.node(maintenance=True, maintenance_reason='new fan')
        self.assertEqual('new fan', node.maintenance)
        self.assertIsNotNone(self.node(maintenance=True).maintenance)
        self.assertEqual('BMC gone', self.node(last_error='BMC gone').fault)
        self.assertEqual(
            'power failure', self.node(fault='power failure').fault
        )

    def test_a_fault_shows_no_credentials(self) -> None:
        node = self.node(last_error='GET https://root:calvin@bmc/ failed')
        self.assertNotIn('calvin', node.fault or '')

    def test_traits_are_labels(self) -> None:
        traits = ['CUSTOM_GPU', 'HW_CPU_X86_VMX']
        with_them = self.ironic.add_node(traits=traits)
        without = self.ironic.add_node()
        labels = {node.id: node.labels for node in self.driver.list_nodes()}
        self.assertEqual(frozenset(traits), labels[with_them.uuid])
        self.assertEqual(frozenset(), labels[without.uuid])
        node = self.driver.get_node(with_them.uuid)
        self.assertEqual(frozenset(traits), node.labels)

    def test_knows_the_hypervisor(self) -> None:
        self.assertEqual(
            'a-uuid',
            self.node(extra={'compute_node_id': 'a-uuid'}).hypervisor_id,
        )
        self.assertEqual(
            '7', self.node(extra={'compute_node_id': 7}).hypervisor_id
        )
        self.assertIsNone(self.node().hypervisor_id)

    # Power.

    def test_soft_off_brings_its_own_deadline(self) -> None:
        (uuid,) = self.ironic.nodes
        self.driver.set_power_state(uuid, PowerState.OFF, OffMode.SOFT, 12.3)
        (request,) = (r for r in self.ironic.requests if is_power(r))
        self.assertEqual(
            {'target': 'soft power off', 'timeout': 13}, request.json()
        )

    def test_a_locked_node_is_busy(self) -> None:
        (uuid,) = self.ironic.nodes
        self.ironic.node(uuid).reservation = 'conductor-7'
        exc = self.assertRaises(
            exceptions.BusyError,
            self.driver.set_power_state,
            uuid,
            PowerState.OFF,
        )
        self.assertIn('locked', str(exc))

    def test_a_node_that_must_stay_on_is_refused_at_once(self) -> None:
        """The same 409 as for a lock, and for ever."""
        (uuid,) = self.ironic.nodes
        self.ironic.node(uuid).disable_power_off = True
        exc = self.assertRaises(
            exceptions.RefusedError,
            self.driver.set_power_state,
            uuid,
            PowerState.OFF,
        )
        self.assertIn('disable_power_off', str(exc))
        self.assertEqual(1, sum(map(is_power, self.ironic.requests)))

    def test_no_free_worker_is_busy(self) -> None:
        (uuid,) = self.ironic.nodes
        self.ironic.workers_free = False
        self.assertRaises(
            exceptions.BusyError,
            self.driver.set_power_state,
            uuid,
            PowerState.OFF,
        )

    def test_soft_off_that_the_node_cannot_is_unsupported(self) -> None:
        (uuid,) = self.ironic.nodes
        self.ironic.fail(
            is_power,
            faults.status(
                400,
                b'{"error_message": "{\\"faultstring\\": \\"The driver does '
                b'not support the power state, soft power off\\"}"}',
            ),
        )
        exc = self.assertRaises(
            exceptions.UnsupportedError,
            self.driver.set_power_state,
            uuid,
            PowerState.OFF,
            OffMode.SOFT,
        )
        self.assertIn('does not support the power state', str(exc))

    def test_a_power_request_is_sent_once(self) -> None:
        """The SDK's own retries are off: a lost reply is not resent."""
        (uuid,) = self.ironic.nodes
        self.ironic.fail(is_power, faults.reset(performed=True), None)
        self.assertRaises(
            exceptions.UnavailableError,
            self.driver.set_power_state,
            uuid,
            PowerState.OFF,
        )
        self.assertEqual(1, sum(map(is_power, self.ironic.requests)))

    # Replies that are not what they should be.

    def test_bad_replies_are_one_line_that_says_what_to_do(self) -> None:
        self.driver.list_nodes()  # the version is known from here on
        for fault, kind in (
            (faults.malformed_json(), exceptions.ProtocolError),
            (faults.html(), exceptions.ProtocolError),
            (faults.truncated(), exceptions.UnavailableError),
            (faults.reset(), exceptions.UnavailableError),
            (faults.close(), exceptions.UnavailableError),
            (faults.bad_gateway(), exceptions.UnavailableError),
            (faults.status(500, b'{}'), exceptions.UnavailableError),
            (faults.status(200, b'[]'), exceptions.ProtocolError),
            (faults.status(200, b'{"nodes": [7]}'), exceptions.ProtocolError),
            (faults.status(200, b'{"nodes": [{}]}'), exceptions.ProtocolError),
        ):
            self.ironic.fail(is_node, fault)
            exc = self.assertRaises(
                exceptions.MetalError, self.driver.list_nodes
            )
            self.assertIsInstance(exc, kind)
            self.assertRegex(str(exc), 'Ironic.*list nodes|Ironic: a node')
            self.assertNotIn('\n', str(exc))
            self.assertTrue(exc.cure)
            self.ironic.heal()

    def test_a_hanging_ironic_ends_with_the_timeout(self) -> None:
        driver = self.driver_with(timeout=0.3)
        driver.list_nodes()
        self.ironic.fail(is_node, faults.hang(), None)
        exc = self.assertRaises(exceptions.TimedOutError, driver.list_nodes)
        self.assertIn('timeout', str(exc))

    def test_a_url_that_is_not_ironic_is_named(self) -> None:
        self.ironic.fail(lambda request: True, faults.html(), None)
        exc = self.assertRaises(exceptions.MetalError, self.driver.list_nodes)
        self.assertTrue(re.search('endpoint|URL|leads to', str(exc)), exc)

    # Configuration.

    def test_half_a_section_is_incomplete(self) -> None:
        state = ironic.IronicDriver.config_state
        self.assertEqual(
            ('auth_type',), state({'username': 'watcher'}).missing
        )
        half = state({'auth_type': 'password', 'auth_url': 'http://k'})
        self.assertIs(ConfigStatus.INCOMPLETE, half.status)
        self.assertEqual(('username', 'password'), half.missing)
        self.assertEqual(
            ('endpoint_override',), state({'auth_type': 'none'}).missing
        )

    def test_an_endpoint_alone_uses_shared_credentials(self) -> None:
        state = ironic.IronicDriver.config_state({'endpoint_override': 'x'})
        self.assertIs(ConfigStatus.READY, state.status)

    def test_without_any_credentials_it_says_where_to_put_them(self) -> None:
        exc = self.assertRaises(
            exceptions.ConfigurationError, ironic.IronicDriver, {}
        )
        self.assertIn('[watcher.metal.drivers.ironic]', str(exc))
        self.assertIn('[watcher_clients_auth]', str(exc))
        self.assertIn('auth_type', str(exc))
