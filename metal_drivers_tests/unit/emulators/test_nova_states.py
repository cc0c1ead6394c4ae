# SPDX-License-Identifier: Apache-2.0
"""When Nova takes a compute to be up, and what the newest list costs."""

import threading

import requests

from metal_drivers_tests.emulators import messages, nova
from metal_drivers_tests.unit.emulators import test_nova


class TestStates(test_nova.NovaCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 1000.0
        self.on = {'h'}

    def start_clocked(self, **kwargs: float) -> nova.NovaEmulator:
        server = self.start(['h'], clock=lambda: self.now, **kwargs)
        server.power_probe = self.on.__contains__
        return server

    def test_state_follows_the_power_at_once(self) -> None:
        self.start_clocked()
        self.assertEqual('up', self.service('h')['state'])
        self.on.clear()
        self.assertEqual('down', self.service('h')['state'])
        (view,) = self.get(test_nova.HYPERVISORS)['hypervisors']
        self.assertEqual('down', view['state'])

    def test_nova_is_late_to_notice(self) -> None:
        self.start_clocked(service_down_time=60, boot_time=20)
        self.service('h')
        self.on.clear()
        seen = [(0, 'up'), (59, 'up'), (1, 'down')]
        for seconds, state in seen:
            self.now += seconds
            self.assertEqual(state, self.service('h')['state'])
        self.on.add('h')
        for seconds, state in [(0, 'down'), (19, 'down'), (1, 'up')]:
            self.now += seconds
            self.assertEqual(state, self.service('h')['state'])

    def test_updated_at_moves_with_heartbeats_and_with_changes(self) -> None:
        server = self.start_clocked()
        key = server.hosts['h'].service_id
        first = self.service('h')['updated_at']
        self.assertEqual('1970-01-01T00:16:40.000000', first)
        self.now += 5
        beat = self.service('h')['updated_at']
        self.assertGreater(beat, first)
        self.on.clear()
        self.now += 5
        self.assertEqual(beat, self.service('h')['updated_at'])
        self.ask('PUT', f'{test_nova.SERVICES}/{key}', {'status': 'disabled'})
        changed = self.service('h')
        self.assertGreater(changed['updated_at'], beat)
        self.assertEqual('down', changed['state'])
        self.now += 5
        self.ask('PUT', f'{test_nova.SERVICES}/{key}', {'status': 'disabled'})
        self.assertEqual(changed, self.service('h'))

    def test_a_forced_down_service_is_down(self) -> None:
        server = self.start(['h'])
        key = server.hosts['h'].service_id
        self.ask('PUT', f'{test_nova.SERVICES}/{key}', {'forced_down': True})
        self.assertEqual('down', self.service('h')['state'])

    def test_a_just_dead_compute_holds_up_the_newest_list(self) -> None:
        server = self.start(['a', 'b'])
        server.hosts['b'].just_dead = True
        for view in self.get(test_nova.HYPERVISORS)['hypervisors']:
            self.assertEqual('up', view['state'])
        server.rpc_timeout = 0.001
        response = self.ask('GET', test_nova.HYPERVISORS, version='2.88')
        self.assertRefused(500, 'MessagingTimeout', response)

    def test_the_hang_does_not_delay_the_end(self) -> None:
        server = nova.NovaEmulator(['a'])
        server.setUp()
        server.hosts['a'].just_dead = True
        headers = {'X-OpenStack-Nova-API-Version': 'latest'}
        errors: list[Exception] = []

        def ask() -> None:
            try:
                requests.get(
                    server.url + test_nova.HYPERVISORS,
                    headers=headers,
                    timeout=30,
                )
            except requests.RequestException as error:
                errors.append(error)

        client = threading.Thread(target=ask)
        client.start()
        server.wait_for(messages.matching(path=test_nova.HYPERVISORS))
        server.cleanUp()
        client.join(5)
        self.assertEqual(1, len(errors))
