# SPDX-License-Identifier: Apache-2.0
"""What is found of the drivers installed, whatever state they are in."""

import importlib.util
import subprocess
import sys
import unittest
import zipfile
from pathlib import Path

import fixtures

from metal_drivers import plugins
from metal_drivers.drivers import fake, ironic
from metal_drivers_tests.unit import base, distributions


class PluginTestCase(base.TestCase):
    """With a site directory of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def plugin(self, name: str) -> plugins.Plugin:
        """The plugin of that name, which has to be there once."""
        (found,) = (p for p in plugins.find_plugins() if p.name == name)
        return found

    def flawed(self, source: str) -> plugins.Plugin:
        """What is found of a driver with that module.

        Whatever is wrong with it, the others are found as ever.
        """
        self.site.install_driver('flawed', source)
        found = self.plugin('flawed')
        self.assertIsNone(found.driver)
        self.assertIs(ironic.IronicDriver, self.plugin('ironic').driver)
        return found


class TestFindPlugins(PluginTestCase):
    """Drivers that can be used."""

    def test_built_in_drivers_are_found(self) -> None:
        self.assertIs(fake.FakeDriver, self.plugin('fake').driver)
        self.assertIs(ironic.IronicDriver, self.plugin('ironic').driver)

    def test_third_party_is_found_with_its_distribution(self) -> None:
        self.site.install_driver('acme', distribution='Acme-Metal')
        found = self.plugin('acme')
        self.assertEqual(('Acme-Metal',), found.distributions)
        self.assertEqual('', found.error)
        self.assertFalse(found.ambiguous)
        assert found.driver is not None
        self.assertEqual('Driver', found.driver.__name__)

    def test_sorted_by_name(self) -> None:
        self.site.install_driver('zeta')
        self.site.install_driver('alpha')
        names = [plugin.name for plugin in plugins.find_plugins()]
        self.assertEqual(sorted(names), names)
        self.assertIn('alpha', names)

    def test_one_scan_in_a_process(self) -> None:
        before = plugins.find_plugins()
        distributions.write(
            self.site.site, 'late', {'late': 'late:Driver'}, {}
        )
        self.assertIs(before, plugins.find_plugins())


class TestBrokenPlugins(PluginTestCase):
    """Each is recorded with the reason, and takes nothing down."""

    def test_missing_library_is_named_with_its_cure(self) -> None:
        found = self.flawed('import libflawed\n')
        self.assertIn('ModuleNotFoundError', found.error)
        self.assertIn(
            'install libflawed, or uninstall acme-flawed', found.error
        )
        self.assertIsInstance(found.cause, ModuleNotFoundError)

    def test_syntax_error(self) -> None:
        found = self.flawed('class Driver(:\n')
        self.assertIn('SyntaxError', found.error)
        self.assertIn('mend or uninstall acme-flawed', found.error)

    def test_exit_at_import(self) -> None:
        found = self.flawed('import sys\nsys.exit("no licence")\n')
        self.assertIn('SystemExit: no licence', found.error)

    def test_what_an_import_says_is_one_line_without_a_password(self) -> None:
        found = self.flawed('raise OSError("no\\nhttp://ann:s3cret@h")\n')
        self.assertIn('OSError: no http://***@h; ', found.error)
        self.assertNotIn('s3cret', str(found.cause))

    def test_a_text_that_cannot_be_read(self) -> None:
        found = self.flawed(
            'raise type("Mute", (Exception,), {"__str__": None})\n'
        )
        self.assertIn('Mute: (its text cannot be read)', found.error)

    def test_assertion_at_import(self) -> None:
        # stevedore raises these past its own guard.
        found = self.flawed('assert False, "wrong machine"\n')
        self.assertIn('AssertionError: wrong machine', found.error)

    def test_interrupt_is_not_swallowed(self) -> None:
        self.site.install_driver('flawed', 'raise KeyboardInterrupt\n')
        # testtools would stop the run if it saw the interrupt.
        try:
            plugins.find_plugins()
        except KeyboardInterrupt:
            return
        self.fail('the interrupt was swallowed')

    def test_no_such_class(self) -> None:
        found = self.flawed('class Drover:\n    pass\n')
        self.assertIn('AttributeError', found.error)
        self.assertIn('Driver', found.error)

    def test_no_metal_driver(self) -> None:
        found = self.flawed('class Driver:\n    pass\n')
        self.assertIn('no subclass of metal_drivers.MetalDriver', found.error)

    def test_no_class(self) -> None:
        found = self.flawed('def Driver(config, osc=None):\n    return 1\n')
        self.assertIn('no subclass of metal_drivers.MetalDriver', found.error)

    def test_abstract_driver_names_what_it_lacks(self) -> None:
        found = self.flawed(
            'from metal_drivers import MetalDriver\n'
            'class Driver(MetalDriver):\n'
            '    def list_nodes(self):\n'
            '        return []\n'
        )
        self.assertIn(
            'does not implement get_node, set_power_state', found.error
        )

    def test_options_that_raise(self) -> None:
        found = self.flawed(
            distributions.DRIVER.format(priority=1).replace(
                'return [', 'raise LookupError("gone")\n        return ['
            )
        )
        self.assertIn(
            'get_config_opts() raised LookupError: gone', found.error
        )

    def test_options_that_are_none(self) -> None:
        found = self.flawed(
            distributions.DRIVER.format(priority=1).replace(
                'return [', 'return ["url"]\n        return ['
            )
        )
        self.assertIn('no list of oslo.config options', found.error)

    def test_priority_that_is_no_number(self) -> None:
        found = self.flawed(distributions.DRIVER.format(priority='"high"'))
        self.assertIn('priority', found.error)

    def test_lost_metadata(self) -> None:
        self.site.install_driver('flawed')
        (info,) = self.site.site.glob('*.dist-info')
        (info / 'METADATA').unlink()
        distributions.forget()
        self.assertEqual(('(unknown)',), self.plugin('flawed').distributions)


class TestConflicts(PluginTestCase):
    """One name, two claims."""

    def test_two_distributions_are_both_named(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        found = self.plugin('acme')
        self.assertTrue(found.ambiguous)
        self.assertIsNone(found.driver)
        self.assertEqual(('acme-one', 'acme-two'), found.distributions)
        self.assertIn('acme-one and acme-two', found.error)
        self.assertIn('uninstall all but one', found.error)

    def test_neither_is_imported(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        plugins.find_plugins()
        self.assertNotIn('acme_one', sys.modules)
        self.assertNotIn('acme_two', sys.modules)

    def test_same_target_is_a_conflict_too(self) -> None:
        # stevedore drops one of two that are spelt alike.
        module = {'shared': distributions.DRIVER.format(priority=1)}
        target = {'acme': 'shared:Driver'}
        self.site.install('acme-one', drivers=target, modules=module)
        self.site.install('acme-two', drivers=target)
        self.assertEqual(
            ('acme-one', 'acme-two'), self.plugin('acme').distributions
        )

    def test_a_built_in_name_claimed_by_another(self) -> None:
        self.site.install_driver('ironic', distribution='acme-ironic')
        found = self.plugin('ironic')
        self.assertEqual(
            ('acme-ironic', 'watcher-metal-drivers'), found.distributions
        )
        self.assertIsNone(found.driver)

    def test_one_distribution_that_claims_it_twice(self) -> None:
        self.site.install_driver('acme')
        (points,) = self.site.site.glob('*/entry_points.txt')
        points.write_text(
            points.read_text() + 'acme = acme_acme:MetalDriver\n'
        )
        distributions.forget()
        found = self.plugin('acme')
        self.assertFalse(found.ambiguous)
        self.assertIn('MultipleMatches', found.error)
        self.assertIn('mend or uninstall acme-acme', found.error)

    def test_one_distribution_twice_on_the_path(self) -> None:
        # As with a checkout that is installed and worked in.
        self.site.install_driver('acme')
        second = Path(self.useFixture(fixtures.TempDir()).path)
        self.site.add_site(second)
        self.site.install(
            'acme-acme',
            site=second,
            drivers={'acme': 'acme_acme:Driver'},
        )
        found = self.plugin('acme')
        self.assertFalse(found.ambiguous)
        self.assertIsNotNone(found.driver)


class TestWheel(base.TestCase):
    """A distribution as a user installs it."""

    @unittest.skipUnless(importlib.util.find_spec('pip'), 'takes pip')
    def test_installed_by_pip(self) -> None:
        site = self.useFixture(distributions.Distributions())
        site.install_driver('acme')
        home = Path(self.useFixture(fixtures.TempDir()).path)
        wheel = home / 'acme_acme-1.0-py3-none-any.whl'
        with zipfile.ZipFile(wheel, 'w') as archive:
            for path in site.site.rglob('*'):
                archive.write(path, path.relative_to(site.site))
        options = ['--quiet', '--no-deps', '--no-index', '--target']
        pip = [sys.executable, '-m', 'pip', 'install', *options]
        subprocess.run([*pip, str(home / 'site'), str(wheel)], check=True)
        conf = self.conf_file(
            **{'watcher.metal.drivers.acme': distributions.READY}
        )
        printed = distributions.run(
            """
            import sys
            from oslo_config import cfg
            from metal_drivers import selector
            conf = cfg.ConfigOpts()
            conf([f'--config-file={sys.argv[1]}'])
            chosen = selector.Selector(conf).select()
            print(chosen.name, chosen.distribution, chosen.detail)
            """,
            conf,
            path=[str(home / 'site')],
            cache=str(home / 'cache'),
        )
        self.assertEqual('acme acme-acme configured\n', printed)
