# SPDX-License-Identifier: Apache-2.0
"""Credentials and endpoints, read wherever they are written."""

import pprint
import traceback
from typing import Any

from oslo_config import cfg

from metal_drivers import exceptions, get_driver
from metal_drivers._openstack import auth, groups
from metal_drivers_tests.unit import base, distributions, watcher_options

IRONIC = watcher_options.IRONIC
PASSWORD = watcher_options.PASSWORD
CREDENTIALS = watcher_options.CREDENTIALS


class TestNova(base.TestCase):
    """[nova], which is Watcher's."""

    def values(
        self, *, registered: bool, **sections: Any
    ) -> groups.OptionValues:
        conf = self.conf(**sections)
        if registered:
            watcher_options.register_watcher(conf)
        return groups.nova_values(conf)

    def both(self, **sections: Any) -> groups.OptionValues:
        """The values, the same beside Watcher's options and without."""
        values = self.values(registered=False, **sections)
        registered = self.values(registered=True, **sections)
        self.assertEqual(values.keys(), registered.keys())
        for name in ('region_name', 'endpoint_override', *CREDENTIALS):
            self.assertEqual(values[name], registered[name], name)
        self.assertEqual(
            auth.interfaces(values) or ['public'],
            auth.interfaces(registered),
        )
        return values

    def test_read_without_being_registered(self) -> None:
        conf = self.conf(nova={**CREDENTIALS, 'region_name': 'north'})
        values = groups.nova_values(conf)
        self.assertEqual('north', values.region_name)
        self.assertEqual(PASSWORD, values.password)
        self.assertNotIn('nova', conf)

    def test_read_where_watcher_has_registered(self) -> None:
        values = self.both(
            nova={
                **CREDENTIALS,
                'region_name': 'north',
                'valid_interfaces': 'internal,public',
            }
        )
        self.assertEqual('north', values.region_name)
        self.assertEqual(['internal', 'public'], values.valid_interfaces)
        self.assertEqual(PASSWORD, values.password)

    def test_an_override_of_watchers_is_honoured(self) -> None:
        conf = self.conf(nova={'region_name': 'north'})
        watcher_options.register_watcher(conf)
        conf.set_override('region_name', 'south', group='nova')
        self.assertEqual('south', groups.nova_values(conf).region_name)

    def test_former_region(self) -> None:
        values = self.both(nova_client={'region_name': 'west'})
        self.assertEqual('west', values.region_name)

    def test_former_interface(self) -> None:
        values = self.both(nova_client={'endpoint_type': 'internalURL'})
        self.assertEqual(['internal'], auth.interfaces(values))

    def test_interface_in_the_singular(self) -> None:
        values = self.both(
            nova={'interface': 'admin'},
            nova_client={'endpoint_type': 'internalURL'},
        )
        self.assertEqual(['admin'], auth.interfaces(values))

    def test_new_names_win(self) -> None:
        values = self.both(
            nova={'region_name': 'north', 'valid_interfaces': 'public'},
            nova_client={'region_name': 'west', 'endpoint_type': 'adminURL'},
        )
        self.assertEqual('north', values.region_name)
        self.assertEqual(['public'], auth.interfaces(values))

    def test_auth_section(self) -> None:
        values = self.both(
            nova={'auth_section': 'keystone', 'region_name': 'north'},
            keystone=CREDENTIALS,
        )
        self.assertEqual('watcher', values.username)
        self.assertEqual('north', values.region_name)

    def test_an_auth_type_beyond_the_usual_ones(self) -> None:
        values = self.both(
            nova={'auth_type': 'v2password', 'tenant_name': 'service'}
        )
        self.assertEqual('service', values.tenant_name)

    def test_auth_section_with_such_an_auth_type(self) -> None:
        values = self.both(
            nova={'auth_section': 'keystone'},
            keystone={'auth_type': 'v2password', 'tenant_name': 'service'},
        )
        self.assertEqual('service', values.tenant_name)

    def test_drop_in_directories_are_read(self) -> None:
        path = self.conf_file(nova={'region_name': 'north'})
        conf = cfg.ConfigOpts()
        conf([f'--config-dir={path.rpartition("/")[0]}'])
        self.assertEqual('north', groups.nova_values(conf).region_name)

    def test_wrong_value_names_section_and_option(self) -> None:
        for registered in (False, True):
            error = self.refusal(
                self.values, registered=registered, nova={'timeout': 'soon'}
            )
            self.assertIn('[nova] timeout', str(error))


class TestSharedCredentials(base.TestCase):
    """[watcher_clients_auth]."""

    def test_none(self) -> None:
        conf = self.conf(watcher_clients_auth={'timeout': 7})
        self.assertIsNone(groups.shared_credentials(conf))
        watcher_options.register_watcher(conf)
        self.assertIsNone(groups.shared_credentials(conf))

    def test_a_session_of_them(self) -> None:
        for registered in (False, True):
            conf = self.conf(
                watcher_clients_auth={**CREDENTIALS, 'timeout': 7}
            )
            if registered:
                watcher_options.register_watcher(conf)
            shared = groups.shared_credentials(conf)
            assert shared is not None
            self.assertEqual(7, shared.session.timeout)
            self.assertEqual(
                CREDENTIALS['auth_url'], shared.session.auth.auth_url
            )
            self.assertIs(shared.session, shared.session)

    def test_auth_section(self) -> None:
        conf = self.conf(
            watcher_clients_auth={'auth_section': 'keystone_authtoken'},
            keystone_authtoken=CREDENTIALS,
        )
        shared = groups.shared_credentials(conf)
        assert shared is not None
        self.assertEqual(CREDENTIALS['auth_url'], shared.session.auth.auth_url)

    def test_equal_where_they_are_configured_alike(self) -> None:
        def shared(**options: Any) -> groups.Credentials | None:
            return groups.shared_credentials(
                self.conf(watcher_clients_auth={**CREDENTIALS, **options})
            )

        self.assertEqual(shared(), shared())
        # What was made of them has no part in it.
        used = shared()
        assert used is not None
        self.assertIsNotNone(used.session)
        self.assertEqual(shared(), used)
        for options in (
            {'password': 'an0ther-s3cret'},
            {'timeout': 7},
            {'auth_type': 'v3password'},
        ):
            self.assertNotEqual(shared(), shared(**options))
        self.assertNotEqual(shared(), CREDENTIALS)

    def test_a_part_of_them_is_not_nothing(self) -> None:
        conf = self.conf(watcher_clients_auth={'username': 'watcher'})
        shared = groups.shared_credentials(conf)
        assert shared is not None
        error = self.refusal(lambda: shared.session)
        self.assertIn('[watcher_clients_auth] lacks auth_type', str(error))


class TestSecrets(base.TestCase):
    """They are in no text that is shown."""

    def test_repr(self) -> None:
        conf = self.conf(
            nova=CREDENTIALS,
            watcher_clients_auth=CREDENTIALS,
            **{IRONIC: CREDENTIALS},
        )
        for values in (
            groups.nova_values(conf),
            watcher_options.driver_values(conf),
            groups.shared_credentials(conf),
        ):
            for text in (
                repr(values),
                f'{values}',
                pprint.pformat([values]),
            ):
                self.assertNotIn(PASSWORD, text)
        for values in (
            watcher_options.driver_values(conf),
            groups.shared_credentials(conf),
        ):
            self.assertIn('password', repr(values))

    def test_error_about_the_secret_itself(self) -> None:
        # oslo.config takes what follows a $ for the name of an option.
        conf = self.conf(nova={**CREDENTIALS, 'password': 'pa$sesame'})
        error = self.refusal(groups.nova_values, conf)
        self.assertIn('[nova] password', str(error))
        self.assertIn('$$', str(error))
        self.assertNotIn('sesame', self.traceback(error))

    def test_a_dollar_written_as_the_error_says(self) -> None:
        conf = self.conf(nova={**CREDENTIALS, 'password': 'pa$$word'})
        self.assertEqual('pa$word', groups.nova_values(conf).password)

    def test_error_about_a_secret_of_the_wrong_type(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1).replace(
                'secret=True', 'secret=True, regex="^t"'
            ),
        )
        conf = self.conf(**{'watcher.metal.drivers.acme': {'token': 'sesame'}})
        error = self.refusal(get_driver, conf)
        self.assertIn('[watcher.metal.drivers.acme] token', str(error))
        self.assertNotIn('sesame', self.traceback(error))

    def test_error_beside_the_secret(self) -> None:
        conf = self.conf(
            **{IRONIC: {**CREDENTIALS, 'auth_type': 'v3applicationcredential'}}
        )
        error = self.refusal(get_driver, conf)
        self.assertIn('application_credential_secret', str(error))
        self.assertNotIn(PASSWORD, self.traceback(error))

    def traceback(self, error: exceptions.MetalError) -> str:
        """What --debug shows."""
        return ''.join(traceback.format_exception(error))
