# SPDX-License-Identifier: Apache-2.0
"""Ways to list what is in MAAS, each run in a process of its own.

``python -m metal_drivers_tests.benchmarks.maas_contenders NAME`` reads
``[URL, KEY]`` and prints, for each part that was measured, the seconds
and how many machines there were. Whatever comes before the list, as the
description of the API, is not measured.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

Parts = dict[str, dict[str, float]]


def bare(url: str, key: str) -> Parts:
    """(c) The same reply, with bare HTTP and JSON."""
    import requests

    from metal_drivers_tests.emulators import maas_auth

    session = requests.Session()
    session.get(f'{url}/api/2.0/describe/').raise_for_status()

    def work() -> Any:
        reply = session.get(
            f'{url}/api/2.0/machines/?status=deployed',
            headers={'Authorization': maas_auth.sign(key)},
        )
        found.append(len(reply.content))
        return json.loads(reply.content)

    found: list[int] = []
    measured = _time(work)
    measured['size'] = found[0]
    return {'bare': measured}


def ours(url: str, key: str) -> Parts:
    with _driver(url, key) as driver:
        return {'ours': _time(driver.list_nodes)}


def live(url: str, key: str) -> Parts:
    """The same, and then the live state of each."""
    with _driver(url, key) as driver:
        begin = time.perf_counter()
        ids = [node.id for node in driver.list_nodes()]
        measured = _time(lambda: driver.get_power_states(ids))
        whole = {'seconds': time.perf_counter() - begin, 'count': len(ids)}
        return {'live': measured, 'whole': whole}


def off(url: str, key: str) -> Parts:
    """Power all of them off, at once."""
    from metal_drivers.model import PowerState

    with _driver(url, key) as driver:
        ids = [node.id for node in driver.list_nodes()]

        def switch(node_id: str) -> None:
            driver.set_power_state(node_id, PowerState.OFF)

        with futures.ThreadPoolExecutor(len(ids)) as pool:
            return {'off': _time(lambda: list(pool.map(switch, ids)))}


def in_tree(url: str, key: str) -> Parts:
    """(d) Watcher's way: libmaas' list, then one query after the other."""
    from maas import client

    async def work() -> Parts:
        maas = await client.connect(url, apikey=key)
        begin = time.perf_counter()
        states = [
            await machine.query_power_state()
            for machine in await maas.machines.list()
        ]
        seconds = time.perf_counter() - begin
        return {'in-tree': {'seconds': seconds, 'count': len(states)}}

    return asyncio.run(work())


def _driver(url: str, key: str) -> Any:
    from metal_drivers.drivers.maas import MaasDriver

    driver = MaasDriver({'url': url, 'api_key': key})
    # Has the description fetched, by a request that is not counted.
    driver._maas.call('Users.whoami', 'show the user')
    return driver


def _time(work: Callable[[], Any]) -> dict[str, float]:
    begin = time.perf_counter()
    count = len(work())
    return {'seconds': time.perf_counter() - begin, 'count': count}


CONTENDERS = {
    'ours': ours,
    'bare': bare,
    'live': live,
    'off': off,
    'in-tree': in_tree,
}


def main() -> None:
    url, key = json.load(sys.stdin)
    print(json.dumps(CONTENDERS[sys.argv[1]](url, key)))


if __name__ == '__main__':
    main()
