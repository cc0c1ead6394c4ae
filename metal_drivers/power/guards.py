# SPDX-License-Identifier: Apache-2.0
"""May we? The reasons not to switch a node, each a function.

A guard returns why not and what would lift it, or nothing. To add one,
write it and put it in ``GUARDS``; the order is the order of the messages.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable

from metal_drivers.fleet import Member
from metal_drivers.model import PowerState
from metal_drivers.power.settings import PowerSettings


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """A node that somebody wants to switch."""

    member: Member
    state: PowerState
    settings: PowerSettings
    #: Seconds since the node was switched last; None: not known, or of no
    #: matter, since no request is to be sent.
    dwelt: float | None = None
    #: Takes room among the hosts that may be off at once; how many are
    #: where there is none.
    take_room: Callable[[], int | None] = lambda: None


Guard = Callable[[Wish], str | None]


def matched(wish: Wish) -> str | None:
    member = wish.member
    if member.host is not None:
        return None
    if member.doubtful:
        return (
            f'it may be a compute host, but which is not clear: '
            f'{member.problem}. Mend that first'
        )
    if wish.settings.unmatched:
        return None
    return (
        f'it matches no compute host: {member.problem}. Mend that, or use '
        '--unmatched where the node is none'
    )


def not_protected(wish: Wish) -> str | None:
    pattern = protecting(wish.member, wish.settings.protected_hosts)
    if pattern is None:
        return None
    return (
        f'it is protected by {pattern!r} in [metal_drivers] protected_hosts. '
        'Change that to lift it'
    )


def not_labelled(wish: Wish) -> str | None:
    labels = wish.member.node.labels
    pattern = _fitting(wish.settings.protected_labels, sorted(labels))
    if pattern is None:
        return None
    return (
        f'one of its labels is protected by {pattern!r} in [metal_drivers] '
        'protected_labels. Change that, or the label, to lift it'
    )


def not_in_maintenance(wish: Wish) -> str | None:
    reason = wish.member.node.maintenance
    if reason is None:
        return None
    return f'it is in maintenance ({reason}); end that first'


def not_locked(wish: Wish) -> str | None:
    if wish.member.node.locked is None:
        return None
    return f'it is locked ({wish.member.node.locked}); unlock it first'


def allowed_by_service(wish: Wish) -> str | None:
    node, off = wish.member.node, wish.state is PowerState.OFF
    reason = node.keep_on if off else node.keep_off
    if not reason:
        return None
    return (
        f'its bare metal service keeps it {"on" if off else "off"} '
        f'({reason}); change that there first'
    )


def dwelt_long_enough(wish: Wish) -> str | None:
    least = wish.settings.min_dwell
    if wish.dwelt is None or wish.dwelt >= least:
        return None
    return (
        f'it was switched {wish.dwelt:.0f} s ago, and [metal_drivers] '
        f'min_dwell is {least:g} s. Wait for {least - wish.dwelt:.0f} s, or '
        'change that'
    )


def few_enough_off(wish: Wish) -> str | None:
    if not wish.settings.max_powered_off:
        return None
    if wish.state is not PowerState.OFF or wish.member.host is None:
        return None
    others = wish.take_room()
    if others is None:
        return None
    return (
        f'{others} hosts are off or about to be, and [metal_drivers] '
        f'max_powered_off is {wish.settings.max_powered_off}. Switch one on, '
        'or change that'
    )


GUARDS: tuple[Guard, ...] = (
    matched,
    not_protected,
    not_labelled,
    not_in_maintenance,
    not_locked,
    allowed_by_service,
    dwelt_long_enough,
    # The last one: it takes what others then do not get.
    few_enough_off,
)

#: What is asked before nova-compute is enabled on a host that is on: nothing
#: is switched then.
ENABLING: tuple[Guard, ...] = (
    matched,
    not_in_maintenance,
    not_locked,
    allowed_by_service,
)


def refusal(wish: Wish, asked: Iterable[Guard] | None = None) -> str | None:
    """Why the node must not be switched, or None.

    :param asked: the guards; by default all.

    Whether servers are on the host is not asked here: that takes a
    request, and is asked twice, by the transition.
    """
    for guard in GUARDS if asked is None else asked:
        reason = guard(wish)
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
