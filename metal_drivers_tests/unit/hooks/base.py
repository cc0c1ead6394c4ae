# SPDX-License-Identifier: Apache-2.0
"""What the tests of hooks share."""

from typing import Any

from metal_drivers import exceptions, redaction
from metal_drivers.boundary import errors
from metal_drivers.hooks import Event, Hook, HookEvent
from metal_drivers.hooks.guarded import GuardedHook


def event(what: Event = Event.BEFORE_OFF, **changes: Any) -> HookEvent:
    """An event of a host."""
    values: dict[str, Any] = {
        'node_id': 'id-1',
        'node_name': 'metal-01',
        'host': 'compute-01',
        'driver': 'fake',
        **changes,
    }
    return HookEvent(what, **values)


def guard(hook: Hook, *secrets: str, name: str = 'acme') -> GuardedHook:
    """A hook behind the boundary."""
    redact = redaction.Redactor(secrets)
    return GuardedHook(hook, errors.Origin(name, 'acme-hook', redact, 'hook'))


def error_of(hook: GuardedHook, told: HookEvent) -> exceptions.MetalError:
    """The error that the hook ends with."""
    try:
        hook.tell(told)
    except exceptions.MetalError as exc:
        return exc
    raise AssertionError('the hook did not fail')
