# SPDX-License-Identifier: Apache-2.0
"""Rules about threads, sockets and other things that a process has."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import threading
from collections.abc import Callable

from metal_drivers import base
from metal_drivers.boundary import answers
from metal_drivers.conformance import seen, threads
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.hooks import Command
from metal_drivers.conformance.rules import Broken, NotTried, Topic
from metal_drivers.model import CheckResult, CheckStatus, Node, PowerState

TOPIC = Topic(
    'resources',
    'Threads and sockets',
    'Watcher runs for months, with many threads.',
)

#: Seconds between two looks at what this process has.
_INTERVAL = 0.01

#: Where Linux shows the open files of this process.
_FILES = '/proc/self/fd'


@TOPIC.rule('check() finds nothing wrong, and changes nothing.')
def check_is_all_right_and_changes_nothing(bench: Bench) -> None:
    before = bench.nodes()
    results: list[CheckResult] = []
    try:
        answers.check_results(bench.driver.check(), results)
    except answers.Wrong as exc:
        raise Broken(f'check() returned {exc}') from exc
    seen.require(results, 'check() returned no result')
    for result in results:
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
    listed: list[Callable[[], list[str]]] = [lambda: _ids(bench.driver)] * 8
    for found in threads.at_once(listed):
        seen.equal(expected, found, 'list_nodes() in a thread')


@TOPIC.rule(
    'Every method can be called by many threads at once, and each is '
    'answered about the node that it asked for.'
)
def threads_get_the_node_that_they_ask_for(bench: Bench) -> None:
    most = bench.hooks.most_threads
    asks = itertools.cycle((_show, _state, _find))
    nodes = itertools.cycle(bench.some_nodes())
    # Each node is asked for in each way, as far as there are threads.
    jobs = [
        functools.partial(ask, bench.driver, node)
        for _ in range(-(-most // 3))
        for node in [next(nodes)]
        for ask in itertools.islice(asks, 3)
    ][:most]
    threads.at_once(jobs)


@TOPIC.rule(
    'Power changes by many threads at once go each to its own node.',
    needs=('switchable_nodes', 'commands'),
    changes=True,
)
def threads_switch_the_node_that_they_ask_for(bench: Bench) -> None:
    nodes = list(bench.hooks.switchable_nodes())[:8]
    if len(nodes) < 2:
        raise NotTried('there is one switchable node')
    # Half of them are on and remain so: what is shared mixes the two.
    wanted = {
        node.id: PowerState.ON if number % 2 else PowerState.OFF
        for number, node in enumerate(nodes)
    }
    with bench.heard() as heard:
        threads.at_once(
            [
                functools.partial(bench.switch, key, state)
                for key, state in wanted.items()
            ]
        )
    told = [each for each in heard if each.what != 'on']
    off = [key for key, state in wanted.items() if state is PowerState.OFF]
    seen.equal(
        sorted(Command(key, 'off')[:2] for key in off),
        sorted(each[:2] for each in told),
        'what the service was told',
    )
    for key, state in wanted.items():
        bench.settle(key, state)


@TOPIC.rule('The driver works where an event loop runs.')
def works_where_an_event_loop_runs(bench: Bench) -> None:
    node = bench.nodes()[0]

    async def inside() -> list[str]:
        with bench.twin() as driver:
            _show(driver, node)
            _state(driver, node)
            _find(driver, node)
            driver.check()
            return _ids(driver)

    seen.equal(_ids(bench.driver), asyncio.run(inside()), 'list_nodes()')


@TOPIC.rule(
    'Nodes can be powered off and on where an event loop runs.', changes=True
)
def switches_where_an_event_loop_runs(bench: Bench) -> None:
    node = bench.switchable_node()

    async def inside() -> None:
        bench.switch(node.id, PowerState.OFF)

    asyncio.run(inside())
    bench.settle(node.id, PowerState.OFF)


@TOPIC.rule(
    'close() gives back threads, and may be called again, or without '
    'anything having been asked for.'
)
def close_gives_back_threads_and_may_be_repeated(bench: Bench) -> None:
    before = set(threading.enumerate())
    unused = bench.twin()
    unused.close()
    with bench.twin() as driver:
        _use(driver)
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
        bench.hooks.moment,
        interval=_INTERVAL,
    )


@TOPIC.rule('close() gives back sockets and files.')
def close_gives_back_sockets_and_files(bench: Bench) -> None:
    if not os.path.isdir(_FILES):
        raise NotTried(f'there is no {_FILES}')
    with bench.twin() as driver:
        # What is kept once and for all is opened.
        _use(driver)
    _wait_for_files(bench, None)
    before = _files()
    drivers = [bench.twin() for _ in range(3)]
    for each in drivers:
        _use(each)
        each.close()
    _wait_for_files(bench, before)


@TOPIC.rule('A driver that is closed leaves others of its kind at work.')
def closing_one_leaves_the_others(bench: Bench) -> None:
    expected = _ids(bench.driver)
    with bench.twin() as driver:
        _use(driver)
    seen.equal(
        expected, _ids(bench.driver), 'list_nodes() once another is closed'
    )


def _use(driver: base.MetalDriver) -> None:
    driver.get_power_states(_ids(driver)[:8])
    driver.check()


def _wait_for_files(bench: Bench, most: int | None) -> None:
    """Wait until no more are open; None: than a moment ago."""
    last = -1

    def there() -> bool:
        nonlocal last
        now = _files()
        if most is not None:
            return now <= most
        last, steady = now, now == last
        return steady

    bench.wait_for(
        there,
        lambda: f'no more than {most} files are open; {_files()} are',
        bench.hooks.moment,
        interval=_INTERVAL,
    )


def _files() -> int:
    return len(os.listdir(_FILES))


def _show(driver: base.MetalDriver, node: Node) -> None:
    found = driver.get_node(node.id)
    seen.equal(node.id, found.id, f'id of get_node({node.id!r})')
    seen.same_node(node, found, f'get_node({node.id!r})')


def _state(driver: base.MetalDriver, node: Node) -> None:
    seen.equal(
        {node.id: node.power_state},
        dict(driver.get_power_states([node.id])),
        'get_power_states()',
    )


def _find(driver: base.MetalDriver, node: Node) -> None:
    found = [each.id for each in driver.find_nodes(node.id)]
    seen.require(
        node.id in found, f'find_nodes({node.id!r}) found {seen.shown(found)}'
    )


def _ids(driver: base.MetalDriver) -> list[str]:
    return sorted(node.id for node in driver.list_nodes())
