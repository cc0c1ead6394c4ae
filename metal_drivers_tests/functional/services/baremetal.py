# SPDX-License-Identifier: Apache-2.0
"""What tests ask of an Ironic, whichever way it was started."""

import contextlib
import pathlib
import sqlite3
from typing import Any

from metal_drivers_tests.functional.services import rest, waiting

# High enough for every field that is used here, and for fields to come.
MICROVERSION = '1.109'


class BareMetal:
    """Nodes of one Ironic, and ways to bring them into trouble.

    Every ``node`` argument is a UUID or a name.

    A subclass sets the two attributes.

    :ivar baremetal_api: the endpoint without ``/v1``, as somebody who sees
        all nodes.
    :ivar baremetal_database: the SQLite file behind it.
    """

    baremetal_api: rest.Rest
    baremetal_database: pathlib.Path

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        version: str = MICROVERSION,
    ) -> Any:
        """Send one request, as in ``request('GET', '/v1/nodes')``.

        :raises RequestFailed: with ``.status`` for 400 and above.
        """
        headers = {'X-OpenStack-Ironic-API-Version': version}
        return self.baremetal_api.request(method, path, json, headers)

    def enroll(
        self,
        name: str,
        driver: str = 'fake-hardware',
        power: str | None = 'on',
        **fields: object,
    ) -> str:
        """Create a node and return its UUID.

        :param power: 'on' or 'off', which is waited for; None leaves the
            power state null, as in a node that was only just enrolled.
        :param fields: further ones, as ``extra`` or ``driver_info``.
        """
        body = {'name': name, 'driver': driver, **fields}
        uuid: str = self.request('POST', '/v1/nodes', body)['uuid']
        if power is not None:
            self.set_power(uuid, power)
            self.wait_settled(uuid)
        return uuid

    def node(self, node: str) -> dict[str, Any]:
        """Return all of a node's fields."""
        found: dict[str, Any] = self.request('GET', f'/v1/nodes/{node}')
        return found

    def patch(self, node: str, changes: dict[str, object]) -> None:
        """Set fields, named by their JSON paths: ``{'/extra/a': 1}``.

        The slash in front may be left out; None removes a field.
        """
        body = [
            {'op': 'remove', 'path': f'/{path.lstrip("/")}'}
            if value is None
            else {
                'op': 'add',
                'path': f'/{path.lstrip("/")}',
                'value': value,
            }
            for path, value in changes.items()
        ]
        self.request('PATCH', f'/v1/nodes/{node}', body)

    def delete(self, node: str) -> None:
        """Delete a node, whatever state it is in."""
        # Ironic refuses to delete some nodes outside of maintenance.
        self.set_maintenance(node)
        self.request('DELETE', f'/v1/nodes/{node}')

    def set_power(
        self, node: str, target: str, timeout: int | None = None
    ) -> None:
        """Ask for a power state without waiting for it.

        :param target: 'on', 'off', or a target of Ironic's own, such as
            'soft power off' or 'rebooting'.
        :param timeout: seconds that a soft target may take.
        """
        body: dict[str, object] = {
            'target': f'power {target}' if target in ('on', 'off') else target
        }
        if timeout is not None:
            body['timeout'] = timeout
        self.request('PUT', f'/v1/nodes/{node}/states/power', body)

    def wait_settled(self, node: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until no power action is under way; return the node.

        Whether the action succeeded is for the caller to see in
        ``power_state`` and ``last_error``.
        """

        def settled() -> dict[str, Any] | None:
            found = self.node(node)
            busy = found['target_power_state'] or found['reservation']
            return None if busy else found

        found = waiting.wait_until(settled, f'node {node} to settle', timeout)
        return found or {}

    def set_maintenance(self, node: str, reason: str = 'test') -> None:
        """Put a node into maintenance."""
        path = f'/v1/nodes/{node}/maintenance'
        self.request('PUT', path, {'reason': reason})

    def clear_maintenance(self, node: str) -> None:
        """Take a node out of maintenance."""
        self.request('DELETE', f'/v1/nodes/{node}/maintenance')

    def forbid_power_off(self, node: str, forbid: bool = True) -> None:
        """Make Ironic answer 409 to a power off, for good."""
        self.patch(node, {'disable_power_off': forbid})

    def lock(self, node: str, holder: str = 'another-conductor') -> None:
        """Reserve a node, as a conductor does that works on it.

        Held by nobody that runs, it stays until ``unlock``.
        """
        self.alter(node, reservation=holder)

    def unlock(self, node: str) -> None:
        """Undo ``lock``."""
        self.alter(node, reservation=None)

    def alter(self, node: str, **columns: str | int | None) -> None:
        """Write columns of a node's row behind the back of Ironic.

        For what no request can bring about, as ``power_state='error'``.
        """
        names = ', '.join(f'{name} = ?' for name in columns)
        statement = f'UPDATE nodes SET {names} WHERE ? IN (uuid, name)'  # noqa: S608
        connection = sqlite3.connect(self.baremetal_database, timeout=30)
        with contextlib.closing(connection), connection:
            changed = connection.execute(
                statement, [*columns.values(), node]
            ).rowcount
        if changed != 1:
            raise LookupError(f'{changed} nodes are called {node}')
