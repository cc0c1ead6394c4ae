# SPDX-License-Identifier: Apache-2.0
"""What a test can do with the power of an emulated MAAS."""

import threading
from typing import Any

import testtools

from metal_drivers_tests.emulators import maas, maas_client


class MaasCase(testtools.TestCase):
    def start(self, *args: Any, **kwargs: Any) -> maas.MaasEmulator:
        server: maas.MaasEmulator = self.useFixture(
            maas.MaasEmulator(*args, **kwargs)
        )
        self.maas = server
        self.client = self.useFixture(maas_client.MaasClient(server))
        return server

    def listed(self, query: str = '') -> list[dict[str, Any]]:
        response = self.client.get(f'machines/{query}')
        self.assertEqual(200, response.status_code, response.text)
        machines: list[dict[str, Any]] = response.json()
        return machines

    def state(self, machine: maas.Machine) -> str:
        response = self.client.query(machine.system_id)
        self.assertEqual(200, response.status_code, response.text)
        state: str = response.json()['state']
        return state

    def switch(self, machine: maas.Machine, target: str, **fields: str) -> int:
        return self.client.power(
            machine.system_id, target, **fields
        ).status_code

    def in_background(
        self, machine: maas.Machine, target: str
    ) -> tuple[threading.Thread, list[int]]:
        statuses: list[int] = []
        thread = threading.Thread(
            target=lambda: statuses.append(self.switch(machine, target))
        )
        thread.start()
        self.addCleanup(thread.join, 5)
        return thread, statuses


class TestPower(MaasCase):
    def test_a_cycle_is_seen(self) -> None:
        server = self.start(machines=2)
        first, second = server.machines.values()
        second.power = second.cached = 'off'
        for machine in (first, second):
            self.assertEqual(200, self.switch(machine, 'on', comment='why'))
        self.assertEqual([first.system_id], server.done(maas.Effect.CYCLE))
        (action,) = second.actions
        self.assertEqual(maas.Effect.ON, action.effect)
        self.assertEqual(('why', 'admin'), (action.comment, action.user))
        self.assertEqual('on', second.power)

    def test_power_on_that_deploys(self) -> None:
        server = self.start()
        allocated = server.add_machine(status=maas.Status.ALLOCATED)
        ephemeral = server.add_machine(ephemeral_deploy=True)
        for machine in (allocated, ephemeral):
            self.assertEqual(200, self.switch(machine, 'on'))
            self.assertEqual(maas.Status.DEPLOYING, machine.status)
        effects = [action.effect for action in server.actions]
        self.assertEqual([maas.Effect.DEPLOY, maas.Effect.REDEPLOY], effects)

    def test_a_soft_off_is_soft_on_ipmi_only(self) -> None:
        server = self.start()
        for power_type in ('ipmi', 'redfish'):
            machine = server.add_machine(power_type=power_type)
            self.switch(machine, 'off', stop_mode='soft')
        server.add_machine(hostname='hard')
        self.switch(server.machine('hard'), 'off', stop_mode='other')
        effects = [action.effect for action in server.actions]
        soft, hard = maas.Effect.SOFT_OFF, maas.Effect.OFF
        self.assertEqual([soft, hard, hard], effects)
        states = {machine.power for machine in server.machines.values()}
        self.assertEqual({'off'}, states)

    def test_34_answers_before_the_machine_is_off(self) -> None:
        server = self.start('3.4', machines=1)
        (machine,) = server.machines.values()
        server.hold()
        self.assertEqual(200, self.switch(machine, 'off'))
        self.assertEqual('on', self.state(machine))
        self.assertEqual(200, self.switch(machine, 'off'))
        self.assertEqual(503, self.switch(machine, 'on'))
        server.release()
        self.assertEqual('off', self.state(machine))
        self.assertEqual(
            [maas.Effect.OFF, maas.Effect.JOINED, maas.Effect.REFUSED],
            [action.effect for action in machine.actions],
        )

    def test_37_answers_when_the_machine_is_off(self) -> None:
        server = self.start('3.7', machines=1)
        (machine,) = server.machines.values()
        server.hold()
        thread, statuses = self.in_background(machine, 'off')
        server.wait_for_actions()
        self.assertEqual('on', self.state(machine))
        self.assertEqual([], statuses)
        server.release()
        thread.join(5)
        self.assertEqual([200], statuses)
        self.assertEqual('off', self.state(machine))

    def test_an_off_that_never_happens(self) -> None:
        for series, status in (('3.4', 200), ('3.7', 500)):
            server = self.start(series)
            server.region.confirm = 0
            machine = server.add_machine(off_seconds=maas.NEVER)
            self.assertEqual(status, self.switch(machine, 'off'))
            server.advance(10000)
            self.assertEqual('on', self.state(machine))
        machine.confirmed = False
        self.assertEqual(200, self.switch(machine, 'off'))
        self.assertEqual('on', self.state(machine))

    def test_an_off_that_is_seen_too_late(self) -> None:
        server = self.start('3.7')
        server.region.confirm = 0
        machine = server.add_machine(soft_off_seconds=60)
        self.assertEqual(500, self.switch(machine, 'off', stop_mode='soft'))
        self.assertEqual('on', self.state(machine))
        server.advance(60)
        self.assertEqual('on', self.listed()[0]['power_state'])
        self.assertEqual('off', self.state(machine))
        self.assertEqual('off', self.listed()[0]['power_state'])

    def test_a_power_on_that_is_lost(self) -> None:
        server = self.start('3.4')
        machine = server.add_machine(power='off', on_seconds=maas.NEVER)
        self.assertEqual(200, self.switch(machine, 'on'))
        server.advance(10000)
        self.assertEqual('off', self.state(machine))
        machine.on_seconds = 0
        self.assertEqual(200, self.switch(machine, 'on'))
        self.assertEqual('on', self.state(machine))

    def test_queries_that_fail_for_a_while(self) -> None:
        for series, expected in (
            ('3.4', [(200, 'error'), (200, 'error'), (200, 'on')]),
            ('3.7', [(500, ''), (500, ''), (200, 'on')]),
        ):
            server = self.start(series)
            machine = server.add_machine(failing_queries=2)
            seen = []
            for _ in expected:
                reply = self.client.query(machine.system_id)
                known = reply.status_code == 200
                state = reply.json()['state'] if known else ''
                seen.append((reply.status_code, state))
            self.assertEqual(expected, seen)

    def test_a_query_that_hangs(self) -> None:
        server = self.start()
        server.region.query_timeout = 0.001
        machine = server.add_machine(bmc_seconds=maas.NEVER)
        reply = self.client.query(machine.system_id)
        self.assertEqual(504, reply.status_code)

    def test_a_query_that_finds_it_off_ends_a_release(self) -> None:
        for series in ('3.4', '3.7'):
            server = self.start(series)
            for power, status, owner in (
                ('on', maas.Status.RELEASING, 'admin'),
                ('off', maas.Status.NEW, None),
            ):
                machine = server.add_machine(
                    status=maas.Status.RELEASING, power=power
                )
                self.assertEqual(power, self.state(machine))
                self.assertEqual(
                    (status, owner), (machine.status, machine.owner)
                )
        # So does that of the region itself.
        machine.status, machine.owner = maas.Status.RELEASING, 'admin'
        server.refresh()
        self.assertEqual(maas.Status.NEW, machine.status)
        self.assertIsNone(machine.owner)

    def test_one_power_on_that_acts_four_times(self) -> None:
        """MAAS repeats it when others write to the machine's row."""
        server = self.start('3.7')
        machine = server.add_machine(power='off', conflicts=3)
        self.assertEqual(200, self.switch(machine, 'on'))
        on, cycle = maas.Effect.ON, maas.Effect.CYCLE
        self.assertEqual(
            [on, cycle, cycle, cycle],
            [action.effect for action in machine.actions],
        )
        self.assertEqual(
            1, sum(each.method == 'POST' for each in server.requests)
        )

    def test_one_query_that_asks_the_bmc_three_times(self) -> None:
        server = self.start('3.7')
        server.region.query_timeout = 0.02
        machine = server.add_machine(bmc_seconds=0.01, conflicts=1)
        self.assertEqual('on', self.state(machine))
        machine.conflicts = 2
        reply = self.client.query(machine.system_id)
        self.assertEqual(504, reply.status_code)

    def test_no_rack_that_can_access_the_bmc(self) -> None:
        server = self.start(machines=1)
        server.region.rack = maas.Rack.NO_ACCESS
        (machine,) = server.machines.values()
        for reply in (
            self.client.query(machine.system_id),
            self.client.power(machine.system_id, 'off'),
        ):
            self.assertEqual(503, reply.status_code)
            self.assertEqual(
                'No rack controllers can access the BMC of node '
                f'{machine.hostname}',
                reply.text,
            )
        self.assertEqual('on', machine.power)

    def test_no_rack_says_when_to_come_back(self) -> None:
        server = self.start(machines=1)
        server.region.rack = maas.Rack.NONE
        (machine,) = server.machines.values()
        reply = self.client.query(machine.system_id)
        self.assertEqual('10', reply.headers['Retry-After'])
        self.assertEqual(503, self.switch(machine, 'off'))
        self.assertEqual('on', machine.power)


class TestNames(MaasCase):
    """Tags, zones and resource pools."""

    def names(self, path: str) -> list[str]:
        response = self.client.get(f'{path}/')
        self.assertEqual(200, response.status_code, response.text)
        return [each['name'] for each in response.json()]

    def test_they_are_those_that_filters_know(self) -> None:
        server = self.start()
        server.region.tags.add('kept')
        server.add_machine(tags=['x'], zone='az2', pool='gold')
        self.assertEqual(['kept', 'x'], self.names('tags'))
        self.assertEqual(['az2'], self.names('zones'))
        self.assertEqual(['gold'], self.names('resourcepools'))

    def test_nobody_is_told(self) -> None:
        self.start()
        self.client.apikey = None
        self.assertNotEqual(200, self.client.get('tags/').status_code)
