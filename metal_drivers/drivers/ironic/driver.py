# SPDX-License-Identifier: Apache-2.0
"""Ironic, as a driver."""

from __future__ import annotations

import logging
import math
import re
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, compatibility, exceptions
from metal_drivers._openstack import auth, client, sdk
from metal_drivers.drivers.ironic import checks, connection
from metal_drivers.drivers.ironic.nodes import FIELDS, FILTERS, node_of
from metal_drivers.model import (
    Capability,
    CheckResult,
    Node,
    OffMode,
    PowerState,
)

LOG = logging.getLogger(__name__)

_GROUP = connection.GROUP

#: The newest minor version of the API whose fields are used, and the
#: oldest that will do: soft power off with a time-out came in 1.27.
_NEWEST, _OLDEST = 95, 27


#: A uuid, or what Ironic takes for the name of a node.
_IDENT = re.compile('[A-Za-z0-9._~-]+')


class IronicDriver(base.MetalDriver):
    """Nodes of Ironic, standalone or behind Keystone."""

    contract = compatibility.CONTRACT
    #: The lowest: it is also used where nothing is configured.
    priority = 0
    capabilities = frozenset(
        {
            Capability.SOFT_OFF,
            Capability.SOFT_OFF_TIMEOUT,
            Capability.TELLS_END,
            # Both read what the conductors have written down.
            Capability.LIVE_LIST,
        }
    )

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        super().__init__(config, osc)
        self._session = connection.open_session(config, osc)
        self._ironic = client.Service(
            sdk.connector(
                config, self._session, 'baremetal', 'The driver ironic'
            ),
            'Ironic',
            _GROUP,
            self._session,
        )
        self._lock = threading.Lock()
        self._minor: int | None = None

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        options = [
            cfg.StrOpt(
                'conductor_group',
                help='Only nodes of this conductor group.',
            ),
            cfg.StrOpt('owner', help='Only nodes of this owner.'),
            cfg.StrOpt(
                'resource_class', help='Only nodes of this resource class.'
            ),
            *auth.adapter_options(
                {
                    # [ironic]: of the Watcher to come.
                    'region-name': (
                        'ironic.region_name ironic_client.region_name'
                    ),
                    'valid-interfaces': (
                        'ironic.valid_interfaces ironic_client.endpoint_type'
                    ),
                }
            ),
            *auth.session_options(),
        ]
        taken = {opt.dest for opt in options}
        return options + [
            opt for opt in auth.auth_options() if opt.dest not in taken
        ]

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        """Ready with credentials of its own that are complete, or with
        an endpoint or a filter alone: the credentials are then those of
        ``[watcher_clients_auth]``."""
        own = auth.credentials_present(config)
        return base.ConfigState.of(
            present=own
            or any(
                config.get(name) for name in ('endpoint_override', *FILTERS)
            ),
            missing=auth.missing_credentials(config) if own else (),
        )

    def list_nodes(self) -> list[Node]:
        query = {'fields': ','.join(self._fields())}
        query |= self._filters()
        path = '/nodes?' + urllib.parse.urlencode(query)
        microversion = self._microversion()
        try:
            nodes = [
                node_of(entry)
                for page in self._ironic.pages(
                    path, 'nodes', 'list nodes', microversion=microversion
                )
                for entry in page
            ]
        except (exceptions.NotFoundError, exceptions.RefusedError) as exc:
            # Every Ironic has this list, were it an empty one.
            raise exceptions.ProtocolError(
                exc.message,
                cure=f'Check that the URL in [{_GROUP}], or the one in the '
                'catalogue, is that of Ironic itself, and check the filters '
                f'in [{_GROUP}].',
            ) from exc
        if not nodes:
            LOG.warning('%s', checks.why_empty(self._ironic, self._filters()))
        return nodes

    def get_node(self, node_id: str) -> Node:
        try:
            reply = self._ironic.call(
                'GET',
                f'{_path(node_id)}?fields={",".join(self._fields())}',
                f'show node {node_id}',
                microversion=self._microversion(),
            )
        except exceptions.RefusedError as exc:
            if exc.status != 400:
                raise
            # What cannot be the name of a node is not one.
            raise exceptions.NotFoundError(
                exc.message, cure='Check the id.'
            ) from exc
        if not isinstance(reply, dict):
            raise exceptions.ProtocolError(
                f'Ironic: the reply for node {node_id} is not a node'
            )
        return node_of(reply)

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        if not _IDENT.fullmatch(node_id):
            # Ironic refuses it as it does what it cannot do.
            raise exceptions.NotFoundError(
                f'Ironic has no node {node_id!r}', cure='Check the id.'
            )
        soft = state is PowerState.OFF and mode is OffMode.SOFT
        target = f'{"soft " if soft else ""}power {state.value}'
        body: dict[str, Any] = {'target': target}
        if soft and timeout is not None:
            body['timeout'] = max(1, math.ceil(timeout))
        try:
            self._ironic.call(
                'PUT',
                f'{_path(node_id)}/states/power',
                f'{target} node {node_id}',
                microversion=self._microversion(),
                body=body,
            )
        except exceptions.BusyError as exc:
            self._explain_conflict(node_id, state, exc)
            raise
        except exceptions.RefusedError as exc:
            if soft and exc.status == 400:
                raise exceptions.UnsupportedError(
                    exc.message, cure='Use a hard power off.'
                ) from exc
            raise
        except exceptions.UnavailableError as exc:
            if exc.status == 503:  # no free worker: nothing was begun
                raise exceptions.BusyError(exc.message, cure=exc.cure) from exc
            raise

    def check(self) -> list[CheckResult]:
        return list(
            checks.run(
                self._ironic,
                self._session,
                self._microversion,
                self.list_nodes,
                self._filters(),
            )
        )

    def close(self) -> None:
        # A session that is shared is not ours to close.
        if self.osc is None or self._session is not self.osc.session:
            self._session.session.close()

    def _explain_conflict(
        self, node_id: str, state: PowerState, exc: exceptions.BusyError
    ) -> None:
        """Ironic answers 409 for a lock and for a node that must not be
        powered off; only the node tells which."""
        node = self.get_node(node_id)
        if state is PowerState.OFF and node.keep_on:
            raise exceptions.RefusedError(
                f'{exc.message}: {node.keep_on}',
                cure='Unset disable_power_off on the node to allow it.',
            ) from exc

    def _filters(self) -> dict[str, str]:
        return {
            name: self.config[name]
            for name in FILTERS
            if self.config.get(name)
        }

    def _fields(self) -> list[str]:
        minor = self._negotiate()
        return [name for name, since in FIELDS.items() if since <= minor]

    def _microversion(self) -> str:
        return f'1.{self._negotiate()}'

    def _negotiate(self) -> int:
        """The minor version to speak; asked of the service once."""
        with self._lock:
            if self._minor is None:
                self._minor = self._agree(self._ironic.newest_version())
            return self._minor

    def _agree(self, newest: tuple[int, int] | None) -> int:
        # Nova's is 2.x, should the endpoint be Nova's.
        if newest is None or newest[0] != 1 or newest < (1, _OLDEST):
            offer = f'API {newest[0]}.{newest[1]}' if newest else 'no API'
            raise exceptions.ProtocolError(
                f'Ironic: the endpoint offers {offer}, but 1.{_OLDEST} or '
                'newer is needed',
                cure=f'Check that [{_GROUP}] leads to Ironic itself, '
                'and upgrade an Ironic that is older.',
            )
        minor = min(newest[1], _NEWEST)
        for name in self._filters():
            if FIELDS[name] > minor:
                raise exceptions.ConfigurationError(
                    f'[{_GROUP}] {name} needs API 1.{FIELDS[name]} of '
                    f'Ironic, which offers 1.{newest[1]}',
                    cure='Remove the option, or upgrade Ironic.',
                    options=(name,),
                )
        return minor


def _path(node_id: str) -> str:
    # These would lead to the list of nodes, or to what is above it.
    if node_id in ('', '.', '..'):
        raise exceptions.NotFoundError(
            f'Ironic has no node {node_id!r}', cure='Check the id.'
        )
    return '/nodes/' + urllib.parse.quote(node_id, safe='')
