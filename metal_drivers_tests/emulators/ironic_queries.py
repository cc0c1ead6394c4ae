# SPDX-License-Identifier: Apache-2.0
"""How Ironic 39.0.0 reads the parameters and bodies of requests."""

from collections.abc import Collection, Sequence
from typing import Any

from metal_drivers_tests.emulators import ironic_api, ironic_state, messages

PAGING = ('fields', 'limit', 'marker', 'sort_key', 'sort_dir', 'detail')
FILTERS = (
    'maintenance',
    'associated',
    'conductor_group',
    'owner',
    'resource_class',
    'driver',
    'provision_state',
    'instance_uuid',
)
_FLAGS = ('maintenance', 'associated')


def check_arguments(given: Collection[str], known: Collection[str]) -> None:
    extra = sorted(set(given) - set(known))
    if extra:
        raise ironic_api.refuse(
            400, f'Unexpected arguments: {", ".join(extra)}'
        )


def limit(request: messages.Request, maximum: int) -> int:
    """The page size asked for, capped in silence."""
    text = request.last('limit')
    if text is None:
        return maximum
    try:
        value = int(text)
    except ValueError:
        raise ironic_api.refuse(
            400, f'Expected an integer for limit: {text}'
        ) from None
    if value <= 0:
        raise ironic_api.refuse(400, 'Limit must be positive')
    return min(value, maximum)


def flag(request: messages.Request, name: str) -> bool | None:
    """A boolean parameter, None where it is not set."""
    text = request.last(name)
    if text is None:
        return None
    value = messages.loose_bool(text)
    if value is None:
        raise ironic_api.refuse(
            400, f'Invalid {name}: {messages.not_a_bool(text)}'
        )
    return value


def filtered(
    nodes: Sequence[ironic_state.Node], request: messages.Request
) -> tuple[list[ironic_state.Node], dict[str, str]]:
    """The nodes that pass, and the filters that ``next`` carries over.

    Those are only flags that are true. Whoever follows the link as it is
    gets unfiltered pages after the first, in Ironic as here.
    """
    flags = {name: flag(request, name) for name in _FLAGS}
    kept = {name: 'True' for name, value in flags.items() if value}
    tests = [
        (name, request.last(name))
        for name in FILTERS
        if name not in _FLAGS and request.last(name) is not None
    ]
    passed = [
        node
        for node in nodes
        if flags['maintenance'] in (None, node.maintenance)
        and flags['associated'] in (None, node.instance_uuid is not None)
        and all(getattr(node, name) == value for name, value in tests)
    ]
    return passed, kept


def power_body(request: messages.Request) -> tuple[str | None, bool]:
    """The target, and whether there is a timeout."""
    try:
        body: Any = request.json()
    except ValueError:
        body = None
    # Anything but an object counts as nothing at all.
    if not isinstance(body, dict) or not body:
        raise ironic_api.refuse(400, 'Missing mandatory parameter: target')
    check_arguments(body, ('target', 'timeout'))
    if 'target' not in body:
        raise ironic_api.refuse(400, 'Missing mandatory parameter: target')
    target, timeout = body['target'], body.get('timeout')
    if target is not None and not isinstance(target, str):
        raise ironic_api.refuse(400, f'Expected string for target: {target}')
    if timeout is not None:
        try:
            seconds = int(timeout)
        except (TypeError, ValueError):
            raise ironic_api.refuse(
                400, f'Expected an integer for timeout: {timeout}'
            ) from None
        if seconds <= 0:
            raise ironic_api.refuse(400, 'timeout has to be positive integer')
    return target, timeout is not None
