# SPDX-License-Identifier: Apache-2.0
"""The report: rows, JSON, a badge."""

from __future__ import annotations

import datetime
import json
import pathlib
import re
import xml.etree.ElementTree as ElementTree

from metal_drivers.conformance import Result, Rule, Tier, Verdict, report
from metal_drivers_tests.unit import base

_PAGE = (
    pathlib.Path(__file__).parents[3] / 'doc/source/contributor/contract.rst'
)


def rule(name: str, tier: Tier = Tier.REQUIRED) -> Rule:
    return Rule(name, 'topic', 'A sentence.', lambda bench: None, tier)


KEPT = Result(rule('kept'), Verdict.OK)
BROKEN = Result(rule('broken'), Verdict.FAILED, 'it said <no> & went')
WEAK = Result(rule('weak', Tier.RECOMMENDED), Verdict.FAILED, 'slow')
LEFT = Result(rule('left'), Verdict.NOT_TRIED, 'needs hold()')


class TestReport(base.TestCase):
    def made(
        self, *results: Result, interrupted: bool = False
    ) -> report.Report:
        return report.Report(
            'acme',
            'acme-metal',
            '1.2',
            '3.4',
            (1, 0),
            datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC),
            results,
            interrupted,
        )

    def test_rows(self) -> None:
        self.assertEqual(
            [
                ('kept', 'required', 'ok', ''),
                (
                    'broken',
                    'required',
                    'failed',
                    'it said <no> & went (the rule: A sentence.)',
                ),
                ('left', 'required', 'not tried', 'needs hold()'),
            ],
            self.made(KEPT, BROKEN, LEFT).rows(),
        )

    def test_passed_without_what_is_recommended(self) -> None:
        self.assertTrue(self.made(KEPT, WEAK, LEFT).passed)
        self.assertFalse(self.made(KEPT, BROKEN).passed)
        self.assertFalse(self.made(KEPT, interrupted=True).passed)

    def test_json_has_what_the_documentation_says(self) -> None:
        found = json.loads(self.made(KEPT, BROKEN, WEAK, LEFT).json())
        text = _PAGE.read_text(encoding='utf-8')
        table = re.findall(r'^(?:.*, and its )?``(\w+)`` ', text, re.M)
        self.assertEqual(set(found) - {'version'}, set(table))
        self.assertEqual('2026-03-01T00:00:00+00:00', found['when'])
        self.assertEqual([1, 0], found['contract'])
        self.assertEqual(
            {
                'required': {'ok': 1, 'failed': 1, 'not tried': 1},
                'recommended': {'ok': 0, 'failed': 1, 'not tried': 0},
            },
            found['summary'],
        )
        self.assertEqual(
            {
                'id': 'broken',
                'topic': 'topic',
                'sentence': 'A sentence.',
                'page': 'contributor/contract.html#broken',
                'tier': 'required',
                'result': 'failed',
                'detail': 'it said <no> & went',
            },
            found['rules'][1],
        )

    def test_badge_is_a_picture(self) -> None:
        for results, colour in (((KEPT, LEFT), '2a7d2a'), ((BROKEN,), 'b326')):
            text = self.made(*results).badge()
            root = ElementTree.fromstring(text)  # noqa: S314, it is ours
            self.assertTrue(root.tag.endswith('}svg'))
            self.assertIn(colour, text)
            # The name of its namespace is the only address in it.
            self.assertEqual(1, text.count('http'))
        self.assertIn('1 ok, 1 not tried', self.made(KEPT, LEFT).badge())
