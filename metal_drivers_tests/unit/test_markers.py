# SPDX-License-Identifier: Apache-2.0
"""The marker that tells our disabling from that of others."""

import datetime

import testtools

from metal_drivers.compute import markers
from metal_drivers.model import ComputeService

WHEN = datetime.datetime(
    2026, 3, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2))
)


class TestMarkers(testtools.TestCase):
    def test_reason(self) -> None:
        self.assertEqual(
            'metal-drivers/1 powered off to save energy, '
            '2026-02-28T23:00:00.000Z, node id-1',
            markers.reason('id-1', WHEN),
        )

    def test_reason_of_an_earlier_release(self) -> None:
        mark = markers.parse(
            'metal-drivers/1 powered off to save energy, '
            '2026-02-28T23:00:00Z, node id-1'
        )
        self.assertEqual(markers.Marker(WHEN, 'id-1'), mark)

    def test_each_kind_is_read_as_it_was_written(self) -> None:
        for kind in markers.MarkerKind:
            times = int(kind is markers.MarkerKind.FAILED_ON)
            mark = markers.parse(markers.reason('id-1', WHEN, kind, times))
            self.assertEqual(markers.Marker(WHEN, 'id-1', kind, times), mark)
            assert mark
            ended = kind in (
                markers.MarkerKind.POWERED_OFF,
                markers.MarkerKind.FAILED_ON,
            )
            self.assertIs(not ended, mark.under_way)

    def test_how_often_a_power_on_failed(self) -> None:
        kind = markers.MarkerKind.FAILED_ON
        for times, text in ((1, '1 time'), (2, '2 times'), (12, '12 times')):
            reason = markers.reason('id-1', WHEN, kind, times)
            self.assertEqual(
                f'metal-drivers/1 failed to power on, {text}, '
                '2026-02-28T23:00:00.000Z, node id-1',
                reason,
            )
            mark = markers.parse(reason)
            self.assertEqual(markers.Marker(WHEN, 'id-1', kind, times), mark)
        mark = markers.parse(reason.replace('12 times', '0 times'))
        self.assertIsNone(mark)

    def test_one_that_failed_fits_into_nova(self) -> None:
        kind = markers.MarkerKind.FAILED_ON
        reason = markers.reason('x' * 300, WHEN, kind, 12)
        self.assertEqual(255, len(reason))
        mark = markers.parse(reason)
        assert mark
        self.assertEqual(12, mark.times)
        self.assertTrue(mark.names('x' * 300))

    def test_the_texts_are_what_other_releases_read(self) -> None:
        self.assertEqual(
            [
                'powering off to save energy',
                'shutting down to save energy',
                'powered off to save energy',
                'powering on',
                'failed to power on',
            ],
            [kind.value for kind in markers.MarkerKind],
        )

    def test_a_kind_of_a_later_release_takes_most_care(self) -> None:
        mark = markers.parse(
            'metal-drivers/1 dancing, 2026-02-28T23:00:00Z, node id-1'
        )
        assert mark
        self.assertIs(markers.MarkerKind.SHUTTING_DOWN, mark.kind)

    def test_two_runs_write_different_ones(self) -> None:
        later = WHEN + datetime.timedelta(milliseconds=1)
        self.assertNotEqual(
            markers.parse(markers.reason('id-1', WHEN)),
            markers.parse(markers.reason('id-1', later)),
        )

    def test_reason_fits_into_nova(self) -> None:
        reason = markers.reason('x' * 300, WHEN)
        self.assertEqual(255, len(reason))
        self.assertIsNotNone(markers.parse(reason))

    def test_reasons_of_others(self) -> None:
        for reason in (
            None,
            '',
            'powered off to save energy',
            'metal-drivers/1',
            'metal-drivers/10 powered off',
            ' metal-drivers/1 powered off',
            'not by metal-drivers/1 powered off',
        ):
            self.assertIsNone(markers.parse(reason), str(reason))

    def test_an_enabled_service_is_nobodys(self) -> None:
        reason = markers.reason('id-1', WHEN)
        for status, ours in (('disabled', True), ('enabled', False)):
            service = ComputeService('s', 'h', 'up', status, reason)
            self.assertIs(ours, markers.of(service) is not None)
        self.assertIsNone(markers.of(None))
