# SPDX-License-Identifier: Apache-2.0
"""What the lists tell of the fleet."""

from typing import Any

from metal_drivers.compute import markers
from metal_drivers.fleet import Fleet, Member
from metal_drivers.model import Node, PowerState
from metal_drivers.overview import DisabledBy, Lists, Overview, take
from metal_drivers.planning import Rule, Wish
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.planning.base import NOW, OFF, ON, host

Kind = markers.MarkerKind


def marked(
    number: int, power: PowerState, kind: Kind, times: int = 0
) -> Member:
    """A host of which metal-drivers wrote that an hour ago."""
    when = NOW.replace(hour=NOW.hour - 1)
    reason = markers.reason(f'id-{number}', when, kind, times)
    return host(number, power, reason=reason)


class TestOverview(base.TestCase):
    def take(
        self,
        *members: Member,
        zones: dict[str, str] | None = None,
        wish: Wish | None = None,
        watts: float | None = None,
        **settings: Any,
    ) -> Overview:
        return take(
            Lists(Fleet(members), zones or {}),
            PowerSettings(**settings),
            wish or Wish(),
            NOW,
            lambda member: watts,
        )

    def test_off_by_us_and_off_by_others(self) -> None:
        found = self.take(
            host(1),
            host(2, OFF, ours=1),
            host(3, OFF, reason='fan'),
            host(4, OFF),
            host(5, OFF, reason='Masakari says so'),
            adopted_reasons=('Masakari*',),
        )
        self.assertEqual(
            [
                DisabledBy.NOBODY,
                DisabledBy.US,
                DisabledBy.OTHERS,
                DisabledBy.NOBODY,
                DisabledBy.US,
            ],
            [each.disabled_by for each in found.hosts],
        )
        self.assertEqual(
            ['host-2', 'host-5'], [each.name for each in found.off_by_us]
        )

    def test_since_when_it_is_off(self) -> None:
        for member, hours in (
            (marked(1, OFF, Kind.POWERED_OFF), 1),
            (marked(1, ON, Kind.POWERED_OFF), None),
            (marked(1, OFF, Kind.POWERING_OFF), None),
            (marked(1, OFF, Kind.FAILED_ON, 2), None),
            (host(1, OFF, reason='fan'), None),
        ):
            (found,) = self.take(member).hosts
            since = found.off_since
            hour = None if since is None else (NOW - since).total_seconds()
            self.assertEqual(hours and hours * 3600, hour, str(member))

    def test_half_done(self) -> None:
        for member, to in (
            (marked(1, ON, Kind.POWERING_OFF), OFF),
            (marked(1, OFF, Kind.SHUTTING_DOWN), OFF),
            (marked(1, OFF, Kind.POWERING_ON), ON),
            # Somebody else powered it on.
            (marked(1, ON, Kind.POWERED_OFF), ON),
            (marked(1, OFF, Kind.POWERED_OFF), None),
            (marked(1, OFF, Kind.FAILED_ON, 1), None),
            (host(1), None),
        ):
            (found,) = self.take(member).hosts
            half_done = found.half_done
            self.assertEqual(to, half_done and half_done.to, str(member))

    def test_hosts_that_failed_to_come_back(self) -> None:
        found = self.take(marked(1, OFF, Kind.FAILED_ON, 3), host(2))
        self.assertEqual([3, 0], [each.failures for each in found.hosts])
        self.assertEqual(1, found.count(lambda each: each.unreliable))

    def test_protected(self) -> None:
        found = self.take(
            host(1),
            host(2),
            host(3, labels=frozenset({'CUSTOM_DB'})),
            protected_hosts=('host-1',),
            protected_labels=('custom_db',),
        )
        self.assertEqual(
            [True, False, True], [each.protected for each in found.hosts]
        )

    def test_unmatched(self) -> None:
        found = self.take(host(1), Member(Node('id-9', 'node-9')))
        self.assertEqual((1, 1), (len(found.hosts), found.unmatched))

    def test_what_is_saved(self) -> None:
        members = host(1), host(2, OFF, ours=1), host(3, OFF, reason='fan')
        self.assertEqual(150.0, self.take(*members, watts=150).saved_watts)
        found = self.take(*members)
        self.assertEqual((0.0, 1), (found.saved_watts, found.without_watts))

    def test_reserves(self) -> None:
        wish = Wish(
            min_free_hosts_num=2,
            reserve=(
                Rule('zone', 'az1', min_free_hosts_num=1),
                Rule('zone', 'az9', min_free_hosts_num=1),
            ),
        )
        zones = {'host-1': 'az1', 'host-2': 'az2'}
        found = self.take(host(1), host(2, OFF), zones=zones, wish=wish)
        self.assertEqual(
            [('', 1, 2), ('zone az1', 1, 1), ('zone az9', 0, 1)],
            [(each.group, each.ready, each.wanted) for each in found.reserves],
        )
        self.assertEqual(['zone az9'], list(found.unknown))
        self.assertIn(
            'zone az9, which does not exist', found.unknown['zone az9']
        )
