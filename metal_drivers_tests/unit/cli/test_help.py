# SPDX-License-Identifier: Apache-2.0
"""``--help``, its examples, and the completion of the shell."""

import datetime
import os
import pathlib
import shlex
import subprocess
from importlib import metadata
from typing import Any

import fixtures
from cliff import display

from metal_drivers.cli import main
from metal_drivers.history import record
from metal_drivers_tests.unit.cli import base, maas

#: What bash-completion has, as far as the script of cliff uses it.
_BASH = r"""
_get_comp_words_by_ref() {
    words=("${COMP_WORDS[@]}")
    cur="${COMP_WORDS[COMP_CWORD]}"
    prev="${COMP_WORDS[COMP_CWORD - 1]}"
}
try() {
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _metal_drivers
    echo "${COMPREPLY[@]}"
}
try metal-drivers ''
try metal-drivers node p
try metal-drivers node power off --d
try metal-drivers check --fix
"""


_ENDLESS = {'--watch', '--listen'}


def _commands() -> dict[str, Any]:
    return {
        entry.name.replace('_', ' '): entry.load()
        for entry in metadata.entry_points(group='metal_drivers.commands')
    }


class TestExamples(base.CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(
            fixtures.MonkeyPatch('metal_drivers.services.Clock', maas.OwnTime)
        )
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.useFixture(fixtures.TempDir()).path)
        now = datetime.datetime.now(datetime.UTC)
        ended = record.Record(now, now, 'id-1')
        pathlib.Path('history.jsonl').write_text(ended.line())

    def examples(self, name: str) -> list[list[str]]:
        """The arguments of each example, without those for all commands."""
        found = []
        for sentence, line in _commands()[name].EXAMPLES:
            self.assertTrue(sentence.endswith('.'), sentence)
            words = shlex.split(line)
            self.assertEqual('metal-drivers', words.pop(0))
            if words[0] == '--config-file':
                del words[:2]
            self.assertEqual(name.split(), words[: len(name.split())])
            found.append(words)
        self.assertTrue(found, f'{name} has no example')
        return found

    def test_each_command_has_some_that_parse(self) -> None:
        app = main.MetalDriversApp()
        for name, command in _commands().items():
            for words in self.examples(name):
                parser = command(app, None).get_parser(name)
                parser.parse_args(words[len(name.split()) :])

    def test_they_work(self) -> None:
        """All but those that try a whole contract, for seconds, and those
        that go on until they are ended."""
        for name in _commands():
            if name in ('driver certify', 'driver check'):
                continue
            for words in self.examples(name):
                if _ENDLESS.intersection(words):
                    continue
                done = self.metal(*words, answer='y')
                said = f'{shlex.join(words)}: {done.stdout}{done.stderr}'
                self.assertEqual(0, done.status, said)
                self.assertTrue(done.stdout or '--textfile' in words, said)

    def test_a_column_that_is_not_there_is_usage(self) -> None:
        """Of any command that has columns, before it changes anything."""
        for name, command in _commands().items():
            if not issubclass(command, display.DisplayCommandBase):
                continue
            words = [
                word.replace('acme', 'ironic')
                for word in self.examples(name)[0]
            ]
            done = self.metal(*words, '-c', 'Wrong')
            self.assertEqual(2, done.status, f'{name}: {done.stderr}')
            self.assertEqual('', done.stdout)
            self.assertIn(
                "There is no column 'Wrong'", done.stderr.splitlines()[-1]
            )
        for server in (self.ironic, self.nova):
            self.assertEqual({'GET'}, {r.method for r in server.requests})

    def test_they_keep_their_lines(self) -> None:
        for name in _commands():
            text = self.metal(*name.split(), '--help').stdout
            self.assertIn('\nExamples:\n\n  # ', text)
            for _, line in _commands()[name].EXAMPLES:
                self.assertIn(f'\n  {line}\n', text)


class TestCompletion(base.CommandTestCase):
    def test_bash_completes(self) -> None:
        script = self.metal('complete').stdout
        done = subprocess.run(
            ['bash', '--norc'],
            input=script + _BASH,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        first, *others = done.stdout.splitlines()
        tops = sorted({name.split()[0] for name in _commands()})
        self.assertLessEqual(set(tops), set(first.split()))
        self.assertEqual(['power', '--dry-run', '--fix-hints'], others)
        self.assertEqual('', done.stderr)

    def test_every_command_is_in_it(self) -> None:
        script = self.metal('complete').stdout
        for name in _commands():
            self.assertRegex(
                script, rf"cmds_{name.replace(' ', '_')}='[^']*--help"
            )
