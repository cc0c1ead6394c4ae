# SPDX-License-Identifier: Apache-2.0
"""What a configuration opens, over HTTP."""

import json
import pathlib
import re
import threading
from typing import Any

import fixtures

from metal_drivers import boundary, connect, services
from metal_drivers.model import Outcome
from metal_drivers.power import Event, PowerSettings
from metal_drivers_tests.emulators import ironic, nova
from metal_drivers_tests.emulators import keystone as keystone_emulator
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.power import simulator

PASSWORD = 'N0va-s3cret'
README = pathlib.Path(__file__).parents[2] / 'README.rst'


class TestConnection(base.TestCase):
    """Two hosts, one of them with a server, and Nova to match."""

    def setUp(self) -> None:
        super().setUp()
        self.ironic = self.useFixture(ironic.IronicEmulator())
        self.nova = self.useFixture(nova.NovaEmulator())
        for number in (1, 2):
            host = self.nova.add_host(f'compute-{number:02}')
            self.ironic.add_node(
                name=f'metal-{number:02}',
                extra={'compute_node_id': host.hypervisor_id},
            )
        self.nova.add_server('compute-02')
        self.nova.power_probe = lambda host: (
            self.state(host.replace('compute', 'metal')) == 'power on'
        )
        self.sections: dict[str, dict[str, Any]] = {
            'metal_drivers': {'poll_interval': 1},
            'watcher.metal.drivers.ironic': {
                'auth_type': 'none',
                'endpoint_override': self.ironic.url,
            },
            'nova': {
                'auth_type': 'none',
                'endpoint_override': f'{self.nova.url}/v2.1',
            },
        }
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.services.Clock',
                lambda: simulator.SimClock(simulator.Calls()),
            )
        )

    def open(self) -> services.Connection:
        connection = connect(self.conf(**self.sections))
        self.addCleanup(connection.close)
        return connection

    def state(self, name: str) -> str | None:
        return self.ironic.node(name).power_state

    def history(self, **how: Any) -> list[dict[str, Any]]:
        """What a power off of both hosts leaves in the history."""
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).join('h'))
        own = self.sections['metal_drivers']
        own |= {'history_file': path, 'idle_watts': '*-01=90'}
        settings = PowerSettings(poll_interval=1, **how)
        config = self.conf(**self.sections)
        with connect(config, settings=settings, by={'user': 'ada'}) as found:
            found.power_off(['compute-01', 'compute-02'])
            found.engine(by={'audit': 'a1'}).recover(found.fleet())
        if not path.exists():
            return []
        lines = path.read_text(encoding='utf-8').splitlines()
        return [json.loads(line) for line in lines]

    def test_watts_that_cannot_be_read_keep_no_host_off(self) -> None:
        self.sections['metal_drivers']['idle_watts'] = '150W'
        with (
            self.assertLogs('metal_drivers.services', 'WARNING') as logs,
            self.open() as connection,
        ):
            (result,) = connection.power_off(['compute-01'])
        self.assertIs(Outcome.DONE, result.outcome)
        self.assertIn("idle_watts has '150W'", logs.output[0])

    def test_a_history_is_kept(self) -> None:
        found = {
            (line['host'], line['to'], line['outcome']): line
            for line in self.history()
        }
        off = found['compute-01', 'off', 'done']
        self.assertEqual(
            ('ironic', 90.0, {'user': 'ada'}),
            (off['driver'], off['watts'], off['by']),
        )
        self.assertIn(('compute-02', 'off', 'refused'), found)
        (recovered,) = (e for e in found.values() if e['to'] == 'recovered')
        self.assertEqual({'audit': 'a1'}, recovered['by'])

    def test_a_dry_run_is_no_history(self) -> None:
        self.assertEqual([], self.history(dry_run=True))

    def test_off_and_on_again(self) -> None:
        with connect(self.conf(**self.sections)) as connection:
            results = connection.power_off(['compute-01', 'metal-02', 'nope'])
            self.assertEqual(
                [Outcome.FAILED, Outcome.DONE, Outcome.REFUSED],
                [found.outcome for found in results[2:] + results[:2]],
            )
            self.assertEqual('power off', self.state('metal-01'))
            self.assertEqual('power on', self.state('metal-02'))
            self.assertEqual('disabled', self.nova.hosts['compute-01'].status)
            (result,) = connection.power_on(['metal-01'])
        self.assertIs(Outcome.DONE, result.outcome)
        self.assertEqual('power on', self.state('metal-01'))
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def test_one_name_is_not_many(self) -> None:
        """Nor would one letter of it be the name of a node."""
        connection = self.open()
        for method in (
            connection.power_off,
            connection.power_on,
            connection.recover,
        ):
            self.assertRaises(TypeError, method, 'compute-01')

    def test_recover_gives_back_what_we_disabled(self) -> None:
        connection = self.open()
        connection.power_off(['compute-01'])
        self.ironic.node('metal-01').power_state = 'power on'
        self.assertEqual([], connection.recover([]))
        self.assertEqual('disabled', self.nova.hosts['compute-01'].status)
        (result,) = connection.recover()
        self.assertTrue(result.outcome.good, result)
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)
        (result,) = connection.recover(['compute-01'])
        self.assertTrue(result.outcome.good, result)

    def test_recover_needs_nova(self) -> None:
        del self.sections['nova']
        connection = self.open()
        self.assertIsNone(connection.compute)
        error = self.refusal(connection.recover)
        self.assertIn('[nova]', str(error))
        (result,) = connection.power_off(['metal-01'])
        self.assertIs(Outcome.REFUSED, result.outcome)

    def test_one_rate_for_all_that_is_done_through_it(self) -> None:
        """The third request waits for a place in the next minute."""
        self.sections['metal_drivers']['max_power_off_per_minute'] = 2
        self.sections['metal_drivers']['power_off_mode'] = 'hard'
        for number in (3, 4):
            host = self.nova.add_host(f'compute-{number:02}')
            self.ironic.add_node(
                name=f'metal-{number:02}',
                extra={'compute_node_id': host.hypervisor_id},
            )
        clock = simulator.SimClock(simulator.Calls())
        self.useFixture(
            fixtures.MonkeyPatch('metal_drivers.services.Clock', lambda: clock)
        )
        connection = self.open()
        begin = clock.monotonic()
        connection.power_off(['metal-01'])
        connection.power_off(['metal-03'])
        self.assertLess(clock.monotonic() - begin, 60)
        connection.power_off(['metal-04'])
        self.assertGreaterEqual(clock.monotonic() - begin, 60)

    def test_tells_the_steps(self) -> None:
        seen: list[Event] = []
        connection = connect(self.conf(**self.sections), watch=seen.append)
        self.addCleanup(connection.close)
        connection.power_off(['compute-01'])
        self.assertEqual({'ironic'}, {event.backend for event in seen})

    def test_closes_the_driver(self) -> None:
        closed = threading.Event()
        with connect(self.conf(**self.sections)) as connection:
            assert isinstance(connection.driver, boundary.GuardedDriver)
            self.patch(connection.driver.driver, 'close', closed.set)
        self.assertTrue(closed.is_set())

    def test_nothing_stays_open_where_nova_cannot_be_opened(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.selector.get_driver', self.fail
            )
        )
        self.sections['nova'] = {'auth_type': 'password'}
        error = self.refusal(connect, self.conf(**self.sections))
        self.assertIn('[nova]', str(error))

    def test_the_readme(self) -> None:
        """What it says in Python can be run."""
        part = README.read_text(encoding='utf-8').partition('In Python\n')[2]
        found = re.search(r'python\n\n((?:   .*\n|\n)+)', part)
        assert found is not None
        lines = [line[3:] for line in found[1].splitlines()]
        self.useFixture(
            fixtures.MonkeyPatch(
                'oslo_config.cfg.CONF', self.conf(**self.sections)
            )
        )
        printed: list[str] = []
        exec(  # noqa: S102, it is ours
            '\n'.join(lines),
            {'print': lambda *args: printed.append(' '.join(map(str, args)))},
        )
        self.assertIn('metal-02 (compute-02) on', printed)
        self.assertTrue(printed[-1].startswith('metal-01 (compute-01) done'))


class TestOpenCompute(base.TestCase):
    """Where Nova's credentials are from."""

    def setUp(self) -> None:
        super().setUp()
        self.nova = self.useFixture(nova.NovaEmulator(hosts=3))

    def test_without_credentials_there_is_no_nova(self) -> None:
        self.assertIsNone(services.open_compute(self.conf()))

    def test_a_part_of_them_is_not_nothing(self) -> None:
        half = {'auth_url': 'http://127.0.0.1:1', 'username': 'watcher'}
        for sections in (
            {'nova': half},
            {'nova': {'auth_section': 'there'}, 'there': half},
        ):
            error = self.refusal(services.open_compute, self.conf(**sections))
            self.assertIn('[nova] lacks auth_type', str(error))

    def test_own_credentials_are_used_for_every_request(self) -> None:
        keystone = self.useFixture(
            keystone_emulator.KeystoneEmulator({'watcher': PASSWORD})
        )
        keystone.add_endpoint('compute', f'{self.nova.url}/v2.1')
        self.nova.valid_token = keystone.valid
        options = {
            'auth_type': 'password',
            'auth_url': keystone.auth_url,
            'username': 'watcher',
            'password': PASSWORD,
            'project_name': 'service',
            'user_domain_id': 'default',
            'project_domain_id': 'default',
        }
        shared = {'auth_type': 'none', 'endpoint': 'http://127.0.0.1:1'}
        for conf in (
            self.conf(nova=options, watcher_clients_auth=shared),
            self.conf(watcher_clients_auth=options),
            self.conf(nova={'auth_section': 'there'}, there=options),
        ):
            found = services.open_compute(conf)
            assert found is not None
            self.assertEqual(3, len(found.list_hosts()))
            keystone.expire_tokens()
            self.assertEqual(3, len(found.list_hosts()))
