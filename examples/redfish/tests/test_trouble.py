# SPDX-License-Identifier: Apache-2.0
"""What BMCs do that they should not, and what is made of it."""

import threading
import traceback

import testtools

import metal_drivers
from metal_drivers_redfish.driver import RedfishDriver
from metal_drivers_tests.emulators import faults, messages
from tests import bmcs

ON, OFF = metal_drivers.PowerState.ON, metal_drivers.PowerState.OFF
UNKNOWN = metal_drivers.PowerState.UNKNOWN
SOFT = metal_drivers.OffMode.SOFT


class TestCase(testtools.TestCase):
    """Two BMCs of two systems each; the hosts of the second end in 2."""

    def setUp(self):
        super().setUp()
        self.bmc = self.useFixture(bmcs.ScriptedBmc())
        self.second = self.useFixture(bmcs.ScriptedBmc())
        self.system = self.bmc.systems[bmcs.PATH.format('A')]
        self.driver = self.driver_of()

    def driver_of(self, password=bmcs.PASSWORD, **options):
        """A driver of all four, with seconds enough for all that ends."""
        second = {f'{h}2': url for h, url in self.second.urls.items()}
        urls = self.bmc.urls | second
        options = {'timeout': 60} | options
        files = self.useFixture(bmcs.Files(urls, password, **options))
        driver = RedfishDriver(files.config)
        self.addCleanup(driver.close)
        return driver

    def states(self, driver=None):
        nodes = (driver or self.driver).list_nodes()
        return [node.power_state for node in nodes]

    def fails(self, fault, method=None, bmc=None):
        """Every request to a BMC, the first, meets that fault."""
        return (bmc or self.bmc).fail(messages.matching(method), fault, None)

    def raises(self, error, call, *args):
        exc = self.assertRaises(error, call, *args)
        self.assertIs(error, type(exc))
        said = ''.join(traceback.format_exception(exc))
        self.assertNotIn(bmcs.PASSWORD, said)
        return exc


class TestOthers(TestCase):
    """The trouble of one BMC is not that of the others."""

    def test_wrong_ones_are_unknown_and_the_others_are_shown(self):
        for fault, said in (
            (faults.status(401), '401'),
            (faults.status(500), '500'),
            (faults.close(), 'closed connection'),
            (faults.html(), 'Expecting value'),
            (faults.status(200, b'[]'), 'mapping'),
        ):
            rule = self.fails(fault)
            nodes = self.driver.list_nodes()
            self.assertEqual(
                [UNKNOWN, UNKNOWN, ON, ON],
                [node.power_state for node in nodes],
            )
            self.assertIn(said, nodes[0].fault)
            self.assertIsNone(nodes[2].fault)
            ids = [node.id for node in nodes]
            self.assertEqual(
                dict(zip(ids, self.states(), strict=True)),
                self.driver.get_power_states(ids),
            )
            warned = [
                result.name
                for result in self.driver.check()
                if result.status is metal_drivers.CheckStatus.WARNING
            ]
            self.assertEqual(ids[:2], warned)
            rule.left = 0

    def test_none_of_them_is_an_error_and_no_list(self):
        for bmc in (self.bmc, self.second):
            self.fails(faults.status(503), bmc=bmc)
        self.raises(metal_drivers.UnavailableError, self.driver.list_nodes)

    def test_one_that_hangs_holds_up_no_other(self):
        """Whatever is asked of others ends while it still hangs."""
        answer = threading.Event()
        self.fails(faults.hang(answer))
        waiting = threading.Thread(
            target=self.driver.get_node, args=['compute-A'], daemon=True
        )
        waiting.start()
        self.bmc.wait_for(messages.matching())
        self.driver.set_power_state('compute-A2', OFF)
        self.assertIs(OFF, self.driver.get_node('compute-A2').power_state)
        (found,) = self.driver.find_nodes('compute-B2')
        self.assertIs(ON, found.power_state)
        self.assertTrue(waiting.is_alive())
        answer.set()
        waiting.join()
        self.assertEqual(1, len(self.bmc.requests))

    def test_list_has_the_others_while_one_hangs(self):
        driver = self.driver_of(timeout=3)
        self.fails(faults.hang())
        nodes = driver.list_nodes()
        self.assertEqual(
            [UNKNOWN, UNKNOWN, ON, ON], [node.power_state for node in nodes]
        )
        self.assertIn('no reply within 3 s', nodes[0].fault)

    def test_only_the_one_that_is_meant_is_asked(self):
        self.driver.find_nodes('compute-A')
        self.driver.set_power_state('compute-A', OFF)
        self.driver.get_node('compute-A')
        paths = {request.path for request in self.bmc.requests}
        path = bmcs.PATH.format('A')
        self.assertEqual({path, path + bmcs.RESET}, paths)
        self.assertEqual([], self.second.requests)


class TestCommands(TestCase):
    """A power change is sent once, and only while somebody waits."""

    def test_lost_reply_does_not_repeat_it(self):
        self.fails(faults.close(performed=True), 'POST')
        self.raises(
            metal_drivers.UnavailableError,
            *(self.driver.set_power_state, 'compute-A', OFF),
        )
        self.assertEqual(1, self.bmc.count('POST'))

    def test_no_reply_does_not_repeat_it(self):
        driver = self.driver_of(timeout=3)
        answer = threading.Event()
        self.fails(faults.hang(answer), 'POST')
        self.raises(
            metal_drivers.TimedOutError,
            *(driver.set_power_state, 'compute-A', OFF),
        )
        answer.set()
        driver.get_node('compute-A')
        self.assertEqual(1, self.bmc.count('POST'))

    def test_errors_of_the_bmc_do_not_repeat_it(self):
        """Some of these sushy itself would try again."""
        for body in (b'', b'{"error": {"message": "SYS518"}}'):
            for status in (400, 406, 500, 503):
                self.bmc.forget()
                rule = self.fails(faults.status(status, body), 'POST')
                self.assertRaises(
                    metal_drivers.MetalError,
                    *(self.driver.set_power_state, 'compute-A', OFF),
                )
                self.assertEqual(1, self.bmc.count('POST'))
                rule.left = 0

    def test_nothing_is_sent_when_nobody_waits_any_more(self):
        """The reply that has to come before the reset comes too late."""
        driver = self.driver_of(timeout=3)
        # As if it came drop by drop: no read times out.
        driver._servers['compute-A']._default_request_timeout = 60
        answer = threading.Event()
        self.fails(faults.hang(answer), 'GET')
        self.raises(
            metal_drivers.TimedOutError,
            *(driver.set_power_state, 'compute-A', OFF),
        )
        # What is asked meanwhile waits for its turn, and is given up, too.
        self.raises(metal_drivers.TimedOutError, driver.get_node, 'compute-A')
        self.assertEqual(1, self.bmc.count('GET'))
        answer.set()
        self.assertIs(ON, driver.get_node('compute-A').power_state)
        self.assertEqual(0, self.bmc.count('POST'))

    def test_what_is_so_already_is_not_asked_for(self):
        """Some BMCs refuse it, and some restart the server."""
        self.fails(faults.status(409), 'POST')
        self.driver.set_power_state('compute-A', ON)
        self.system['PowerState'] = 'Off'
        self.driver.set_power_state('compute-A', OFF)
        self.driver.set_power_state('compute-A', OFF, SOFT)
        self.assertEqual(0, self.bmc.count('POST'))

    def test_soft_off_only_where_the_bmc_says_that_it_can(self):
        action = self.system['Actions']['#ComputerSystem.Reset']
        key = 'ResetType@Redfish.AllowableValues'
        for values in (['On', 'ForceOff'], None):
            action[key] = values
            self.assertFalse(self.driver.get_node('compute-A').soft_off)
            self.raises(
                metal_drivers.UnsupportedError,
                *(self.driver.set_power_state, 'compute-A', OFF, SOFT),
            )
        self.assertEqual([], self.bmc.resets)
        self.driver.set_power_state('compute-A', OFF)
        self.assertIs(OFF, self.driver.get_node('compute-A').power_state)

    def test_what_the_bmc_does_not_offer(self):
        action = self.system['Actions']['#ComputerSystem.Reset']
        action['ResetType@Redfish.AllowableValues'] = ['On']
        self.raises(
            metal_drivers.UnsupportedError,
            *(self.driver.set_power_state, 'compute-A', OFF),
        )
        self.assertEqual([], self.bmc.resets)

    def test_another_server_in_its_place_is_left_alone(self):
        """Addresses of BMCs change."""
        files = self.useFixture(
            bmcs.Files(self.bmc.urls, uuid=self.system['UUID'].lower())
        )
        driver = RedfishDriver(files.config)
        driver.set_power_state('compute-A', OFF)
        self.raises(
            metal_drivers.ProtocolError,
            *(driver.set_power_state, 'compute-B', OFF),
        )
        self.assertEqual(1, len(self.bmc.resets))


class TestStates(TestCase):
    """What a BMC says of a system, and what is shown."""

    def test_power_states(self):
        for value, state, target in (
            ('On', ON, None),
            ('Off', OFF, None),
            ('PoweringOn', UNKNOWN, ON),
            ('PoweringOff', ON, OFF),
            ('Paused', UNKNOWN, None),
            ('Asleep', UNKNOWN, None),
            (None, UNKNOWN, None),
            ({}, UNKNOWN, None),
        ):
            self.system['PowerState'] = value
            node = self.driver.get_node('compute-A')
            self.assertEqual((state, target), (node.power_state, node.target))

    def test_health_and_updates(self):
        self.assertIsNone(self.driver.get_node('compute-A').fault)
        self.system['Status'] = {'State': 'Updating', 'Health': 'Critical'}
        node = self.driver.get_node('compute-A')
        self.assertEqual('health: Critical', node.fault)
        self.assertEqual('an update', node.busy)
        del self.system['Status']
        node = self.driver.get_node('compute-A')
        self.assertIsNone(node.fault)
        self.assertIsNone(node.busy)


class TestPassword(TestCase):
    """The password goes to the BMC that it is for, and is never shown."""

    def test_redirections_are_not_followed(self):
        for status in (301, 302, 307, 308):
            where = [('Location', self.second.url + bmcs.PATH.format('A'))]
            rule = self.fails(faults.status(status, headers=where))
            for call, *args in (
                (self.driver.get_node, 'compute-A'),
                (self.driver.set_power_state, 'compute-A', OFF),
            ):
                self.raises(metal_drivers.ProtocolError, call, *args)
            rule.left = 0
            rule = self.fails(faults.status(status, headers=where), 'POST')
            self.raises(metal_drivers.ProtocolError, call, *args)
            rule.left = 0
        self.assertEqual([], self.second.requests)

    def test_links_to_other_servers_are_not_followed(self):
        action = self.system['Actions']['#ComputerSystem.Reset']
        action['target'] = self.second.url + action['target']
        self.raises(
            metal_drivers.UnavailableError,
            *(self.driver.set_power_state, 'compute-A', OFF),
        )
        self.assertEqual([], self.second.requests)

    def test_bmc_that_repeats_it(self):
        said = f'{{"error": {{"message": "not {bmcs.PASSWORD}"}}}}'
        self.fails(faults.status(400, said.encode()))
        exc = self.raises(
            metal_drivers.RefusedError, self.driver.get_node, 'compute-A'
        )
        self.assertIn('not ***', str(exc))

    def test_any_character_may_be_in_it(self):
        password = 'p€ss: wörd'
        self.bmc.users = {bmcs.basic(bmcs.USER, password)}
        driver = self.driver_of(password)
        self.assertIs(ON, driver.get_node('compute-A').power_state)

    def test_one_connection_for_many_requests(self):
        for _ in range(3):
            self.states()
        self.assertEqual(2, self.bmc.connections)
