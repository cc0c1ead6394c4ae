# SPDX-License-Identifier: Apache-2.0
"""What an audit asks for: the parameters of the strategy."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from typing import Any, Self

from oslo_config import cfg

from metal_drivers import exceptions

#: What a reserve may be kept in.
KINDS = ('zone', 'aggregate', 'trait')
#: How a reserve may be measured.
MEASURES = ('min_free_hosts_num', 'free_used_percent')

STRATEGY = 'metal_saving_energy'
#: Of Watcher's group for the strategy.
GROUP = f'watcher_strategies.{STRATEGY}'
OPTS = (
    cfg.BoolOpt(
        'any_off_host',
        default=False,
        help='Whether every host that is off counts as spare. By default '
        'only hosts count that metal-drivers powered off, or whose '
        'nova-compute is enabled: one that someone else disabled may be off '
        'for repair.',
    ),
)


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    """JSON schema: an object has exactly one of these."""
    return {'oneOf': [{'required': [name]} for name in names]}


#: The parameters, as JSON schema.
PARAMETERS: Mapping[str, Any] = {
    'free_used_percent': {
        'description': 'how many hosts to keep free and on, in percent of '
        'those with servers',
        'type': 'number',
        'minimum': 0,
        'default': 10.0,
    },
    'min_free_hosts_num': {
        'description': 'how many hosts to keep free and on, at least',
        'type': 'number',
        'minimum': 0,
        'default': 1,
    },
    'reserve': {
        'description': 'how many hosts to keep free and on within zones, '
        'aggregates or traits: a list of rules, each with one of zone, '
        'aggregate and trait, and one of min_free_hosts_num and '
        'free_used_percent',
        'type': 'array',
        'items': {
            'type': 'object',
            'properties': {
                **{kind: {'type': 'string', 'minLength': 1} for kind in KINDS},
                'min_free_hosts_num': {'type': 'integer', 'minimum': 0},
                'free_used_percent': {'type': 'number', 'minimum': 0},
            },
            'additionalProperties': False,
            'allOf': [_one_of(KINDS), _one_of(MEASURES)],
        },
        'default': [],
    },
    'idle_minutes': {
        'description': 'a host on which a server was within so many minutes '
        'does not go off; 0: it may',
        'type': 'number',
        'minimum': 0,
        'default': 0,
    },
    'exercise_days': {
        'description': 'a host that metal-drivers powered off longer ago '
        'than so many days is powered on, one for each audit; 0: never',
        'type': 'number',
        'minimum': 0,
        'default': 0,
    },
    'max_actions': {
        'description': 'how many hosts one plan may power on or off, at '
        'most; null for no limit',
        'type': ['integer', 'null'],
        'minimum': 1,
        'default': None,
    },
    'dry_run': {
        'description': 'show in the log and in the status of the audit which '
        'hosts would be powered on or off, and plan nothing',
        'type': 'boolean',
        'default': False,
    },
}


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Hosts to keep free and on in one group."""

    #: One of :data:`KINDS`.
    kind: str
    #: The group's.
    name: str
    #: At least so many; or
    min_free_hosts_num: int | None = None
    #: so many in percent of the group's hosts with servers.
    free_used_percent: float = 0.0

    @property
    def group(self) -> str:
        """``zone az1``."""
        return f'{self.kind} {self.name}'

    def wanted(self, busy: int) -> int:
        """:param busy: how many hosts of the group have servers."""
        if self.min_free_hosts_num is not None:
            return self.min_free_hosts_num
        return _share(busy, self.free_used_percent)

    @classmethod
    def read(cls, given: Any) -> Self:
        """A rule of the parameter ``reserve``.

        :raises ConfigurationError: it is none.
        """
        if not isinstance(given, Mapping):
            raise _wrong(given, 'it is not an object')
        unknown = set(given) - set(KINDS) - set(MEASURES)
        if unknown:
            names = ', '.join(sorted(map(str, unknown)))
            raise _wrong(given, f'it has {names}')
        kind = _only(given, KINDS)
        measure = _only(given, MEASURES)
        name, amount = given[kind], given[measure]
        if not isinstance(name, str) or not name.strip():
            raise _wrong(given, f'{kind} is not a name')
        whole = measure == 'min_free_hosts_num'
        if (
            isinstance(amount, bool)
            or not isinstance(amount, int if whole else int | float)
            or not 0 <= amount < float('inf')
        ):
            number = 'whole number' if whole else 'number'
            raise _wrong(given, f'{measure} is not a {number} from 0')
        if whole:
            return cls(kind, name, min_free_hosts_num=amount)
        return cls(kind, name, free_used_percent=amount)


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """What an audit asks for."""

    free_used_percent: float = 10.0
    min_free_hosts_num: float = 1
    reserve: tuple[Rule, ...] = ()
    idle_minutes: float = 0
    exercise_days: float = 0
    #: The most actions of a plan; None: no limit.
    max_actions: int | None = None
    #: Whether a host that is off counts as spare, no matter who disabled it.
    any_off_host: bool = False

    def wanted(self, busy: int) -> int:
        """How many hosts are to be free and on.

        :param busy: how many hosts have servers.
        """
        share = _share(busy, self.free_used_percent)
        return int(max(share, self.min_free_hosts_num))


def _share(busy: int, percent: float) -> int:
    # Without a bound, a large enough number is infinite.
    return int(min(busy * percent / 100, sys.maxsize))


def any_off_host(config: cfg.ConfigOpts) -> bool:
    """``any_off_host`` of the strategy, where Watcher is not there to read
    it."""
    config.register_opts(OPTS, group=GROUP)
    return bool(config[GROUP].any_off_host)


def _only(given: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = [name for name in names if name in given]
    if len(found) != 1:
        count = 'none' if not found else 'more than one'
        raise _wrong(given, f'it has {count} of {", ".join(names)}')
    return found[0]


def _wrong(given: Any, why: str) -> exceptions.ConfigurationError:
    return exceptions.ConfigurationError(
        f'{given!r} is not a rule for a reserve: {why}',
        cure='A rule has one of zone, aggregate and trait, and one of '
        'min_free_hosts_num and free_used_percent.',
    )
