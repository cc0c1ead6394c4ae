# SPDX-License-Identifier: Apache-2.0
"""The proxies of the SDK, made when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metal_drivers import exceptions
from metal_drivers._openstack import auth

if TYPE_CHECKING:
    from keystoneauth1 import adapter as ks_adapter


def connector(
    config: Mapping[str, Any], session: Any, service: str, who: str
) -> Callable[[], ks_adapter.Adapter]:
    """What makes a proxy, on first use.

    :param config: adapter options of keystoneauth.
    :param session: a keystoneauth session.
    :param service: the name of the proxy: ``baremetal``.
    :param who: uses it, for messages: ``The driver ironic``.
    :raises ConfigurationError: there is no SDK.
    """
    try:
        import openstack
        import openstack.exceptions
    except ImportError as exc:
        raise exceptions.ConfigurationError(
            f'{who} cannot be used: {exc}', cure='Install openstacksdk.'
        ) from exc
    from keystoneauth1 import exceptions as ks_exceptions

    options: dict[str, Any] = {
        f'{service}_{name}': value
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
        session=session,
        region_name=config.get('region_name'),
        # Else a service that is not in the catalogue gets a stand-in; and
        # an endpoint_override that leads nowhere an AttributeError, in
        # older releases.
        strict_proxies=True,
        **options,
    )

    def connect() -> ks_adapter.Adapter:
        try:
            proxy: ks_adapter.Adapter = getattr(connection, service)
        except (
            ks_exceptions.DiscoveryFailure,
            openstack.exceptions.SDKException,
        ) as exc:
            # Neither says whether anybody answers there at all.
            status = _knock(config, session, service.replace('_', '-'))
            raise ks_exceptions.DiscoveryFailure(
                f'it answers with {status}, and reports no version'
            ) from exc
        return proxy

    return connect


def _knock(config: Mapping[str, Any], session: Any, service_type: str) -> int:
    """The status of a bare request to the endpoint.

    :raises ClientException: of keystoneauth, where nobody answers.
    """
    url = auth.endpoint(config) or session.get_endpoint(
        service_type=config.get('service_type') or service_type,
        service_name=config.get('service_name'),
        interface=auth.interfaces(config),
        region_name=config.get('region_name'),
    )
    status: int = session.get(
        url, authenticated=False, raise_exc=False
    ).status_code
    return status
