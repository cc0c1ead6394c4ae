# SPDX-License-Identifier: Apache-2.0
"""The hosts that the rules of a reserve are about."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence

from metal_drivers import exceptions
from metal_drivers.fleet import Member
from metal_drivers.model import Aggregate
from metal_drivers.planning.levels import Group
from metal_drivers.planning.wish import Rule

#: The zone of hosts in no aggregate that makes one: Nova's default for
#: ``default_availability_zone``.
DEFAULT_ZONE = 'nova'

#: How long a message may be: Watcher keeps no more of it.
_ROOM = 200
#: How much of that a name that does not exist may take.
_NAME = 40
#: How many names are looked for that are like it.
_NEAR = 5

Names = Mapping[str, frozenset[str]]


def in_nova(rules: Iterable[Rule]) -> bool:
    """Whether Nova is to be asked for what these rules name."""
    return any(rule.kind != 'trait' for rule in rules)


def find(
    rules: Sequence[Rule],
    members: Iterable[Member],
    aggregates: Sequence[Aggregate],
    zones: Callable[[], Names],
) -> tuple[Group, ...]:
    """The group of each rule.

    :param members: all that there are, in scope or not.
    :param zones: the hosts by their zones, asked of Nova; called where a
        rule names a zone that no aggregate makes.
    :raises ConfigurationError: a rule names what does not exist.
    """
    matched = [
        (member.node, member.host.name) for member in members if member.host
    ]
    names = frozenset(name for _, name in matched)
    known: dict[str, Names] = {
        'aggregate': {each.name: each.hosts for each in aggregates},
        'zone': _zones(aggregates, names),
    }
    if any(
        rule.kind == 'zone' and rule.name not in known['zone']
        for rule in rules
    ):
        known['zone'] = {**_zones(aggregates, frozenset()), **zones()}
    traits: dict[str, set[str]] = {}
    for node, _ in matched:
        for label in node.labels:
            traits.setdefault(label, set()).add(node.id)
    groups = []
    for rule in rules:
        if rule.kind == 'trait':
            _check(rule, traits)
            ids = frozenset(traits[rule.name])
        else:
            _check(rule, known[rule.kind])
            hosts = known[rule.kind][rule.name]
            ids = frozenset(node.id for node, name in matched if name in hosts)
        groups.append(Group(rule, ids))
    return tuple(groups)


def _zones(aggregates: Iterable[Aggregate], hosts: frozenset[str]) -> Names:
    zones: dict[str, frozenset[str]] = {}
    for each in aggregates:
        if each.zone is not None:
            zones[each.zone] = zones.get(each.zone, frozenset()) | each.hosts
    rest = hosts.difference(*zones.values())
    if rest:
        zones[DEFAULT_ZONE] = zones.get(DEFAULT_ZONE, frozenset()) | rest
    return zones


def _check(rule: Rule, known: Iterable[str]) -> None:
    names = sorted(known)
    if rule.name in names:
        return
    name = rule.name
    if len(name) > _NAME:
        name = name[: _NAME - 2] + ' …'
    # A blank at either end would not be seen.
    odd = rule.name != rule.name.strip()
    named = f'{rule.kind} {name!r}' if odd else f'{rule.kind} {name}'
    room = _ROOM - len(str(_missing(named, '')))
    raise _missing(named, _shown(_nearest_first(rule.name, names), room))


def _missing(named: str, there: str) -> exceptions.ConfigurationError:
    return exceptions.ConfigurationError(
        f'The parameter reserve names {named}, which does not exist. '
        f'There are: {there}',
        cure='Fix the parameter.',
    )


def _nearest_first(name: str, names: Sequence[str]) -> list[str]:
    """Those that are like it, upper or lower case, then the others."""
    folded: dict[str, list[str]] = {}
    for each in names:
        folded.setdefault(each.casefold(), []).append(each)
    near = difflib.get_close_matches(name.casefold(), folded, _NEAR)
    found = [each for one in near for each in folded[one]]
    return list(dict.fromkeys([*found, *names]))


def _shown(names: Sequence[str], room: int) -> str:
    """As many of them as there is room for, and the number of the rest."""
    longest = room - len(_and_more(len(names)))
    short = [name for name in names if len(name) <= longest]
    for count in range(min(len(short), room), 0, -1):
        text = ', '.join(short[:count]) + _and_more(len(names) - count)
        if len(text) <= room:
            return text
    return f'{len(names)} with longer names' if names else 'none'


def _and_more(rest: int) -> str:
    return f' and {rest} more' if rest else ''
