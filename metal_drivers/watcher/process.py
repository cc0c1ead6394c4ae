# SPDX-License-Identifier: Apache-2.0
"""One driver and one Nova for a process.

Watcher makes a strategy for each audit and an action for each host, in
many threads. All of them share what is here.
"""

from __future__ import annotations

import atexit
import dataclasses
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg
from oslo_log import log

from metal_drivers import conf, fleet, lookup, plugins, selector
from metal_drivers import services as metal_services
from metal_drivers._openstack import groups
from metal_drivers.compute import markers
from metal_drivers.hooks import loading
from metal_drivers.model import Capability, Node
from metal_drivers.power import PowerEngine

LOG = log.getLogger(__name__)

#: Seconds for which the actions of a plan share one list of the nodes.
#: From it they take which host a node runs; all else is asked live.
_FRESH = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Configuration:
    """All that the services were made of, to tell whether it changed."""

    driver: str
    settings: dict[str, Any]
    driver_values: dict[str, Any]
    nova_values: dict[str, Any]
    credentials: groups.Credentials | None
    hook_values: dict[str, Any]


class Services:
    """The bare metal service and Nova, as Watcher's configuration has it.

    May be used by several threads at once.
    """

    def __init__(
        self,
        connection: metal_services.Connection,
        wake_retry_interval: float,
    ) -> None:
        self.connection = connection
        #: Seconds.
        self.wake_retry_interval = wake_retry_interval
        self.driver, self.nova = connection.driver, connection.compute
        self.settings = connection.settings
        self._lock = threading.Lock()
        self._nodes: list[Node] = []
        self._listed_at = float('-inf')

    def engine(
        self, asks: Callable[[], Mapping[str, str]] | None = None
    ) -> PowerEngine:
        """An engine, to be cancelled by itself; all keep one rate.

        :param asks: returns who asks; called where a history is kept.
        """
        by = asks() if asks and self.connection.recorded else None
        return self.connection.engine(by=by)

    def load(self) -> fleet.Fleet:
        """The fleet as it is now: a list of each service."""
        return self.connection.fleet()

    def member(self, node_id: str) -> fleet.Member:
        """The node with that id, its power asked now, and its host.

        :raises NotFoundError: there is no such node.
        """
        node = self.driver.get_node(node_id)
        member = lookup.member(
            self.driver, self.nova, node_id, self._listed(node)
        )
        if member is None:
            # Not in the list of those that are to be managed.
            return fleet.Member(node, problem='it is not in the list of nodes')
        return dataclasses.replace(member, node=node)

    def unfinished(self, member: fleet.Member) -> bool:
        """Whether metal-drivers left nova-compute of a host that is on
        disabled, for the node that runs it now, or hooks have something left
        of it; queried now.
        """
        if self.nova is None or member.host is None:
            return False
        if self.connection.shared.owes(member.node.id):
            return True
        if self.connection.hooks.left_of([member]):
            return True
        if not self.settings.manage_compute_service:
            return False
        service = self.nova.get_service(member.host.name)
        return markers.for_node(service, member.node.id) is not None

    def _listed(self, node: Node) -> list[Node] | None:
        """All nodes, as they were listed a moment ago, that one among them
        as it is; None: the driver finds a node without its list."""
        if Capability.FIND in self.driver.capabilities:
            return None
        with self._lock:  # one list for all that wait for it
            now = self.connection.clock.monotonic()
            fresh = now - self._listed_at <= _FRESH
            if not fresh or not any(
                each.id == node.id and _identity(each) == _identity(node)
                for each in self._nodes
            ):
                self._nodes = self.driver.list_nodes()
                self._listed_at = now
            return self._nodes


class _Process:
    """The services of this process, made when they are first needed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._made_of: _Configuration | None = None
        self._services: Services | None = None
        self._retired: list[Services] = []

    def services(self, config: cfg.ConfigOpts) -> Services:
        with self._lock:
            wanted = _read(config)
            if self._services is None or self._made_of != wanted:
                former = self._services
                made = Services(
                    metal_services.connect(
                        config,
                        # No rate begins anew, no claim is forgotten.
                        shared=former.connection.shared if former else None,
                    ),
                    wanted.settings['wake_retry_interval'],
                )
                if self._services is not None:
                    # Others may be using it until the process ends.
                    self._retired.append(self._services)
                    LOG.info('The configuration has changed')
                self._services, self._made_of = made, wanted
                LOG.info('The bare metal driver is %s', wanted.driver)
            return self._services

    def close(self) -> None:
        with self._lock:
            closing, self._retired = self._retired, []
            if self._services is not None:
                closing.append(self._services)
            self._services = self._made_of = None
        for services in closing:
            services.connection.close()

    def forget(self) -> None:
        """Leave everything to the parent, after a fork."""
        self.__init__()  # type: ignore[misc]


_process = _Process()


def services(config: cfg.ConfigOpts | None = None) -> Services:
    """What the configuration asks for; the same until that changes.

    :param config: by default Watcher's own.
    :raises ConfigurationError: no driver can be chosen without a guess,
        or something cannot be used as it is configured.
    """
    return _process.services(cfg.CONF if config is None else config)


def close() -> None:
    """Give back threads and sockets; the next use makes them anew."""
    _process.close()


def _read(config: cfg.ConfigOpts) -> _Configuration:
    chosen = selector.Selector(config).select()
    driver = chosen.plugin.cls
    assert driver is not None  # noqa: S101, select() refuses it
    return _Configuration(
        chosen.name,
        conf.settings(config),
        conf.driver_values(config, chosen.name, driver),
        groups.nova_values(config),
        groups.shared_credentials(config),
        _hook_values(config),
    )


def _hook_values(config: cfg.ConfigOpts) -> dict[str, Any]:
    """The options of the hooks in use, by their names."""
    installed = plugins.find(loading.HOOKS)
    found = {}
    for name in conf.settings(config).hooks:
        cls = installed.get(name).cls if name in installed.names else None
        if cls is not None:  # or it is refused when it is opened
            found[name] = conf.hook_values(config, name, cls)
    return found


def _identity(node: Node) -> tuple[object, ...]:
    """What decides which host the node runs."""
    return node.hypervisor_id, node.host_names


atexit.register(close)
os.register_at_fork(after_in_child=_process.forget)
