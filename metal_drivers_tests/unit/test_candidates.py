# SPDX-License-Identifier: Apache-2.0
"""The drivers that are found: their state, why, and what is imported."""

import sys

from metal_drivers import exceptions, get_driver
from metal_drivers.drivers import fake, ironic
from metal_drivers.selector import CandidateState
from metal_drivers_tests.unit import (
    bad_plugins,
    distributions,
    selecting,
)

IRONIC = selecting.IRONIC
FAKE = selecting.FAKE
ACME = selecting.ACME
STANDALONE = selecting.STANDALONE
READY = selecting.READY


class TestImports(selecting.SelectorTestCase):
    """A driver is imported where the selection depends on it."""

    def setUp(self) -> None:
        super().setUp()
        self.site.install_driver('acme')
        self.site.install_driver('apex')

    def imported(self) -> set[str]:
        return {'acme_acme', 'acme_apex'} & set(sys.modules)

    def test_with_a_pin_only_that_one(self) -> None:
        self.chosen('fake', **{ACME: READY})
        self.assertEqual(set(), self.imported())
        self.selector('acme', **{ACME: READY}).load()
        self.assertEqual({'acme_acme'}, self.imported())

    def test_with_a_pin_that_is_refused_none_else(self) -> None:
        self.refusal(self.selector('acme').select)
        self.refusal(self.selector('amce').select)
        self.assertEqual({'acme_acme'}, self.imported())

    def test_one_that_would_end_the_process_is_let_be(self) -> None:
        self.site.install_driver('exit', 'import os\nos._exit(7)\n')
        self.assertEqual('acme', self.chosen('acme', **{ACME: READY}))

    def test_auto_asks_all(self) -> None:
        self.chosen(**{FAKE: {'nodes': 1}})
        self.assertEqual({'acme_acme', 'acme_apex'}, self.imported())

    def test_the_list_has_all(self) -> None:
        self.selector('fake').candidates()
        self.assertEqual({'acme_acme', 'acme_apex'}, self.imported())


class TestCandidates(selecting.SelectorTestCase):
    """What `metal-drivers driver list` shows."""

    def test_selected_says_why(self) -> None:
        found = self.candidate('fake', **{FAKE: {'nodes': 1}})
        self.assertEqual(CandidateState.SELECTED, found.state)
        self.assertEqual('configured', found.detail)
        self.assertEqual('watcher-metal-drivers', found.distribution)

    def test_pinned_says_so(self) -> None:
        found = self.candidate('fake', metal_drivers={'driver': 'fake'})
        self.assertEqual(CandidateState.SELECTED, found.state)
        self.assertEqual('set by [metal_drivers] driver', found.detail)

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

    def test_failed_by_a_default_of_its_own(self) -> None:
        self.site.install_driver('acme', bad_plugins.GREEDY['elsewhere'])
        found = self.candidate('acme')
        self.assertEqual(CandidateState.FAILED, found.state)
        self.assertIn(f'[{ACME}] far', found.detail)
        self.assertIn('set it; report it to its author', found.detail)
        self.assertNotIn('$$', found.detail)
        found = self.candidate('acme', **{ACME: {'far': 'n$ar'}})
        self.assertIn('Write $$', found.detail)
        self.assertNotIn('author', found.detail)

    def test_a_section_in_another_case_is_one(self) -> None:
        self.site.install_driver('acme', 'import libacme\n')
        error = self.refused(**{ACME.upper(): {}})
        self.assertIn('install libacme', str(error))

    def test_failed_without_its_secrets(self) -> None:
        self.site.install_driver(
            'acme',
            bad_plugins.judging(
                'import base64\n'
                'token = config["token"]\n'
                'coded = base64.b64encode(token.encode()).decode()\n'
                'raise ValueError(f"{token} {coded} http://u:p@acme")\n'
            ),
        )
        found = self.candidate('acme', **{ACME: READY})
        self.assertEqual(CandidateState.FAILED, found.state)
        self.assertIn('ValueError: *** *** http://***@acme', found.detail)

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


class TestLoad(selecting.SelectorTestCase):
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

    def test_an_exit_at_the_start_is_explained(self) -> None:
        self.site.install_driver(
            'acme',
            bad_plugins.driver(
                'def __init__(self, config, osc=None):\n'
                '    raise SystemExit("no license\\nat all")\n'
            ),
        )
        error = self.refusal(get_driver, self.conf(**{ACME: READY}))
        self.assertIn('acme of acme-acme cannot start', str(error))
        self.assertIn('SystemExit: no license at all', str(error))

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
