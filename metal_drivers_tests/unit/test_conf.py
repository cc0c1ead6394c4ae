# SPDX-License-Identifier: Apache-2.0
"""Options: registered beside Watcher's, read wherever they are written."""

import pprint
import traceback
from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg
from stevedore import driver as stevedore_driver

from metal_drivers import conf as metal_conf
from metal_drivers import exceptions, get_driver
from metal_drivers._openstack import auth, groups
from metal_drivers.drivers import fake, ironic
from metal_drivers_tests.emulators import ironic as emulator
from metal_drivers_tests.unit import base, distributions

IRONIC = 'watcher.metal.drivers.ironic'
FAKE = 'watcher.metal.drivers.fake'
PASSWORD = 'w4tcher-s3cret'
CREDENTIALS = {
    'auth_type': 'password',
    'auth_url': 'http://127.0.0.1:5000',
    'username': 'watcher',
    'password': PASSWORD,
}


def register_watcher(conf: cfg.ConfigOpts) -> None:
    """What Watcher 17 registers of the groups that we read."""
    conf.register_opts(
        [
            cfg.StrOpt('url', help='MaaS URL'),
            cfg.StrOpt('api_key', secret=True, help='MaaS API key.'),
            cfg.IntOpt('timeout', default=60, help='MaaS timeout.'),
        ],
        group='maas_client',
    )
    conf.register_opts(
        [
            cfg.StrOpt('api_version', default='1', help='Ironic API.'),
            cfg.StrOpt('endpoint_type', default='publicURL', help='Type.'),
            cfg.StrOpt('region_name', help='Region.'),
        ],
        group='ironic_client',
    )
    conf.register_opts(
        [
            cfg.StrOpt('endpoint_type', default='publicURL', help='Type.'),
            cfg.StrOpt('region_name', help='Region.'),
        ],
        group='nova_client',
    )
    conf.register_opts(
        [cfg.IntOpt('http_retries', default=3, help='Retries.')],
        group='nova',
    )
    loading.register_adapter_conf_options(
        conf,
        'nova',
        deprecated_opts={
            'region_name': [cfg.DeprecatedOpt('region_name', 'nova_client')]
        },
    )
    for group in ('nova', 'watcher_clients_auth'):
        loading.register_session_conf_options(conf, group)
        loading.register_auth_conf_options(conf, group)


def driver_values(conf: cfg.ConfigOpts) -> groups.OptionValues:
    return metal_conf.driver_values(conf, 'ironic', ironic.IronicDriver)


def use_all(conf: cfg.ConfigOpts) -> None:
    """Everything of ours that registers or reads."""
    metal_conf.register_opts(conf)
    metal_conf.settings(conf)
    driver_values(conf)
    metal_conf.driver_values(conf, 'fake', fake.FakeDriver)
    groups.nova_values(conf)
    groups.shared_credentials(conf)


class TestRegistration(base.TestCase):
    """Ours and Watcher's, in either order."""

    def test_after_watcher(self) -> None:
        conf = self.conf()
        register_watcher(conf)
        use_all(conf)
        self.assertEqual(180, conf.metal_drivers.soft_off_timeout)

    def test_before_watcher(self) -> None:
        conf = self.conf()
        use_all(conf)
        register_watcher(conf)
        self.assertEqual(60, conf.maas_client.timeout)
        self.assertIn('auth_type', conf.nova)

    def test_twice(self) -> None:
        conf = self.conf()
        use_all(conf)
        use_all(conf)

    def test_by_somebody_else_first(self) -> None:
        # Watcher's loader does so, with options of a call of its own.
        conf = self.conf()
        for name, driver in {
            IRONIC: ironic.IronicDriver,
            FAKE: fake.FakeDriver,
        }.items():
            conf.register_opts(driver.get_config_opts(), group=name)
        use_all(conf)
        conf.register_opts(ironic.IronicDriver.get_config_opts(), group=IRONIC)

    def test_before_the_files_are_read(self) -> None:
        conf = cfg.ConfigOpts()
        use_all(conf)
        path = self.conf_file(**{FAKE: {'nodes': 4}})
        conf([f'--config-file={path}'])
        self.assertEqual(4, conf[FAKE].nodes)

    def test_the_files_can_be_read_again(self) -> None:
        conf = self.conf()
        use_all(conf)
        self.assertTrue(conf.reload_config_files())

    def test_a_required_option_does_not_bind_the_whole_program(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1).replace(
                "'url', help", "'url', required=True, help"
            ),
        )
        conf = self.conf(**{FAKE: {'nodes': 1}})
        get_driver(conf)
        self.assertTrue(conf.reload_config_files())
        ready = {'watcher.metal.drivers.acme': distributions.READY}
        driver = get_driver(self.conf(**ready))
        self.assertEqual('http://acme.example', driver.config['url'])


class TestOwnSettings(base.TestCase):
    """[metal_drivers]."""

    def test_defaults(self) -> None:
        self.assertEqual(
            {
                'driver': 'auto',
                'protected_hosts': [],
                'protected_labels': [],
                'power_off_mode': 'soft-then-hard',
                'soft_off_timeout': 180,
                'power_off_timeout': 300,
                'power_on_timeout': 300,
                'service_up_timeout': 600,
                'poll_interval': 5,
                'max_concurrent': 10,
                'max_power_on_per_minute': 30,
                'max_power_off_per_minute': 30,
                'max_powered_off': '',
                'min_dwell': 0,
                'manage_compute_service': True,
                'hooks': [],
            },
            dict(metal_conf.settings(self.conf())),
        )

    def test_values_are_attributes_too(self) -> None:
        values = metal_conf.settings(
            self.conf(metal_drivers={'protected_hosts': 'db-*, ctl-1'})
        )
        self.assertEqual(['db-*', 'ctl-1'], values.protected_hosts)
        self.assertRaises(AttributeError, getattr, values, 'gone')

    def test_out_of_bounds_names_section_and_option(self) -> None:
        for name, value in {
            'poll_interval': 0,
            'soft_off_timeout': 0,
            'power_off_timeout': 'long',
            'power_on_timeout': -1,
            'service_up_timeout': 0,
            'max_concurrent': 0,
            'max_power_on_per_minute': 6001,
            'max_power_off_per_minute': 6001,
            'power_off_mode': 'softly',
            'manage_compute_service': 'perhaps',
        }.items():
            conf = self.conf(metal_drivers={name: value})
            error = self.refusal(metal_conf.settings, conf)
            self.assertIn(f'[metal_drivers] {name} ', str(error))
            self.assertEqual((name,), error.options)

    def test_an_override_is_honoured(self) -> None:
        conf = self.conf(metal_drivers={'poll_interval': 7})
        metal_conf.register_opts(conf)
        conf.set_override('poll_interval', 9, group='metal_drivers')
        self.assertEqual(9, metal_conf.settings(conf).poll_interval)


class TestNova(base.TestCase):
    """[nova], which is Watcher's."""

    def values(
        self, *, registered: bool, **sections: Any
    ) -> groups.OptionValues:
        conf = self.conf(**sections)
        if registered:
            register_watcher(conf)
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
        register_watcher(conf)
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
        register_watcher(conf)
        self.assertIsNone(groups.shared_credentials(conf))

    def test_a_session_of_them(self) -> None:
        for registered in (False, True):
            conf = self.conf(
                watcher_clients_auth={**CREDENTIALS, 'timeout': 7}
            )
            if registered:
                register_watcher(conf)
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


class TestIronicValues(base.TestCase):
    """[watcher.metal.drivers.ironic] and what it falls back to."""

    def test_former_group(self) -> None:
        former = {'region_name': 'west', 'endpoint_type': 'publicURL'}
        for registered in (False, True):
            conf = self.conf(ironic_client=former)
            if registered:
                register_watcher(conf)
            values = driver_values(conf)
            self.assertEqual('west', values.region_name)
            self.assertEqual(['public'], auth.interfaces(values))

    def test_own_group_wins(self) -> None:
        values = driver_values(
            self.conf(
                ironic_client={
                    'region_name': 'west',
                    'endpoint_type': 'publicURL',
                },
                **{
                    IRONIC: {
                        'region_name': 'north',
                        'valid_interfaces': 'internal',
                    }
                },
            )
        )
        self.assertEqual('north', values.region_name)
        self.assertEqual(['internal'], auth.interfaces(values))

    def test_former_group_alone_is_no_configuration(self) -> None:
        conf = self.conf(
            ironic_client={'region_name': 'west'}, **{FAKE: {'nodes': 1}}
        )
        self.assertIsInstance(get_driver(conf).driver, fake.FakeDriver)

    def test_auth_section(self) -> None:
        values = driver_values(
            self.conf(
                keystone=CREDENTIALS,
                **{IRONIC: {'auth_section': 'keystone'}},
            )
        )
        self.assertEqual(PASSWORD, values.password)
        self.assertEqual((), auth.missing_credentials(values))

    def test_wrong_value_names_section_and_option(self) -> None:
        conf = self.conf(**{IRONIC: {'connect_retries': 'often'}})
        error = self.refusal(driver_values, conf)
        self.assertIn(f'[{IRONIC}] connect-retries', str(error))
        self.assertEqual(('connect_retries',), error.options)


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
            driver_values(conf),
            groups.shared_credentials(conf),
        ):
            for text in (
                repr(values),
                f'{values}',
                pprint.pformat([values]),
            ):
                self.assertNotIn(PASSWORD, text)
        for values in (
            driver_values(conf),
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


class Struct(dict[str, Any]):
    """Watcher's mapping of a plugin's values."""

    __getattr__ = dict.__getitem__


class TestWatchersLoader(base.TestCase):
    """The steps of watcher.common.loader.default.DefaultLoader."""

    def load(self, name: str, conf: cfg.ConfigOpts, **kwargs: Any) -> Any:
        manager: Any = stevedore_driver.DriverManager(
            namespace='watcher.metal.drivers', name=name, invoke_on_load=False
        )
        group = f'watcher.metal.drivers.{name}'
        conf.register_opts(manager.driver.get_config_opts(), group=group)
        self.assertTrue(conf.reload_config_files())
        found: Any = conf.get(group)
        self.assertTrue(found)
        return manager.driver(Struct(found.items()), **kwargs)

    def test_ironic(self) -> None:
        service = self.useFixture(emulator.IronicEmulator(nodes=2))
        conf = self.conf(
            **{
                IRONIC: {
                    'auth_type': 'none',
                    'endpoint_override': service.url,
                }
            }
        )
        register_watcher(conf)
        driver = self.load('ironic', conf, osc=None)
        self.addCleanup(driver.close)
        self.assertEqual(2, len(driver.list_nodes()))

    def test_fake(self) -> None:
        conf = self.conf(**{FAKE: {'nodes': 2}})
        driver = self.load('fake', conf, osc=object())
        self.assertEqual(2, len(driver.list_nodes()))

    def test_after_our_own_selection_and_before(self) -> None:
        conf = self.conf(**{FAKE: {'nodes': 2}})
        get_driver(conf)
        self.load('fake', conf)
        self.load('ironic', conf, osc=groups.Credentials(CREDENTIALS))
        self.assertIsInstance(get_driver(conf).driver, fake.FakeDriver)


class TestListOpts(base.TestCase):
    """The oslo.config.opts hook."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def test_every_installed_driver(self) -> None:
        self.site.install_driver('acme')
        self.site.install_driver('broken', 'import libbroken\n')
        groups = dict(metal_conf.list_opts())
        self.assertLessEqual(
            {'metal_drivers', IRONIC, FAKE, 'watcher.metal.drivers.acme'},
            set(groups),
        )
        self.assertNotIn('watcher.metal.drivers.broken', groups)
        self.assertEqual(
            ['url', 'token', 'rate'],
            [opt.dest for opt in groups['watcher.metal.drivers.acme']],
        )

    def test_every_option_has_help(self) -> None:
        for group, options in metal_conf.list_opts():
            for opt in options:
                self.assertTrue(opt.help, f'[{group}] {opt.name}')

    def test_our_own_numbers_have_bounds(self) -> None:
        borrowed = {
            opt.dest
            for opt in (
                *auth.adapter_options(),
                *auth.session_options(),
                *auth.auth_options(),
            )
        }
        checked = 0
        for group, options in metal_conf.list_opts():
            for opt in options:
                if isinstance(opt, cfg.IntOpt) and opt.dest not in borrowed:
                    kind: Any = opt.type
                    self.assertIsNotNone(kind.min, f'[{group}] {opt.name}')
                    checked += 1
        self.assertGreater(checked, 8)

    def test_secrets_are_marked(self) -> None:
        for group, options in metal_conf.list_opts():
            for opt in options:
                if opt.dest in ('password', 'token', 'api_key', 'passcode'):
                    self.assertTrue(opt.secret, f'[{group}] {opt.name}')

    def test_no_option_is_required(self) -> None:
        for group, options in metal_conf.list_opts():
            for opt in options:
                self.assertFalse(opt.required, f'[{group}] {opt.name}')

    def test_sample_file(self) -> None:
        self.site.install_driver('acme')
        sample = self.site.run(
            """
            from oslo_config import generator
            generator.main(['--namespace', 'metal_drivers'])
            """
        ).splitlines()
        for group in (
            'metal_drivers',
            IRONIC,
            FAKE,
            'watcher.metal.drivers.acme',
        ):
            self.assertEqual(1, sample.count(f'[{group}]'))
        for option in ('#poll_interval = 5', '#fleet_file = <None>'):
            self.assertIn(option, sample)
