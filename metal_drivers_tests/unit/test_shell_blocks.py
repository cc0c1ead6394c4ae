# SPDX-License-Identifier: Apache-2.0
"""What the pages have people type into a shell, whatever the program."""

import itertools
import re
import shlex
import subprocess
import textwrap
from typing import Any

import yaml

from metal_drivers.planning import wish
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.deploy import reading

_PAGES = (
    *sorted(reading.TOP.glob('*.rst')),
    *sorted((reading.TOP / 'doc/source').rglob('*.rst')),
    *sorted((reading.TOP / 'doc/source').rglob('*.txt')),
    *sorted((reading.TOP / 'contrib').rglob('*.rst')),
)
#: What begins a block without a prompt that is meant for a shell.
_PROGRAMS = re.compile(
    r'\(?(?:ansible-playbook|apt-get|docker|git|helm|install|juju|kolla\S*|'
    r'kubectl|metal-drivers|oc|openstack|oslo-\S+|/opt/\S+|pip|podman|'
    r'promtool|python3?|reno|rm|sphinx-build|sudo|systemctl|tox) '
)
_LITERAL = re.compile(
    r'(?:::|^ *\.\. code-block:: (?P<language>\w+))\n\n'
    r'(?P<block>(?: +.*\n|\n(?= ))+)',
    re.M,
)


def _first(text: str) -> str:
    """An indented block, without text further out that may follow it."""
    lines = text.splitlines(keepends=True)
    margin = lines[0][: -len(lines[0].lstrip())]
    return textwrap.dedent(
        ''.join(
            itertools.takewhile(
                lambda line: not line.strip() or line.startswith(margin),
                lines,
            )
        )
    )


def shell_blocks(text: str) -> list[str]:
    """The blocks of a page that a shell reads, without what is printed."""
    found = []
    for match in _LITERAL.finditer(text):
        block = _first(match['block'])
        lines = block.replace('\\\n', ' ').splitlines()
        typed = [line[2:] for line in lines if line.startswith('$ ')]
        if typed:
            found.append('\n'.join(typed))
        elif match['language'] in ('console', 'shell', 'bash', 'sh') or (
            not match['language'] and _PROGRAMS.match(block)
        ):
            found.append('\n'.join(lines))
    return found


def words(block: str) -> list[list[str]]:
    """The words of each line."""
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def parameters(line: list[str]) -> list[str]:
    """The parameters of our strategy that an audit is given."""
    if wish.STRATEGY not in line:
        return []
    return [
        value.partition('=')[0]
        for option, value in itertools.pairwise(line)
        if option in ('-p', '--parameter')
    ]


def charm_names(line: list[str]) -> list[tuple[str, str]]:
    """What a command of Juju names of our charm: the kind and the name."""
    application = 'watcher-metal-drivers'
    if line[:3] == ['juju', 'config', application]:
        return [
            ('options', word.partition('=')[0])
            for word in line[3:]
            if not word.startswith('-')
        ]
    if line[:2] == ['juju', 'run'] and line[2].startswith(f'{application}/'):
        return [('actions', line[3])]
    if line[:2] == ['juju', 'deploy'] and application in line[2]:
        return [
            ('resources', value.partition('=')[0])
            for option, value in itertools.pairwise(line)
            if option == '--resource'
        ]
    return []


class TestBlocks(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pages = {
            str(page): shell_blocks(page.read_text(encoding='utf-8'))
            for page in _PAGES
        }
        self.lines = [
            (page, line)
            for page, blocks in self.pages.items()
            for block in blocks
            for line in words(block)
        ]

    def error(self, script: str) -> str:
        """What the shell says of a script that it only reads."""
        done = subprocess.run(
            ['sh', '-n'],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr if done.returncode else ''

    def test_the_shell_can_read_each(self) -> None:
        self.assertLess(60, sum(map(len, self.pages.values())))
        for page, blocks in self.pages.items():
            # A function each: a block cannot end what another one begins.
            script = ''.join(
                f'block_{number}() {{\n{block}\n}}\n'
                for number, block in enumerate(blocks)
            )
            self.assertEqual('', self.error(script), f'{page}:\n{script}')

    def test_one_that_it_cannot_read_is_found(self) -> None:
        text = 'Type::\n\n    $ openstack server list (\n    | a table\n'
        self.assertEqual(['openstack server list ('], shell_blocks(text))
        self.assertNotEqual('', self.error('openstack server list ('))

    def test_parameters_are_those_of_the_strategy(self) -> None:
        found = [
            (page, name)
            for page, line in self.lines
            for name in parameters(line)
        ]
        self.assertLess(5, len(found))
        for page, name in found:
            self.assertIn(name, wish.PARAMETERS, page)

    def test_names_of_the_charm(self) -> None:
        charm: Any = yaml.safe_load(
            (reading.TOP / 'charm/charmcraft.yaml').read_text(encoding='utf-8')
        )
        known = {
            'options': charm['config']['options'],
            'actions': charm['actions'],
            'resources': charm['resources'],
        }
        found = [
            (page, *named)
            for page, line in self.lines
            for named in charm_names(line)
        ]
        self.assertEqual(set(known), {kind for _, kind, _ in found})
        for page, kind, name in found:
            self.assertIn(name, known[kind], f'{page}: {kind}')
