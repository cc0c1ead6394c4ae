# SPDX-License-Identifier: Apache-2.0
"""The hook for Masakari, against a real one beside the cloud."""

from oslo_config import cfg

from metal_drivers import services
from metal_drivers.hooks import Hook
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import messages
from metal_drivers_tests.functional import base, test_interrupted
from metal_drivers_tests.functional.services import (
    masakari,
    proxy,
    shared,
)

GROUP = 'metal_drivers.hooks.masakari'

CHANGE = test_interrupted.CHANGE
SWITCH = test_interrupted.SWITCH
FLAG = messages.matching('PUT', '/v1/segments/.*/hosts/.*')
ATTRIBUTES = 'SSH'


class MasakariTestCase(base.CloudTestCase):
    """With compute-01 in a segment of this test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.masakari = shared.masakari_for(self)
        self.segment = self.masakari.create_segment(self.unique('rack'))
        self.addCleanup(self.masakari.delete_segment, self.segment)
        self.watched: dict[int, str] = {}
        self.watch(1)
        self.config = self.config_with_hooks()

    def watch(self, number: int) -> None:
        """Have Masakari watch that host, too."""
        if number not in self.watched:
            self.watched[number] = self.masakari.add_host(
                self.segment, self.cloud.compute_host(number)
            )

    def config_with_hooks(
        self, user: str = 'watcher', more: base.Sections | None = None
    ) -> str:
        sections: base.Sections = {
            'metal_drivers': {'hooks': 'masakari', 'poll_interval': 1},
            base.SHARED: self.cloud.keystone_options(user),
        }
        return self.conf_file('', **sections, **(more or {}))

    def assert_watched(self, number: int, flag: bool, attributes: str) -> None:
        """Masakari's own word."""
        found = self.masakari.host(self.segment, self.watched[number])
        self.assertEqual(
            (flag, attributes),
            (found['on_maintenance'], found['control_attributes']),
        )


class TestCheck(MasakariTestCase):
    def results(self, config: str) -> dict[str, tuple[str, str]]:
        run = self.listing(config, 'check')
        return {
            row['Check']: (row['Result'], row['Detail']) for row in run.rows
        }

    def test_it_tries_the_lists(self) -> None:
        result, detail = self.results(self.config)['hook masakari']
        self.assertEqual('ok', result)
        self.assertIn('1 hosts in 1 segments', detail)

    def test_a_member_may_not(self) -> None:
        result, detail = self.results(self.config_with_hooks('joe'))[
            'hook masakari'
        ]
        self.assertEqual('failed', result)
        self.assertIn('role admin', detail)


class TestContract(contract.HookContract, MasakariTestCase):
    """The contract, kept with a real Masakari."""

    def create_hook(self) -> Hook:
        conf = cfg.ConfigOpts()
        # A session of its own, which it closes.
        config = self.config_with_hooks(more={GROUP: {'timeout': 30}})
        conf([f'--config-file={config}'])
        (hook,) = services.open_hooks(conf)
        return hook.hook


class PowerTestCase(MasakariTestCase):
    """Power off and on, with all that Masakari may do meanwhile."""

    def setUp(self) -> None:
        super().setUp()
        self.number = 1
        self.metal = self.node(self.number)
        self.name = self.host(self.number)
        self.marked = f'SSH metal-drivers/1 node {self.metal}'
        self.proxies: dict[messages.Match, proxy.Proxy] = {}

    def slow(self) -> str:
        """A configuration with which requests can be held up."""
        urls = {
            CHANGE: self.cloud.rest('compute').url,
            SWITCH: self.cloud.rest('baremetal').url,
            FLAG: self.masakari.url,
        }
        self.proxies = {
            match: self.useFixture(proxy.Proxy(test_interrupted.root(url)))
            for match, url in urls.items()
        }
        return self.config_with_hooks(
            more={
                base.IRONIC: {'endpoint_override': self.proxies[SWITCH].url},
                'nova': {
                    'endpoint_override': f'{self.proxies[CHANGE].url}/v2.1'
                },
                GROUP: {'endpoint_override': f'{self.proxies[FLAG].url}/v1'},
            }
        )

    def begin(
        self,
        state: str,
        match: messages.Match,
        arrived: bool = False,
        after: int = 0,
    ) -> tuple[proxy.Held, base.Command]:
        """Until that request is about to arrive, or has arrived."""
        config = self.slow()
        held = self.proxies[match].hold(match, arrived, after)
        words = ('node', 'power', state, self.name, '-f', 'json')
        yes = ('--yes',) if state == 'off' else ()
        command = self.start_command(config, *words, *yes)
        self.until(held, command)
        return held, command

    def go_on_to(
        self, match: messages.Match, held: proxy.Held, command: base.Command
    ) -> proxy.Held:
        """Until the next request of that kind is about to arrive."""
        following = self.proxies[match].hold(match, False)
        held.go_on.set()
        self.until(following, command)
        return following

    def off(self) -> base.Run:
        return self.power_off(self.name)

    def on(self, *words: str) -> base.Run:
        return self.listing(
            self.config, 'node', 'power', 'on', self.name, *words
        )

    def age(self) -> None:
        """As if the run had been killed long ago."""
        reason = self.service(self.name)['disabled_reason'] or ''
        if reason.startswith(base.OURS):
            self.put_service(
                self.name,
                status='disabled',
                disabled_reason=base.aged(reason),
            )

    def recover(self) -> base.Run:
        self.age()
        run = self.listing(self.config, 'node', 'recover', self.name)
        self.assert_status(0, run)
        return run

    def assert_away(self) -> None:
        """Off, ours, and Masakari knows."""
        self.assert_power(self.metal, 'off')
        service = self.service(self.name)
        self.assertTrue(
            (service['disabled_reason'] or '').startswith(base.OURS), service
        )
        self.assert_watched(self.number, True, self.marked)

    def assert_back(self) -> None:
        """On, enabled, and everything as before."""
        self.assert_power(self.metal, 'on')
        self.assert_service(self.name, 'enabled')
        self.assert_watched(self.number, False, ATTRIBUTES)

    def notifications(self) -> list[str]:
        """What Masakari took notice of, of this host."""
        found = self.masakari.api.request('GET', '/notifications')
        return [
            entry['notification_uuid']
            for entry in found['notifications']
            if entry['source_host_uuid'] == self.watched[self.number]
        ]

    def evacuations(self) -> list[str]:
        """Servers that were evacuated from this host, in Nova's word."""
        found = self.cloud.nova.request('GET', '/os-migrations')
        return [
            entry['instance_uuid']
            for entry in found['migrations']
            if entry['migration_type'] == 'evacuation'
            and entry['source_compute'] == self.name
        ]

    def end_maintenance(self) -> None:
        """What an operator does after a false alarm."""
        path = f'/segments/{self.segment}/hosts/{self.watched[self.number]}'
        host = {'on_maintenance': False}
        self.masakari.api.request('PUT', path, {'host': host})
        self.put_service(self.name, status='enabled')

    def make_busy(self) -> str:
        """Have another host of the segment be recovered, until the engine
        goes on."""
        self.watch(2)
        self.masakari.engine.pause()
        self.addCleanup(self.masakari.engine.resume)
        self.addCleanup(self.restore, 2)
        found = self.masakari.report_down(self.cloud.compute_host(2))
        assert found is not None
        return found

    def end_busy(self, notification: str) -> None:
        self.masakari.engine.resume()
        self.masakari.wait_notification(notification)
        # Else nothing more is taken notice of.
        path = f'/segments/{self.segment}/hosts/{self.watched[2]}'
        host = {'on_maintenance': False}
        self.masakari.api.request('PUT', path, {'host': host})


class TestPower(PowerTestCase):
    def test_nothing_is_evacuated_and_it_comes_back(self) -> None:
        """A monitor reports the host during the off, after it, and during
        the on until it is back: Masakari takes no notice."""
        held_off = self.begin('off', SWITCH)
        self.assert_watched(self.number, True, self.marked)
        self.assertIsNone(self.masakari.report_down(self.name))
        self.finish(*held_off)
        self.assert_away()
        self.assertIsNone(self.masakari.report_down(self.name))
        run = self.listing(self.config, 'node', 'list')
        self.assertIn('set by metal-drivers', run.row['Note'])
        held, command = self.begin('on', SWITCH)
        self.assert_away()
        self.assertIsNone(self.masakari.report_down(self.name))
        held = self.go_on_to(FLAG, held, command)
        # On, and nova-compute is up.
        self.assert_power(self.metal, 'on')
        self.assert_watched(self.number, True, self.marked)
        self.assertIsNone(self.masakari.report_down(self.name))
        # Servers that land on it are protected from the first on.
        held = self.go_on_to(CHANGE, held, command)
        self.assert_watched(self.number, False, ATTRIBUTES)
        self.finish(held, command)
        self.assert_back()
        self.assertEqual([], self.notifications())
        self.assertEqual([], self.evacuations())

    def finish(self, held: proxy.Held, command: base.Command) -> None:
        held.go_on.set()
        self.assert_row(command.wait(), 'done')

    def test_maintenance_of_a_human(self) -> None:
        path = f'/segments/{self.segment}/hosts/{self.watched[1]}'
        host = {'on_maintenance': True, 'control_attributes': 'IPMI'}
        self.masakari.api.request('PUT', path, {'host': host})
        self.assert_row(self.off(), 'refused', 'set by someone else')
        self.assert_power(self.metal, 'on')
        self.assert_service(self.name, 'enabled')
        self.assert_watched(1, True, 'IPMI')
        reserve = {'on_maintenance': False, 'reserved': True}
        self.masakari.api.request('PUT', path, {'host': reserve})
        self.assert_row(self.off(), 'refused', 'in reserve')
        self.assert_service(self.name, 'enabled')

    def test_a_segment_that_is_busy(self) -> None:
        notification = self.make_busy()
        self.assert_row(self.off(), 'refused', 'is recovering a host')
        self.assert_service(self.name, 'enabled')
        self.assert_watched(1, False, ATTRIBUTES)
        self.end_busy(notification)
        self.assert_row(self.off(), 'done')
        # Back while it is busy again: the host is needed anyway.
        notification = self.make_busy()
        run = self.on('--timeout', '10')
        self.assert_row(run, 'done', 'enabled', 'is recovering a host')
        self.assert_service(self.name, 'enabled')
        self.assert_watched(1, True, self.marked)
        self.end_busy(notification)
        self.assert_row(self.recover(), 'already')
        self.assert_back()

    def test_masakari_that_is_down(self) -> None:
        self.masakari.server.stop()
        self.addCleanup(self.masakari.wait_api)
        self.addCleanup(self.masakari.server.start)
        run = self.off()
        self.assert_row(run, 'refused', 'Masakari', 'could not connect')
        self.assert_power(self.metal, 'on')
        self.assert_service(self.name, 'enabled')

    def test_a_reason_that_was_replaced(self) -> None:
        """Without the hook, and what adopting the reason makes of it."""
        plain = self.config_of(
            {base.SHARED: self.cloud.keystone_options('watcher')}
        )
        run = self.listing(plain, 'node', 'power', 'off', '--yes', self.name)
        self.assert_row(run, 'done')
        notification = self.masakari.report_down(self.name)
        assert notification is not None
        self.masakari.wait_notification(notification)
        self.assert_service(self.name, 'disabled', masakari.REASON)
        sections: base.Sections = {
            'metal_drivers': {
                'poll_interval': 1,
                'adopted_reasons': 'Masakari detected*',
            },
            base.SHARED: self.cloud.keystone_options('watcher'),
        }
        adopting = self.conf_file('', **sections)
        run = self.listing(adopting, 'node', 'list')
        self.assertIn('adopted_reasons', run.row['Note'])
        run = self.listing(adopting, 'node', 'power', 'on', self.name)
        self.assert_row(run, 'done', 'enabled')
        self.assert_service(self.name, 'enabled')

    def test_in_the_middle_of_an_off(self) -> None:
        """A notification before the flag, and the reason is replaced."""
        held, command = self.begin('off', FLAG)
        notification = self.masakari.report_down(self.name)
        assert notification is not None
        self.masakari.wait_notification(notification)
        held.go_on.set()
        run = command.wait()
        self.assert_row(run, 'refused', masakari.REASON)
        self.assert_power(self.metal, 'on')
        self.assert_service(self.name, 'disabled', masakari.REASON)
        # On, so it is watched again. Masakari's reason is not ours to clear.
        self.assert_watched(self.number, False, ATTRIBUTES)
        self.assertEqual([notification], self.notifications())
        self.assertEqual([], self.evacuations())
        self.put_service(self.name, status='enabled')
        self.assert_off_and_back()

    def test_before_an_off(self) -> None:
        """Masakari recovers the host, then has it under maintenance: what it
        did stays as it is."""
        self.masakari.engine.pause()
        self.addCleanup(self.masakari.engine.resume)
        notification = self.masakari.report_down(self.name)
        assert notification is not None
        self.assert_row(self.off(), 'refused', 'is recovering a host')
        self.assert_service(self.name, 'enabled')
        self.assert_watched(self.number, False, ATTRIBUTES)
        self.masakari.engine.resume()
        self.masakari.wait_notification(notification)
        self.assert_row(self.off(), 'refused', 'set by someone else')
        self.assert_power(self.metal, 'on')
        self.assert_service(self.name, 'disabled', masakari.REASON)
        self.assert_watched(self.number, True, ATTRIBUTES)
        self.assertEqual([], self.evacuations())
        self.end_maintenance()
        self.assert_off_and_back()

    def assert_off_and_back(self) -> None:
        self.assert_row(self.off(), 'done')
        self.assert_away()
        self.assert_row(self.on(), 'done', 'enabled')
        self.assert_back()
