# SPDX-License-Identifier: Apache-2.0
"""``node list`` as somebody at a terminal sees it."""

import dataclasses
import datetime
import fcntl
import os
import pty
import struct
import termios
import uuid
from collections.abc import Sequence

import fixtures
import testtools

from metal_drivers.cli import terminal
from metal_drivers.drivers.ironic import nodes
from metal_drivers_tests.unit.cli import base

HEADS = ['Name', 'Power', 'Host', 'Hypervisor', 'Servers', 'Note']


class TestPty(base.CommandTestCase):
    """Names of 30 characters, at a pseudo-terminal."""

    def setUp(self) -> None:
        super().setUp()
        self.names = [f'rack-07-compute-frankfurt-{n:04}' for n in (1, 2, 3)]
        self.hosts = [f'compute-frankfurt-rack-07-{n:04}' for n in (1, 2, 3)]
        self.ids = []
        self.nova.power_probe = None
        for name, host in zip(self.names, self.hosts, strict=True):
            found = self.nova.add_host(host)
            node = self.ironic.add_node(
                name=name, extra={'compute_node_id': found.hypervisor_id}
            )
            self.ids.append(node.uuid)
        service = self.nova.hosts[self.hosts[1]]
        self.other = str(uuid.uuid4())
        self.mark(service.name, self.other)

    def listing(self, width: int, *args: str) -> list[str]:
        """What ``node list`` writes to a terminal of that width."""
        ours, theirs = pty.openpty()
        size = struct.pack('HHHH', 50, width, 0, 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        with open(theirs, 'w', encoding='utf-8') as stdout:
            done = self.metal('node', 'list', *args, stdout=stdout)
            self.assertEqual((0, ''), (done.status, done.stderr))
            stdout.flush()
            text = b''
            os.set_blocking(ours, False)
            try:
                while more := os.read(ours, 65536):
                    text += more
            except BlockingIOError:
                pass
        os.close(ours)
        return text.decode().splitlines()

    def test_fits_and_breaks_no_name(self) -> None:
        for width in (100, 130):
            lines = self.listing(width)
            self.assertEqual([], [x for x in lines if len(x) > width])
            for name, host in zip(self.names, self.hosts, strict=True):
                (line,) = (x for x in lines if x.startswith(name))
                self.assertIn(f' {host} ', line)
            text = '\n'.join(lines)
            self.assertIn(f'({self.other})', text)
            for each in self.ids:
                self.assertNotIn(each[:8], text)
            for head in HEADS:
                self.assertIn(head, text)

    def test_notes_stand_beside_where_there_is_room(self) -> None:
        (line,) = (x for x in self.listing(130) if x.startswith(self.names[1]))
        self.assertIn('nova-compute disabled', line)
        lines = self.listing(100)
        at = lines.index(next(x for x in lines if x.startswith(self.names[1])))
        self.assertTrue(lines[at + 1].startswith('    nova-compute disabled'))

    def test_an_age_fits_too(self) -> None:
        seen = datetime.datetime.now(datetime.UTC) - datetime.timedelta(
            seconds=3700
        )
        node_of = nodes.node_of
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.ironic.driver.node_of',
                lambda entry: dataclasses.replace(
                    node_of(entry), observed_at=seen
                ),
            )
        )
        self.ironic.node(self.names[0]).power_state = 'power off'
        lines = self.listing(100)
        self.assertEqual([], [x for x in lines if len(x) > 100])
        (at,) = (n for n, x in enumerate(lines) if x.startswith(self.names[0]))
        self.assertEqual('(61 min ago)', lines[at + 1].strip())
        self.assertIn('  off (61 min ago)  ', '\n'.join(self.listing(130)))

    def test_long_has_the_ids(self) -> None:
        lines = self.listing(130, '--long')
        self.assertTrue(lines[-1].startswith(self.ids[2]), lines[-1])
        for each in self.ids:
            self.assertIn(each, '\n'.join(lines))

    def test_the_columns_that_are_asked_for(self) -> None:
        lines = self.listing(100, '-c', 'ID', '--sort-column', 'ID')
        self.assertEqual('ID', lines[0])
        self.assertEqual(sorted(lines[2:]), lines[2:])
        self.assertIn(self.ids[0], lines)

    def test_sorted_by_what_is_left_out(self) -> None:
        lines = self.listing(130, '--sort-column', 'ID')
        named = zip(self.ids, self.names, strict=True)
        self.assertEqual(
            [name for _, name in sorted(named)],
            [x.split()[0] for x in lines if x.startswith('rack-07')],
        )

    def test_other_formats_and_pipes_have_every_column(self) -> None:
        for kind in ('json', 'yaml', 'csv', 'value'):
            text = '\n'.join(self.listing(100, '-f', kind))
            self.assertIn(self.ids[0], text)
        self.assertIn(self.ids[0], self.metal('node', 'list').stdout)


class TestLines(testtools.TestCase):
    def lines(self, width: int, *rows: Sequence[str]) -> list[str]:
        names = ['Name', 'Power State', 'Note']
        return [
            line.rstrip()
            for line in terminal._lines(names, list(map(list, rows)), width)
        ]

    def test_headings_are_broken_before_anything_else(self) -> None:
        self.assertEqual(
            [
                '      Power',
                'Name  State  Note',
                '----  -----  ----',
                'n1    on',
            ],
            self.lines(40, ['n1', 'on', '']),
        )

    def test_a_note_is_wrapped_between_words(self) -> None:
        note = 'unmatched: no hypervisor is named a-long-name.example.com'
        lines = self.lines(46, ['n1', 'on', note])
        self.assertEqual(note, ' '.join(x[13:] for x in lines[3:]))
        self.assertEqual([], [x for x in lines if len(x) > 46])
        self.assertIn('a-long-name.example.com', lines[-1])

    def test_nothing_that_does_not_fit_is_cut(self) -> None:
        name = 'n' * 60
        lines = self.lines(40, [name, 'on', 'a note'])
        self.assertEqual([f'{name}  on', '    a note'], lines[4:])
