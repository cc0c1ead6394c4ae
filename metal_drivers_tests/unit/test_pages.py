# SPDX-License-Identifier: Apache-2.0
"""What the pages have people type and write can be typed and written."""

import argparse
import contextlib
import io
import pathlib
import re
import shlex
import textwrap
from collections.abc import Iterator
from typing import Any

from metal_drivers.cli import main
from metal_drivers_tests.unit import base
from metal_drivers_tests.unit.deploy import reading

_PAGES = (
    *sorted(reading.TOP.glob('*.rst')),
    *sorted((reading.TOP / 'doc/source').rglob('*.rst')),
    *sorted((reading.TOP / 'doc/source').rglob('*.txt')),
)
#: Sections that are shown, and which no service of Watcher reads for us.
_OF_OTHERS = {
    'DEFAULT',  # of Ironic
    'options.entry_points',  # of setup.cfg
    'metal_helper',  # of Watcher, with the change in contrib/watcher
    'watcher.metal.drivers.acme',  # of the driver that readers write
    'watcher_cluster_data_model_collectors.compute',  # of Watcher
}


def _blocks(text: str) -> Iterator[str]:
    """The literal blocks of a page, without what their lines begin with."""
    for block in re.findall(r'(?:^ .*\n|^\n(?= ))+', text, re.M):
        yield textwrap.dedent(block)


def _commands(text: str) -> list[str]:
    """What is typed after ``metal-drivers``, in whatever surrounds it."""
    found = []
    for block in _blocks(text.replace('\\\n', ' ')):
        for line in block.splitlines():
            typed = re.fullmatch(
                r' *(?:\$ |sudo [^|]*|.*\b(?:docker|kubectl|oc) .* )?'
                r'metal-drivers (.*)',
                line,
            )
            # Not the middle of a sentence.
            if typed and not re.search(r'`|[.,:]$', typed[1]):
                # Without what the shell does with its output.
                found.append(re.split(r' [>|] ', typed[1])[0])
    return found


class TestCommands(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.app = main.MetalDriversApp()

    def parse(self, command: str) -> None:
        """As the command does.

        :raises ValueError: there is no such command or option.
        """
        words = shlex.split(command, comments=True)
        options, rest = self.app.parser.parse_known_args(words)
        # cliff splits the words at the command's name.
        cls, name, args = self.app.command_manager.find_command(rest)
        self.app.options = options
        parser: argparse.ArgumentParser = cls(self.app, None).get_parser(name)
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            try:
                parser.parse_args(args)
            except SystemExit as exc:
                raise ValueError(printed.getvalue()) from exc

    def test_each_command_can_be_typed(self) -> None:
        count = 0
        for page in _PAGES:
            for command in _commands(page.read_text(encoding='utf-8')):
                try:
                    self.parse(command)
                except ValueError as exc:
                    raise AssertionError(f'{page}: {command}') from exc
                count += 1
        self.assertLess(10, count)

    def test_a_wrong_one_is_found(self) -> None:
        for command in ('node burn', 'node list --sudo', 'check now'):
            self.assertRaises(ValueError, self.parse, command)


class TestRemoval(base.TestCase):
    def test_each_deployment_first_powers_on_what_is_off(self) -> None:
        folder = reading.TOP / 'doc/source/deploy'
        pages = {*folder.glob('*.rst')} - {folder / 'index.rst'}
        self.assertLess(5, len(pages))
        for page in pages:
            text = ' '.join(page.read_text(encoding='utf-8').split())
            self.assertRegex(
                text,
                r'[Pp]ower on the hosts that are off[^.]*'
                r'``metal-drivers node power on``',
                str(page),
            )


class TestExamples(base.TestCase):
    def test_an_address_of_maas_or_openstack_has_tls(self) -> None:
        """But for DevStack, which is a test, and has numbers."""
        for page in _PAGES:
            text = page.read_text(encoding='utf-8')
            self.assertNotRegex(text, r'http://\w+\.example\.org', str(page))


class TestConfiguration(base.TestCase):
    def test_each_block_can_be_read(self) -> None:
        count = 0
        for page in _PAGES:
            text = page.read_text(encoding='utf-8')
            for block in re.findall(
                r'^ *\.\. code-block:: ini\n\n((?: .*\n|\n(?= ))+)', text, re.M
            ):
                sections = self.sections(textwrap.dedent(block))
                kept = {
                    name: options
                    for name, options in sections.items()
                    if name not in _OF_OTHERS
                }
                path = pathlib.Path(self.conf_file(''.join(kept.values())))
                try:
                    reading.read(path)
                except Exception as exc:
                    raise AssertionError(f'{page}:\n{block}') from exc
                count += len(kept)
        self.assertLess(10, count)

    def sections(self, block: str) -> dict[str, Any]:
        parts = re.split(r'^(?=\[)', block, flags=re.M)
        return {
            part[1 : part.index(']')]: part for part in parts if part.strip()
        }


class TestReleaseNotes(base.TestCase):
    def test_the_page_finds_the_notes(self) -> None:
        """Reno looks in a directory below another, both with a default, and
        says nothing where it finds no notes."""
        page = (reading.TOP / 'doc/source/release-notes.rst').read_text()
        self.assertIn('.. release-notes::', page)
        options = dict(re.findall(r'^   :([a-z]+): (\S+)$', page, re.M))
        folder = (
            reading.TOP
            / options.get('relnotessubdir', 'releasenotes')
            / options.get('notesdir', 'notes')
        )
        self.assertTrue(sorted(folder.glob('*.yaml')), folder)


class TestTables(base.TestCase):
    """A line with a first cell only would be a row of its own."""

    TABLE = re.compile(
        r'^( *=+(?:  +=+)+)\n((?:.+\n)+?)\1\n(?:((?:.+\n)+?)\1\n)?', re.M
    )

    def halves(self, text: str) -> list[str]:
        """The lines that have nothing but a first cell."""
        found = []
        for border, head, body in self.TABLE.findall(text):
            second = re.search(r'(?<= )=', border.lstrip())
            assert second is not None
            start = len(border) - len(border.lstrip()) + second.start()
            found += [
                line
                for line in (body or head).splitlines()
                if line[:start].strip() and not line[start:].strip()
            ]
        return found

    def test_each_row_has_a_second_cell(self) -> None:
        tables = 0
        for page in _PAGES:
            text = page.read_text(encoding='utf-8')
            tables += len(self.TABLE.findall(text))
            self.assertEqual([], self.halves(text), str(page))
        self.assertLess(5, tables)

    def test_half_a_row_is_found(self) -> None:
        rows = '====  ====\nName  Use\n====  ====\na     one\nb\n====  ====\n'
        self.assertEqual(['b'], self.halves(rows))
