# SPDX-License-Identifier: Apache-2.0
"""The way to Ironic: a session, and the proxy of the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keystoneauth1 import adapter as ks_adapter
from keystoneauth1 import exceptions as ks_exceptions

from metal_drivers import base, exceptions
from metal_drivers._openstack import auth

GROUP = f'{base.NAMESPACE}.ironic'


def open_session(
    config: Mapping[str, Any], osc: base.OpenStackClients | None
) -> Any:
    """Own credentials first, then the shared ones."""
    if auth.credentials_present(config):
        return auth.load_session(config, group=GROUP)
    if osc is None:
        raise exceptions.ConfigurationError(
            f'Ironic has no credentials: [{GROUP}] has no auth_type, and '
            'there is no [watcher_clients_auth] to fall back to',
            cure='Set auth_type there, with "none" for a standalone Ironic '
            'without authentication, or choose another driver with '
            '[metal_drivers] driver.',
            options=('auth_type',),
        )
    return auth.share_session(osc.session, config, group=GROUP)


def connector(config: Mapping[str, Any], session: Any) -> Any:
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
            'endpoint_override': auth.endpoint(config),
            'interface': auth.interfaces(config),
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
                f'it answers with {status}, and reports no version'
            ) from exc
        return proxy

    return connect


def _knock(config: Mapping[str, Any], session: Any) -> int:
    """The status of a bare request to the endpoint.

    :raises ClientException: of keystoneauth, where nobody answers.
    """
    url = auth.endpoint(config) or session.get_endpoint(
        service_type=config.get('service_type') or 'baremetal',
        service_name=config.get('service_name'),
        interface=auth.interfaces(config),
        region_name=config.get('region_name'),
    )
    status: int = session.get(
        url, authenticated=False, raise_exc=False
    ).status_code
    return status
