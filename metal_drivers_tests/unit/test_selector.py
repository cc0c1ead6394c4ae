# SPDX-License-Identifier: Apache-2.0
"""Which driver is used, and what is said where none is."""

from typing import Any

from oslo_config import cfg

from metal_drivers import plugins
from metal_drivers.selector import Selector
from metal_drivers_tests.unit import bad_plugins, distributions, selecting

IRONIC = selecting.IRONIC
FAKE = selecting.FAKE
ACME = selecting.ACME
STANDALONE = selecting.STANDALONE
READY = selecting.READY


class TestPin(selecting.SelectorTestCase):
    """A name in [metal_drivers] driver is obeyed or refused."""

    def test_obeyed(self) -> None:
        self.assertEqual('fake', self.chosen('fake', **{FAKE: {'nodes': 2}}))

    def test_obeyed_against_another_that_is_ready(self) -> None:
        self.site.install_driver('acme', priority=99)
        self.assertEqual('fake', self.chosen('fake', **{ACME: READY}))

    def test_obeyed_against_another_that_is_half_configured(self) -> None:
        self.site.install_driver('acme')
        self.assertEqual(
            'fake', self.chosen('fake', **{ACME: {'url': 'http://acme'}})
        )

    def test_obeyed_against_a_conflict_of_others(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        self.assertEqual('fake', self.chosen('fake'))

    def test_obeyed_without_configuration_where_none_is_needed(self) -> None:
        self.assertEqual('fake', self.chosen('fake'))

    def test_unknown_names_what_exists(self) -> None:
        self.site.install_driver('acme')
        error = self.refused('amce', **{ACME: READY})
        self.assertIn("no driver 'amce'", str(error))
        self.assertIn('acme, fake, ironic', str(error))
        self.assertIn('[metal_drivers] driver', str(error))
        self.assertEqual(('driver',), error.options)

    def test_not_importable_says_why_and_what_helps(self) -> None:
        self.site.install_driver('acme', 'import libacme\n')
        error = self.refused('acme', **{FAKE: {'nodes': 1}})
        self.assertIn('The driver acme cannot be used', str(error))
        self.assertIn("No module named 'libacme'", str(error))
        self.assertIn('install libacme', str(error))
        self.assertEqual('acme', error.driver)
        self.assertIsInstance(error.__cause__, ModuleNotFoundError)

    def test_incomplete_names_the_options(self) -> None:
        self.site.install_driver('acme')
        error = self.refused('acme', **{ACME: {'rate': 3}, FAKE: {'nodes': 1}})
        self.assertIn(f'[{ACME}] lacks url, token', str(error))
        self.assertEqual(('url', 'token'), error.options)

    def test_absent_names_what_it_needs(self) -> None:
        self.site.install_driver('acme')
        error = self.refused('acme')
        self.assertIn(f'[{ACME}] lacks url, token', str(error))

    def test_incomplete_for_a_reason_of_its_own(self) -> None:
        self.site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1) + '    @classmethod\n'
            '    def config_state(cls, config):\n'
            '        from metal_drivers.base import ConfigState, '
            'ConfigStatus\n'
            '        return ConfigState(ConfigStatus.INCOMPLETE)\n',
        )
        self.assertIn('acme is not fully', str(self.refused('acme')))

    def test_claimed_twice_names_both(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        error = self.refused('acme', **{ACME: READY})
        self.assertIn('acme-one and acme-two', str(error))

    def test_wrong_value_names_section_and_option(self) -> None:
        error = self.refused('fake', **{FAKE: {'nodes': 'many'}})
        self.assertIn(f'[{FAKE}] nodes', str(error))
        self.assertIn('many', str(error))


class TestAuto(selecting.SelectorTestCase):
    """Without a pin, by what is configured."""

    def test_the_configured_one(self) -> None:
        self.site.install_driver('acme')
        self.assertEqual('acme', self.chosen(**{ACME: READY}))
        self.assertEqual('acme', self.chosen('auto', **{ACME: READY}))

    def test_highest_priority(self) -> None:
        self.site.install_driver('acme', priority=50)
        self.site.install_driver('best', priority=60)
        everything: dict[str, Any] = {
            ACME: READY,
            'watcher.metal.drivers.best': READY,
            FAKE: {'nodes': 1},
            IRONIC: STANDALONE,
        }
        self.assertEqual('best', self.chosen(**everything))
        del everything['watcher.metal.drivers.best']
        self.assertEqual('acme', self.chosen(**everything))
        del everything[ACME]
        self.assertEqual('fake', self.chosen(**everything))
        del everything[FAKE]
        self.assertEqual('ironic', self.chosen(**everything))

    def test_priority_is_no_configuration(self) -> None:
        self.site.install_driver('acme', priority=99)
        self.assertEqual('fake', self.chosen(**{FAKE: {'nodes': 1}}))

    def test_ironic_where_nothing_is_configured(self) -> None:
        self.site.install_driver('acme', priority=99)
        selected = self.selector().select()
        self.assertEqual('ironic', selected.name)
        self.assertIn('fallback', selected.detail)

    def test_unparsed_configuration_is_an_empty_one(self) -> None:
        self.assertEqual('ironic', Selector(cfg.ConfigOpts()).select().name)

    def test_tie_names_both_and_the_pin(self) -> None:
        self.site.install_driver('acme')
        self.site.install_driver('apex')
        self.site.install_driver('less', priority=49)
        error = self.refused(
            **{
                ACME: READY,
                'watcher.metal.drivers.apex': READY,
                'watcher.metal.drivers.less': READY,
            }
        )
        self.assertIn('acme and apex', str(error))
        self.assertIn('[metal_drivers] driver = acme', str(error))
        self.assertNotIn('less', str(error))

    def test_tie_ends_with_the_pin(self) -> None:
        self.site.install_driver('acme')
        self.site.install_driver('apex')
        ready = {ACME: READY, 'watcher.metal.drivers.apex': READY}
        self.assertEqual('apex', self.chosen('apex', **ready))

    def test_tie_below_the_best_does_not_matter(self) -> None:
        self.site.install_driver('acme')
        self.site.install_driver('apex')
        self.site.install_driver('best', priority=51)
        ready = {
            f'watcher.metal.drivers.{name}': READY
            for name in ('acme', 'apex', 'best')
        }
        self.assertEqual('best', self.chosen(**ready))

    def test_partly_configured_is_not_skipped(self) -> None:
        self.site.install_driver('acme')
        error = self.refused(**{ACME: {'url': 'http://acme'}})
        self.assertIn('The driver acme is not fully', str(error))
        self.assertIn(f'[{ACME}] lacks token', str(error))
        self.assertIn('[metal_drivers] driver', str(error))
        self.assertEqual(('token',), error.options)

    def test_partly_configured_beside_one_that_is_ready(self) -> None:
        self.site.install_driver('acme', priority=1)
        error = self.refused(**{ACME: {'token': 't0ken'}, FAKE: {'nodes': 1}})
        self.assertIn(f'[{ACME}] lacks url', str(error))
        self.assertNotIn('t0ken', str(error))

    def test_ironic_with_half_its_credentials(self) -> None:
        error = self.refused(
            **{IRONIC: {'auth_type': 'password', 'username': 'watcher'}}
        )
        self.assertIn(f'[{IRONIC}] lacks auth_url, password', str(error))

    def test_ironic_with_credentials_in_no_section(self) -> None:
        # A slip in the section's name is not the lack of a wish.
        error = self.refused(**{IRONIC: {'auth_section': 'keystone_authtokn'}})
        self.assertIn(f'[{IRONIC}] lacks auth_type', str(error))

    def test_wrong_value_is_not_skipped(self) -> None:
        self.site.install_driver('acme')
        error = self.refused(
            **{ACME: {**READY, 'rate': 'fast'}, FAKE: {'nodes': 1}}
        )
        self.assertIn(f'[{ACME}] rate', str(error))

    def test_wrong_value_in_a_former_group(self) -> None:
        self.site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1).replace(
                "'rate',", "'rate', deprecated_group='acme_client',"
            ),
        )
        error = self.refused(
            acme_client={'rate': 'fast'}, **{FAKE: {'nodes': 1}}
        )
        self.assertIn(f'[{ACME}] rate', str(error))

    def test_broken_plugin_with_a_section_is_refused(self) -> None:
        self.site.install_driver('acme', 'import libacme\n')
        error = self.refused(**{ACME: READY, FAKE: {'nodes': 1}})
        self.assertIn('The driver acme cannot be used', str(error))
        self.assertIn('install libacme', str(error))

    def test_two_claims_of_a_section_are_refused(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        error = self.refused(**{ACME: READY, FAKE: {'nodes': 1}})
        self.assertIn('acme-one and acme-two', str(error))
        self.assertIn('[metal_drivers] driver', str(error))

    def test_two_claims_that_nobody_configured_are_harmless(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        self.assertEqual('fake', self.chosen(**{FAKE: {'nodes': 1}}))
        self.assertEqual('ironic', self.chosen())

    def test_two_claims_of_the_fallback_are_refused_where_it_is_used(
        self,
    ) -> None:
        self.site.install_driver('ironic', distribution='acme-ironic')
        self.assertIn('acme-ironic and', str(self.refused()))
        self.assertEqual('fake', self.chosen(**{FAKE: {'nodes': 1}}))

    def test_two_claims_of_what_a_former_group_configures(self) -> None:
        # Without a class, nothing else tells that MAAS is meant.
        self.site.install_driver('maas', distribution='acme-maas')
        error = self.refused(maas_client={'url': 'http://maas.example/MAAS'})
        self.assertIn('acme-maas and watcher-metal-drivers', str(error))

    def test_half_configured_by_a_former_group(self) -> None:
        error = self.refused(maas_client={'url': 'http://maas.example/MAAS'})
        self.assertIn(
            '[watcher.metal.drivers.maas] lacks api_key or api_key_file; its '
            'other options are in [maas_client]. Add api_key or api_key_file '
            'to [watcher.metal.drivers.maas], or remove what is set for this '
            'driver in [maas_client] and, ',
            str(error),
        )
        self.assertEqual(('api_key',), error.options)
        error = self.refused(
            maas_client={'url': 'http://maas.example/MAAS'},
            **{'watcher.metal.drivers.maas': {'tags': 'a'}},
        )
        self.assertNotIn('its other options', str(error))
        self.assertIn(
            'in [watcher.metal.drivers.maas] and [maas_client]', str(error)
        )

    def test_half_configured_by_a_third_partys_former_group(self) -> None:
        self.site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1).replace(
                "StrOpt('url',",
                "StrOpt('url', deprecated_group='acme_client',",
            ),
        )
        error = self.refused(acme_client={'url': 'x'}, **{FAKE: {'nodes': 1}})
        self.assertIn(f'[{ACME}] lacks token', str(error))
        self.assertIn('for this driver in [acme_client] and', str(error))

    def test_configured_by_an_override(self) -> None:
        conf = self.conf()
        self.site.install_driver('acme')
        Selector(conf).candidates()  # registers the options
        for name, value in READY.items():
            conf.set_override(name, value, group=ACME)
        self.assertEqual('acme', Selector(conf).select().name)

    def test_an_empty_section_is_one(self) -> None:
        self.site.install_driver(
            'acme', bad_plugins.GREEDY['always-ready'], priority=1
        )
        self.assertEqual('acme', self.chosen(**{ACME: {}}))
        self.assertEqual('ironic', self.chosen())

    def test_a_type_that_raises_does_so_where_there_is_a_value(self) -> None:
        self.site.install_driver(
            'acme',
            bad_plugins.option("cfg.Opt('odd', type=Odd(), help='Odd.')")
            + 'class Odd:\n'
            '    def __call__(self, value): raise SystemExit("odd")\n',
        )
        self.assertEqual('fake', self.chosen(**{FAKE: {'nodes': 1}}))
        error = self.refused(**{ACME: {'odd': 1}, FAKE: {'nodes': 1}})
        self.assertIn('options cannot be read: SystemExit: odd', str(error))
        self.assertIn('report it to its author', str(error))

    def test_wrong_settings_of_our_own(self) -> None:
        error = self.refused(metal_drivers={'poll_interval': 0})
        self.assertIn('[metal_drivers] poll_interval', str(error))


class TestSelection(selecting.SelectorTestCase):
    """Everything that one configuration makes of the drivers."""

    def test_chosen(self) -> None:
        selection = self.selector(**{FAKE: {'nodes': 1}}).selection
        self.assertIsNone(selection.refusal)
        assert selection.chosen is not None
        self.assertEqual('fake', selection.chosen.name)
        self.assertIn(selection.chosen, selection.candidates)

    def test_refused(self) -> None:
        selection = self.selector(**{FAKE: {'nodes': 'many'}}).selection
        self.assertIsNone(selection.chosen)
        self.assertIn(f'[{FAKE}] nodes', str(selection.refusal))
        names = [candidate.name for candidate in selection.candidates]
        self.assertEqual(['fake', 'ironic', 'maas'], names)

    def test_each_driver_is_examined_once(self) -> None:
        self.site.install_driver(
            'acme',
            bad_plugins.judging(
                'cls.calls += 1\nreturn super().config_state(config)\n'
            )
            + '    calls = 0\n',
        )
        chooser = self.selector(**{ACME: READY})
        chooser.select()
        chooser.candidates()
        chooser.load()
        driver: Any = plugins.find_plugins().get('acme').cls
        self.assertEqual(1, driver.calls)
