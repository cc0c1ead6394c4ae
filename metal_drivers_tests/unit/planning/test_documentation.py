# SPDX-License-Identifier: Apache-2.0
"""What "Reserves" and "Reliability" have people type can be typed, and what
they quote is so."""

import dataclasses
import datetime
import itertools
import json
import pathlib
import re
import shlex
from typing import Any
from unittest import mock

from oslo_config import cfg

from metal_drivers import conf
from metal_drivers.cli.plan import Plan
from metal_drivers.compute import markers
from metal_drivers.planning import Rule, wish
from metal_drivers.planning.reliability import Failures, stamp
from metal_drivers_tests.unit import base

_DOC = pathlib.Path(__file__).parents[3] / 'doc/source'


def _commands(text: str, name: str) -> list[list[str]]:
    """The arguments of each command of that name."""
    joined = re.sub(r'\\\n\s*', '', text)
    return [
        shlex.split(line)
        for line in re.findall(rf'^ +({name} .*)$', joined, re.M)
    ]


class TestPages(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = ''.join(
            (_DOC / f'{name}.rst').read_text(encoding='utf-8')
            for name in ('reserves', 'reliability')
        )

    def test_plan(self) -> None:
        parser = Plan(mock.Mock(), None).get_parser('metal-drivers plan')
        commands = _commands(self.text, 'metal-drivers plan')
        self.assertEqual(4, len(commands))
        parsed = [parser.parse_args(args[2:]) for args in commands]
        self.assertEqual(2, parsed[0].min_free_hosts_num)
        self.assertEqual(
            [
                Rule('zone', 'az1', min_free_hosts_num=2),
                Rule('aggregate', 'ssd', free_used_percent=20),
                Rule('trait', 'CUSTOM_GPU', min_free_hosts_num=1),
            ],
            parsed[1].reserve,
        )

    def test_audits(self) -> None:
        """Their parameters exist, and the rules are rules."""
        audits = _commands(self.text, 'openstack optimize audit create')
        self.assertEqual(2, len(audits))
        given: dict[str, Any] = {}
        for args in audits:
            for flag, value in itertools.pairwise(args):
                if flag == '--parameter':
                    name, _, text = value.partition('=')
                    given[name] = json.loads(text)
        self.assertEqual(
            {
                'min_free_hosts_num',
                'reserve',
                'idle_minutes',
                'exercise_days',
            },
            set(given),
        )
        self.assertEqual(set(), set(given) - set(wish.PARAMETERS))
        rules = list(map(Rule.read, given['reserve']))
        self.assertEqual(
            ['zone az1', 'aggregate ssd', 'trait CUSTOM_GPU'],
            [rule.group for rule in rules],
        )

    def test_options(self) -> None:
        (section,) = re.findall(
            r'\.\. code-block:: ini\n\n((?: .*\n)+)', self.text
        )
        options = dict(re.findall(r'(\w+) = (\w+)', section))
        known = {opt.dest: opt for opt in conf.OPTS}
        for name, value in options.items():
            self.assertIsInstance(known[name], cfg.IntOpt)
            self.assertEqual(known[name].default, int(value))

    def test_what_is_said_of_a_host_that_failed(self) -> None:
        text = (_DOC / 'reliability.rst').read_text(encoding='utf-8')
        (reason,) = re.findall(r'metal-drivers/1 .*', text)
        marker = markers.parse(reason)
        assert marker is not None
        self.assertEqual(reason, marker.reason)
        self.assertEqual(
            (markers.MarkerKind.FAILED_ON, 2), (marker.kind, marker.times)
        )
        failures = Failures(marker.times, marker.when)
        self.assertIn(f'``{failures}``', text)
        self.assertIn(
            f'``off; {marker.failure}, last at {stamp(marker.when)}``', text
        )
        hours = [
            (
                dataclasses.replace(failures, count=n).retry_at(3600)
                - marker.when
            )
            / datetime.timedelta(hours=1)
            for n in range(1, 8)
        ]
        self.assertEqual([1, 2, 4, 8, 16, 24, 24], hours)

    def test_every_parameter_is_an_option_of_the_command(self) -> None:
        parser = Plan(mock.Mock(), None).get_parser('metal-drivers plan')
        options = set(parser._option_string_actions)
        self.assertEqual(
            {'--dry-run'},
            {f'--{name.replace("_", "-")}' for name in wish.PARAMETERS}
            - options,
        )
