# SPDX-License-Identifier: Apache-2.0
"""The demonstration, as a user runs it, in the environment of
``tox -e demo``."""

import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import fixtures
import testtools

from metal_drivers_tests.functional.services import process, waiting

#: Seconds after which it counts as hanging. It may have to install Ironic.
PATIENCE = 400

#: As if the environment had no Watcher.
_WITHOUT_WATCHER = (
    'import runpy, sys;'
    "sys.modules['watcher'] = None;"
    "runpy.run_module('metal_drivers_tests.demo', run_name='__main__')"
)


class TestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        #: Where it keeps what it writes, and nobody else does.
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.printed = self.home / 'printed'
        self.temporary = self.home / 'tmp'
        self.temporary.mkdir()

    def start(
        self,
        *words: str,
        **environment: str,
    ) -> subprocess.Popen[bytes]:
        with self.printed.open('wb') as output:
            started = subprocess.Popen(
                [sys.executable, *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {'TMPDIR': str(self.temporary)} | environment,
            )
        self.addCleanup(self.end, started)
        return started

    def end(self, started: subprocess.Popen[bytes]) -> None:
        if started.poll() is None:
            started.kill()
            started.wait()

    def demo(self, status: int, *arguments: str, **environment: str) -> str:
        """What it prints, when it ends with that status."""
        words = ('-m', 'metal_drivers_tests.demo', *arguments)
        return self.ended(status, self.start(*words, **environment))

    def ended(self, status: int, started: subprocess.Popen[bytes]) -> str:
        found = started.wait(PATIENCE)
        printed = self.printed.read_text()
        self.assertEqual(status, found, printed)
        self.assertNotIn('Traceback', printed)
        self.assertNotIn('Warning', printed)
        return printed

    def assert_nothing_runs(self) -> None:
        """All that it starts knows where its temporary files are."""
        self.assertEqual([], list(self.running()))

    def running(self) -> Iterator[str]:
        for environ in pathlib.Path('/proc').glob('[0-9]*/environ'):
            try:
                if os.fsencode(self.temporary) in environ.read_bytes():
                    command = environ.with_name('cmdline').read_bytes()
                    yield command.replace(b'\0', b' ').decode()
            except (ProcessLookupError, PermissionError, FileNotFoundError):
                # It has ended, or is somebody else's.
                continue


class TestWatcher(TestCase):
    """The scene that is shown without further ado."""

    def test_it_shows_what_it_promises(self) -> None:
        printed = self.demo(0)
        self.assertEqual(
            ['0', '5', '3'],
            re.findall(
                r'\| Hosts off by metal-drivers +\| +(\d+) \|', printed
            ),
        )
        self.assertEqual(
            ['0 W', '750 W', '450 W'],
            re.findall(r'\| Saving now +\| +(\S+ W) \|', printed),
        )
        off = re.findall(r'SUCCEEDED: (\S+) off', printed)
        back = re.findall(r'SUCCEEDED: (\S+) on', printed)
        self.assertEqual((5, 2), (len(off), len(back)), printed)
        self.assertEqual(set(), set(back) - set(off))
        # Those that have servers.
        self.assertNotIn('compute-01 off', printed)
        self.assertIn('kept (2 are free and on, 2 wanted)', printed)
        rows = re.findall(r'^\| (compute-\d+) +\|', printed, re.M)
        self.assertEqual(set(off), set(rows))
        self.check_page(printed, off)
        self.assertIn('are stopped, their data is gone', printed)
        self.assert_nothing_runs()

    def check_page(self, printed: str, hosts: list[str]) -> None:
        """It is where it is said to be, and is all that is left."""
        (path,) = re.findall(r'page for a browser: (\S+)', printed)
        page = pathlib.Path(path)
        self.assertEqual(
            {'history.jsonl', 'report.html'},
            {
                left.name
                for left in self.temporary.rglob('*')
                if left.is_file()
            },
        )
        text = page.read_text()
        self.assertIn('<svg', text)
        for host in hosts:
            self.assertIn(host, text)

    def test_it_can_be_interrupted(self) -> None:
        started = self.start('-m', 'metal_drivers_tests.demo')
        waiting.wait_until(
            lambda: (
                started.poll() is not None
                or 'plan: ' in self.printed.read_text()
            ),
            'a plan',
            PATIENCE,
        )
        self.assertIn('ironic', ''.join(self.running()))
        started.send_signal(signal.SIGINT)
        printed = self.ended(1, started)
        self.assertIn('Interrupted; what was started has been', printed)
        self.assert_nothing_runs()
        self.assertEqual([], list(self.temporary.iterdir()))


class TestCommand(TestCase):
    """The other scene."""

    def test_both_backends(self) -> None:
        for backend in ('ironic', 'maas'):
            printed = self.demo(0, '--scene', 'command', '--backend', backend)
            self.assertIn('| refused | 1 server is on compute-02', printed)
            self.assertIn('on; nova-compute is up and enabled', printed)
            self.assert_nothing_runs()
            self.assertEqual([], list(self.temporary.iterdir()))


class TestMistakes(TestCase):
    def test_wrong_words(self) -> None:
        printed = self.demo(2, '--scene', 'nothing')
        # Quoted or not, by the version of Python.
        self.assertIn('choose from watcher, command', printed.replace("'", ''))
        printed = self.demo(2, '--backend', 'maas')
        self.assertIn('--backend maas needs --scene command', printed)

    def test_no_watcher(self) -> None:
        started = self.start('-c', _WITHOUT_WATCHER)
        printed = self.ended(1, started)
        self.assertIn('lacks watcher. Run "tox -e demo"', printed)

    def test_services_that_cannot_be_installed(self) -> None:
        nowhere = f'http://127.0.0.1:{process.free_port()}/'
        printed = self.demo(
            1,
            METAL_DRIVERS_SERVICES=str(self.home),
            PIP_CONFIG_FILE=os.devnull,
            PIP_INDEX_URL=nowhere,
            PIP_NO_INDEX='0',
            PIP_RETRIES='0',
        )
        self.assertIn('A service could not be installed: ', printed)
        self.assertIn('No matching distribution found for ironic', printed)
        self.assertIn('Check that pip reaches its index', printed)
        self.assert_nothing_runs()
        self.assertEqual([], list(self.temporary.iterdir()))

    def test_no_place_for_services(self) -> None:
        (self.home / 'file').touch()
        printed = self.demo(
            1, METAL_DRIVERS_SERVICES=str(self.home / 'file' / 'services')
        )
        self.assertIn('Have METAL_DRIVERS_SERVICES name', printed)
        self.assertNotIn('pip', printed)
