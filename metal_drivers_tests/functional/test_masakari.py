# SPDX-License-Identifier: Apache-2.0
"""The hook for Masakari, against a real one beside the cloud."""

from oslo_config import cfg

from metal_drivers import services
from metal_drivers.hooks import Hook
from metal_drivers_tests import contract
from metal_drivers_tests.functional import base
from metal_drivers_tests.functional.services import shared

GROUP = 'metal_drivers.hooks.masakari'


class MasakariTestCase(base.CloudTestCase):
    """With compute-01 and -02 in a segment of this test's own."""

    def setUp(self) -> None:
        super().setUp()
        self.masakari = shared.masakari_for(self)
        self.segment = self.masakari.create_segment(self.unique('rack'))
        self.addCleanup(self.masakari.delete_segment, self.segment)
        self.watched = {
            number: self.masakari.add_host(
                self.segment, self.cloud.compute_host(number)
            )
            for number in (1, 2)
        }
        self.config = self.config_with_hooks()

    def config_with_hooks(
        self, user: str = 'watcher', more: base.Sections | None = None
    ) -> str:
        sections: base.Sections = {
            'metal_drivers': {'hooks': 'masakari', 'poll_interval': 1},
            base.SHARED: self.cloud.keystone_options(user),
        }
        return self.conf_file('', **sections, **(more or {}))

    def assert_watched(self, number: int, flag: bool, attributes: str) -> None:
        """Masakari's own word."""
        found = self.masakari.host(self.segment, self.watched[number])
        self.assertEqual(
            (flag, attributes),
            (found['on_maintenance'], found['control_attributes']),
        )


class TestCheck(MasakariTestCase):
    def results(self, config: str) -> dict[str, tuple[str, str]]:
        run = self.listing(config, 'check')
        return {
            row['Check']: (row['Result'], row['Detail']) for row in run.rows
        }

    def test_it_tries_the_lists(self) -> None:
        result, detail = self.results(self.config)['hook masakari']
        self.assertEqual('ok', result)
        self.assertIn('2 hosts in 1 segments', detail)

    def test_a_member_may_not(self) -> None:
        result, detail = self.results(self.config_with_hooks('joe'))[
            'hook masakari'
        ]
        self.assertEqual('failed', result)
        self.assertIn('role admin', detail)


class TestContract(contract.HookContract, MasakariTestCase):
    """The contract, kept with a real Masakari."""

    def create_hook(self) -> Hook:
        conf = cfg.ConfigOpts()
        # A session of its own, which it closes.
        config = self.config_with_hooks(more={GROUP: {'timeout': 30}})
        conf([f'--config-file={config}'])
        (hook,) = services.open_hooks(conf)
        return hook.hook
