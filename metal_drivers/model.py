# SPDX-License-Identifier: Apache-2.0
"""The values that the parts of this package exchange.

All of them are immutable, and none of them does I/O.
"""

from __future__ import annotations

import copyreg
import dataclasses
import datetime
import enum
import types
from collections.abc import Mapping
from typing import Any


class PowerState(enum.Enum):
    """The power of a node, with the values of Watcher's own enum."""

    ON = 'on'
    OFF = 'off'
    #: Not known. Never to be read as off.
    UNKNOWN = 'unknown'
    #: The service reports that it does not know, or that the BMC failed.
    ERROR = 'error'


class OffMode(enum.Enum):
    """How a node is powered off."""

    #: Ask the operating system to shut down.
    SOFT = 'soft'
    #: Cut the power.
    HARD = 'hard'


class Capability(enum.Enum):
    """What a bare metal service can do beyond the driver contract."""

    #: It can ask the operating system of some nodes to shut down; which
    #: ones is said by :attr:`Node.soft_off`.
    SOFT_OFF = 'soft-off'
    #: It limits a soft power off by a time-out of ours.
    SOFT_OFF_TIMEOUT = 'soft-off-timeout'
    #: ``Node.busy`` and ``Node.target`` show when a change has ended: a
    #: node with neither that is not in the requested state has failed.
    TELLS_END = 'tells-end'
    #: ``get_node`` and ``get_power_states`` ask the BMC, not a cache.
    #: Without it, what is shown says how old the state is.
    LIVE_QUERY = 'live-query'
    #: ``find_nodes`` queries only the nodes that a name may mean, not the
    #: list.
    FIND = 'find'
    #: ``list_nodes`` reports as fresh a state as ``get_node``, and whether a
    #: change is under way: many nodes can be polled with one list.
    LIVE_LIST = 'live-list'


def _frozen(values: Mapping[Any, Any]) -> types.MappingProxyType[Any, Any]:
    return types.MappingProxyType(dict(values))


# So that a node can be pickled, copied and taken apart by asdict().
copyreg.pickle(types.MappingProxyType, lambda proxy: (_frozen, (dict(proxy),)))

_NO_DETAILS: Mapping[str, object] = _frozen({})


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A machine, as its bare metal service knows it.

    A driver fills in what its service reports; every field but the first
    three has a default.
    """

    #: What the service calls it: the argument of the driver's methods.
    id: str
    #: A name for people; need not be unique.
    name: str
    #: The last state that the service knows.
    power_state: PowerState = PowerState.UNKNOWN

    _: dataclasses.KW_ONLY

    #: When the service saw that state, with a time zone; None where it
    #: does not say.
    observed_at: datetime.datetime | None = None
    #: When the node was last powered on, with a time zone; None where the
    #: service does not say. Of hosts that may go off, those that are on
    #: longest go first.
    powered_on_at: datetime.datetime | None = None
    #: The state that a change under way is to end in.
    target: PowerState | None = None
    #: The uuid of the hypervisor that runs on the node, where the service
    #: keeps it.
    hypervisor_id: str | None = None
    #: The names that Nova may know the host by, the fullest first.
    host_names: tuple[str, ...] = ()
    #: Why the node is in maintenance; None where it is not.
    maintenance: str | None = None
    #: Who locked the node, or why, until somebody unlocks it.
    locked: str | None = None
    #: Who is at work on the node now; ends by itself.
    busy: str | None = None
    #: Why the node must not be powered off.
    keep_on: str | None = None
    #: Why the node must not be powered on.
    keep_off: str | None = None
    #: Whether a soft power off does on this node what it promises.
    soft_off: bool = False
    #: What went wrong with the node last, in the service's words.
    fault: str | None = None
    #: How many watts it draws while it is on and idle; None where the
    #: service does not say. The operator may override it.
    idle_watts: float | None = None
    #: The service's own labels: tags, traits.
    labels: frozenset[str] = frozenset()
    #: Anything else worth showing to an operator. No secrets. Kept as a
    #: copy that cannot be written to.
    details: Mapping[str, object] = dataclasses.field(
        default_factory=lambda: _NO_DETAILS, hash=False
    )

    def __post_init__(self) -> None:
        given = self.details
        # A dict, mostly; to ask the other way round takes longer.
        if type(given) is dict or (
            given is not _NO_DETAILS and isinstance(given, Mapping)
        ):
            object.__setattr__(self, 'details', _frozen(given))

    @property
    def settled(self) -> bool:
        """Whether no change of the node's power is under way."""
        return self.busy is None and self.target is None

    @property
    def counts_as_off(self) -> bool:
        """Whether it is off, or may be, or is about to be.

        An unknown state counts as off. Powering on may fail: it counts as
        off.
        """
        return (
            self.power_state is not PowerState.ON
            or self.target is PowerState.OFF
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeHost:
    """A compute host: Nova's hypervisor and its nova-compute service."""

    #: The hypervisor's uuid.
    id: str
    #: The service's host, which servers are scheduled to.
    name: str
    #: What the hypervisor calls itself; mostly, but not always, the host.
    hypervisor_hostname: str
    #: ``up`` or ``down``: whether nova-compute reports.
    state: str
    #: ``enabled`` or ``disabled``.
    status: str
    #: The uuid of the nova-compute service.
    service_id: str
    #: The reason that was given when it was disabled.
    disabled_reason: str | None = None
    #: How many servers are on the host, shut off ones included, as
    #: nova-compute last counted. None: not known.
    servers: int | None = None

    @property
    def up(self) -> bool:
        return self.state == 'up'

    @property
    def enabled(self) -> bool:
        return self.status == 'enabled'


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeService:
    """The nova-compute service of one host, as asked a moment ago."""

    id: str
    host: str
    state: str
    status: str
    disabled_reason: str | None = None
    #: When nova-compute last reported (UTC); None: never.
    updated_at: datetime.datetime | None = None
    #: The availability zone of the host; None: not known.
    zone: str | None = None

    @property
    def up(self) -> bool:
        return self.state == 'up'

    @property
    def enabled(self) -> bool:
        return self.status == 'enabled'


@dataclasses.dataclass(frozen=True, slots=True)
class Aggregate:
    """A host aggregate of Nova."""

    name: str
    #: The services' hosts in it: see :attr:`ComputeHost.name`.
    hosts: frozenset[str]
    #: The availability zone that it makes; None: it makes none.
    zone: str | None = None


class CheckStatus(enum.Enum):
    """How a check ended."""

    OK = 'ok'
    WARNING = 'warning'
    FAILED = 'failed'


@dataclasses.dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check of a service, its configuration or the
    permissions."""

    name: str
    status: CheckStatus
    detail: str = ''


class Outcome(enum.Enum):
    """The result of a request to power a node on or off."""

    #: The node is in the requested state now.
    DONE = 'done'
    #: The node was in that state before.
    ALREADY = 'already'
    #: It would be done: this was a dry run; or it was requested and
    #: accepted, and not waited for.
    PLANNED = 'planned'
    #: A guard or the service forbids it. Nothing was changed.
    REFUSED = 'refused'
    #: It was tried and did not succeed.
    FAILED = 'failed'
    #: It was not seen to happen in time.
    TIMED_OUT = 'timed out'

    @property
    def good(self) -> bool:
        return self in (Outcome.DONE, Outcome.ALREADY, Outcome.PLANNED)


@dataclasses.dataclass(frozen=True, slots=True)
class PowerResult:
    """The end of one transition."""

    #: The node as it was asked for, where it could not be found.
    node_id: str
    name: str
    outcome: Outcome
    detail: str = ''
