# SPDX-License-Identifier: Apache-2.0
"""The hook for Masakari, over HTTP."""

from typing import Any

import fixtures

from metal_drivers import exceptions, services
from metal_drivers.hooks import Event, Hook
from metal_drivers.hooks.in_use import Hooks
from metal_drivers.hooks.masakari import hook as masakari_hook
from metal_drivers.model import CheckStatus
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, keystone, messages
from metal_drivers_tests.emulators import masakari as emulator
from metal_drivers_tests.unit import base as unit_base
from metal_drivers_tests.unit.hooks import base

MARK = 'metal-drivers/1 node id-1'


class MasakariTestCase(unit_base.TestCase):
    """compute-01 and -02 in one segment, -03 in another, -04 in none."""

    def setUp(self) -> None:
        super().setUp()
        self.keystone = self.useFixture(keystone.KeystoneEmulator())
        self.masakari = self.useFixture(
            emulator.MasakariEmulator(valid_token=self.keystone.valid)
        )
        self.keystone.add_endpoint('instance-ha', f'{self.masakari.url}/v1')
        self.rack = self.masakari.add_segment('rack-1')
        other = self.masakari.add_segment('rack-2')
        self.host = self.masakari.add_host(self.rack, 'compute-01')
        self.masakari.add_host(self.rack, 'compute-02')
        self.masakari.add_host(other, 'compute-03')
        self.options: dict[str, Any] = {}

    def hooks(self) -> Hooks:
        sections = {
            'metal_drivers': {'hooks': 'masakari'},
            'watcher_clients_auth': {
                'auth_type': 'password',
                'auth_url': self.keystone.auth_url,
                'username': 'admin',
                'password': 'secret',
                'project_name': 'admin',
                'user_domain_id': 'default',
                'project_domain_id': 'default',
            },
            'metal_drivers.hooks.masakari': self.options,
        }
        found = services.open_hooks(self.conf(**sections))
        self.addCleanup(found.close)
        return found

    def tell(self, event: Event, **changes: Any) -> None:
        (hook,) = self.hooks()
        hook.tell(base.event(event, **changes))

    def failure(self, event: Event, **changes: Any) -> exceptions.MetalError:
        (hook,) = self.hooks()
        return base.error_of(hook, base.event(event, **changes))

    def assert_host(self, flag: bool, attributes: str) -> None:
        self.assertEqual(
            (flag, attributes),
            (self.host.on_maintenance, self.host.control_attributes),
        )


class TestBeforeOff(MasakariTestCase):
    def test_the_flag_and_who_set_it(self) -> None:
        self.tell(Event.BEFORE_OFF)
        self.assert_host(True, f'SSH {MARK}')
        self.assertEqual(1, self.masakari.count('PUT'))

    def test_a_host_of_no_segment(self) -> None:
        self.tell(Event.BEFORE_OFF, host='compute-04')
        self.tell(Event.BEFORE_OFF, host='')
        self.assertEqual(0, self.masakari.count('PUT'))

    def test_a_reserved_host_is_refused(self) -> None:
        self.host.reserved = True
        found = self.failure(Event.BEFORE_OFF)
        self.assertIsInstance(found, exceptions.RefusedError)
        self.assertIn('compute-01 in segment rack-1 in reserve', str(found))
        self.assert_host(False, 'SSH')

    def test_maintenance_of_others_is_refused(self) -> None:
        self.host.on_maintenance = True
        found = self.failure(Event.BEFORE_OFF)
        self.assertIsInstance(found, exceptions.RefusedError)
        self.assertIn('set by someone else. End the', str(found))
        self.assert_host(True, 'SSH')

    def test_that_of_another_node_is_refused(self) -> None:
        self.tell(Event.BEFORE_OFF, node_id='id-2')
        found = self.failure(Event.BEFORE_OFF)
        self.assertIn('set by metal-drivers for node id-2', str(found))

    def test_what_an_earlier_run_has_set_is_kept(self) -> None:
        self.tell(Event.BEFORE_OFF)
        self.tell(Event.BEFORE_OFF)
        self.assert_host(True, f'SSH {MARK}')
        self.assertEqual(1, self.masakari.count('PUT'))

    def test_a_flag_that_was_cleared_by_hand_is_set_again(self) -> None:
        self.tell(Event.BEFORE_OFF)
        self.host.on_maintenance = False
        self.tell(Event.BEFORE_OFF)
        self.assert_host(True, f'SSH {MARK}')

    def test_no_attributes(self) -> None:
        self.host.control_attributes = ''
        self.tell(Event.BEFORE_OFF)
        self.assert_host(True, MARK)
        self.tell(Event.BEFORE_ENABLE)
        self.assert_host(False, '')

    def test_a_segment_that_recovers_a_host(self) -> None:
        self.rack.busy = True
        found = self.failure(Event.BEFORE_OFF)
        self.assertIsInstance(found, exceptions.BusyError)
        self.assertIn('recovering a host of segment rack-1', str(found))
        self.assert_host(False, 'SSH')

    def test_a_user_who_may_not(self) -> None:
        self.masakari.admin = False
        found = self.failure(Event.BEFORE_OFF)
        self.assertIsInstance(found, exceptions.ConfigurationError)
        self.assertIn('role admin', str(found))

    def test_masakari_that_is_down(self) -> None:
        self.options = {'endpoint_override': 'http://127.0.0.1:1/v1'}
        found = self.failure(Event.BEFORE_OFF)
        self.assertIsInstance(found, exceptions.UnavailableError)
        self.assertIn('[metal_drivers.hooks.masakari]', str(found))

    def test_a_region_without_it(self) -> None:
        self.options = {'region_name': 'Nowhere'}
        found = self.failure(Event.BEFORE_OFF)
        self.assertIn('no endpoint', str(found).lower())

    def test_a_reply_that_is_lost(self) -> None:
        self.masakari.fail(messages.matching('PUT'), faults.reset(True))
        (hook,) = self.hooks()
        base.error_of(hook, base.event(Event.BEFORE_OFF))
        self.assert_host(True, f'SSH {MARK}')
        hook.tell(base.event(Event.UNDONE))
        self.assert_host(False, 'SSH')

    def test_one_list_for_a_batch(self) -> None:
        (hook,) = self.hooks()
        for number, host in enumerate(('compute-01', 'compute-02')):
            for event in Event:
                hook.tell(base.event(event, host=host, node_id=f'id-{number}'))
        lists = '/v1/segments(/[^/]+/hosts)?'
        self.assertEqual(3, self.masakari.count('GET', lists))

    def test_a_list_that_is_old_is_asked_for_again(self) -> None:
        (hook,) = self.hooks()
        hook.tell(base.event(Event.BEFORE_OFF, host='compute-09'))
        self.masakari.add_host(self.rack, 'compute-09')
        self.useFixture(fixtures.MonkeyPatch(f'{HOOK}.FRESH', -1.0))
        hook.tell(base.event(Event.BEFORE_OFF, host='compute-09'))
        self.assertTrue(self.masakari.hosts['compute-09'].on_maintenance)

    def test_a_host_that_went_to_another_segment(self) -> None:
        (hook,) = self.hooks()
        hook.notes()
        self.host.segment = self.masakari.add_segment('rack-3')
        hook.tell(base.event(Event.BEFORE_OFF))
        self.assert_host(True, f'SSH {MARK}')

    def test_more_segments_than_a_page_has(self) -> None:
        self.masakari.max_limit = 1
        self.useFixture(fixtures.MonkeyPatch(f'{API}.PAGE', 1))
        self.tell(Event.BEFORE_OFF, host='compute-03')
        self.assertTrue(self.masakari.hosts['compute-03'].on_maintenance)
        self.tell(Event.BEFORE_OFF, host='compute-02')
        self.assertTrue(self.masakari.hosts['compute-02'].on_maintenance)


class TestAfterwards(MasakariTestCase):
    def test_the_host_is_as_before(self) -> None:
        for event in (Event.BEFORE_ENABLE, Event.AFTER_ON, Event.UNDONE):
            self.tell(Event.BEFORE_OFF)
            self.tell(event)
            self.assert_host(False, 'SSH')

    def test_what_others_set_remains(self) -> None:
        self.host.on_maintenance = True
        for event in (Event.AFTER_OFF, Event.BEFORE_ENABLE, Event.AFTER_ON):
            self.tell(event)
        self.assert_host(True, 'SSH')
        self.assertEqual(0, self.masakari.count('PUT'))

    def test_a_text_that_others_changed_meanwhile_is_kept(self) -> None:
        self.tell(Event.BEFORE_OFF)
        self.host.control_attributes = f'IPMI 7 {MARK}'
        self.tell(Event.AFTER_ON)
        self.assert_host(False, 'IPMI 7')

    def test_a_host_that_is_off_gets_the_flag_it_lacks(self) -> None:
        self.tell(Event.AFTER_OFF)
        self.assert_host(True, f'SSH {MARK}')
        self.tell(Event.AFTER_OFF)
        self.assertEqual(1, self.masakari.count('PUT'))

    def test_a_segment_that_is_busy_is_tried_again(self) -> None:
        self.tell(Event.BEFORE_OFF)
        self.rack.busy = True
        found = self.failure(Event.BEFORE_ENABLE)
        self.assertIsInstance(found, exceptions.BusyError)
        self.rack.busy = False
        self.tell(Event.AFTER_ON)
        self.assert_host(False, 'SSH')

    def test_notes(self) -> None:
        self.masakari.hosts['compute-02'].on_maintenance = True
        (hook,) = self.hooks()
        hook.tell(base.event(Event.BEFORE_OFF))
        notes = hook.notes()
        self.assertEqual({'compute-01', 'compute-02'}, notes.keys())
        self.assertEqual('id-1', notes['compute-01'].node_id)
        self.assertIn('set by metal-drivers', notes['compute-01'].text)
        self.assertEqual('', notes['compute-02'].node_id)
        self.assertIn('set by someone else', notes['compute-02'].text)


class TestCheck(MasakariTestCase):
    def test_it_tries_the_two_lists(self) -> None:
        (found,) = self.hooks().check()
        self.assertEqual('hook masakari', found.name)
        self.assertIs(CheckStatus.OK, found.status)
        self.assertIn('3 hosts in 2 segments', found.detail)
        self.assertEqual(0, self.masakari.count('PUT'))

    def test_what_is_wrong(self) -> None:
        self.masakari.admin = False
        (found,) = self.hooks().check()
        self.assertIs(CheckStatus.FAILED, found.status)

    def test_nothing_is_watched(self) -> None:
        self.masakari.hosts.clear()
        (found,) = self.hooks().check()
        self.assertIs(CheckStatus.WARNING, found.status)

    def test_no_credentials(self) -> None:
        conf = self.conf(metal_drivers={'hooks': 'masakari'})
        exc = self.refusal(services.open_hooks, conf)
        self.assertIn('those for Nova', str(exc))
        self.assertIn('[watcher_clients_auth]', str(exc))

    def test_replies_that_make_no_sense(self) -> None:
        for body in (
            b'',
            b'<html>',
            b'null',
            b'{"segments": null}',
            b'{"segments": [7]}',
            b'{"segments": [{"uuid": 7, "name": "x"}]}',
            b'{"segments": [{"uuid": "u"}]}',
        ):
            self.masakari.fail(
                messages.matching('GET', '/v1/segments'),
                faults.status(200, body),
            )
            (found,) = self.hooks().check()
            self.assertIs(CheckStatus.FAILED, found.status, str(body))


class TestContract(contract.HookContract):
    secrets = ('secret',)

    def create_hook(self) -> Hook:
        case = MasakariTestCase()
        self.useFixture(Case(case))
        case.options = {'timeout': 30}  # a session of its own
        (hook,) = case.hooks()
        return hook.hook

    def subject(self) -> tuple[str, str, str]:
        return 'id-1', 'metal-01', 'compute-01'


class Case(fixtures.Fixture):
    """The fixtures of another test case."""

    def __init__(self, case: MasakariTestCase) -> None:
        super().__init__()
        self._case = case

    def _setUp(self) -> None:
        self.addCleanup(self._case.doCleanups)
        self._case.setUp()


HOOK = masakari_hook.__name__
API = f'{HOOK.rpartition(".")[0]}.api'
