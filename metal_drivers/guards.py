# SPDX-License-Identifier: Apache-2.0
"""The guards: each is a function that may refuse a power request.

A guard returns the reason and how to allow it, or nothing. To add one,
write it and put it in ``GUARDS``; the order is the order of the messages.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable, Iterator

from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.settings import PowerSettings


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A request to power a node on or off."""

    member: Member
    state: PowerState
    settings: PowerSettings
    #: Seconds since the last power change; None: not known, or not needed,
    #: because no request is to be sent.
    dwelt: float | None = None
    #: How many others are off, if that is the limit; else None.
    others_off: int | None = None


Guard = Callable[[Request], str | None]


def matched(request: Request) -> str | None:
    member = request.member
    if member.host is not None:
        return None
    if member.doubtful:
        return (
            f'it may be a compute host, but it is not clear which one: '
            f'{member.problem}. Fix that first'
        )
    if request.settings.unmatched:
        return None
    return (
        f'it matches no compute host: {member.problem}. Fix that, or use '
        '--unmatched if it is not a compute host'
    )


def not_protected(request: Request) -> str | None:
    pattern = protecting(request.member, request.settings.protected_hosts)
    if pattern is None:
        return None
    return (
        f'it is protected by {pattern!r} in [metal_drivers] protected_hosts. '
        'Change that option to allow it'
    )


def not_labelled(request: Request) -> str | None:
    labels = request.member.node.labels
    pattern = _fitting(request.settings.protected_labels, sorted(labels))
    if pattern is None:
        return None
    return (
        f'one of its labels is protected by {pattern!r} in [metal_drivers] '
        'protected_labels. Change that option, or the label, to allow it'
    )


def protections(request: Request) -> Iterator[str]:
    """What protects the node by the configuration, each with its reason."""
    for guard in (not_protected, not_labelled):
        reason = guard(request)
        if reason is not None:
            yield reason


def not_in_maintenance(request: Request) -> str | None:
    reason = request.member.node.maintenance
    if reason is None:
        return None
    return f'it is in maintenance ({reason}); end the maintenance first'


def not_locked(request: Request) -> str | None:
    if request.member.node.locked is None:
        return None
    return f'it is locked ({request.member.node.locked}); unlock it first'


def allowed_by_service(request: Request) -> str | None:
    node, off = request.member.node, request.state is PowerState.OFF
    reason = node.keep_on if off else node.keep_off
    if not reason:
        return None
    return (
        f'the bare metal service forbids powering it {"off" if off else "on"} '
        f'({reason}); change that there first'
    )


def dwelt_long_enough(request: Request) -> str | None:
    least = request.settings.min_dwell
    if request.dwelt is None or request.dwelt >= least:
        return None
    return (
        f'its power changed {request.dwelt:.0f} s ago, and [metal_drivers] '
        f'min_dwell is {least:g} s. Wait for {least - request.dwelt:.0f} s, '
        'or change that option'
    )


def few_enough_off(request: Request) -> str | None:
    if not request.settings.max_powered_off:
        return None
    if request.state is not PowerState.OFF or request.member.host is None:
        return None
    others = request.others_off
    if others is None:
        return None
    return (
        f'{others} hosts are off or about to be, and [metal_drivers] '
        f'max_powered_off is {request.settings.max_powered_off}. Power one '
        'on, or change that option'
    )


GUARDS: tuple[Guard, ...] = (
    matched,
    not_protected,
    not_labelled,
    not_in_maintenance,
    not_locked,
    allowed_by_service,
    dwelt_long_enough,
    few_enough_off,
)

#: What is checked before nova-compute is enabled on a host that is on: no
#: power request is sent then.
ENABLING: tuple[Guard, ...] = (
    matched,
    not_in_maintenance,
    not_locked,
    allowed_by_service,
)


def refusal(
    request: Request, asked: Iterable[Guard] | None = None
) -> str | None:
    """Why the node must not be powered on or off, or None.

    :param asked: the guards; by default all.

    Whether servers are on the host is not asked here: that takes a
    request, and is asked twice, by the transition.
    """
    for guard in GUARDS if asked is None else asked:
        reason = guard(request)
        if reason:
            return reason
    return None


def protecting(member: Member, patterns: Iterable[str]) -> str | None:
    """The first pattern that fits a name of the node or of its host, or
    one that its host would have, were it matched."""
    return _fitting(patterns, member.names.union(member.node.host_names))


def _fitting(patterns: Iterable[str], names: Iterable[str]) -> str | None:
    folded = [name.casefold() for name in names]
    for pattern in patterns:
        if any(fnmatch.fnmatchcase(n, pattern.casefold()) for n in folded):
            return pattern
    return None
