# SPDX-License-Identifier: Apache-2.0
"""Several processes write one history, and it is renamed meanwhile."""

import pathlib
import subprocess
import sys

import fixtures
import testtools

_WRITE = """
import sys
from metal_drivers.history.file import HistoryFile
path, number = sys.argv[1:]
file = HistoryFile(path)
print('ready', flush=True)
sys.stdin.readline()
for place in range(500):
    # Longer than a page.
    file.append(f'{number} {place} ' + 'x' * 5000 + '\\n')
    if place == 100:
        print('written', flush=True)
"""
PROCESSES, LINES, LONG = 4, 500, 'x' * 5000


class TestHistory(testtools.TestCase):
    def test_no_line_is_lost_or_mixed_with_another(self) -> None:
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path, old = home / 'history.jsonl', home / 'history.jsonl.1'
        writers = [
            subprocess.Popen(
                [sys.executable, '-c', _WRITE, str(path), str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        for writer in writers:
            self.addCleanup(writer.communicate)
            self.assertEqual('ready\n', self.line(writer))
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write('go\n')
            writer.stdin.flush()
        # As logrotate does, in the middle of it.
        self.assertEqual('written\n', self.line(writers[0]))
        path.rename(old)
        for writer in writers:
            self.assertEqual(0, writer.wait())
        found = []
        for each in (old, path):
            lines = each.read_text(encoding='utf-8').split('\n')
            self.assertGreater(len(lines), 1)
            found += [line.replace(LONG, 'long') for line in lines if line]
        self.assertEqual(
            sorted(
                f'{number} {place} long'
                for number in range(PROCESSES)
                for place in range(LINES)
            ),
            sorted(found),
        )

    def line(self, writer: 'subprocess.Popen[str]') -> str:
        assert writer.stdout is not None
        return writer.stdout.readline()
