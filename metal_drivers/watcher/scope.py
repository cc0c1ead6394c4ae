# SPDX-License-Identifier: Apache-2.0
"""The audit's scope, applied to hosts as Watcher itself applies it.

Watcher narrows a model of the whole cluster, which takes it requests for
each host and each server. Which hosts are meant depends on their names
alone, so its own code is given a model that has only these.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from watcher.common import exception, utils
from watcher.decision_engine.scope import compute as compute_scope


def hosts_in_scope(scope: Any, names: Iterable[str]) -> set[str]:
    """Those of the compute hosts that an audit is about.

    Asks Nova once for aggregates and once for zones, where the scope
    mentions them.

    :raises WatcherException: the scope names a host that there is none
        of, or mixes a wildcard with names.
    """
    hosts = _Hosts(names)
    if not any(rule.get('compute') for rule in scope or ()):
        return set(hosts.by_name)
    config = utils.Struct(check_optimize_metadata=False)
    compute_scope.ComputeScope(scope, config).get_scoped_model(hosts)
    return set(hosts.by_name)


@dataclasses.dataclass(frozen=True, slots=True)
class _Host:
    hostname: str

    @property
    def uuid(self) -> str:
        return self.hostname


class _Hosts:
    """A cluster model, as far as ``ComputeScope`` asks it. No servers."""

    def __init__(self, names: Iterable[str]) -> None:
        self.by_name = {name: _Host(name) for name in names}

    def __bool__(self) -> bool:
        return bool(self.by_name)

    def get_all_compute_nodes(self) -> dict[str, _Host]:
        return dict(self.by_name)

    def get_node_by_name(self, name: str) -> _Host:
        try:
            return self.by_name[name]
        except KeyError:
            raise exception.ComputeNodeNotFound(name=name) from None

    def remove_node(self, node: _Host) -> None:
        del self.by_name[node.hostname]

    def get_node_instances(self, node: _Host) -> list[Any]:
        return []

    def get_all_instances(self) -> dict[str, Any]:
        return {}

    def get_node_by_instance_uuid(self, uuid: str) -> _Host:
        raise exception.ComputeResourceNotFound(name=uuid)
