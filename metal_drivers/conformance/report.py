# SPDX-License-Identifier: Apache-2.0
"""What became of the rules: as rows, as JSON, and as a badge."""

from __future__ import annotations

import dataclasses
import datetime
import html
import json
from collections.abc import Sequence

from metal_drivers.conformance.rules import Tier
from metal_drivers.conformance.runner import Result, Verdict

#: The version of the form of the JSON.
SCHEMA = 1

COLUMNS = ('Rule', 'Tier', 'Result', 'Detail')


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The results of one run, and what they are about."""

    driver: str
    distribution: str
    #: The version of that distribution.
    version: str
    #: The version of watcher-metal-drivers, whose rules these are.
    rules_of: str
    #: The version of the contract that the driver was written for.
    contract: tuple[int, int]
    when: datetime.datetime
    results: Sequence[Result]
    #: Whether it was ended before all rules were tried.
    interrupted: bool = False

    @property
    def passed(self) -> bool:
        """Whether all rules were tried that could be, and no required one
        is broken."""
        return not self.interrupted and all(each.good for each in self.results)

    def count(self, tier: Tier, *verdicts: Verdict) -> int:
        return sum(
            each.rule.tier is tier and each.verdict in verdicts
            for each in self.results
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """For the table; see :data:`COLUMNS`."""
        return [
            (
                each.rule.id,
                each.rule.tier.value,
                each.verdict.value,
                _detail(each),
            )
            for each in self.results
        ]

    def json(self) -> str:
        """The report, in the documented form."""
        found = {
            'schema': SCHEMA,
            'driver': self.driver,
            'distribution': self.distribution,
            'version': self.version,
            'contract': list(self.contract),
            'rules_of': self.rules_of,
            'when': self.when.isoformat(timespec='seconds'),
            'passed': self.passed,
            'interrupted': self.interrupted,
            'summary': {
                tier.value: {
                    verdict.value: self.count(tier, verdict)
                    for verdict in Verdict
                }
                for tier in Tier
            },
            'rules': [
                {
                    'id': each.rule.id,
                    'topic': each.rule.topic,
                    'sentence': each.rule.sentence,
                    'page': each.rule.page,
                    'tier': each.rule.tier.value,
                    'result': each.verdict.value,
                    'detail': each.detail,
                }
                for each in self.results
            ],
        }
        return json.dumps(found, indent=2, ensure_ascii=False) + '\n'

    def badge(self) -> str:
        """An SVG picture that needs nothing else."""
        counts = {
            verdict: self.count(Tier.REQUIRED, verdict) for verdict in Verdict
        }
        said = ', '.join(
            f'{number} {verdict.value}'
            for verdict, number in counts.items()
            if number
        )
        colour = '#2a7d2a' if self.passed else '#b3261e'
        contract = '.'.join(map(str, self.contract))
        return _badge(
            f'metal-drivers contract {contract}',
            'interrupted' if self.interrupted else said,
            colour,
        )


def _detail(result: Result) -> str:
    if result.verdict is not Verdict.FAILED:
        return result.detail
    return f'{result.detail} (the rule: {result.rule.sentence})'


#: The width of a character, in pixels, and what is left and right of it.
_CHAR, _MARGIN = 6.6, 8


def _badge(left: str, right: str, colour: str) -> str:
    first, second = (
        round(len(each) * _CHAR) + 2 * _MARGIN for each in (left, right)
    )
    whole = html.escape(f'{left}: {right}')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" '
        f'height="20" role="img" aria-label="{whole}">'
        f'<title>{whole}</title>'
        f'<rect width="{first}" height="20" fill="#444"/>'
        f'<rect x="{first}" width="{second}" height="20" fill="{colour}"/>'
        '<g fill="#fff" text-anchor="middle" font-size="11" '
        'font-family="Verdana,DejaVu Sans,sans-serif">'
        f'<text x="{first / 2}" y="14">{html.escape(left)}</text>'
        f'<text x="{first + second / 2}" y="14">{html.escape(right)}</text>'
        '</g></svg>\n'
    )
