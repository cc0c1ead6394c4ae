# SPDX-License-Identifier: Apache-2.0
"""The file: whole lines whoever writes, and no trouble for a transition."""

import os
import pathlib
import stat
import threading

import fixtures
import testtools

from metal_drivers.history.file import HistoryFile


class TestHistoryFile(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        home = self.useFixture(fixtures.TempDir())
        self.path = pathlib.Path(home.join('history.jsonl'))
        self.file = self.another()

    def another(self, path: str | None = None) -> HistoryFile:
        file = HistoryFile(path or str(self.path))
        self.addCleanup(file.close)
        return file

    def warnings(self) -> list[str]:
        return [line for line in self.log.output.splitlines() if line]

    def test_mode_whatever_the_umask(self) -> None:
        for umask in (0o000, 0o077):
            former = os.umask(umask)
            self.addCleanup(os.umask, former)
            self.path.unlink(missing_ok=True)
            self.file.append('one\n')
            self.assertEqual(0o640, stat.S_IMODE(self.path.stat().st_mode))

    def test_the_mode_that_an_operator_gave_stays(self) -> None:
        self.path.touch()
        self.path.chmod(0o600)
        self.file.append('one\n')
        self.assertEqual(0o600, stat.S_IMODE(self.path.stat().st_mode))

    def test_nothing_is_made_before_the_first_line(self) -> None:
        self.assertFalse(self.path.exists())

    def test_rotation_is_noticed(self) -> None:
        self.file.append('one\n')
        former = self.path.rename(self.path.with_suffix('.1'))
        self.file.append('two\n')
        # One that is put in its place, too.
        self.path.rename(self.path.with_suffix('.2'))
        self.path.write_text('', encoding='utf-8')
        self.file.append('three\n')
        self.path.unlink()
        self.file.append('four\n')
        self.assertEqual('one\n', former.read_text(encoding='utf-8'))
        self.assertEqual(
            ['two\n', 'four\n'],
            [
                self.path.with_suffix('.2').read_text(encoding='utf-8'),
                self.path.read_text(encoding='utf-8'),
            ],
        )
        self.assertEqual([], self.warnings())

    def test_many_writers(self) -> None:
        """Each with a file of its own, as processes have."""
        text = 'x' * 3000
        gate = threading.Barrier(4)

        def write(number: int) -> None:
            file = self.another()
            gate.wait()
            for _ in range(50):
                file.append(f'{number} {text}\n')

        threads = [
            threading.Thread(target=write, args=(number,))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lines = self.path.read_text(encoding='utf-8').splitlines()
        self.assertEqual(
            sorted(f'{n} {text}' for n in range(4) for _ in range(50)),
            sorted(filter(None, lines)),
        )

    def test_a_line_that_was_cut_off_takes_no_other_with_it(self) -> None:
        self.path.write_text('{"half', encoding='utf-8')
        self.file.append('one\n')
        self.assertEqual(
            '{"half\none\n', self.path.read_text(encoding='utf-8')
        )

    def test_a_full_disk_is_one_warning(self) -> None:
        file = self.another('/dev/full')
        for _ in range(3):
            file.append('one\n')
        (said,) = self.warnings()
        self.assertIn('/dev/full could not be written', said)
        self.assertIn('Power changes go on', said)

    def test_no_permission_and_no_directory(self) -> None:
        file = self.another(str(self.path / 'below' / 'history'))
        file.append('one\n')
        file.append('two\n')
        (said,) = self.warnings()
        self.assertIn('No such file or directory', said)
        (self.path / 'below').mkdir(parents=True)
        file.append('three\n')
        self.assertIn('is written again. 2 power', self.warnings()[-1])

    def test_a_pipe_is_no_history(self) -> None:
        """It would keep the transition waiting for its reader."""
        os.mkfifo(self.path)
        self.file.append('one\n')
        self.assertIn('not a regular file', self.warnings()[0])
