# SPDX-License-Identifier: Apache-2.0
"""Ways to list a fleet, each run in a process of its own.

``python -m metal_drivers_tests.benchmarks.contenders NAME IRONIC NOVA``
prints one line of JSON: seconds, peak memory in MiB, how many were listed.
"""

import json
import pathlib
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import requests
from keystoneauth1 import noauth
from keystoneauth1 import session as ks_session
from oslo_config import cfg

Work = Callable[[], int]


def ours(ironic: str, nova: str) -> Work:
    """What ``metal-drivers node list`` does, but for printing."""
    from metal_drivers import compute, fleet, selector
    from metal_drivers.cli import node as node_commands

    conf = cfg.ConfigOpts()
    conf([])
    chooser = selector.Selector(conf)
    chooser.candidates()  # registers the options
    group = 'watcher.metal.drivers.ironic'
    conf.set_override('auth_type', 'none', group=group)
    conf.set_override('endpoint_override', ironic, group=group)
    driver = selector.get_driver(conf)
    values = {'auth_type': 'none', 'endpoint_override': f'{nova}/v2.1'}
    session = ks_session.Session(auth=noauth.NoAuth())
    compute_service = compute.Compute(session, values)

    def work() -> int:
        members = fleet.load(driver, compute_service).members
        assert all(member.host for member in members)
        return len([node_commands.row(member) for member in members])

    return work


def bare(ironic: str, nova: str) -> Work:
    """(a) The same pages, with bare HTTP and JSON."""
    from metal_drivers.drivers.ironic.nodes import FIELDS

    session = requests.Session()

    def pages(url: str, key: str, headers: dict[str, str]) -> list[Any]:
        items: list[Any] = []
        following: str | None = url
        while following:
            page = json.loads(session.get(following, headers=headers).content)
            items += page[key]
            links = page.get(f'{key}_links') or [{'href': None}]
            following = page.get('next') or links[0]['href']
            following = following if page[key] else None
        return items

    def work() -> int:
        nodes = pages(
            f'{ironic}/v1/nodes?fields={",".join(FIELDS)}',
            'nodes',
            {'X-OpenStack-Ironic-API-Version': '1.95'},
        )
        hosts = pages(
            f'{nova}/v2.1/os-hypervisors/detail?limit=1000',
            'hypervisors',
            {'OpenStack-API-Version': 'compute 2.53'},
        )
        assert len(nodes) == len(hosts)
        return len(nodes)

    return work


def in_tree(ironic: str, nova: str) -> Work:
    """(b) Watcher's way: a list, then a call of the SDK for each node and
    for each hypervisor."""
    import openstack

    connection = openstack.connection.Connection(
        session=ks_session.Session(auth=noauth.NoAuth()),
        baremetal_endpoint_override=f'{ironic}/v1',
        compute_endpoint_override=f'{nova}/v2.1',
        compute_default_microversion='2.53',
    )

    def work() -> int:
        count = 0
        for listed in connection.baremetal.nodes():
            node = connection.baremetal.get_node(listed.id)
            host = connection.compute.get_hypervisor(
                node.extra['compute_node_id']
            )
            assert host.state == 'up'
            count += 1
        return count

    return work


CONTENDERS = {'ours': ours, 'bare': bare, 'in-tree': in_tree}


def main() -> None:
    name, ironic, nova = sys.argv[1:]
    work = CONTENDERS[name](ironic, nova)
    idle = _peak()
    begin = time.perf_counter()
    listed = work()
    seconds = time.perf_counter() - begin
    print(
        json.dumps(
            {
                'seconds': seconds,
                'peak': _peak(),
                'idle': idle,
                'listed': listed,
            }
        )
    )


def _peak() -> float:
    """The most memory that this process has had, in MiB.

    Not ru_maxrss, which a process inherits from the one that started it.
    """
    status = pathlib.Path('/proc/self/status').read_text(encoding='ascii')
    (peak,) = re.findall(r'^VmHWM:\s+(\d+) kB$', status, re.MULTILINE)
    return int(peak) / 1024


if __name__ == '__main__':
    main()
