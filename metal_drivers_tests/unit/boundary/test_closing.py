# SPDX-License-Identifier: Apache-2.0
"""Closing a driver holds nobody up, and raises nothing."""

import threading

from metal_drivers_tests.unit.boundary import base


class TestClose(base.BoundaryCase):
    def setUp(self) -> None:
        super().setUp()
        self.calls: list[str] = []

    def lines(self) -> list[str]:
        lines = self.log.output.splitlines()
        return [line for line in lines if line.startswith('The driver')]

    def test_twice(self) -> None:
        self.acme.do['close'] = lambda: self.calls.append('close')
        with self.driver:
            pass
        self.driver.close()
        self.assertEqual(['close', 'close'], self.calls)
        self.assertEqual('', self.log.output)

    def test_that_raises_is_one_line(self) -> None:
        for error in (OSError(f'{base.SECRET}\nis gone'), SystemExit(1)):

            def close(error: BaseException = error) -> None:
                raise error

            self.acme.do['close'] = close
            self.driver.close()
            line = self.lines()[-1]
            self.assertIn(f'close() raised {type(error).__name__}', line)
            self.assertIn('acme-metal', line)
        self.assertEqual(2, len(self.lines()))
        self.assertNotIn(base.SECRET, self.log.output)

    def test_that_hangs_is_one_line(self) -> None:
        go_on, ended = threading.Event(), threading.Event()

        def close() -> None:
            self.calls.append('close')
            go_on.wait()
            ended.set()

        self.addCleanup(ended.wait, 5)
        self.addCleanup(go_on.set)
        self.acme.do['close'] = close
        self.driver.close_timeout = 0.01
        self.driver.close()
        # It is not begun again while it hangs.
        self.driver.close()
        self.assertEqual(['close'], self.calls)
        (line,) = self.lines()
        self.assertIn('close() did not end within 0.01 s', line)
        self.assertIn('report it to its author', line)
