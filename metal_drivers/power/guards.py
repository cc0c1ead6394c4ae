# SPDX-License-Identifier: Apache-2.0
"""May we? The reasons not to switch a node, each a function.

A guard returns why not and what would lift it, or nothing. To add one,
write it and put it in ``GUARDS``; the order is the order of the messages.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable

from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.power.settings import PowerSettings

Guard = Callable[[Member, PowerState, PowerSettings], str | None]


def matched(
    member: Member, state: PowerState, settings: PowerSettings
) -> str | None:
    if member.host is not None:
        return None
    if member.doubtful:
        return (
            f'it may be a compute host, but which is not clear: '
            f'{member.problem}. Mend that first'
        )
    if settings.unmatched:
        return None
    return (
        f'it matches no compute host: {member.problem}. Mend that, or use '
        '--unmatched where the node is none'
    )


def not_protected(
    member: Member, state: PowerState, settings: PowerSettings
) -> str | None:
    pattern = protecting(member, settings.protected_hosts)
    if pattern is None:
        return None
    return (
        f'it is protected by {pattern!r} in [metal_drivers] protected_hosts. '
        'Change that to lift it'
    )


def not_in_maintenance(
    member: Member, state: PowerState, settings: PowerSettings
) -> str | None:
    if member.node.maintenance is None:
        return None
    return f'it is in maintenance ({member.node.maintenance}); end that first'


def not_locked(
    member: Member, state: PowerState, settings: PowerSettings
) -> str | None:
    if member.node.locked is None:
        return None
    return f'it is locked ({member.node.locked}); unlock it first'


def allowed_by_service(
    member: Member, state: PowerState, settings: PowerSettings
) -> str | None:
    off = state is PowerState.OFF
    reason = member.node.keep_on if off else member.node.keep_off
    if not reason:
        return None
    return (
        f'its bare metal service keeps it {"on" if off else "off"} '
        f'({reason}); change that there first'
    )


def protecting(member: Member, patterns: Iterable[str]) -> str | None:
    """The first pattern that fits a name of the node or of its host, or
    one that its host would have, were it matched."""
    names = member.names.union(member.node.host_names)
    for pattern in patterns:
        for name in names:
            if fnmatch.fnmatchcase(name.casefold(), pattern.casefold()):
                return pattern
    return None


GUARDS: tuple[Guard, ...] = (
    matched,
    not_protected,
    not_in_maintenance,
    not_locked,
    allowed_by_service,
)


def refusal(
    member: Member, state: PowerState, settings: PowerSettings
) -> str | None:
    """Why the node must not be switched to that state, or None.

    Whether servers are on the host is not asked here: that takes a
    request, and is asked twice, by the transition.
    """
    for guard in GUARDS:
        reason = guard(member, state, settings)
        if reason:
            return reason
    return None
