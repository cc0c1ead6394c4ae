# SPDX-License-Identifier: Apache-2.0
"""The hooks that are installed, and how one of them is started."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from metal_drivers import base, boundary, exceptions, plugins
from metal_drivers.hooks.base import NAMESPACE, Hook
from metal_drivers.hooks.guarded import GuardedHook

HOOKS: plugins.Kind[Hook] = plugins.Kind(
    NAMESPACE, Hook, 'metal_drivers.hooks.Hook', 'hook'
)

#: The option that names those in use.
_OPTION = '[metal_drivers] hooks'


def group(name: str) -> str:
    """The configuration group of a hook."""
    return f'{NAMESPACE}.{name}'


def start_all(
    names: Iterable[str],
    values: Callable[[str, type[Hook]], Mapping[str, Any]],
    osc: base.OpenStackClients | None,
) -> list[GuardedHook]:
    """Each of these hooks, in that order.

    :param values: the values of the options of a hook, by its name.
    :param osc: anything with a keystone ``session``.
    :raises ConfigurationError: one of them cannot be used; those that were
        started before are closed.
    """
    started: list[GuardedHook] = []
    try:
        for name in names:
            if name in (each.name for each in started):
                raise _refusal(f'{_OPTION} names {name} twice')
            started.append(_start(_loaded(name), values, osc))
    except BaseException:
        for hook in started:
            hook.close()
        raise
    return started


def _loaded(name: str) -> plugins.Plugin[Hook]:
    installed = plugins.find(HOOKS)
    if name not in installed.names:
        names = ', '.join(installed.names)
        raise _refusal(
            f'There is no hook {name!r}; installed are {names or "none"}',
            f'Use one of these in {_OPTION}, or install the package that '
            'provides it.',
        )
    plugin = installed.get(name)
    if plugin.cls is None:
        error = _refusal(
            f'The hook {name} cannot be used: {plugin.error}',
            f'Then try again, or remove it from {_OPTION}.',
        )
        error.__cause__ = plugin.cause
        raise error
    return plugin


def _start(
    plugin: plugins.Plugin[Hook],
    values: Callable[[str, type[Hook]], Mapping[str, Any]],
    osc: base.OpenStackClients | None,
) -> GuardedHook:
    cls = plugin.cls
    assert cls is not None  # noqa: S101, the caller has looked
    config = values(plugin.name, cls)
    with plugins.guarded_output():
        hook, origin = boundary.make(
            cls,
            config,
            osc,
            name=plugin.name,
            distribution=', '.join(plugin.distributions),
            noun=HOOKS.noun,
            cure=f'Check [{group(plugin.name)}], or remove {plugin.name} '
            f'from {_OPTION}.',
        )
        return GuardedHook(hook, origin)


def _refusal(
    message: str, cure: str = 'Name it once.'
) -> exceptions.ConfigurationError:
    return exceptions.ConfigurationError(
        message, cure=cure, options=('hooks',)
    )
