# SPDX-License-Identifier: Apache-2.0
"""Can MAAS be reached, does it accept us, may we act?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from metal_drivers import certificates, exceptions
from metal_drivers.drivers.maas import client, connection
from metal_drivers.drivers.maas.nodes import FILTERS
from metal_drivers.model import CheckResult, CheckStatus, Node

#: Seconds that a clock may be off before it is worth a word; from 300 s
#: on MAAS refuses whoever is behind.
_SKEW = 60

#: For each filter: what its values are, and the call that lists them.
_LISTS = {
    'tags': ('tag', 'Tags.read'),
    'not_tags': ('tag', 'Tags.read'),
    'pools': ('pool', 'ResourcePools.read'),
    'zones': ('zone', 'Zones.read'),
}


def run(
    maas: client.MaasClient,
    config: Mapping[str, Any],
    list_nodes: Callable[[], list[Node]],
) -> Iterator[CheckResult]:
    """The answers, one after the other; the first failure is the last."""
    name = 'maas endpoint'
    try:
        yield _endpoint(maas)
        yield _tls(maas, config)
        name = 'maas credentials'
        user = maas.call('Users.whoami', 'identify its user')
        yield _rights(user)
        yield _clock(maas)
        name = 'maas filters'
        if any(config.get(option) for option in _LISTS):
            yield (filters := _filters(maas, config))
            if filters.status is CheckStatus.FAILED:
                return
        name = 'maas machines'
        yield _machines(list_nodes(), config)
    except exceptions.MetalError as exc:
        yield CheckResult(name, CheckStatus.FAILED, str(exc))


def _endpoint(maas: client.MaasClient) -> CheckResult:
    told = maas.call('Version.read', 'read its version')
    version = str(_field(told, 'version'))
    # MAAS knows its version when one of its controllers has reported.
    shown = 'of unknown version' if version == 'None' else version
    detail = f'{maas.url()}, MAAS {shown}'
    numbers = [int(n) for n in version.split('.')[:2] if n.isdecimal()]
    if numbers and numbers < [2, 6]:
        # [src] Every machine would come back.
        return CheckResult(
            'maas endpoint',
            CheckStatus.FAILED,
            f'{detail}: it ignores tags, not_tags, pools and zones. Upgrade '
            'it to 2.6 or newer',
        )
    return CheckResult('maas endpoint', CheckStatus.OK, detail)


def _tls(maas: client.MaasClient, config: Mapping[str, Any]) -> CheckResult:
    name = 'maas tls'
    if maas.url().startswith('http:'):
        return CheckResult(
            name,
            CheckStatus.WARNING,
            f'none for {maas.url()}: anyone on the network path can read '
            f'the API key. Set [{connection.GROUP}] url to an https URL',
        )
    if config.get('insecure'):
        return CheckResult(
            name,
            CheckStatus.WARNING,
            'not verified: anyone on the network path can read the API key. '
            f'Replace [{connection.GROUP}] insecure by cafile',
        )
    cafile = config.get('cafile')
    context = connection.tls_context(
        maas.url(), cafile, False, connection.GROUP
    )
    assert context is not None  # noqa: S101, it is an https URL
    trusted = cafile or 'the certificate authorities of the system'
    return certificates.check(
        name, maas.url(), context, trusted, config.get('timeout')
    )


def _rights(user: Any) -> CheckResult:
    name = _field(user, 'username')
    if _field(user, 'is_superuser') is True:
        return CheckResult(
            'maas credentials', CheckStatus.OK, f'{name} is an administrator'
        )
    return CheckResult(
        'maas credentials',
        CheckStatus.WARNING,
        f'{name} is not an administrator: only machines that it owns are '
        'shown and can be powered on or off. Use the API key of an '
        'administrator, unless these are all that you want',
    )


def _clock(maas: client.MaasClient) -> CheckResult:
    ahead = maas.clock_ahead()
    if ahead is None:
        return CheckResult('maas clock', CheckStatus.OK, 'not reported')
    seconds = f'{abs(ahead):.0f} s {"behind" if ahead > 0 else "ahead of"}'
    if ahead > 0:
        seconds += ' that of'
    detail = f'the clock here is {seconds} MAAS'
    if abs(ahead) <= _SKEW:
        return CheckResult('maas clock', CheckStatus.OK, detail)
    return CheckResult(
        'maas clock',
        CheckStatus.WARNING,
        f'{detail}; from 300 s behind, every request is refused. Have both '
        'use the same time servers',
    )


def _filters(
    maas: client.MaasClient, config: Mapping[str, Any]
) -> CheckResult:
    """To MAAS an unknown tag in ``not_tags`` is not an error: it would
    exclude nothing, without any message."""
    known: dict[str, list[Any]] = {}
    unknown = []
    chosen = [option for option in _LISTS if config.get(option)]
    for option in chosen:
        what, call = _LISTS[option]
        if call not in known:
            told = maas.call(call, f'list {what}s')
            known[call] = [_field(each, 'name') for each in _items(told)]
        names = [each for each in config[option] if each not in known[call]]
        if names:
            unknown.append(
                f'{option}: MAAS has no {what} named {" or ".join(names)}'
            )
    if unknown:
        return CheckResult(
            'maas filters',
            CheckStatus.FAILED,
            f'{"; ".join(unknown)}. Correct this in [{connection.GROUP}]',
        )
    return CheckResult(
        'maas filters', CheckStatus.OK, f'MAAS has each of {", ".join(chosen)}'
    )


def _machines(nodes: list[Node], config: Mapping[str, Any]) -> CheckResult:
    chosen = [
        f'{option} = {", ".join(config[option])}'
        for option in FILTERS
        if config.get(option)
    ]
    narrowed = f' with {"; ".join(chosen)}' if chosen else ''
    if nodes:
        return CheckResult(
            'maas machines',
            CheckStatus.OK,
            f'{len(nodes)} deployed machines{narrowed}',
        )
    return CheckResult(
        'maas machines',
        CheckStatus.WARNING,
        f'MAAS shows no deployed machines{narrowed}: there are none, or '
        'this user may not see them. An administrator sees all, others '
        'their own. Deploy the machines, or use the API key of an '
        'administrator',
    )


def _items(told: Any) -> list[Any]:
    if not isinstance(told, list):
        raise exceptions.ProtocolError(
            'MAAS: the reply is not a list',
            cure=f'Check that [{connection.GROUP}] url leads to MAAS itself.',
        )
    return told


def _field(told: Any, name: str) -> Any:
    if not isinstance(told, dict) or name not in told:
        raise exceptions.ProtocolError(
            f'MAAS: the reply has no {name}',
            cure=f'Check that [{connection.GROUP}] url leads to MAAS itself.',
        )
    return told[name]
