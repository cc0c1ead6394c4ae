# SPDX-License-Identifier: Apache-2.0
"""What is asked of Nova, in a process of its own.

``python -m metal_drivers_tests.benchmarks.nova_ways WAY TASK CONFIG NODE…``
prints for how many seconds. The ways are ``now``; ``before``, when the
lists were asked for whatever was to be known; and ``in-tree``, as Watcher
asks for one hypervisor after the other.
"""

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from oslo_config import cfg

from metal_drivers import connect, fleet, services
from metal_drivers._openstack import groups
from metal_drivers.model import Outcome, PowerResult, PowerState
from metal_drivers.power import PowerEngine
from metal_drivers.watcher import process

#: Before, a list served for 10 seconds. Of 100 actions in ten minutes one
#: begins every 6 seconds, so that a list served for two of them.
_SERVED = 2

Work = Callable[[], object]


def listing(conf: cfg.ConfigOpts, way: str, nodes: Sequence[str]) -> Work:
    """All nodes, and the hosts that run on them."""
    connection = connect(conf)
    return _one_by_one(conf) if way == 'in-tree' else connection.fleet


def power_on(conf: cfg.ConfigOpts, way: str, nodes: Sequence[str]) -> Work:
    """``node power on`` for one node."""
    connection = connect(conf)

    def work() -> None:
        if way == 'before':
            found = connection.fleet()
        else:
            found = connection.find(nodes)
        _check(connection.engine().switch(found, nodes, PowerState.ON))

    return work


def plan(conf: cfg.ConfigOpts, way: str, nodes: Sequence[str]) -> Work:
    """Power nodes off, each as an action of a Watcher plan does.

    One after the other: SQLite, of which Nova locks all for each request,
    does not stand many at once, and says then that the cell is down.
    """
    opened = process.services(conf)
    act = _Before(opened) if way == 'before' else _now(opened)
    return lambda: _check(map(act, nodes))


def _now(opened: process.Services) -> Callable[[str], PowerResult]:
    def act(node: str) -> PowerResult:
        # The action looks at it before it begins, too.
        opened.member(node)
        member = opened.member(node)
        return opened.engine().switch_one(member, PowerState.OFF)

    return act


class _Before:
    def __init__(self, opened: process.Services) -> None:
        self._opened = opened
        self._lock, self._number = threading.Lock(), itertools.count()
        self._found = fleet.Fleet(())

    def __call__(self, node: str) -> PowerResult:
        opened = self._opened
        with self._lock:
            if next(self._number) % _SERVED == 0:
                self._found = opened.load()
            member = self._found.find(node)
        engine = PowerEngine(
            opened.driver,
            opened.nova,
            opened.settings,
            shared=opened.connection.shared,
        )
        return engine.switch_one(member, PowerState.OFF)


def _one_by_one(conf: cfg.ConfigOpts) -> Work:
    import openstack

    credentials = groups.shared_credentials(conf)
    assert credentials is not None
    sdk = openstack.connection.Connection(
        session=credentials.session, compute_default_microversion='2.53'
    )
    with services.connect(conf) as connection:
        nodes = connection.driver.list_nodes()

    def work() -> None:
        for node in nodes:
            sdk.compute.get_hypervisor(node.hypervisor_id or '')

    return work


def _check(results: Iterable[PowerResult]) -> None:
    for result in results:
        assert result.outcome is Outcome.DONE, result


TASKS = {'listing': listing, 'power-on': power_on, 'plan': plan}


def main() -> None:
    way, task, path, *nodes = sys.argv[1:]
    conf = cfg.ConfigOpts()
    conf([f'--config-file={path}'])
    work = TASKS[task](conf, way, nodes)
    begin = time.perf_counter()
    work()
    print(time.perf_counter() - begin)


if __name__ == '__main__':
    main()
