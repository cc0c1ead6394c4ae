# SPDX-License-Identifier: Apache-2.0
"""Rules about threads, sockets and other things that a process has."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import itertools
import os
import threading
from collections.abc import Callable

from metal_drivers import base, exceptions
from metal_drivers.boundary import answers
from metal_drivers.conformance import (
    process,
    recording,
    seen,
    switching,
    threads,
)
from metal_drivers.conformance.bench import Bench
from metal_drivers.conformance.hooks import Command
from metal_drivers.conformance.rules import Broken, NotTried, Tier, Topic
from metal_drivers.model import CheckResult, CheckStatus, Node, PowerState

TOPIC = Topic(
    'resources',
    'Threads and sockets',
    'Watcher runs for months, with many threads.',
)

#: Seconds between two looks at what this process has.
_INTERVAL = 0.01

Files = frozenset[tuple[str, str]]

_NO_FILES: Files = frozenset()

#: How many looks have to be the same: who closes late is another thread.
_STEADY = 5

#: Where Linux shows the open files of this process.
_FILES = '/proc/self/fd'

#: How often a driver is used until what it leaves would be seen.
_CALLS = 4


@TOPIC.rule('check() finds nothing wrong, and changes nothing.')
def check_is_all_right_and_changes_nothing(bench: Bench) -> None:
    before = bench.nodes()
    results: list[CheckResult] = []
    with switching.heard_if_possible(bench) as heard:
        try:
            answers.check_results(bench.driver.check(), results)
        except answers.Wrong as exc:
            raise Broken(f'check() returned {exc}') from exc
    seen.equal([], heard, 'what the service was told by check()')
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
    powered_on = {each.node_id for each in heard if each.what == 'on'}
    astray = sorted(powered_on - (wanted.keys() - set(off)))
    seen.equal([], astray, 'what the service was told to power on')
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


@TOPIC.rule('close() gives back sockets and files, those of errors too.')
def close_gives_back_sockets_and_files(bench: Bench) -> None:
    if not os.path.isdir(_FILES):
        raise NotTried(f'there is no {_FILES}')
    with bench.twin() as driver:
        # What is kept once and for all is opened.
        _use(driver)
    before = _steady_files(bench)
    drivers = [bench.twin() for _ in range(3)]
    for each in drivers:
        _use(each)
        each.close()
    if bench.gives('create_unreachable_driver'):
        for _ in range(3):
            lost = bench.unreachable()
            with contextlib.suppress(exceptions.MetalError):
                lost.list_nodes()
            lost.close()
    _wait_for_files(bench, before)


@TOPIC.rule(
    'The threads, sockets and files of a driver do not become more with each '
    'call.'
)
def calls_leave_nothing_behind(bench: Bench) -> None:
    driver = bench.twin()
    for _ in range(_CALLS):  # until it has what it needs
        _use(driver)
    running = threading.active_count()
    has_files = os.path.isdir(_FILES)
    before = _steady_files(bench) if has_files else _NO_FILES
    for _ in range(_CALLS):
        _use(driver)
    # Connections that were replaced meanwhile.
    new = len(_steady_files(bench) - before) if has_files else 0
    for _ in range(_CALLS):
        _use(driver)
    if has_files:
        _wait_for_files(bench, before, new + _CALLS - 1)
    bench.wait_for(
        lambda: threading.active_count() < running + _CALLS,
        lambda: (
            f'no more than {running} threads run; '
            f'{threading.active_count()} do'
        ),
        bench.hooks.moment,
        interval=_INTERVAL,
    )


@TOPIC.rule(
    'What belongs to the whole process remains as it is: the environment, '
    'the working directory, signals, the root logger, how TLS certificates '
    'are checked.'
)
def leaves_the_process_as_it_is(bench: Bench) -> None:
    # Logging is taken care of meanwhile: look inside.
    with (
        recording.recorded(),
        process.watched() as changed,
        bench.twin() as driver,
    ):
        _use(driver)
    seen.require(not changed, f'the driver changed {", ".join(changed)}')


@TOPIC.rule(
    'A driver prints nothing: what it has to say goes to a log.',
    tier=Tier.RECOMMENDED,
)
def prints_nothing(bench: Bench) -> None:
    with recording.recorded() as found, bench.twin() as driver:
        _use(driver)
    for what, text in found.texts:
        printed = what == recording.STDOUT and text.strip()
        seen.require(not printed, f'it printed {seen.shown(text)}')


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


def _wait_for_files(bench: Bench, before: Files, most: int = 0) -> None:
    """Wait until no more than so many are open that were not before."""

    def left() -> list[str]:
        return sorted(name for _, name in _files() - before)

    bench.wait_for(
        lambda: len(left()) <= most,
        lambda: f'files are open that were not before: {", ".join(left())}',
        bench.hooks.moment,
        interval=_INTERVAL,
    )


def _steady_files(bench: Bench) -> Files:
    """Those that are open, once that is steady."""
    looks: collections.deque[Files] = collections.deque(maxlen=_STEADY)

    def there() -> bool:
        looks.append(_files())
        return len(looks) == _STEADY and len(set(looks)) == 1

    bench.wait_for(
        there,
        lambda: 'the open files of this process remain the same',
        bench.hooks.moment,
        interval=_INTERVAL,
    )
    return looks[-1]


def _files() -> Files:
    """The files that are open: number and name, which is unique for each
    socket."""
    found = set()
    for number in os.listdir(_FILES):
        with contextlib.suppress(OSError):  # it is closed by now
            found.add((number, os.readlink(f'{_FILES}/{number}')))
    return frozenset(found)


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
