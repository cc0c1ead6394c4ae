# SPDX-License-Identifier: Apache-2.0
"""``python -m metal_drivers_tests.benchmarks``: the table.

The servers are in this process, each contender in one of its own; all
read the same bytes over loopback.
"""

import argparse
import json
import subprocess
import sys
import uuid
from collections.abc import Iterable

from metal_drivers_tests.benchmarks import (
    contenders,
    maas,
    maas_ages,
    power,
    report,
    start,
)
from metal_drivers_tests.emulators import ironic, nova

#: Nodes that the in-tree way is measured on; it makes two requests each.
_SAMPLE = 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--nodes', type=int, default=10_000)
    parser.add_argument('--machines', type=int, default=2000, help='of MAAS')
    parser.add_argument(
        '--states', type=int, default=200, help='live states of MAAS'
    )
    parser.add_argument(
        '--rounds', type=int, default=5, help='the best of so many'
    )
    parser.add_argument(
        '--whole',
        action='store_true',
        help=f'measure the in-tree way on all nodes, not on {_SAMPLE}',
    )
    options = parser.parse_args()

    results = _measure(('bare', 'ours'), options.nodes, options.rounds)
    sample = options.nodes if options.whole else min(_SAMPLE, options.nodes)
    slow = _measure(('in-tree',), sample, 1)['in-tree']
    factor = options.nodes / sample
    slow['seconds'] *= factor
    slow['requests'] *= factor
    results['in-tree'] = slow
    _print(results, options.nodes, sample)
    maas.show(options.machines, options.states, options.rounds)
    maas_ages.show()
    power.show()
    start.show()
    report.show()
    return 0


def _measure(
    names: Iterable[str], count: int, rounds: int
) -> dict[str, dict[str, float]]:
    """The best round of each contender, taking turns."""
    best: dict[str, dict[str, float]] = {}
    with ironic.IronicEmulator() as metal, nova.NovaEmulator() as compute:
        for number in range(count):
            hypervisor_id = str(uuid.UUID(int=number + 1))
            metal.add_node(
                name=f'rack-{number:05}',
                power_interface='fake',
                extra={'compute_node_id': hypervisor_id},
            )
            compute.add_host(f'compute-{number:05}', hypervisor_id)
        # From here on the servers only send bytes that are ready.
        metal.freeze()
        compute.freeze()
        for _ in range(rounds + 1):  # the first round makes the bytes
            for name in names:
                metal.forget()
                compute.forget()
                found = _run(name, metal.url, compute.url)
                assert found['listed'] == count, found
                found['requests'] = len(metal.requests) + len(compute.requests)
                if name not in best or (
                    found['seconds'] < best[name]['seconds']
                ):
                    best[name] = found
    return best


def _run(name: str, *urls: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, '-m', contenders.__name__, name, *urls],
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _print(
    results: dict[str, dict[str, float]], nodes: int, sample: int
) -> None:
    ours = results['ours']['seconds']
    bare = results['bare']['seconds']
    slow = results['in-tree']['seconds']
    print(f'{nodes} nodes and {nodes} hypervisors, over loopback:\n')
    print(f'{"":28}{"requests":>10}{"seconds":>10}{"MiB":>8}{"idle":>8}')
    for name, label in (
        ('bare', '(a) bare HTTP and JSON'),
        ('ours', 'metal-drivers'),
        ('in-tree', '(b) the in-tree way'),
    ):
        found = results[name]
        print(
            f'{label:28}{found["requests"]:10.0f}{found["seconds"]:10.3f}'
            f'{found["peak"]:8.0f}{found["idle"]:8.0f}'
        )
    print()
    if sample < nodes:
        print(f'(b) was measured on {sample} nodes, and scaled.')
    print(f'against (a): {ours / bare:.2f} times (to reach: at most 2)')
    print(f'against (b): {slow / ours:.0f} times faster (to reach: 100)')


if __name__ == '__main__':
    sys.exit(main())
