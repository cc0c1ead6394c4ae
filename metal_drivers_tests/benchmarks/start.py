# SPDX-License-Identifier: Apache-2.0
"""``python -m metal_drivers_tests.benchmarks.start``: how long it takes to
begin.

In seconds of CPU, which others on the machine hardly change; each is the
median of several processes, taking turns. What they are compared with is
an interpreter that imports what no command can do without. Bytecode is
there, as it is where the package is installed.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

#: By name: the arguments for Python, and the most to reach, as a ratio.
CONTENDERS: dict[str, tuple[list[str], float]] = {
    'oslo.config and stevedore': (
        ['-c', 'import oslo_config.cfg, stevedore'],
        1,
    ),
    'import metal_drivers': (['-c', 'import metal_drivers'], 1.3),
    'metal-drivers --help': (['-m', 'metal_drivers.cli.main', '--help'], 3),
    'metal-drivers driver list': (
        ['-m', 'metal_drivers.cli.main', 'driver', 'list'],
        3,
    ),
}


def show(rounds: int = 11) -> None:
    found = _measure(rounds)
    (bare, *_) = found.values()
    print(f'\nStarting, the median of {rounds}:\n')
    print(f'{"":28}{"seconds":>10}{"ratio":>8}')
    for name, seconds in found.items():
        print(
            f'{name:28}{seconds:10.3f}{seconds / bare:8.2f}'
            f'  (to reach: at most {CONTENDERS[name][1]:g})'
        )


def _measure(rounds: int) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {'PYTHONPYCACHEPREFIX': folder}
        environment.pop('PYTHONDONTWRITEBYTECODE', None)
        for number in range(rounds + 1):  # the first writes the bytecode
            for name, (arguments, _) in CONTENDERS.items():
                spent = _run(arguments, environment)
                if number:
                    seconds[name].append(spent)
    return {name: statistics.median(each) for name, each in seconds.items()}


def _run(arguments: list[str], environment: dict[str, str]) -> float:
    """How many seconds of CPU the process takes."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, arguments
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=11)
    show(parser.parse_args().rounds)
    return 0


if __name__ == '__main__':
    sys.exit(main())
