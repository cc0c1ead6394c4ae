# SPDX-License-Identifier: Apache-2.0
"""What an emulated Ironic knows: nodes, and power changes under way."""

import dataclasses
import itertools
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

HOST = 'ironic-emulator'
# What a request leads to, by its target, as Ironic 39.0.0 shows it in
# target_power_state from the moment it has accepted the request.
TARGETS = {
    'power on': 'power on',
    'power off': 'power off',
    'rebooting': 'power on',
    'soft power off': 'power off',
    'soft rebooting': 'power on',
}


@dataclasses.dataclass(eq=False)
class Node:
    """A node, with the fields of the API that matter to drivers.

    Tests may change any field at any time.

    :ivar reservation: the conductor that holds the lock; set it for a 409
    :ivar power_error: what the next changes fail with, as last_error
    :ivar visible: False hides it, as from a project that does not own it
    """

    uuid: str
    name: str | None
    power_state: str | None = 'power on'
    target_power_state: str | None = None
    reservation: str | None = None
    last_error: str | None = None
    maintenance: bool = False
    maintenance_reason: str | None = None
    fault: str | None = None
    provision_state: str = 'active'
    instance_uuid: str | None = None
    resource_class: str | None = None
    conductor_group: str = ''
    owner: str | None = None
    protected: bool = False
    retired: bool = False
    disable_power_off: bool = False
    driver: str = 'redfish'
    power_interface: str = 'redfish'
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    traits: Sequence[str] = ()
    power_error: str | None = None
    visible: bool = True


class Fleet:
    """Nodes, and the power changes that wait for a release."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.nodes: dict[str, Node] = {}
        self.names: dict[str, Node] = {}
        self._held: set[str] = set()
        self._hold_all = False
        self._pending: dict[str, str] = {}
        self._numbers = itertools.count()

    def add(self, **fields: Any) -> Node:
        with self.lock:
            number = next(self._numbers)
            fields.setdefault('uuid', str(uuid.uuid4()))
            fields.setdefault('name', f'node-{number}')
            node = Node(**fields)
            self.nodes[node.uuid] = node
            if node.name is not None:
                self.names[node.name] = node
            return node

    def remove(self, node: Node) -> None:
        with self.lock:
            del self.nodes[node.uuid]
            if node.name is not None:
                del self.names[node.name]

    def find(self, ident: str, by_name: bool = True) -> Node | None:
        with self.lock:
            node = self.nodes.get(ident)
            if node is None and by_name:
                node = self.names.get(ident)
            return node if node is not None and node.visible else None

    def listed(self) -> list[Node]:
        with self.lock:
            return [n for n in self.nodes.values() if n.visible]

    def hold(self, *idents: str) -> None:
        with self.lock:
            self._hold_all = self._hold_all or not idents
            self._held.update(self._key(i) for i in idents)

    def release(self, *idents: str) -> None:
        with self.lock:
            if idents:
                keys = [self._key(i) for i in idents]
                self._held.difference_update(keys)
            else:
                keys = list(self._pending)
                self._held.clear()
                self._hold_all = False
            for key in keys:
                if key in self._pending:
                    self._finish(self.nodes[key])

    def request(self, node: Node, target: str) -> bool:
        """Take up a power change; False where the node is locked."""
        with self.lock:
            if node.reservation is not None:
                return False
            wanted = TARGETS[target]
            node.reservation = HOST
            node.last_error = None
            # Nothing to do is still done under the lock, without a target.
            if target in ('rebooting', 'soft rebooting') or (
                node.power_state != wanted
            ):
                node.target_power_state = wanted
            self._pending[node.uuid] = wanted
            if not (self._hold_all or node.uuid in self._held):
                self._finish(node)
            return True

    def _finish(self, node: Node) -> None:
        wanted = self._pending.pop(node.uuid)
        if node.target_power_state is not None:
            if node.power_error is None:
                node.power_state = wanted
            else:
                node.last_error = node.power_error
        node.target_power_state = node.reservation = None

    def _key(self, ident: str) -> str:
        return ident if ident in self.nodes else self.names[ident].uuid
