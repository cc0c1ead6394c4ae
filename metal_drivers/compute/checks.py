# SPDX-License-Identifier: Apache-2.0
"""What ``check`` says of Nova beyond whether it answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metal_drivers import exceptions
from metal_drivers._openstack import client, transport
from metal_drivers.compute import api
from metal_drivers.model import CheckResult, CheckStatus

_NEEDED = tuple(int(each) for each in api.MICROVERSION.split('.'))


def run(nova: client.Service, session: Any) -> Iterator[CheckResult]:
    """TLS, the version, the roles, the clock; ends where Nova does not
    answer."""
    yield from transport.keystone(session)
    try:
        yield from transport.tls('nova', nova.url(), session)
        yield _version(nova.newest_version())
        yield _rights(nova)
    except exceptions.MetalError:  # said by the check of Nova itself
        return
    yield transport.clock('nova', nova.ahead)


def _version(newest: tuple[int, int] | None) -> CheckResult:
    name = 'nova version'
    if newest is None:
        return CheckResult(
            name,
            CheckStatus.WARNING,
            f'not reported; microversion {api.MICROVERSION} is used',
        )
    detail = f'API up to {newest[0]}.{newest[1]}'
    if newest < _NEEDED:
        return CheckResult(
            name,
            CheckStatus.FAILED,
            f'{detail}, but microversion {api.MICROVERSION} is needed. '
            'Upgrade Nova, to Pike or newer',
        )
    return CheckResult(
        name, CheckStatus.OK, f'{detail}; {api.MICROVERSION} is used'
    )


def _rights(nova: client.Service) -> CheckResult:
    name = 'nova rights'
    roles, detail = nova.rights()
    if roles is None or 'admin' in roles:
        return CheckResult(name, CheckStatus.OK, detail)
    return CheckResult(
        name,
        CheckStatus.WARNING,
        f'{detail}. Unless its policy was changed, Nova lets only admin '
        'list hypervisors and disable nova-compute: give it that role',
    )
