# SPDX-License-Identifier: Apache-2.0
"""What each event of Juju does to the machine, and the status."""

from __future__ import annotations

import dataclasses
import json
import stat
from unittest import mock

import ops
from ops import testing

from machine import read
from tests import base

RESTART = 'systemctl try-restart watcher-decision-engine watcher-applier'
ACTIVE = testing.ActiveStatus()


class WithMaas(base.CharmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(ACTIVE, self.configure(self.maas()))

    def test_the_configuration_is_there_and_the_services_restarted(self):
        self.assertIn(f'url = {base.URL}', read(self.machine.drop_in))
        self.assertEqual([RESTART], self.log())

    def test_the_key_is_in_a_file_of_its_own(self):
        self.assertNotIn('secret', read(self.machine.drop_in))
        self.assertEqual(f'{base.KEY}\n', read(self.machine.key_file))
        self.assertEqual(self.machine.group, self.machine.key_file.group())
        mode = stat.S_IMODE(self.machine.key_file.stat().st_mode)
        self.assertEqual(0o640, mode)
        directory = self.machine.key_file.parent.stat()
        self.assertEqual(0o750, stat.S_IMODE(directory.st_mode))

    def test_nothing_is_restarted_where_nothing_changed(self):
        self.log()
        for event in (
            self.on.config_changed(),
            self.on.update_status(),
            self.on.upgrade_charm(),
            self.on.start(),
            self.on.install(),
            self.on.relation_created(self.relation),
            self.on.relation_changed(self.relation, remote_unit=0),
        ):
            self.assertEqual(ACTIVE, self.send(event))
        self.assertEqual([], self.log())

    def test_a_rotated_key_takes_no_restart(self):
        self.log()
        rotated = dataclasses.replace(
            self.secret, latest_content={'api-key': 'a:b:c'}
        )
        self.state = dataclasses.replace(self.state, secrets={rotated})
        self.assertEqual(ACTIVE, self.send(self.on.secret_changed(rotated)))
        self.assertEqual('a:b:c\n', read(self.machine.key_file))
        self.assertEqual([], self.log())

    def test_an_option_takes_a_restart(self):
        self.log()
        self.assertEqual(
            ACTIVE, self.configure(self.maas(protected_hosts='db-*, web-1'))
        )
        self.assertIn(
            'protected_hosts = db-*, web-1', read(self.machine.drop_in)
        )
        self.assertEqual([RESTART], self.log())

    def test_other_certificates_take_a_restart(self):
        self.configure(self.maas(maas_ca=base.CA))
        self.assertEqual(f'{base.CA}\n', read(self.machine.ca_file))
        self.log()
        self.configure(self.maas(maas_ca=base.CA.replace('MII', 'MIJ')))
        self.assertEqual([RESTART], self.log())
        self.configure(self.maas())
        self.assertFalse(self.machine.ca_file.exists())

    def test_a_failed_restart_is_repeated(self):
        self.log()
        fails = self.root / 'bin/systemctl.fails'
        fails.touch()
        status = self.configure(self.maas(min_dwell=60))
        self.assertIsInstance(status, testing.BlockedStatus)
        self.assertIn('systemctl try-restart', status.message)
        self.log()
        fails.unlink()
        self.assertEqual(ACTIVE, self.send(self.on.update_status()))
        self.assertEqual([RESTART], self.log())

    def test_maas_goes_when_its_options_do(self):
        self.assertEqual(ACTIVE, self.configure({'ironic': True}))
        self.assertNotIn('maas', read(self.machine.drop_in))
        self.assertFalse(self.machine.key_file.exists())

    def test_what_watcher_conf_has_is_not_written(self):
        self.machine.watcher_conf.write_text(
            f'[maas_client]\nurl = {base.URL}\napi_key = {base.KEY}\n'
        )
        # Nor is its key needed.
        status = self.configure(self.maas(), secrets=set())
        self.assertIsInstance(status, testing.ActiveStatus)
        self.assertIn('[maas_client] of watcher.conf', status.message)
        self.assertNotIn('maas', read(self.machine.drop_in))
        self.assertFalse(self.machine.key_file.exists())

    def test_an_option_of_watcher_conf_is_not_set_again(self):
        with self.machine.watcher_conf.open('a') as file:
            file.write('[metal_drivers]\nmin_dwell = 5\ndriver = maas\n')
        status = self.configure(self.maas(min_dwell=60, max_concurrent=3))
        self.assertIsInstance(status, testing.ActiveStatus)
        self.assertIn('not used: min-dwell', status.message)
        text = read(self.machine.drop_in)
        self.assertNotIn('min_dwell', text)
        self.assertNotIn('driver =', text)
        self.assertIn('max_concurrent = 3', text)

    def test_an_empty_section_in_watcher_conf_is_none(self):
        with self.machine.watcher_conf.open('a') as file:
            file.write('[maas_client]\n# url = x\n\n[nova]\nregion = x\n')
        self.assertEqual(ACTIVE, self.send(self.on.update_status()))
        self.assertIn('maas', read(self.machine.drop_in))


class Refused(base.CharmTestCase):
    """A status that says what to do; the last good configuration stays."""

    def assert_refused(self, text: str, options: dict[str, object], **changes):
        # Nothing there before, nothing after.
        status = self.configure(options, **changes)
        self.assertIsInstance(status, testing.BlockedStatus)
        self.assertIn(text, status.message)
        self.assertEqual(self.before, self.tree())
        # A good configuration before, and the same after.
        good = dataclasses.replace(self.state, secrets={self.secret})
        self.state = good
        self.assertEqual(ACTIVE, self.configure(self.maas()))
        there = read(self.machine.drop_in), read(self.machine.key_file)
        self.log()
        status = self.configure(options, **changes)
        self.assertIn(text, status.message)
        self.assertEqual(
            there, (read(self.machine.drop_in), read(self.machine.key_file))
        )
        self.assertEqual([], self.log())

    def test_nothing_is_asked_for(self):
        self.assert_refused('set maas-url and maas-api-key, or', {})

    def test_an_address_without_a_key(self):
        self.assert_refused('set both', {'maas-url': base.URL})

    def test_a_key_without_an_address(self):
        self.assert_refused('set both', {'maas-api-key': self.secret.id})

    def test_a_malformed_key(self):
        secret = dataclasses.replace(
            self.secret, latest_content={'api-key': 'only:two'}
        )
        self.assert_refused('malformed', self.maas(), secrets={secret})

    def test_a_secret_without_the_key(self):
        secret = dataclasses.replace(
            self.secret, latest_content={'token': 'x'}
        )
        self.assert_refused(
            'juju update-secret', self.maas(), secrets={secret}
        )

    def test_a_secret_that_is_not_there(self):
        self.assert_refused(
            'not there, or not granted: '
            f'juju grant-secret {self.secret.id} watcher-metal-drivers',
            self.maas(),
            secrets=set(),
        )

    def test_a_secret_that_is_not_granted(self):
        denied = ops.ModelError('ERROR permission denied')
        with mock.patch.object(ops.Secret, 'get_content', side_effect=denied):
            status = self.configure(self.maas())
        self.assertEqual(
            testing.BlockedStatus(
                'maas-api-key: the secret is not granted: '
                f'juju grant-secret {self.secret.id} watcher-metal-drivers'
            ),
            status,
        )
        self.assertEqual(self.before, self.tree())

    def test_an_unknown_driver(self):
        self.assert_refused("no driver 'mass'", self.maas(driver='mass'))

    def test_two_services(self):
        self.assert_refused('set driver to', self.maas(ironic=True))

    def test_certificates_that_are_none(self):
        self.assert_refused('maas-ca', self.maas(maas_ca='/etc/ca.pem'))

    def test_a_value_that_metal_drivers_refuses(self):
        self.assert_refused(
            'max_powered_off', self.maas(max_powered_off='half')
        )

    def test_a_value_of_two_lines(self):
        self.assert_refused(
            'protected-hosts', self.maas(protected_hosts='a\n[nova]')
        )


class NotReady(base.CharmTestCase):
    def test_without_watcher(self):
        self.machine.watcher_conf.unlink()
        status = self.configure(self.maas())
        self.assertIsInstance(status, testing.WaitingStatus)
        self.assertIn('waiting for Watcher', status.message)
        self.machine.watcher_conf.touch()
        self.assertEqual(ACTIVE, self.send(self.on.update_status()))

    def test_without_a_relation(self):
        status = self.configure(self.maas(), relations=set())
        self.assertIn('juju integrate', status.message)
        self.assertEqual(self.before, self.tree())

    def test_actions(self):
        with self.assertRaises(testing.ActionFailed) as caught:
            self.context.run(self.on.action('check'), self.state)
        self.assertIn('not installed yet', caught.exception.message)


class Removal(base.CharmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.configure(self.maas(maas_ca=base.CA))
        self.log()

    def test_nothing_is_left_when_the_relation_goes(self):
        self.send(self.on.relation_broken(self.relation))
        self.assertFalse(self.machine.home.exists())
        files = {name for name in self.tree() if (self.root / name).is_file()}
        self.assertLessEqual(files, self.before)
        self.assertFalse(self.machine.drop_in.parent.exists())
        self.assertFalse(self.machine.key_file.parent.exists())
        self.assertEqual([RESTART], self.log())
        # And once more, as Juju will.
        self.send(self.on.remove())
        self.assertEqual([], self.log())

    def test_it_goes_though_the_services_are_gone(self):
        (self.root / 'bin/systemctl.fails').touch()
        self.send(self.on.relation_broken(self.relation))
        self.assertFalse(self.machine.home.exists())

    def test_what_others_have_put_there_stays(self):
        other = self.machine.drop_in.with_name('60-other.conf')
        other.write_text('[DEFAULT]\n')
        self.send(self.on.relation_broken(self.relation))
        self.assertTrue(other.exists())


class RemovalOfNothing(base.CharmTestCase):
    def test_nothing_is_restarted_where_nothing_was_in_use(self):
        self.configure({})
        self.send(self.on.relation_broken(self.relation))
        self.assertFalse(self.machine.home.exists())
        self.assertEqual([], self.log())


class Actions(base.CharmTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.machine.watcher_conf.write_text(
            '[watcher.metal.drivers.fake]\nnodes = 3\n'
        )
        self.assertEqual(ACTIVE, self.configure({'driver': 'fake'}))

    def run_action(self, name: str) -> str:
        event = self.on.action(name, params={'format': 'json'})
        before = self.tree()
        self.context.run(event, self.state)
        self.assertEqual(before, self.tree())
        return self.context.action_results['output']

    def test_list_drivers(self):
        self.assertIn('"selected"', self.run_action('list-drivers'))

    def test_list_nodes(self):
        self.assertIn('"Power State"', self.run_action('list-nodes'))

    def test_every_file_that_the_services_read_is_read(self):
        self.machine.watcher_conf.write_text('[DEFAULT]\ndebug = false\n')
        self.machine.drop_in.with_name('60-other.conf').write_text(
            '[watcher.metal.drivers.fake]\nnodes = 4\n'
        )
        self.assertEqual(4, len(json.loads(self.run_action('list-nodes'))))

    def test_check(self):
        self.assertIn('"Result"', self.run_action('check'))

    def test_a_failed_check_fails_the_action(self):
        self.configure(self.maas(maas_url='http://127.0.0.1:1/MAAS'))
        with self.assertRaises(testing.ActionFailed):
            self.run_action('check')
        self.assertIn('"failed"', self.context.action_results['output'])
