# SPDX-License-Identifier: Apache-2.0
"""Power requests: the few that are sent, and all that are not."""

from typing import Any

from metal_drivers import exceptions
from metal_drivers.model import OffMode, PowerState
from metal_drivers_tests.emulators import faults, maas
from metal_drivers_tests.unit.drivers.maas import base

ON, OFF = PowerState.ON, PowerState.OFF


class PowerTestCase(base.MaasTestCase):
    def switch(self, machine: maas.Machine, *args: Any) -> None:
        self.driver.set_power_state(machine.system_id, *args)

    def refused(
        self,
        kind: type[base.E],
        machine: maas.Machine,
        *args: Any,
        sent: int = 0,
    ) -> base.E:
        """The error, when so many power requests have been sent."""
        exc = self.error(kind, self.switch, machine, *args)
        self.assertEqual(sent, self.requests(base.is_power))
        return exc


class TestSent(PowerTestCase):
    def test_off_and_on(self) -> None:
        machine = self.maas.add_machine()
        self.switch(machine, OFF)
        self.assertEqual('off', machine.power)
        self.switch(machine, ON)
        self.assertEqual('on', machine.power)
        self.assertEqual(
            [maas.Effect.OFF, maas.Effect.ON],
            [action.effect for action in machine.actions],
        )

    def test_a_comment_names_us(self) -> None:
        machine = self.maas.add_machine()
        self.switch(machine, OFF)
        self.switch(machine, ON)
        for action in machine.actions:
            self.assertIn('metal-drivers', action.comment or '')

    def test_soft_and_hard(self) -> None:
        machine = self.maas.add_machine(power_type='ipmi')
        for mode, effect in (
            (OffMode.SOFT, maas.Effect.SOFT_OFF),
            (OffMode.HARD, maas.Effect.OFF),
        ):
            self.switch(machine, OFF, mode)
            self.assertIs(effect, machine.actions[-1].effect)
            self.assertEqual(mode.value, machine.actions[-1].stop_mode)
            self.switch(machine, ON)

    def test_soft_only_where_it_works(self) -> None:
        for power_type in ('redfish', 'virsh', 'hmc'):
            machine = self.maas.add_machine(power_type=power_type)
            exc = self.refused(
                exceptions.UnsupportedError, machine, OFF, OffMode.SOFT
            )
            self.assertIn('hard', exc.cure)

    def test_it_is_looked_at_right_before(self) -> None:
        machine = self.maas.add_machine(power='off')
        self.switch(machine, ON)
        self.assertEqual(
            ['describe', 'query', 'read', 'power'],
            [
                'describe'
                if base.DESCRIBE(request)
                else 'read'
                if base.is_read(request)
                else 'query'
                if base.is_query(request)
                else 'power'
                for request in self.maas.requests
            ],
        )


class TestNotSent(PowerTestCase):
    """MAAS would do harm, or nothing that can be undone."""

    def test_on_to_what_is_on(self) -> None:
        """It would power-cycle it, whatever the cache says."""
        self.switch(self.maas.add_machine(cached='off'), ON)
        self.assertEqual(0, self.requests(base.is_power))

    def test_off_to_what_is_off(self) -> None:
        self.switch(self.maas.add_machine(power='off', cached='on'), OFF)
        self.assertEqual(0, self.requests(base.is_power))

    def test_on_to_what_is_not_known(self) -> None:
        machine = self.maas.add_machine(power='off', cached='off')
        for fault in (
            faults.status(200, b'{"state": "error"}'),
            faults.status(200, b'{"state": "unknown"}'),
            faults.status(500, b'exit status 1', 'text/plain'),
            faults.status(503, b'no connections', 'text/plain'),
            faults.status(504, b'TimeoutError', 'text/plain'),
            faults.reset(),
        ):
            self.maas.fail(base.is_query, fault, 2)
            exc = self.refused(exceptions.RefusedError, machine, ON)
            self.assertIn('not known to be off', str(exc))
            self.maas.heal()

    def test_either_to_what_is_not_deployed(self) -> None:
        """Ready could not be switched on again; allocated would be
        deployed."""
        for status in maas.Status:
            if status is maas.Status.DEPLOYED:
                continue
            for power, state in (('on', OFF), ('off', ON)):
                machine = self.maas.add_machine(status=status, power=power)
                exc = self.refused(exceptions.RefusedError, machine, state)
                # A release may have ended when it was asked for.
                self.assertIn(machine.status.label, str(exc))

    def test_either_to_these(self) -> None:
        for fields, told in (
            ({'ephemeral_deploy': True}, 'in memory'),
            ({'locked': True}, 'locked'),
            ({'power_type': 'manual'}, 'manual'),
            ({'power_type': ''}, 'not set'),
        ):
            for power, state in (('on', OFF), ('off', ON)):
                machine = self.maas.add_machine(power=power, **fields)
                for mode in OffMode:
                    exc = self.refused(
                        exceptions.RefusedError, machine, state, mode
                    )
                    self.assertIn(told, str(exc))

    def test_what_has_just_changed_is_seen(self) -> None:
        """A list of a moment ago says that it may be switched."""
        machine = self.maas.add_machine(power='off')
        (node,) = self.driver.list_nodes()
        self.assertIsNone(node.keep_off)
        machine.status = maas.Status.ALLOCATED
        self.refused(exceptions.RefusedError, machine, ON)

    def test_to_what_others_own(self) -> None:
        machine = self.maas.add_machine(owner='admin')
        self.driver = self.driver_with(api_key=self.maas.joe.apikey)
        self.refused(exceptions.AuthenticationError, machine, OFF)


class TestAnswers(PowerTestCase):
    """What MAAS makes of the request, and that it is sent once."""

    def test_403_is_refused(self) -> None:
        """Locked between the look and the request."""
        machine = self.maas.add_machine()
        self.maas.fail(base.is_power, faults.status(403, b'', 'text/plain'))
        exc = self.refused(exceptions.RefusedError, machine, OFF, sent=1)
        self.assertIn('locked', str(exc))
        self.assertIn('403', str(exc))

    def test_409_is_refused(self) -> None:
        machine = self.maas.add_machine(power='off', owner=None)
        exc = self.refused(exceptions.RefusedError, machine, ON, sent=1)
        self.assertIn("hasn't been allocated", str(exc))

    def test_another_action_in_progress_is_busy(self) -> None:
        """503 without Retry-After, on 3.4: nothing was begun."""
        server = self.maas = self.start('3.4')
        self.driver = self.driver_with()
        machine = server.add_machine()
        server.hold()
        self.switch(machine, OFF)
        machine.power = 'off'
        exc = self.refused(exceptions.BusyError, machine, ON, sent=2)
        self.assertIn('already in progress', str(exc))

    def test_no_rack_is_unavailable(self) -> None:
        """503 with Retry-After."""
        machine = self.maas.add_machine()
        self.maas.region.rack = maas.Rack.NONE
        exc = self.refused(exceptions.UnavailableError, machine, OFF, sent=1)
        self.assertIn('no connections available', str(exc))

    def test_a_missing_driver_package_is_named(self) -> None:
        machine = self.maas.add_machine(driver_missing=True)
        exc = self.refused(exceptions.UnavailableError, machine, OFF, sent=1)
        self.assertIn('install the ipmitool', str(exc))

    def test_200_is_not_success(self) -> None:
        """Accepted, as far as this driver is concerned; what the machine
        is like is asked, and is the truth."""
        server = self.maas = self.start('3.4')
        self.driver = self.driver_with()
        for fields in ({'unreachable': True}, {'off_seconds': maas.NEVER}):
            machine = server.add_machine(**fields)
            self.switch(machine, OFF)
            node = self.driver.get_node(machine.system_id)
            self.assertIsNot(OFF, node.power_state)
        self.assertEqual(2, self.requests(base.is_power))

    def test_the_old_state_in_the_reply_is_not_believed(self) -> None:
        machine = self.maas.add_machine(cached='on')
        self.switch(machine, OFF)
        node = self.driver.get_node(machine.system_id)
        self.assertIs(OFF, node.power_state)

    def test_a_lost_rack_is_no_success(self) -> None:
        machine = self.maas.add_machine()
        self.maas.region.rack = maas.Rack.LOST
        self.switch(machine, OFF)
        node = self.driver.get_node(machine.system_id)
        self.assertIs(PowerState.UNKNOWN, node.power_state)

    def test_a_bmc_that_fails_is_unavailable(self) -> None:
        """500 on 3.7; a slow shutdown answers the same and may finish."""
        machine = self.maas.add_machine(unreachable=True)
        exc = self.refused(exceptions.UnavailableError, machine, OFF, sent=1)
        self.assertIn('exit status 1', str(exc))

    def test_any_json_will_do(self) -> None:
        """``null`` is what libmaas falls over."""
        machine = self.maas.add_machine()
        for body in (b'null', b'[]', b'{}'):
            self.maas.fail(base.is_power, faults.status(200, body))
            self.switch(machine, OFF)

    def test_a_lost_reply_is_not_sent_again(self) -> None:
        for fault in (
            faults.reset(performed=True),
            faults.close(performed=True),
            faults.reset(),
            faults.close(),
            faults.truncated(),
        ):
            machine = self.maas.add_machine()
            self.maas.forget()
            self.maas.fail(base.is_power, fault, None)
            self.refused(exceptions.UnavailableError, machine, OFF, sent=1)
            self.maas.heal()

    def test_a_redirection_is_not_followed(self) -> None:
        machine = self.maas.add_machine()
        for status in (301, 302, 303, 307, 308):
            self.maas.forget()
            self.maas.fail(
                base.is_power,
                faults.status(
                    status, headers=[('Location', f'{self.maas.url}/x')]
                ),
            )
            exc = self.refused(exceptions.ProtocolError, machine, OFF, sent=1)
            self.assertIn(f'{status}, a redirection to', str(exc))
        self.assertEqual('on', machine.power)

    def test_after_a_time_out_it_is_asked_for_and_not_sent(self) -> None:
        machine = self.maas.add_machine()
        self.driver = self.driver_with(timeout=0.3)
        self.maas.hold()
        exc = self.refused(exceptions.TimedOutError, machine, OFF, sent=1)
        self.assertIn('within 0.3 s', str(exc))
        node = self.driver.get_node(machine.system_id)
        self.assertIs(ON, node.power_state)
        self.maas.release()
        # It did arrive, and is seen to have.
        self.switch(machine, OFF)
        self.assertEqual(1, self.requests(base.is_power))
        self.assertEqual(1, len(machine.actions))

    def test_only_on_and_off(self) -> None:
        machine = self.maas.add_machine()
        for state in (PowerState.UNKNOWN, PowerState.ERROR):
            self.assertRaises(ValueError, self.switch, machine, state)
        self.assertEqual([], self.maas.requests)
