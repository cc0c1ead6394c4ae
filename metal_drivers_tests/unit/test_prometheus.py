# SPDX-License-Identifier: Apache-2.0
"""The rules and the dashboard ask for metrics that are there.

What Prometheus itself makes of them is in the functional tests.
"""

import datetime
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import yaml

from metal_drivers.compute import markers
from metal_drivers.fleet import Fleet
from metal_drivers.metrics import families
from metal_drivers.overview import Answers, Asked, Lists, take
from metal_drivers.planning import Wish
from metal_drivers.power import PowerSettings
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.planning.base import NOW, OFF, host

_TOP = pathlib.Path(__file__).parents[2]
_FOLDER = _TOP / 'contrib/prometheus'
_PAGE = _TOP / 'doc/source/metrics.rst'

#: A metric, and the labels that it is selected by.
_METRIC = re.compile(r'(metal_drivers_\w+)(?:\{([^}]*)\})?')
_LABEL = re.compile(r'(\w+)\s*(?:=~|!=|!~|=)')
#: Those that Prometheus adds.
_ADDED = {'job', 'instance'}


def metrics() -> dict[str, set[str]]:
    """All that there are, and the labels of each."""
    failed = markers.reason('id-3', NOW, markers.MarkerKind.FAILED_ON, 1)
    lists = Lists(
        Fleet(
            (
                host(1, OFF, ours=1),
                host(2, ours=1, under_way=True),
                host(3, OFF, reason=failed),
            )
        )
    )
    asked = Asked('nova', datetime.datetime.now(datetime.UTC), 0.1)
    found = families.collect(
        'ironic',
        Answers((asked,), lists),
        take(lists, PowerSettings(), Wish(), NOW),
        NOW,
    )
    return {
        family.name: {label for each in family.samples for label in each[1]}
        for family in found
    }


def dashboard() -> Any:
    return json.loads((_FOLDER / 'dashboard.json').read_text())


def rules() -> list[dict[str, Any]]:
    read = yaml.safe_load((_FOLDER / 'rules.yml').read_text())
    return [rule for group in read['groups'] for rule in group['rules']]


def expressions() -> Iterator[tuple[str, str]]:
    """Where each is, and what it is."""
    for rule in rules():
        yield rule['alert'], rule['expr']
    for panel in dashboard()['panels']:
        for target in panel['targets']:
            yield panel['title'], target['expr']
    for variable in dashboard()['templating']['list']:
        if variable['type'] == 'query':
            yield variable['name'], variable['query']['query']


class TestMetricsThatAreThere(base.TestCase):
    def test_metrics_and_labels(self) -> None:
        there = metrics()
        asked = 0
        for where, expression in expressions():
            for name, selectors in _METRIC.findall(expression):
                asked += 1
                self.assertIn(name, there, where)
                labels = set(_LABEL.findall(selectors))
                self.assertEqual(set(), labels - there[name], where)
        self.assertGreater(asked, 20)

    def test_labels_in_what_is_said(self) -> None:
        there = metrics()
        for rule in rules():
            (first, *_) = _METRIC.findall(rule['expr']) or [('up', '')]
            known = there.get(first[0], set()) | _ADDED
            for text in rule['annotations'].values():
                used = set(re.findall(r'\$labels\.(\w+)', text))
                self.assertEqual(set(), used - known, rule['alert'])

    def test_labels_in_legends(self) -> None:
        there = metrics()
        for panel in dashboard()['panels']:
            for target in panel['targets']:
                ((name, _),) = _METRIC.findall(target['expr'])
                used = set(
                    re.findall(r'\{\{(\w+)\}\}', target['legendFormat'])
                )
                self.assertEqual(set(), used - there[name], panel['title'])

    def test_each_alert_says_what_to_do(self) -> None:
        for rule in rules():
            if rule['labels']['severity'] != 'none':
                self.assertTrue(rule['annotations']['description'])

    def test_each_alert_is_tested(self) -> None:
        read = yaml.safe_load((_FOLDER / 'tests/rules_test.yml').read_text())
        fired = {
            case['alertname']
            for test in read['tests']
            for case in test['alert_rule_test']
            if case.get('exp_alerts')
        }
        self.assertEqual({rule['alert'] for rule in rules()}, fired)

    def test_what_is_inhibited_is_there(self) -> None:
        read = yaml.safe_load((_FOLDER / 'alertmanager.yml').read_text())
        (rule,) = read['inhibit_rules']
        ((alert,),) = [
            re.findall(r'alertname = (\w+)', matcher)
            for matcher in rule['source_matchers']
        ]
        self.assertIn(alert, {each['alert'] for each in rules()})
        self.assertEqual(['host'], rule['equal'])

    def test_the_page_has_each_metric(self) -> None:
        """And no other."""
        page = _PAGE.read_text(encoding='utf-8')
        _, _, table = page.partition('The metrics\n====')
        table = table.partition('A series for one host')[0]
        said = {
            'metal_drivers_' + name: set(re.findall('``(\\w+)``', labels))
            for name, labels in re.findall(
                r'\* - ``(\w+)``\s+\(([^)]*)\)', table
            )
        }
        self.assertEqual(metrics(), said)
