# SPDX-License-Identifier: Apache-2.0
"""Ironic, through openstacksdk.

The SDK finds the endpoint, authenticates and negotiates the version; its
proxy's raw requests do the rest. Not used of it: objects for each node,
``set_node_power_state(wait=True)``, which looks at ``power_state`` alone,
and the retries of 409 and 503, which spend 15 s on a refusal that stands.
"""

from __future__ import annotations

import math
import threading
import urllib.parse
from collections.abc import Mapping
from typing import Any

from keystoneauth1 import adapter as ks_adapter
from keystoneauth1 import exceptions as ks_exceptions
from oslo_config import cfg
from oslo_log import log

from metal_drivers import base, exceptions, keystone, rest
from metal_drivers.model import (
    Capability,
    CheckResult,
    CheckStatus,
    Node,
    OffMode,
    PowerState,
)

LOG = log.getLogger(__name__)

_GROUP = f'{base.NAMESPACE}.ironic'

#: The newest minor version of the API whose fields are used, and the
#: oldest that will do: soft power off with a time-out came in 1.27.
_NEWEST, _OLDEST = 95, 27

#: The fields asked for, by the minor version that brought them.
FIELDS = {
    'uuid': 1,
    'name': 5,
    'power_state': 1,
    'target_power_state': 1,
    'provision_state': 1,
    'reservation': 1,
    'maintenance': 1,
    'maintenance_reason': 1,
    'last_error': 1,
    'extra': 1,
    'resource_class': 21,
    'power_interface': 31,
    'fault': 42,
    'conductor_group': 46,
    'owner': 50,
    'disable_power_off': 95,
}

#: Options that narrow the fleet; each is also a filter of the API.
_FILTERS = ('conductor_group', 'owner', 'resource_class')

_STATES = {'power on': PowerState.ON, 'power off': PowerState.OFF}
_TARGETS = {
    'power on': PowerState.ON,
    'rebooting': PowerState.ON,
    'soft rebooting': PowerState.ON,
    'power off': PowerState.OFF,
    'soft power off': PowerState.OFF,
}

#: Power interfaces of Ironic's own that cannot ask for a shutdown. Of
#: others that cannot, the request itself is refused.
_NO_SOFT_OFF = frozenset({'agent', 'noop', 'snmp'})


class IronicDriver(base.MetalDriver):
    """Nodes of Ironic, standalone or behind Keystone."""

    #: The lowest: it is also used where nothing is configured.
    priority = 0
    capabilities = frozenset(
        {
            Capability.SOFT_OFF,
            Capability.SOFT_OFF_TIMEOUT,
            Capability.TELLS_END,
        }
    )

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        super().__init__(config, osc)
        self._session = _session(config, osc)
        self._ironic = rest.Service(
            _connect(config, self._session), 'Ironic', _GROUP
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
            *keystone.adapter_options(
                {
                    'region-name': 'ironic_client.region_name',
                    'valid-interfaces': 'ironic_client.endpoint_type',
                }
            ),
            *keystone.session_options(),
        ]
        taken = {opt.dest for opt in options}
        return options + [
            opt for opt in keystone.auth_options() if opt.dest not in taken
        ]

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> base.ConfigState:
        """Ready with credentials of its own that are complete, or with
        an endpoint or a filter alone: the credentials are then those of
        ``[watcher_clients_auth]``."""
        own = keystone.credentials_present(config)
        return base.ConfigState.of(
            present=own
            or any(
                config.get(name) for name in ('endpoint_override', *_FILTERS)
            ),
            missing=keystone.missing_credentials(config) if own else (),
        )

    def list_nodes(self) -> list[Node]:
        query = {'fields': ','.join(self._fields())}
        query |= self._filters()
        path = '/nodes?' + urllib.parse.urlencode(query)
        microversion = self._microversion()
        try:
            nodes = [
                _node(entry)
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
                'catalogue, is that of Ironic itself, and what filters are '
                'set there.',
            ) from exc
        if not nodes:
            LOG.warning('%s', self._why_empty())
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
            # 400: what cannot be the name of a node is not one.
            raise exceptions.NotFoundError(
                exc.message, cure='Check the id.'
            ) from exc
        if not isinstance(reply, dict):
            raise exceptions.ProtocolError(
                f'Ironic: the reply for node {node_id} is not a node'
            )
        return _node(reply)

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        if state not in (PowerState.ON, PowerState.OFF):
            raise ValueError(f'a node cannot be switched {state.value}')
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
        results = []
        try:
            results.append(
                CheckResult(
                    'ironic endpoint',
                    CheckStatus.OK,
                    f'{self._ironic.url()}, API {self._microversion()}',
                )
            )
            results.append(self._check_rights())
            nodes = self.list_nodes()
        except exceptions.MetalError as exc:
            name = 'ironic endpoint' if not results else 'ironic nodes'
            return [*results, CheckResult(name, CheckStatus.FAILED, str(exc))]
        if nodes:
            told = CheckResult(
                'ironic nodes', CheckStatus.OK, f'{len(nodes)} nodes'
            )
        else:
            told = CheckResult(
                'ironic nodes', CheckStatus.WARNING, self._why_empty()
            )
        return [*results, told]

    def close(self) -> None:
        # A session that is shared is not ours to close.
        if self.osc is None or self._session is not self.osc.session:
            self._session.session.close()

    def _check_rights(self) -> CheckResult:
        name = 'ironic rights'
        access = self._ironic.access()
        if access is None:
            return CheckResult(
                name, CheckStatus.OK, 'no Keystone: every user may act'
            )
        roles = sorted(access.role_names or ())
        named = ', '.join(roles) or 'none'
        scope = (
            'the system'
            if access.system_scoped
            else (f'project {access.project_name or access.project_id}')
        )
        detail = f'{access.username} has the roles {named} in {scope}'
        if set(roles) & {'admin', 'service', 'member', 'manager'}:
            return CheckResult(name, CheckStatus.OK, detail)
        return CheckResult(
            name,
            CheckStatus.FAILED,
            f'{detail}; none of them may change power. Give it the role '
            'admin in the system, or service.',
        )

    def _why_empty(self) -> str:
        filters = self._filters()
        if filters:
            narrowed = ', '.join(f'{k} = {v}' for k, v in filters.items())
            hint = f'none fits {narrowed}'
        else:
            hint = 'none is enrolled'
        if self._ironic.access() is None:
            return f'Ironic shows no nodes: {hint}.'
        return (
            f'Ironic shows no nodes: {hint}, or this user may not see them. '
            'To see all nodes takes a role in the system (system_scope = '
            'all), or the role "service" in the service project with '
            '[DEFAULT] rbac_service_role_elevated_access = true in Ironic.'
        )

    def _explain_conflict(
        self, node_id: str, state: PowerState, exc: exceptions.BusyError
    ) -> None:
        """Ironic answers 409 for a lock and for a node that must not be
        switched off; only the node tells which."""
        node = self.get_node(node_id)
        if state is PowerState.OFF and node.keep_on:
            raise exceptions.RefusedError(
                f'{exc.message}: {node.keep_on}',
                cure='Unset disable_power_off on the node to allow it.',
            ) from exc

    def _filters(self) -> dict[str, str]:
        return {
            name: self.config[name]
            for name in _FILTERS
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
                f'Ironic: the endpoint offers {offer}, and 1.{_OLDEST} is the '
                'oldest that will do',
                cure=f'Check that [{_GROUP}] leads to Ironic itself, '
                'and upgrade an Ironic that is older.',
            )
        minor = min(newest[1], _NEWEST)
        for name in self._filters():
            if FIELDS[name] > minor:
                raise exceptions.ConfigurationError(
                    f'[{_GROUP}] {name} takes API 1.{FIELDS[name]} of '
                    f'Ironic, which offers 1.{newest[1]}',
                    cure='Remove the option, or upgrade Ironic.',
                    options=(name,),
                )
        return minor


def _session(
    config: Mapping[str, Any], osc: base.OpenStackClients | None
) -> Any:
    """Own credentials first, then the shared ones."""
    if keystone.credentials_present(config):
        return keystone.load_session(config, group=_GROUP)
    if osc is None:
        raise exceptions.ConfigurationError(
            f'Ironic has no credentials: [{_GROUP}] has no auth_type, and '
            'there is no [watcher_clients_auth] to fall back to',
            cure='Set auth_type there, with "none" for a standalone Ironic '
            'without authentication, or name the driver that is meant in '
            '[metal_drivers] driver.',
            options=('auth_type',),
        )
    return keystone.share_session(osc.session, config, group=_GROUP)


def _connect(config: Mapping[str, Any], session: Any) -> Any:
    """What makes the SDK's baremetal proxy, on first use."""
    try:
        import openstack
        import openstack.exceptions
    except ImportError as exc:
        raise exceptions.ConfigurationError(
            f'The driver ironic cannot be used: {exc}',
            cure='Install openstacksdk.',
            driver='ironic',
        ) from exc

    options: dict[str, Any] = {
        f'baremetal_{name}': value
        for name, value in {
            'endpoint_override': keystone.endpoint(config),
            'interface': keystone.interfaces(config),
            'service_type': config.get('service_type'),
            'service_name': config.get('service_name'),
            'connect_retries': config.get('connect_retries') or 0,
            'status_code_retries': config.get('status_code_retries') or 0,
        }.items()
        if value is not None
    }
    connection = openstack.connection.Connection(
        session=session, region_name=config.get('region_name'), **options
    )

    def connect() -> ks_adapter.Adapter:
        try:
            proxy: ks_adapter.Adapter = connection.baremetal
            # Of a service that is not in the catalogue the SDK gives a
            # stand-in, whose every attribute raises.
            proxy.get_endpoint  # noqa: B018
        except openstack.exceptions.ServiceDisabledException as exc:
            raise ks_exceptions.EndpointNotFound(str(exc)) from exc
        except (
            ks_exceptions.DiscoveryFailure,
            openstack.exceptions.SDKException,
        ) as exc:
            # Neither says whether anybody answers there at all.
            status = _knock(config, session)
            raise ks_exceptions.DiscoveryFailure(
                f'what answers there, with {status}, tells no version'
            ) from exc
        return proxy

    return connect


def _knock(config: Mapping[str, Any], session: Any) -> int:
    """The status of a bare request to the endpoint.

    :raises ClientException: of keystoneauth, where nobody answers.
    """
    url = keystone.endpoint(config) or session.get_endpoint(
        service_type=config.get('service_type') or 'baremetal',
        service_name=config.get('service_name'),
        interface=keystone.interfaces(config),
        region_name=config.get('region_name'),
    )
    status: int = session.get(
        url, authenticated=False, raise_exc=False
    ).status_code
    return status


def _path(node_id: str) -> str:
    return '/nodes/' + urllib.parse.quote(node_id, safe='')


def _node(entry: Mapping[str, Any]) -> Node:
    uuid, state = entry.get('uuid'), entry.get('power_state')
    if not isinstance(uuid, str):
        raise exceptions.ProtocolError(
            'Ironic: a node of the reply has no uuid'
        )
    settled = _at_work(entry.get('provision_state'))
    compute_id = (entry.get('extra') or {}).get('compute_node_id')
    fault = entry.get('last_error') or entry.get('fault')
    return Node(
        uuid,
        entry.get('name') or uuid,
        PowerState.ERROR
        if state == 'error'
        else _STATES.get(state or '', PowerState.UNKNOWN),
        target=_TARGETS.get(entry.get('target_power_state') or ''),
        hypervisor_id=None if compute_id is None else str(compute_id),
        maintenance=(
            (entry.get('maintenance_reason') or 'no reason was given')
            if entry.get('maintenance')
            else None
        ),
        busy=_holder(entry),
        keep_on=settled
        or (
            'disable_power_off is set'
            if entry.get('disable_power_off')
            else None
        ),
        keep_off=settled,
        soft_off=entry.get('power_interface') not in _NO_SOFT_OFF,
        fault=rest.clean(str(fault)) if fault else None,
        details={
            key: entry[key]
            for key in (
                'provision_state',
                'power_interface',
                *_FILTERS,
            )
            if entry.get(key)
        },
    )


def _holder(entry: Mapping[str, Any]) -> str | None:
    """Whose work on the node has not ended.

    Both fields have to be empty: the target is set when a request is
    accepted, and the reservation stays until the conductor has finished.
    """
    if entry.get('reservation'):
        return f'conductor {entry["reservation"]}'
    if entry.get('target_power_state'):
        return f'a change to {entry["target_power_state"]}'
    return None


def _at_work(provision_state: str | None) -> str | None:
    """Why the node is to be left alone: Ironic is at work on it."""
    state = provision_state or ''
    if state.endswith(('ing', 'wait', 'call-back')):
        return f'its provision state is {state!r}'
    return None
