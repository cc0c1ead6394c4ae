# SPDX-License-Identifier: Apache-2.0
"""The way to Ironic: a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
