# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed beside a real Masakari."""

import signal

from metal_drivers_tests.emulators import messages
from metal_drivers_tests.functional import base, test_masakari

CHANGE = test_masakari.CHANGE
SWITCH = test_masakari.SWITCH
FLAG = test_masakari.FLAG


class TestKilled(test_masakari.PowerTestCase):
    """SIGKILL at each change, and what the next run makes of it."""

    def kill_at(
        self, state: str, match: messages.Match, arrived: bool, after: int = 0
    ) -> None:
        _, command = self.begin(state, match, arrived, after)
        command.send(signal.SIGKILL)
        command.wait()

    def assert_begun(self, flag: bool) -> None:
        """A power off was begun: Nova has the marker, Masakari has it where
        the flag is set, and Ironic was sent nothing."""
        self.assert_power(self.metal, 'on')
        reason = self.service(self.name)['disabled_reason'] or ''
        self.assertTrue(reason.startswith(f'{base.OURS}powering off'), reason)
        attributes = self.marked if flag else test_masakari.ATTRIBUTES
        self.assert_watched(self.number, flag, attributes)
        if flag:
            self.assertIsNone(self.masakari.report_down(self.name))

    def test_off_before_masakari_is_told(self) -> None:
        """At the marker in Nova, which is written first."""
        self.kill_at('off', CHANGE, False)
        self.assert_back()
        self.assert_row(self.recover(), 'already')
        self.assert_back()
        self.kill_at('off', CHANGE, True)
        self.assert_begun(False)
        self.assert_row(self.recover(), 'done', 'enabled')
        self.assert_back()

    def test_off_as_masakari_is_told(self) -> None:
        """At the flag and the attributes, with the marker in Nova."""
        for arrived in (False, True):
            self.kill_at('off', FLAG, arrived)
            self.assert_begun(arrived)
            self.assert_row(self.recover(), 'done', 'enabled')
            self.assert_back()
            self.kill_at('off', FLAG, arrived)
            self.assert_begun(arrived)
            self.age()
            self.assert_row(self.on(), 'already', 'enabled')
            self.assert_back()
        self.assertEqual([], self.notifications())

    def test_off_after_masakari_was_told(self) -> None:
        self.kill_at('off', SWITCH, False)
        self.assert_begun(True)
        self.assert_row(self.recover(), 'done', 'enabled')
        self.assert_back()
        # Sent; and off, which the marker in Nova is about to say.
        for match, arrived, after in ((SWITCH, True, 0), (CHANGE, False, 1)):
            self.kill_at('off', match, arrived, after)
            self.cloud.ironic.wait_settled(self.metal)
            self.assert_row(self.recover(), 'already', 'powered off')
            self.assert_away()
            self.assertIsNone(self.masakari.report_down(self.name))
            self.assert_row(self.on(), 'done', 'enabled')
            self.assert_back()
        self.assertEqual([], self.notifications())

    def test_on_before_it_is_sent(self) -> None:
        self.assert_row(self.off(), 'done')
        self.kill_at('on', SWITCH, False)
        self.recover()
        self.assert_away()
        self.assertIsNone(self.masakari.report_down(self.name))
        self.assert_row(self.on(), 'done', 'enabled')
        self.assert_back()
        self.assertEqual([], self.notifications())

    def test_on(self) -> None:
        for match, arrived in (
            (SWITCH, True),
            (FLAG, False),
            (FLAG, True),
            (CHANGE, False),
            (CHANGE, True),
        ):
            self.assert_row(self.off(), 'done')
            self.kill_at('on', match, arrived)
            self.cloud.ironic.wait_settled(self.metal)
            self.recover()
            self.assert_back()
