# SPDX-License-Identifier: Apache-2.0
"""The page of ``metal-drivers report``, in a real browser: Debian's
``chromium``, without a display and without a network.

``METAL_DRIVERS_SCREENSHOTS`` names a folder that keeps what it shows.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import fixtures
import testtools
from matplotlib import image

from metal_drivers_tests.unit.report import lines

#: Between black, 0.0, and white.
_DARK, _LIGHT = 0.35, 0.65


class TestPage(testtools.TestCase):
    """A month of 24 hosts."""

    def setUp(self) -> None:
        super().setUp()
        chromium = shutil.which('chromium')
        assert chromium, 'Install chromium: apt-get install chromium'
        self.chromium: str = chromium
        home = self.useFixture(fixtures.TempDir())
        self.home = pathlib.Path(
            os.environ.get('METAL_DRIVERS_SCREENSHOTS') or home.path
        )
        self.profile = home.join('profile')
        self.page = self.home / 'report.html'
        history = self.home / 'history.jsonl'
        lines.many(history, 1500, 24)
        subprocess.run(
            [
                sys.executable,
                '-m',
                'metal_drivers.cli.main',
                'report',
                str(history),
                f'--html={self.page}',
                '--until=2026-11-01',
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )

    def browse(self, *args: str) -> str:
        """What the browser prints."""
        return subprocess.run(
            [
                self.chromium,
                '--headless',
                '--no-sandbox',
                '--disable-gpu',
                '--hide-scrollbars',
                '--window-size=1100,2400',
                # Whoever would ask for a name finds none.
                '--host-resolver-rules=MAP * ~NOTFOUND',
                f'--user-data-dir={self.profile}',
                *args,
                self.page.as_uri(),
            ],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout

    def shot(self, name: str, *args: str) -> tuple[float, float]:
        """How light the paper is, and the share of the page with the colour
        of hosts that are off, or near it."""
        path = self.home / f'{name}.png'
        self.browse(f'--screenshot={path}', *args)
        pixels = image.imread(path)[:, :, :3]
        self.assertEqual((2400, 1100), pixels.shape[:2])
        red, green = pixels[:, :, 0], pixels[:, :, 1]
        return float(pixels[2, 2].mean()), float((green - red > 0.3).mean())

    def test_in_the_light_and_in_the_dark(self) -> None:
        paper, drawn = self.shot('light')
        self.assertGreater(paper, _LIGHT)
        self.assertGreater(drawn, 0.02)
        paper, drawn = self.shot('dark', '--force-dark-mode')
        self.assertLess(paper, _DARK)
        self.assertGreater(drawn, 0.02)

    def test_what_is_read(self) -> None:
        """As the browser has understood it."""
        text = self.browse('--dump-dom')
        self.assertEqual(4, text.count('<svg'))
        for said in ('kWh saved', 'compute-024', 'median: ', 'timed out'):
            self.assertIn(said, text)

    def test_in_print(self) -> None:
        path = self.home / 'report.pdf'
        self.browse(f'--print-to-pdf={path}', '--no-pdf-header-footer')
        pages = re.findall(rb'/Type\s*/Page\b', path.read_bytes())
        self.assertIn(len(pages), range(2, 6))
