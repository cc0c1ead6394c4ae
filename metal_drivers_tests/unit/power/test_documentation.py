# SPDX-License-Identifier: Apache-2.0
"""The page on power says what the tables say, all of it."""

import importlib
import pathlib
import re
import sys
from typing import Any
from unittest import mock

from metal_drivers import model
from metal_drivers.power import back, off, on, rules
from metal_drivers.power.values import What
from metal_drivers_tests.unit import base

_DOC = pathlib.Path(__file__).parents[3] / 'doc'

with mock.patch('sys.path', [str(_DOC / 'ext'), *sys.path]):
    tables: Any = importlib.import_module('tables')

PARTS = {
    (table.name, tidy): table.tidy if tidy else table.rules
    for table in (off.OFF, on.ON, back.RECOVER)
    for tidy in (False, True)
}


class TestSentences(base.TestCase):
    """Each entry has a sentence, or is a question asked before."""

    def test_each_rule_has_one(self) -> None:
        for (name, _), part in PARTS.items():
            for row in tables.rows(part):
                if not row.question:
                    self.assertTrue(row.sentence, f'{name}: {row.name}')

    def test_a_question_without_one_is_a_repeat(self) -> None:
        texts = {
            entry.what
            for part in PARTS.values()
            for entry in part
            if isinstance(entry, rules.Need) and entry.text
        }
        self.assertEqual(set(What), texts)

    def test_each_is_one_that_can_stand_alone(self) -> None:
        for part in PARTS.values():
            for row in tables.rows(part):
                if row.sentence:
                    self.assertRegex(row.sentence, r'^(\w.*\.)$')


class TestSteps(base.TestCase):
    """What an entry can do is read from its source."""

    def row(self, name: str, table: str = 'off', tidy: bool = False) -> Any:
        found = tables.rows(PARTS[table, tidy])
        return next(row for row in found if row.name == name)

    def test_a_step_that_another_function_makes(self) -> None:
        row = self.row('work of others')
        self.assertEqual((('wait',), ('timed out',)), (row.acts, row.ends))

    def test_ways_only_where_there_are_several(self) -> None:
        self.assertIn('next way', self.row('a request is followed').acts)
        self.assertNotIn(
            'next way', self.row('a request is followed', 'on').acts
        )

    def test_each_rule_can_do_something(self) -> None:
        for part in PARTS.values():
            for row in tables.rows(part):
                self.assertTrue(row.acts or row.ends, row.name)

    def test_only_what_is_last_is_bounded_in_age(self) -> None:
        row = tables.rows(PARTS['off', False])[-4]
        self.assertEqual('nova-compute', row.name)
        self.assertEqual(rules.FRESH, row.fresh)
        self.assertIn('the answer about the node', row.older)

    def test_outcomes_are_those_of_results(self) -> None:
        known = {outcome.value for outcome in model.Outcome}
        for part in PARTS.values():
            for row in tables.rows(part):
                self.assertLessEqual(set(row.ends), known | {'error', 'end'})


class TestPage(base.TestCase):
    """The page shows every part of every table."""

    def test_lists(self) -> None:
        page = (_DOC / 'source/power.rst').read_text(encoding='utf-8')
        shown = {
            (name, bool(tidy))
            for name, tidy in re.findall(
                r'^\.\. power-table:: (\w+)\n( +:tidy:\n)?', page, re.M
            )
        }
        self.assertEqual(set(PARTS), shown)
