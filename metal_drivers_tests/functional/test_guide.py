# SPDX-License-Identifier: Apache-2.0
"""The page on writing a driver, followed word by word by a stranger.

Every command of the page is run as it stands there, one after the other, in
an empty folder and in the virtual environment that the page makes. Only the
package index is another one: for this project, which is built from where it
is, and for what the page uploads.
"""

import email
import email.policy
import importlib.util
import os
import pathlib
import re
import shlex
import subprocess
import sys
from typing import Any

import fixtures
import testtools

from metal_drivers_tests.emulators import http, messages

_TOP = pathlib.Path(__file__).parents[2]
_PAGE = _TOP / 'doc/source/contributor/driver.rst'
#: Between the commands, in what the session prints.
_MARK = '@@@ '


def commands(page: str) -> list[str]:
    """The commands of a page, in their order."""
    return re.findall(r'^   \$ (.+)$', page, re.M)


class Index(http.HttpEmulator):
    """A package index: what is uploaded can be installed from it."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}

    def add(self, path: pathlib.Path) -> None:
        self.files[path.name] = path.read_bytes()

    def routes(self) -> tuple[http.Route, ...]:
        return (
            http.route('POST', '/upload/', self._upload),
            http.route('GET', '/simple/(?P<name>[^/]+)/', self._list),
            http.route('GET', '/files/(?P<name>[^/]+)', self._file),
        )

    def _upload(self, request: messages.Request) -> messages.Reply:
        head = f'Content-Type: {request.headers["Content-Type"]}\r\n\r\n'
        form = email.message_from_bytes(
            head.encode() + request.body, policy=email.policy.HTTP
        )
        for part in form.iter_parts():
            if name := part.get_filename():
                content: Any = part.get_payload(decode=True)
                self.files[name] = content
        return messages.Reply()

    def _list(self, request: messages.Request, name: str) -> messages.Reply:
        prefix = name.replace('-', '_') + '-'
        links = ''.join(
            f'<a href="/files/{file}">{file}</a>\n'
            for file in self.files
            if file.replace('-', '_').startswith(prefix.replace('-', '_'))
        )
        if not links:
            return messages.Reply(404)
        return messages.Reply(200, links.encode(), 'text/html')

    def _file(self, request: messages.Request, name: str) -> messages.Reply:
        return messages.Reply(
            200, self.files[name], 'application/octet-stream'
        )


class TestGuide(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.index = self.useFixture(Index())

    def build(self) -> None:
        """The wheel of this project, into the index."""
        python = sys.executable
        if not importlib.util.find_spec('pip'):
            venv = self.home / 'builder'
            subprocess.run([python, '-m', 'venv', venv], check=True)
            python = str(venv / 'bin/python')
        wheels = ['--no-deps', '--wheel-dir', str(self.home / 'wheels')]
        subprocess.run(
            [python, '-m', 'pip', 'wheel', '-q', *wheels, str(_TOP)],
            check=True,
            env=self.environment(),
        )
        (wheel,) = (self.home / 'wheels').glob('*.whl')
        self.index.add(wheel)

    def environment(self) -> dict[str, str]:
        """That of a stranger, with our index and no terminal."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(('PYTHON', 'VIRTUAL_ENV', 'STESTR'))
        }
        return inherited | {
            'HOME': str(self.home),
            'PIP_CACHE_DIR': os.environ.get(
                'PIP_CACHE_DIR', os.path.expanduser('~/.cache/pip')
            ),
            'PIP_EXTRA_INDEX_URL': f'{self.index.url}/simple/',
            'PIP_DISABLE_PIP_VERSION_CHECK': '1',
            'PIP_NO_INPUT': '1',
            'PIP_QUIET': '1',
            'TWINE_REPOSITORY_URL': f'{self.index.url}/upload/',
            'TWINE_USERNAME': 'stranger',
            'TWINE_PASSWORD': 's3cret',
            'TWINE_NON_INTERACTIVE': '1',
        }

    def session(self, lines: list[str]) -> dict[str, str]:
        """What each command of a session in one shell prints."""
        folder = self.home / 'empty'
        folder.mkdir()
        script = ['set -e']
        for line in lines:
            script += [f"printf '%s\\n' {shlex.quote(_MARK + line)}", line]
        done = subprocess.run(
            ['bash', '-c', '\n'.join(script)],
            cwd=folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        self.addDetail('session', testtools.content.text_content(done.stdout))
        self.assertEqual(0, done.returncode, done.stdout[-3000:])
        printed = {}
        for part in done.stdout.split(_MARK)[1:]:
            command, _, text = part.partition('\n')
            printed[command] = text
        return printed

    def test_every_command_works_as_it_stands(self) -> None:
        self.build()
        lines = commands(_PAGE.read_text(encoding='utf-8'))
        # Whoever installs the driver has neither its source nor its folder.
        at = lines.index('pip install acme-metal')
        lines[at:at] = ['pip uninstall -y acme-metal', 'cd ..']
        printed = self.session(lines)
        self.assertRegex(
            printed['metal-drivers driver list'], r'(?m)^\| acme +\| absent '
        )
        self.assertRegex(printed['python -m unittest'], r'\nOK\n$')
        self.assertIn(' - Failed: 0\n', printed['stestr run'])
        self.assertIn(' - Skipped: 0\n', printed['stestr run'])
        self.assertRegex(printed['pytest'], r'\n=+ \d+ passed in [^,]*\n$')
        count = re.findall(r'Ran (\d+) tests', printed['python -m unittest'])
        self.assertIn(f' - Passed: {count[0]}\n', printed['stestr run'])
        self.assertIn(f' {count[0]} passed in ', printed['pytest'])
        self.assertIn('PASSED', printed['twine check --strict dist/*'])
        self.assertEqual(
            {'acme_metal-0.1.0-py3-none-any.whl', 'acme_metal-0.1.0.tar.gz'},
            {name for name in self.index.files if 'acme' in name},
        )
        self.assertRegex(
            printed['metal-drivers driver show acme'],
            r'(?m)^\| Distribution +\| acme-metal +\|',
        )
        for command in (
            'python -m tests.controller driver check acme',
            'python -m tests.controller driver certify acme --node a1 --yes',
        ):
            self.assert_certified(printed[command])

    def assert_certified(self, table: str) -> None:
        """Each required rule that could be tried is kept."""
        self.assertRegex(table, r'(?m)^\| [\w-]+ +\| required +\| ok ')
        self.assertNotRegex(table, r'(?m)^\| [\w-]+ +\| \w+ +\| failed ')
