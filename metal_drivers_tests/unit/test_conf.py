# SPDX-License-Identifier: Apache-2.0
"""Options: registered beside Watcher's."""

from typing import Any

from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers import get_driver
from metal_drivers._openstack import auth
from metal_drivers.drivers import fake, ironic
from metal_drivers_tests.unit import base, distributions, watcher_options

IRONIC = watcher_options.IRONIC
FAKE = watcher_options.FAKE


class TestRegistration(base.TestCase):
    """Ours and Watcher's, in either order."""

    def test_after_watcher(self) -> None:
        conf = self.conf()
        watcher_options.register_watcher(conf)
        watcher_options.use_all(conf)
        self.assertEqual(180, conf.metal_drivers.soft_off_timeout)

    def test_before_watcher(self) -> None:
        conf = self.conf()
        watcher_options.use_all(conf)
        watcher_options.register_watcher(conf)
        self.assertEqual(60, conf.maas_client.timeout)
        self.assertIn('auth_type', conf.nova)

    def test_twice(self) -> None:
        conf = self.conf()
        watcher_options.use_all(conf)
        watcher_options.use_all(conf)

    def test_by_somebody_else_first(self) -> None:
        # Watcher's loader does so, with options of a call of its own.
        conf = self.conf()
        for name, driver in {
            IRONIC: ironic.IronicDriver,
            FAKE: fake.FakeDriver,
        }.items():
            conf.register_opts(driver.get_config_opts(), group=name)
        watcher_options.use_all(conf)
        conf.register_opts(ironic.IronicDriver.get_config_opts(), group=IRONIC)

    def test_before_the_files_are_read(self) -> None:
        conf = cfg.ConfigOpts()
        watcher_options.use_all(conf)
        path = self.conf_file(**{FAKE: {'nodes': 4}})
        conf([f'--config-file={path}'])
        self.assertEqual(4, conf[FAKE].nodes)

    def test_the_files_can_be_read_again(self) -> None:
        conf = self.conf()
        watcher_options.use_all(conf)
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
                'wake_retry_interval': 3600,
                'manage_compute_service': True,
                'adopted_reasons': [],
                'hooks': [],
                'history_file': '',
                'idle_watts': [],
                'grid_co2': None,
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
            self.assertIn(f'[metal_drivers] {name}: ', str(error))
            self.assertEqual((name,), error.options)

    def test_an_override_is_honoured(self) -> None:
        conf = self.conf(metal_drivers={'poll_interval': 7})
        metal_conf.register_opts(conf)
        conf.set_override('poll_interval', 9, group='metal_drivers')
        self.assertEqual(9, metal_conf.settings(conf).poll_interval)


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
