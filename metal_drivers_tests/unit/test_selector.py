# SPDX-License-Identifier: Apache-2.0
"""Which driver is used, and what is said where none is."""

from typing import Any

from oslo_config import cfg

from metal_drivers import exceptions, get_driver
from metal_drivers.drivers import fake, ironic
from metal_drivers.selector import Candidate, CandidateState, Selector
from metal_drivers_tests.unit import base, distributions

IRONIC = 'watcher.metal.drivers.ironic'
FAKE = 'watcher.metal.drivers.fake'
ACME = 'watcher.metal.drivers.acme'
STANDALONE = {
    'auth_type': 'none',
    'endpoint_override': 'http://127.0.0.1:6385',
}
READY = distributions.READY


class SelectorTestCase(base.TestCase):
    """With a site directory for third parties' drivers."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def selector(self, pin: str | None = None, /, **sections: Any) -> Selector:
        """For a configuration that pins that driver, or none."""
        if pin is not None:
            sections['metal_drivers'] = {'driver': pin}
        return Selector(self.conf(**sections))

    def chosen(self, pin: str | None = None, /, **sections: Any) -> str:
        return self.selector(pin, **sections).select().name

    def refused(
        self, pin: str | None = None, /, **sections: Any
    ) -> exceptions.ConfigurationError:
        """The reason; the same one keeps a driver from being loaded."""
        chooser = self.selector(pin, **sections)
        error = self.refusal(chooser.select)
        self.assertEqual(str(error), str(self.refusal(chooser.load)))
        self.assertNotIn(
            CandidateState.SELECTED,
            {candidate.state for candidate in chooser.candidates()},
        )
        return error

    def candidate(self, name: str, /, **sections: Any) -> Candidate:
        (found,) = (
            candidate
            for candidate in self.selector(**sections).candidates()
            if candidate.name == name
        )
        return found


class TestPin(SelectorTestCase):
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


class TestAuto(SelectorTestCase):
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

    def test_broken_plugin_is_harmless(self) -> None:
        for name, source in {
            'missing': 'import libmissing\n',
            'leaving': 'raise SystemExit(1)\n',
            'failing': 'assert False\n',
            'garbled': 'class Driver(:\n',
            'alien': 'class Driver:\n    pass\n',
        }.items():
            self.site.install_driver(name, source)
        self.assertEqual('fake', self.chosen(**{FAKE: {'nodes': 1}}))

    def test_broken_plugin_with_a_section_is_refused(self) -> None:
        self.site.install_driver('acme', 'import libacme\n')
        error = self.refused(**{ACME: READY, FAKE: {'nodes': 1}})
        self.assertIn('The driver acme cannot be used', str(error))
        self.assertIn('install libacme', str(error))

    def test_plugin_that_cannot_judge_is_harmless(self) -> None:
        for number, answer in enumerate(('None', 'config["gone"]')):
            self.site.install_driver(
                f'odd{number}',
                distributions.DRIVER.format(priority=99) + '    @classmethod\n'
                '    def config_state(cls, config):\n'
                f'        return {answer}\n',
            )
        self.assertEqual('fake', self.chosen(**{FAKE: {'nodes': 1}}))
        self.assertIn('cannot judge', str(self.refused('odd0')))
        self.assertIn("KeyError: 'gone'", str(self.refused('odd1')))

    def test_what_a_plugin_says_of_its_secret_is_hidden(self) -> None:
        self.site.install_driver(
            'odd',
            distributions.DRIVER.format(priority=99) + '    @classmethod\n'
            '    def config_state(cls, config):\n'
            '        raise ValueError(config["token"])\n',
        )
        options = {'watcher.metal.drivers.odd': distributions.READY}
        error = self.refused('odd', **options)
        self.assertIn('ValueError: ***', str(error))
        self.assertNotIn('t0ken', str(error))

    def test_two_claims_are_refused_at_once(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        error = self.refused(**{FAKE: {'nodes': 1}})
        self.assertIn('acme-one and acme-two', str(error))
        self.assertIn('[metal_drivers] driver', str(error))

    def test_wrong_settings_of_our_own(self) -> None:
        error = self.refused(metal_drivers={'poll_interval': 0})
        self.assertIn('[metal_drivers] poll_interval', str(error))


class TestCandidates(SelectorTestCase):
    """What `metal-drivers driver list` shows."""

    def test_selected_says_why(self) -> None:
        found = self.candidate('fake', **{FAKE: {'nodes': 1}})
        self.assertEqual(CandidateState.SELECTED, found.state)
        self.assertEqual('configured', found.detail)
        self.assertEqual('watcher-metal-drivers', found.distribution)

    def test_pinned_says_so(self) -> None:
        found = self.candidate('fake', metal_drivers={'driver': 'fake'})
        self.assertEqual(CandidateState.SELECTED, found.state)
        self.assertEqual('named by [metal_drivers] driver', found.detail)

    def test_outranked_one_is_ready(self) -> None:
        both = {FAKE: {'nodes': 1}, IRONIC: STANDALONE}
        self.assertEqual(
            CandidateState.READY, self.candidate('ironic', **both).state
        )
        self.assertEqual(
            'configured, and of higher priority than ironic',
            self.candidate('fake', **both).detail,
        )

    def test_absent_names_what_it_needs(self) -> None:
        self.site.install_driver('acme', priority=7)
        found = self.candidate('acme')
        self.assertEqual(CandidateState.ABSENT, found.state)
        self.assertEqual(
            f'not configured; [{ACME}] needs url, token', found.detail
        )
        self.assertEqual('acme-acme', found.distribution)
        self.assertEqual(7, found.priority)

    def test_absent_that_needs_nothing(self) -> None:
        found = self.candidate('fake')
        self.assertEqual(CandidateState.ABSENT, found.state)
        self.assertEqual('not configured', found.detail)

    def test_incomplete_names_what_it_lacks(self) -> None:
        self.site.install_driver('acme')
        found = self.candidate('acme', **{ACME: {'url': 'http://acme'}})
        self.assertEqual(CandidateState.INCOMPLETE, found.state)
        self.assertEqual(f'[{ACME}] lacks token', found.detail)
        self.assertEqual(('token',), found.missing)

    def test_failed_says_why(self) -> None:
        self.site.install_driver('acme', 'import libacme\n')
        found = self.candidate('acme')
        self.assertEqual(CandidateState.FAILED, found.state)
        self.assertIn('install libacme', found.detail)
        self.assertFalse(found.mentioned)
        self.assertIsNone(found.priority)

    def test_conflict_shows_both_distributions(self) -> None:
        self.site.install_driver('acme', distribution='acme-one')
        self.site.install_driver('acme', distribution='acme-two')
        found = self.candidate('acme')
        self.assertEqual(CandidateState.FAILED, found.state)
        self.assertEqual('acme-one, acme-two', found.distribution)

    def test_a_refusal_still_lists_everything(self) -> None:
        self.site.install_driver('acme')
        found = self.selector('amce', **{ACME: READY}).candidates()
        states = {each.name: each.state for each in found}
        self.assertEqual(CandidateState.READY, states['acme'])
        self.assertEqual(CandidateState.ABSENT, states['ironic'])


class TestLoad(SelectorTestCase):
    """The chosen driver, made."""

    def test_gets_its_own_values(self) -> None:
        with get_driver(self.conf(**{FAKE: {'nodes': 3}})) as driver:
            self.assertIsInstance(driver.driver, fake.FakeDriver)
            self.assertEqual(3, len(driver.list_nodes()))

    def test_takes_what_it_is_given_for_a_session(self) -> None:
        osc = object()
        driver = get_driver(self.conf(**{FAKE: {'nodes': 1}}), osc)  # type: ignore[arg-type]
        self.assertIs(osc, driver.osc)

    def test_shared_credentials_by_default(self) -> None:
        conf = self.conf(
            watcher_clients_auth={
                'auth_type': 'password',
                'auth_url': 'http://127.0.0.1:5000',
                'username': 'watcher',
                'password': 's3cret',
            }
        )
        driver = get_driver(conf)
        self.addCleanup(driver.close)
        self.assertIsInstance(driver.driver, ironic.IronicDriver)
        assert driver.osc is not None
        self.assertEqual(60, driver.osc.session.timeout)

    def test_fallback_without_credentials_says_what_to_set(self) -> None:
        error = self.refusal(get_driver, self.conf())
        self.assertIn(f'[{IRONIC}]', str(error))
        self.assertIn('[watcher_clients_auth]', str(error))
        self.assertIn('auth_type', str(error))
        self.assertEqual('ironic', error.driver)

    def test_a_start_that_fails_is_explained(self) -> None:
        self.site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1)
            + '    def __init__(self, config, osc=None):\n'
            '        raise OSError("no room")\n',
        )
        error = self.refusal(get_driver, self.conf(**{ACME: READY}))
        self.assertIn('acme of acme-acme cannot start', str(error))
        self.assertIn('OSError: no room', str(error))
        self.assertIn(f'[{ACME}]', str(error))

    def test_an_error_of_the_driver_is_passed_on(self) -> None:
        self.site.install_driver(
            'acme',
            distributions.DRIVER.format(priority=1)
            + '    def __init__(self, config, osc=None):\n'
            '        from metal_drivers import UnavailableError\n'
            '        raise UnavailableError("acme is away")\n',
        )
        self.assertRaisesRegex(
            exceptions.UnavailableError,
            '^acme is away$',
            get_driver,
            self.conf(**{ACME: READY}),
        )
