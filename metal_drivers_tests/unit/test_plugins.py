# SPDX-License-Identifier: Apache-2.0
"""What is found of the drivers installed, whatever state they are in."""

import contextlib
import io
import sys
import threading
from pathlib import Path

import fixtures

from metal_drivers import MetalDriver, plugins
from metal_drivers.drivers import fake, ironic
from metal_drivers_tests.unit import bad_plugins, base, distributions


class PluginTestCase(base.TestCase):
    """With a site directory of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def plugin(self, name: str) -> plugins.Plugin[MetalDriver]:
        """The plugin of that name, which has to be there once."""
        (found,) = (p for p in plugins.find_plugins() if p.name == name)
        return found


class TestFindPlugins(PluginTestCase):
    """Drivers that can be used."""

    def test_built_in_drivers_are_found(self) -> None:
        self.assertIs(fake.FakeDriver, self.plugin('fake').cls)
        self.assertIs(ironic.IronicDriver, self.plugin('ironic').cls)

    def test_third_party_is_found_with_its_distribution(self) -> None:
        self.site.install_driver('acme', distribution='Acme-Metal')
        found = self.plugin('acme')
        self.assertEqual(('Acme-Metal',), found.distributions)
        self.assertEqual('', found.error)
        self.assertFalse(found.ambiguous)
        assert found.cls is not None
        self.assertEqual('Driver', found.cls.__name__)

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


class TestLoading(PluginTestCase):
    """Each driver is imported when it is asked for."""

    def test_finding_imports_nothing(self) -> None:
        self.site.install_driver('acme')
        self.assertIn('acme', plugins.find_plugins().names)
        self.assertNotIn('acme_acme', sys.modules)

    def test_only_the_one_that_is_asked_for(self) -> None:
        self.site.install_driver('acme')
        self.site.install_driver('apex')
        plugins.find_plugins().get('acme')
        self.assertIn('acme_acme', sys.modules)
        self.assertNotIn('acme_apex', sys.modules)

    def test_once(self) -> None:
        self.site.install_driver('acme')
        installed = plugins.find_plugins()
        self.assertIs(installed.get('acme'), installed.get('acme'))
        self.assertIs(installed.get('acme'), self.plugin('acme'))

    def test_a_name_that_nobody_claims(self) -> None:
        self.assertRaises(KeyError, plugins.find_plugins().get, 'acme')

    def test_interrupt_is_not_swallowed(self) -> None:
        self.site.install_driver('acme', 'raise KeyboardInterrupt\n')
        # testtools would stop the run if it saw the interrupt.
        try:
            plugins.find_plugins().get('acme')
        except KeyboardInterrupt:
            return
        self.fail('the interrupt was swallowed')

    def test_one_that_looks_for_drivers_itself(self) -> None:
        self.site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1)
            + 'from metal_drivers import plugins\n'
            'list(plugins.find_plugins())\n',
        )
        self.assertEqual('', self.plugin('acme').error)

    def test_lost_metadata(self) -> None:
        self.site.install_driver('acme')
        (info,) = self.site.site.glob('*.dist-info')
        (info / 'METADATA').unlink()
        distributions.forget()
        self.assertEqual(('(unknown)',), self.plugin('acme').distributions)

    def test_a_name_that_means_something_else(self) -> None:
        self.site.install_driver('auto')
        found = self.plugin('auto')
        self.assertIsNone(found.cls)
        self.assertIn('no driver can have the name "auto"', found.error)

    def test_capabilities_that_an_instance_knows(self) -> None:
        self.site.install_driver(
            'acme',
            bad_plugins.driver(
                '@property\ndef capabilities(self): return frozenset()\n'
            ),
        )
        self.assertEqual('', self.plugin('acme').error)


class TestOutput(PluginTestCase):
    """What plugins print is not for stdout."""

    def test_at_import(self) -> None:
        for name in ('acme', 'apex'):
            self.site.install_driver(
                name, f'print("noise of {name}")\n' + bad_plugins.driver()
            )
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            list(plugins.find_plugins())
            print('a result', file=sys.stdout)  # noqa: T201
        self.assertEqual('a result\n', stdout.getvalue())
        self.assertEqual('noise of acme\nnoise of apex\n', stderr.getvalue())

    def test_threads_do_not_lose_stdout(self) -> None:
        before = sys.stdout
        inside, leave = threading.Event(), threading.Event()

        def stay() -> None:
            with plugins.guarded_output():
                inside.set()
                leave.wait(30)

        thread = threading.Thread(target=stay)
        with plugins.guarded_output():
            thread.start()
            self.assertTrue(inside.wait(30))
        # It is still set aside for the other one, who is the last.
        self.assertIs(sys.stderr, sys.stdout)
        leave.set()
        thread.join()
        self.assertIs(before, sys.stdout)


class TestConflicts(PluginTestCase):
    """One name, two claims."""

    def test_two_distributions_are_both_named(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        found = self.plugin('acme')
        self.assertTrue(found.ambiguous)
        self.assertIsNone(found.cls)
        self.assertEqual(('acme-one', 'acme-two'), found.distributions)
        self.assertIn('acme-one and acme-two', found.error)
        self.assertIn('uninstall all but one', found.error)

    def test_neither_is_imported(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        list(plugins.find_plugins())
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
        self.assertIsNone(found.cls)

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
        self.assertIn('uninstall acme-acme', found.error)

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
        self.assertIsNotNone(found.cls)
