# SPDX-License-Identifier: Apache-2.0
"""Can Ironic be reached, does it accept us, may we act?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from metal_drivers import exceptions
from metal_drivers._openstack import client, transport
from metal_drivers.model import CheckResult, CheckStatus, Node


def run(
    ironic: client.Service,
    session: Any,
    microversion: Callable[[], str],
    list_nodes: Callable[[], list[Node]],
    filters: Mapping[str, str],
) -> Iterator[CheckResult]:
    """The answers, one after the other; the first failure is the last."""
    name = 'ironic endpoint'
    try:
        url = ironic.url()
        yield from transport.tls('ironic', url, session)
        yield CheckResult(name, CheckStatus.OK, f'{url}, API {microversion()}')
        name = 'ironic nodes'
        yield _rights(ironic)
        yield _nodes(ironic, list_nodes(), filters)
        yield transport.clock('ironic', ironic.ahead)
    except exceptions.MetalError as exc:
        yield CheckResult(name, CheckStatus.FAILED, str(exc))


def why_empty(ironic: client.Service, filters: Mapping[str, str]) -> str:
    """Why Ironic may show no nodes, for a message."""
    if filters:
        narrowed = ', '.join(f'{k} = {v}' for k, v in filters.items())
        hint = f'none matches {narrowed}'
    else:
        hint = 'none is enrolled'
    if ironic.access() is None:
        return f'Ironic shows no nodes: {hint}.'
    return (
        f'Ironic shows no nodes: {hint}, or this user may not see them. '
        'To see all nodes, it needs a role in the system (system_scope = '
        'all), or the role "service" in the service project with '
        '[DEFAULT] rbac_service_role_elevated_access = true in Ironic.'
    )


def _rights(ironic: client.Service) -> CheckResult:
    name = 'ironic rights'
    roles, detail = ironic.rights()
    if roles is None or roles & {'admin', 'service', 'member', 'manager'}:
        return CheckResult(name, CheckStatus.OK, detail)
    return CheckResult(
        name,
        CheckStatus.FAILED,
        f'{detail}; none of them may change power. Give it the role '
        'admin in the system, or service.',
    )


def _nodes(
    ironic: client.Service, nodes: list[Node], filters: Mapping[str, str]
) -> CheckResult:
    name = 'ironic nodes'
    if nodes:
        return CheckResult(name, CheckStatus.OK, f'{len(nodes)} nodes')
    return CheckResult(name, CheckStatus.WARNING, why_empty(ironic, filters))
