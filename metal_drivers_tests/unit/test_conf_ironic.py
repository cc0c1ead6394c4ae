# SPDX-License-Identifier: Apache-2.0
"""Ironic's options, in its own group, in Watcher's, and through Watcher."""

from typing import Any

from keystoneauth1 import loading
from oslo_config import cfg
from stevedore import driver as stevedore_driver

from metal_drivers import get_driver
from metal_drivers._openstack import auth, groups
from metal_drivers.drivers import fake
from metal_drivers_tests.emulators import ironic as emulator
from metal_drivers_tests.unit import base, watcher_options

IRONIC = watcher_options.IRONIC
FAKE = watcher_options.FAKE
PASSWORD = watcher_options.PASSWORD
CREDENTIALS = watcher_options.CREDENTIALS


class TestIronicValues(base.TestCase):
    """[watcher.metal.drivers.ironic] and what it falls back to."""

    def test_former_group(self) -> None:
        former = {'region_name': 'west', 'endpoint_type': 'publicURL'}
        for registered in (False, True):
            conf = self.conf(ironic_client=former)
            if registered:
                watcher_options.register_watcher(conf)
            values = watcher_options.driver_values(conf)
            self.assertEqual('west', values.region_name)
            self.assertEqual(['public'], auth.interfaces(values))

    def test_own_group_wins(self) -> None:
        values = watcher_options.driver_values(
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

    def test_group_of_the_watcher_to_come(self) -> None:
        coming = {'region_name': 'east', 'valid_interfaces': 'admin'}
        former = {'region_name': 'west', 'endpoint_type': 'publicURL'}
        for registered in (False, True):
            conf = self.conf(ironic=coming, ironic_client=former)
            if registered:
                loading.register_adapter_conf_options(conf, 'ironic')
                loading.register_auth_conf_options(conf, 'ironic')
            values = watcher_options.driver_values(conf)
            self.assertEqual('east', values.region_name)
            self.assertEqual(['admin'], auth.interfaces(values))
        conf = self.conf(ironic=coming, **{FAKE: {'nodes': 1}})
        self.assertIsInstance(get_driver(conf).driver, fake.FakeDriver)

    def test_former_group_alone_is_no_configuration(self) -> None:
        conf = self.conf(
            ironic_client={'region_name': 'west'}, **{FAKE: {'nodes': 1}}
        )
        self.assertIsInstance(get_driver(conf).driver, fake.FakeDriver)

    def test_auth_section(self) -> None:
        values = watcher_options.driver_values(
            self.conf(
                keystone=CREDENTIALS,
                **{IRONIC: {'auth_section': 'keystone'}},
            )
        )
        self.assertEqual(PASSWORD, values.password)
        self.assertEqual((), auth.missing_credentials(values))

    def test_wrong_value_names_section_and_option(self) -> None:
        conf = self.conf(**{IRONIC: {'connect_retries': 'often'}})
        error = self.refusal(watcher_options.driver_values, conf)
        self.assertIn(f'[{IRONIC}] connect-retries', str(error))
        self.assertEqual(('connect_retries',), error.options)


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
        watcher_options.register_watcher(conf)
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
