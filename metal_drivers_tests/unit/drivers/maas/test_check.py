# SPDX-License-Identifier: Apache-2.0
"""``check()``: what it asks, and how it answers."""

from typing import Any

from metal_drivers.model import CheckStatus
from metal_drivers_tests.emulators import faults, maas, messages
from metal_drivers_tests.unit import cures
from metal_drivers_tests.unit.drivers.maas import base

WHOAMI = messages.matching('GET', '.*/users/', op='whoami')
TAGS = messages.matching('GET', '.*/tags/')
VERSION = messages.matching('GET', '.*/version/')


class TestCheck(base.MaasTestCase):
    def results(self, **options: Any) -> dict[str, tuple[str, str]]:
        results = self.driver_with(**options).check()
        self.recorder.note(*results)
        found = {
            each.name: (each.status.value, each.detail) for each in results
        }
        self.assertEqual([], cures.without(found))
        return found

    def test_all_is_well(self) -> None:
        self.maas.add_machine()
        self.maas.add_machine(status=maas.Status.READY)
        results = self.results()
        self.assertEqual(
            [
                'maas endpoint',
                'maas tls',
                'maas credentials',
                'maas clock',
                'maas machines',
            ],
            list(results),
        )
        self.assertEqual(
            ('ok', f'{self.maas.maas_url}, MAAS 3.7.3'),
            results['maas endpoint'],
        )
        self.assertEqual(
            ('ok', 'admin is an administrator'), results['maas credentials']
        )
        self.assertEqual('ok', results['maas clock'][0])
        self.assertEqual(
            ('ok', '1 deployed machines'), results['maas machines']
        )
        self.assertEqual(0, self.requests(base.is_power))

    def test_tls(self) -> None:
        self.assertEqual('warning', self.results()['maas tls'][0])
        server = self.start(tls=True)
        for options, status, told in (
            ({'cafile': server.cafile}, 'ok', server.cafile),
            ({'insecure': True}, 'warning', 'cafile'),
        ):
            results = self.results(
                url=server.maas_url, api_key=server.apikey, **options
            )
            self.assertEqual(status, results['maas tls'][0])
            self.assertIn(told, results['maas tls'][1])

    def test_the_key_is_asked_for(self) -> None:
        """To connect checks none."""
        results = self.results(api_key=self.keep_secret('wr1:wr2:wr3'))
        self.assertEqual('ok', results['maas endpoint'][0])
        self.assertEqual('failed', results['maas credentials'][0])
        self.assertNotIn('maas machines', results)

    def test_who_is_no_administrator(self) -> None:
        self.maas.add_machine()
        self.maas.add_machine(owner='joe')
        results = self.results(api_key=self.maas.joe.apikey)
        status, detail = results['maas credentials']
        self.assertEqual('warning', status)
        self.assertIn('joe', detail)
        self.assertIn('own', detail)
        self.assertEqual(
            ('ok', '1 deployed machines'), results['maas machines']
        )

    def test_clocks(self) -> None:
        for skew, status, told in (
            (30, 'ok', 'behind that of MAAS'),
            (-30, 'ok', 'ahead of MAAS'),
            (200, 'warning', '200 s behind'),
            (-3600, 'warning', '3600 s ahead'),
        ):
            self.maas.region.clock_skew = skew + 0.5
            found, detail = self.results()['maas clock']
            self.assertEqual(status, found, detail)
            self.assertIn(told, detail)
        self.maas.region.clock_skew = 310
        status, detail = self.results()['maas credentials']
        self.assertEqual('failed', status)
        self.assertIn('clock', detail)

    def test_what_the_filters_leave(self) -> None:
        self.maas.region.tags.add('x')
        status, detail = self.results(tags=['x'])['maas machines']
        self.assertEqual('warning', status)
        self.assertIn('tags = x', detail)
        self.assertIn('administrator', detail)
        self.maas.add_machine(tags=['x'])
        self.maas.add_machine()
        self.assertEqual(
            ('ok', '1 deployed machines with tags = x; zones = az1'),
            self.results(tags=['x'], zones=['az1'])['maas machines'],
        )

    def test_filters_that_mean_nothing(self) -> None:
        """A wrong tag in not_tags is no error to MAAS: it keeps nobody
        out."""
        self.maas.add_machine(tags=['x'])
        for option, what in (
            ('tags', 'tag'),
            ('not_tags', 'tag'),
            ('pools', 'pool'),
            ('zones', 'zone'),
        ):
            results = self.results(**{option: ['nosuch', 'n2']})
            status, detail = results['maas filters']
            self.assertEqual('failed', status)
            self.assertIn(
                f'{option}: MAAS has no {what} named nosuch or n2', detail
            )
            self.assertIn(f'[{base.GROUP}]', detail)
            self.assertNotIn('maas machines', results)
        status, detail = self.results(
            tags=['x'], not_tags=['x', 'nosuch'], zones=['n2', 'az1']
        )['maas filters']
        self.assertIn('not_tags: MAAS has no tag named nosuch', detail)
        self.assertIn('zones: MAAS has no zone named n2', detail)
        self.assertNotIn(' x', detail)

    def test_filters_that_exist(self) -> None:
        self.maas.region.tags |= {'x', 'no-touch'}
        self.maas.region.pools.add('gold')
        self.maas.region.zones.add('az2')
        self.assertEqual(
            ('ok', 'MAAS has each of tags, not_tags, pools, zones'),
            self.results(
                tags=['x'],
                not_tags=['no-touch'],
                pools=['gold'],
                zones=['az2'],
            )['maas filters'],
        )
        self.assertNotIn('maas filters', self.results())
        # Each list once, and only where something of it is configured.
        self.maas.forget()
        self.results(tags=['x'], not_tags=['x'])
        lists = [
            request.path.rstrip('/').rpartition('/')[2]
            for request in self.maas.requests
        ]
        self.assertEqual(1, lists.count('tags'))
        self.assertNotIn('zones', lists)

    def test_who_is_no_administrator_may_ask_for_them(self) -> None:
        results = self.results(
            not_tags=['nosuch'], api_key=self.maas.joe.apikey
        )
        self.assertEqual('failed', results['maas filters'][0])

    def test_a_version_that_ignores_filters(self) -> None:
        for version, status in (
            ('2.5.4', CheckStatus.FAILED),
            ('2.6.0', CheckStatus.OK),
            ('3.10.1', CheckStatus.OK),
            ('snap', CheckStatus.OK),
        ):
            body = b'{"version": "%s"}' % version.encode()
            self.maas.fail(VERSION, faults.status(200, body))
            self.assertEqual(status.value, self.results()['maas endpoint'][0])

    def test_a_version_that_is_not_known_yet(self) -> None:
        self.maas.fail(VERSION, faults.status(200, b'{"version": "None"}'))
        status, detail = self.results()['maas endpoint']
        self.assertEqual('ok', status)
        self.assertIn('MAAS of unknown version', detail)

    def test_odd_replies(self) -> None:
        for match, name in (
            (VERSION, 'maas endpoint'),
            (WHOAMI, 'maas credentials'),
            (TAGS, 'maas filters'),
        ):
            for body in (
                b'null',
                b'[7]',
                b'[{}]',
                b'{}',
                b'"x"',
                b'7',
                b'{"a',
            ):
                self.maas.fail(match, faults.status(200, body))
                results = self.results(not_tags=['x'])
                self.assertEqual('failed', results[name][0])
                self.assertEqual(name, list(results)[-1])
