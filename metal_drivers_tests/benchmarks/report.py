# SPDX-License-Identifier: Apache-2.0
"""``python -m metal_drivers_tests.benchmarks.report``: a report, with its
page, of many transitions: seconds and memory of the process."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from metal_drivers_tests.unit.report import lines

#: The most to reach.
_SECONDS, _MIB = 10, 300
#: How long the history is.
_DAYS = 365


def show(count: int = 100_000, hosts: int = 250) -> None:
    print(f'\nA report of {count:,} transitions of {hosts} hosts:\n')
    print(f'{"":28}{"seconds":>10}{"of CPU":>10}{"MiB":>8}')
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'history.jsonl')
        lines.many(path, count, hosts, days=_DAYS)
        # All of it, whatever the date is.
        until = f'--until={lines.at(24)}'
        for name, more in (
            ('a table', []),
            ('a table and the page', [f'--html={folder}/page.html']),
        ):
            seconds, cpu, mib = _run([str(path), '--by=host', until, *more])
            print(
                f'{name:28}{seconds:10.2f}{cpu:10.2f}{mib:8.0f}'
                f'  (to reach: at most {_SECONDS} s, {_MIB} MiB)'
            )


def _run(arguments: list[str]) -> tuple[float, float, float]:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, '-m', 'metal_drivers.cli.main', 'report', *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    seconds = time.monotonic() - began
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--transitions', type=int, default=100_000)
    parser.add_argument('--hosts', type=int, default=250)
    options = parser.parse_args()
    show(options.transitions, options.hosts)
    return 0


if __name__ == '__main__':
    sys.exit(main())
