# SPDX-License-Identifier: Apache-2.0
"""``python -m metal_drivers_tests.benchmarks.strategy``: an audit of a
large fleet.

The strategy as Watcher runs it, over the fake driver and an emulated Nova
on loopback, against the time of the two lists that it asks for. Needs
python-watcher.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from typing import Any

from metal_drivers_tests.emulators import nova


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--nodes', type=int, default=5_000)
    parser.add_argument('--rounds', type=int, default=5)
    # How this starts itself again, with Watcher in a process of its own.
    parser.add_argument('--nova', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.nova:
        print(json.dumps(_run(options.nodes, options.nova)))
        return 0
    with nova.NovaEmulator() as compute:
        for number in range(1, options.nodes + 1):
            compute.add_host(
                f'compute-{number:04}', servers=0 if number % 3 else 2
            )
        compute.freeze()
        rounds = []
        for _ in range(options.rounds + 1):  # the first makes the bytes
            compute.forget()
            rounds.append(_start(options.nodes, compute.url))
            rounds[-1]['requests'] = len(compute.requests)
    best = min(rounds[1:], key=lambda found: found['beyond'])
    print(
        f'{options.nodes} hosts, {best["actions"]} actions: the lists took '
        f'{best["lists"]:.3f} s, the strategy {best["beyond"]:.3f} s beyond '
        f'that (to reach: at most 3 s)'
    )
    print(
        f'requests to Nova: {best["requests"] // 2} for the strategy (to '
        'reach: at most 10)'
    )
    return 0


def _start(nodes: int, url: str) -> dict[str, Any]:
    words = ['-m', 'metal_drivers_tests.benchmarks.strategy']
    done = subprocess.run(
        [sys.executable, *words, f'--nodes={nodes}', f'--nova={url}'],
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _run(nodes: int, url: str) -> dict[str, Any]:
    """The lists alone, then the strategy; in seconds."""
    from watcher import conf as watcher_conf

    with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
        file.write(
            f"""
            [metal_drivers]
            driver = fake
            [watcher.metal.drivers.fake]
            nodes = {nodes}
            [nova]
            auth_type = none
            endpoint_override = {url}/v2.1
            """.replace('  ', '')
        )
        file.flush()
        watcher_conf.CONF([], default_config_files=[file.name])
        return _measure()


def _measure() -> dict[str, Any]:
    from watcher.decision_engine.loading import default as loading

    from metal_drivers.watcher import process

    strategy = loading.DefaultStrategyLoader().load('metal_saving_energy')
    services = process.services()
    assert services.nova is not None
    begin = time.perf_counter()
    services.driver.list_nodes()
    services.nova.list_hosts()
    lists = time.perf_counter() - begin
    begin = time.perf_counter()
    solution = strategy.execute()
    whole = time.perf_counter() - begin
    return {
        'lists': lists,
        'beyond': whole - lists,
        'actions': len(solution.actions),
    }


if __name__ == '__main__':
    sys.exit(main())
