# SPDX-License-Identifier: Apache-2.0
"""``python -m metal_drivers_tests.benchmarks.maas_ages``: how old is what
a power request to MAAS rests on.

Many machines are powered off at once. The emulator is in this process,
the driver in one of its own. The age of an answer is counted from its
request to the arrival of the power request; beyond what MAAS itself took
for the answers in between, hardly anything is to be left of it.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict

from metal_drivers_tests.benchmarks import maas_contenders
from metal_drivers_tests.emulators import maas, messages

COUNTS = (8, 50)
#: Seconds to reach: of the median, and of the largest.
MEDIAN, LARGEST = 0.05, 1.0

#: Seconds that MAAS takes to show a machine: 0.2 to 0.9 were measured.
_READ = 0.2
_WORKERS = 4

#: When a request arrived, and when it was answered.
Times = tuple[float, float]


class _Region(maas.MaasEmulator):
    """A MAAS that takes down when it has answered what."""

    def __init__(self, count: int, bmc: float) -> None:
        super().__init__(workers=_WORKERS)
        self.times: dict[str, dict[str, Times]] = defaultdict(dict)
        self.region.latency['machine'] = _READ
        for _ in range(count):
            self.add_machine(bmc_seconds=bmc)

    def after(
        self, request: messages.Request, reply: messages.Reply
    ) -> messages.Reply:
        found = re.search('/machines/([^/]+)/', request.path)
        if found:
            kind = request.last('op') or 'read'
            times = request.at, time.monotonic()
            self.times[found[1]][kind] = times
        return super().after(request, reply)


class Ages:
    """Seconds, of one kind of answer."""

    def __init__(self) -> None:
        self.whole: list[float] = []
        self.beyond: list[float] = []

    def add(self, sent: float, *answers: Times) -> None:
        """:param answers: the one, and those that came after it."""
        whole = sent - answers[0][0]
        own = sum(end - begin for begin, end in answers)
        self.whole.append(whole)
        self.beyond.append(whole - own)


def measure(count: int, bmc: float) -> dict[str, Ages]:
    """Power off so many, whose BMCs take so many seconds."""
    ages = {'query': Ages(), 'read': Ages()}
    with _Region(count, bmc) as server:
        subprocess.run(
            [sys.executable, '-m', maas_contenders.__name__, 'off'],
            input=json.dumps([server.maas_url, server.apikey]),
            stdout=subprocess.DEVNULL,
            text=True,
            check=True,
        )
        for system_id in server.machines:
            times = server.times[system_id]
            query, read = times['query_power_state'], times['read']
            sent, _ = times['power_off']
            for kind, answer in (('query', query), ('read', read)):
                later = [each for each in (query, read) if each > answer]
                ages[kind].add(sent, answer, *later)
    return ages


def show(bmc: float = 0.5) -> None:
    """Measure, and print the table."""
    print(
        f'\nPowered off at once in MAAS, {_WORKERS} requests at a time, '
        f'{bmc:g} s for a BMC and {_READ:g} s to read a machine:\n'
        'the age of each answer when the power request arrived, in seconds\n'
    )
    print(f'{"":28}{"median":>10}{"largest":>10}{"beyond MAAS itself":>28}')
    good = True
    for count in COUNTS:
        for kind, ages in measure(count, bmc).items():
            median = statistics.median(ages.beyond)
            largest = max(ages.beyond)
            good = good and median < MEDIAN and largest < LARGEST
            print(
                f'{f"{count} machines, {kind}":28}'
                f'{statistics.median(ages.whole):10.3f}'
                f'{max(ages.whole):10.3f}{median:18.3f}{largest:10.3f}'
            )
    print(
        f'\nbeyond MAAS itself (to reach: median {MEDIAN:g}, largest '
        f'{LARGEST:g}): {"reached" if good else "not reached"}'
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--bmc', type=float, default=0.5, help='seconds that a BMC takes'
    )
    show(parser.parse_args().bmc)
    return 0


if __name__ == '__main__':
    sys.exit(main())
