# SPDX-License-Identifier: Apache-2.0
"""``python -m metal_drivers_tests.benchmarks.nova_cost``: what we cost a
real Nova.

It is the one of the functional tests, over SQLite, with hosts that are
nothing but rows of its database. Counted are the CPU seconds and the SQL
statements of its API.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import pathlib
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import yaml

from metal_drivers.compute import markers
from metal_drivers_tests.benchmarks import counting, nova_rows, nova_ways
from metal_drivers_tests.functional.services import cloud, conf, process

_HERE = pathlib.Path(counting.__file__).parent
_LONG_AGO = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)

#: How many actions of a plan are measured where each costs a list.
_SAMPLE = 2


@dataclasses.dataclass(frozen=True)
class Cost:
    #: As they pass, and of a processor: on a machine that has else to do,
    #: only these mean anything.
    seconds: float
    cpu_seconds: float
    statements: float

    def times(self, factor: float) -> Cost:
        return Cost(*(number * factor for number in dataclasses.astuple(self)))


class Bench:
    """A Nova with so many hosts, and nodes that run them.

    :param directory: for files of this benchmark.
    """

    def __init__(
        self, nova: cloud.Cloud, directory: pathlib.Path, count: int
    ) -> None:
        self._nova, self._directory, self._count = nova, directory, count
        self._state = nova.directory / 'nova'
        self._counter = directory / 'statements'
        self._counter.write_bytes(bytes(8))

    def prepare(self) -> None:
        """Have the API count, and write the rows."""
        api = self._nova.process('nova-api')
        api.stop()
        api.add_environment(
            PYTHONPATH=str(_HERE),
            COUNT_STARTUP=str(process.STARTUP / 'sitecustomize.py'),
            COUNT_FILE=str(self._counter),
        )
        api.start()
        root = self._nova.where.root('compute')
        api.wait_ready(lambda: process.answers(root))
        # Not before: it does not start where a compute is as old as these.
        nova_rows.fill(self._state, self._count, self._nova.compute_host(1))

    def measure(
        self,
        way: str,
        task: str,
        numbers: Sequence[int] = (),
        **settings: object,
    ) -> Cost:
        """What a task costs Nova.

        :param numbers: of the nodes that it is about.
        :param settings: options of ``[metal_drivers]``.
        """
        config = self._configure(task, numbers, settings)
        hosts = [nova_rows.host(number) for number in numbers]
        with nova_rows.Heartbeats(self._state, hosts):
            statements, cpu = self._statements(), self._cpu()
            done = subprocess.run(
                [
                    *(sys.executable, '-m', nova_ways.__name__),
                    *(way, task, str(config)),
                    *(_node(number) for number in numbers),
                ],
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            cost = Cost(
                float(done.stdout),
                self._cpu() - cpu,
                self._statements() - statements,
            )
        for host in hosts:
            nova_rows.disable(self._state, host, None)
        return cost

    def _configure(
        self, task: str, numbers: Sequence[int], settings: dict[str, object]
    ) -> pathlib.Path:
        """The hosts that are to come on are off, as we would have left
        them."""
        off = set(numbers) if task == 'power-on' else set()
        for number in off:
            reason = markers.reason(_node(number), _LONG_AGO)
            nova_rows.disable(self._state, nova_rows.host(number), reason)
        fleet = self._directory / 'fleet.yaml'
        fleet.write_text(
            yaml.safe_dump(
                [
                    {
                        'id': _node(number),
                        'hypervisor_id': nova_rows.hypervisor_id(number),
                        'power_state': 'off' if number in off else 'on',
                    }
                    for number in range(1, self._count + 1)
                ]
            )
        )
        return conf.write(
            self._directory / 'metal.conf',
            {
                'metal_drivers': {
                    'driver': 'fake',
                    'poll_interval': 1,
                    'max_power_off_per_minute': 6000,
                    **settings,
                },
                'watcher.metal.drivers.fake': {'fleet_file': fleet},
                'watcher_clients_auth': {
                    **self._nova.keystone_options('watcher'),
                    # A busy machine is to be slow, but to get there.
                    'timeout': 600,
                },
            },
        )

    def _cpu(self) -> float:
        return self._nova.process('nova-api').cpu_seconds()

    def _statements(self) -> int:
        (number,) = struct.unpack('<q', self._counter.read_bytes())
        return int(number)


def _node(number: int) -> str:
    return f'node-{number:04}'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--hosts', type=int, default=1000)
    parser.add_argument('--actions', type=int, default=100, help='of a plan')
    parser.add_argument(
        '--only',
        choices=_SHOWN,
        action='append',
        help='one of them; may be given several times',
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        cloud.Cloud(computes=1, say=_say) as nova,
    ):
        bench = Bench(nova, pathlib.Path(folder), options.hosts)
        bench.prepare()
        bench.measure('now', 'listing')  # Nova warms up
        print(
            f'{options.hosts} compute hosts in the database of Nova\n\n'
            f'{"":40}{"seconds":>10}{"of CPU":>10}{"statements":>12}'
        )
        for name in options.only or _SHOWN:
            _SHOWN[name](bench, options.hosts, options.actions)
    return 0


def _listing(bench: Bench, hosts: int, actions: int) -> None:
    _show('a listing: in-tree', bench.measure('in-tree', 'listing'))
    _show('a listing: metal-drivers', bench.measure('now', 'listing'))


def _power_on(bench: Bench, hosts: int, actions: int) -> None:
    for way in ('before', 'now'):
        cost = bench.measure(way, 'power-on', [hosts // 2])
        _show(f'one node power on: {way}', cost)


def _plan(bench: Bench, hosts: int, actions: int) -> None:
    for what, settings in (
        ('', {}),
        (', max_powered_off', {'max_powered_off': '90%'}),
    ):
        for way, count in (('before', _SAMPLE), ('now', actions)):
            numbers = range(1, min(count, actions) + 1)
            cost = bench.measure(way, 'plan', numbers, **settings)
            cost = cost.times(actions / len(numbers))
            _show(f'a plan of {actions}{what}: {way}', cost)
    print(
        '\nbefore: two actions share a list of all hypervisors, and where '
        'hosts that are off\nare counted, each makes one more. Measured with '
        f'{_SAMPLE} actions, one by one, and scaled.'
    )


_SHOWN = {'listing': _listing, 'power-on': _power_on, 'plan': _plan}


def _show(what: str, cost: Cost) -> None:
    print(
        f'{what:40}{cost.seconds:10.2f}{cost.cpu_seconds:10.2f}'
        f'{cost.statements:12.0f}',
        flush=True,
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == '__main__':
    sys.exit(main())
