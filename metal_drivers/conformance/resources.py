# SPDX-License-Identifier: Apache-2.0
"""Rules about threads, sockets and other things that a process has."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

from metal_drivers import base
from metal_drivers.conformance import seen
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.rules import Topic
from metal_drivers.model import CheckResult, CheckStatus

TOPIC = Topic(
    'resources',
    'Threads and sockets',
    'Watcher runs for months, with many threads.',
)

#: Seconds that the other end of a connection may take to see its end.
_MOMENT = 5.0


@TOPIC.rule('check() finds nothing wrong, and changes nothing.')
def check_is_all_right_and_changes_nothing(bench: Bench) -> None:
    before = bench.nodes()
    results = bench.driver.check()
    seen.require(results, 'check() returned no result')
    for result in results:
        seen.require(
            isinstance(result, CheckResult),
            f'check() returned {seen.shown(result)}',
        )
        seen.require(
            result.status is not CheckStatus.FAILED,
            f'check() reports: {result.name}: {result.detail}',
        )
    seen.equal(
        [(node.id, node.power_state) for node in before],
        [(node.id, node.power_state) for node in bench.driver.list_nodes()],
        'nodes after check()',
    )


@TOPIC.rule('Several threads can list nodes at once.')
def serves_several_threads(bench: Bench) -> None:
    expected = _ids(bench.driver)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(_ids, bench.driver) for _ in range(8)]
    for job in jobs:
        seen.equal(expected, job.result(), 'list_nodes() in a thread')


@TOPIC.rule('The driver works where an event loop runs.')
def works_where_an_event_loop_runs(bench: Bench) -> None:
    async def inside() -> list[str]:
        return _ids(bench.driver)

    seen.equal(_ids(bench.driver), asyncio.run(inside()), 'list_nodes()')


@TOPIC.rule('close() gives back threads, and may be called again.')
def close_gives_back_threads_and_may_be_repeated(bench: Bench) -> None:
    before = set(threading.enumerate())
    with bench.twin() as driver:
        driver.get_power_states(_ids(driver))
        driver.check()
    driver.close()

    def left() -> list[str]:
        return [
            thread.name
            for thread in threading.enumerate()
            if thread not in before
        ]

    # A server in this process may need a moment to see it.
    bench.wait_for(
        lambda: not left(),
        lambda: f'no thread is left of {", ".join(left())}',
        _MOMENT,
    )


def _ids(driver: base.MetalDriver) -> list[str]:
    return sorted(node.id for node in driver.list_nodes())
