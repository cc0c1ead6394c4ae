# SPDX-License-Identifier: Apache-2.0
"""Drivers that were written for another version of the contract."""

from typing import Any

import fixtures
from oslo_config import cfg

import metal_drivers
from metal_drivers import get_driver, plugins, selector
from metal_drivers.selector import CandidateState
from metal_drivers_tests.unit import bad_plugins, base, distributions


class TestOlderDrivers(base.TestCase):
    """A release with contract 3.1, which still loads those of 2."""

    def setUp(self) -> None:
        super().setUp()
        # Our own drivers are of the contract that there is at their import.
        self.assertTrue(list(plugins.find_plugins()))
        for name, value in {
            'CONTRACT': (3, 1),
            'SUPPORTED_UNTIL': {2: '2031-05-01'},
        }.items():
            self.useFixture(
                fixtures.MonkeyPatch(
                    f'metal_drivers.compatibility.{name}', value
                )
            )
        selector._warn.cache_clear()
        self.addCleanup(selector._warn.cache_clear)
        self.site = self.useFixture(distributions.Distributions())

    def install(self, **contracts: str) -> None:
        """Drivers that were written for these; for an empty text, it does
        not say."""
        for name, contract in contracts.items():
            line = f'contract = {contract}\n' if contract else ''
            self.site.install_driver(name, bad_plugins.driver(line))

    def selection(self, name: str) -> selector.Selection:
        """With that driver configured."""
        return selector.Selector(self.configured(name)).selection

    def configured(self, name: str) -> cfg.ConfigOpts:
        section = f'watcher.metal.drivers.{name}'
        return self.conf(**{section: distributions.READY})

    def assert_works(self, name: str) -> None:
        with get_driver(self.configured(name)) as driver:
            self.assertEqual([], driver.list_nodes())

    def test_of_this_contract_nothing_is_said(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.install(first='(3, 0)', second='(3, 1)')
        for name in ('first', 'second'):
            chosen = self.selection(name).chosen
            assert chosen is not None
            self.assertEqual('configured', chosen.detail)
            self.assert_works(name)
        self.assertEqual('', log.output)

    def test_an_older_one_works_and_says_until_when(self) -> None:
        self.install(old='(2, 7)')
        chosen = self.selection('old').chosen
        assert chosen is not None
        self.assertEqual(CandidateState.SELECTED, chosen.state)
        self.assertEqual(
            'configured; it is written for version 2.7 of the driver '
            'contract; that is supported until 2031-05-01, here is 3.1; '
            'upgrade acme-old, or uninstall acme-old',
            chosen.detail,
        )
        log = self.useFixture(fixtures.FakeLogger())
        for _ in range(3):
            self.assert_works('old')
        (line,) = log.output.splitlines()
        self.assertIn('The driver old can be used: it is written', line)

    def test_an_older_one_says_so_where_it_is_not_used(self) -> None:
        self.install(old='(2, 7)')
        found = selector.Selector(self.conf()).candidates()
        (old,) = (each for each in found if each.name == 'old')
        self.assertEqual(CandidateState.ABSENT, old.state)
        self.assertIn('is supported until 2031-05-01', old.detail)

    def test_a_much_older_one_is_refused(self) -> None:
        """Also one that does not say: it was written for the first."""
        self.install(old='(1, 9)', silent='')
        for name in ('old', 'silent'):
            self.assertIn(
                'contract, which is no longer supported: here is 3.1; '
                f'upgrade acme-{name}, or uninstall acme-{name}',
                str(self.selection(name).refusal),
            )

    def test_a_newer_one_is_refused(self) -> None:
        self.install(major='(4, 0)', minor='(3, 2)')
        for name, needed in {'major': '4', 'minor': '3.2'}.items():
            self.assertIn(
                f'it needs watcher-metal-drivers {needed} or newer; '
                f'upgrade that, or uninstall acme-{name}',
                str(self.selection(name).refusal),
            )


class TestOurOwn(base.TestCase):
    def test_each_driver_is_of_this_contract(self) -> None:
        for candidate in selector.Selector(self.conf()).candidates():
            driver: Any = candidate.plugin.cls
            assert driver is not None, candidate
            self.assertEqual(metal_drivers.CONTRACT, driver.contract)
