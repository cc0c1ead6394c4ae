# SPDX-License-Identifier: Apache-2.0
"""A cloud for power tests: its own time, machines that misbehave as they
are told to, and a record of all that was asked of it.

Nothing sleeps, and nothing is random. Every call of a service, and every
sleep, goes through :class:`Calls`: that is where faults, interruptions and
the acts of others come in, before any call that a test chooses.
"""

from __future__ import annotations

import dataclasses
import datetime
import heapq
import itertools
import threading
from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

from metal_drivers import base, clock, compute, exceptions, fleet, hooks
from metal_drivers.compute import markers
from metal_drivers.hooks import in_use
from metal_drivers.model import (
    Capability,
    ComputeHost,
    ComputeService,
    Node,
    OffMode,
    PowerResult,
    PowerState,
)
from metal_drivers.power import Event, PowerEngine, PowerSettings, shared

T = TypeVar('T')

ON, OFF = PowerState.ON, PowerState.OFF

#: What Ironic can do.
CAPABLE = frozenset(
    {
        Capability.SOFT_OFF,
        Capability.SOFT_OFF_TIMEOUT,
        Capability.TELLS_END,
        Capability.LIVE_QUERY,
    }
)

_EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_LONG_AGO = -1000.0


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a service, or a sleep."""

    name: str
    args: tuple[Any, ...]


@dataclasses.dataclass
class Fault:
    """What goes wrong with calls of one name, or of any.

    :ivar number: the first call that fails; the first of all is 1.
    :ivar arrives_after: seconds after which the call is carried out all
        the same; None: never.
    """

    error: BaseException
    name: str = ''
    number: int = 1
    times: int = 1
    arrives_after: float | None = None


class Calls:
    """All calls since the last :meth:`restart`, and what befalls them."""

    def __init__(self) -> None:
        self.made: list[Call] = []
        self.faults: list[Fault] = []
        #: What others do right before the call of that number.
        self.meddling: dict[int, Callable[[], object]] = {}
        self.later: Callable[[float, Callable[[], object]], None]

    def restart(self) -> None:
        self.made = []

    def names(self) -> list[str]:
        """What was called, in order; waiting left out."""
        return [call.name for call in self.made if call.name != 'sleep']

    def make(self, name: str, act: Callable[[], T], *args: Any) -> T:
        self.made.append(Call(name, args))
        self.meddling.get(len(self.made), lambda: None)()
        fault = self._fault(name)
        if fault is None:
            return act()
        if fault.arrives_after == 0:
            act()
        elif fault.arrives_after is not None:
            self.later(fault.arrives_after, act)
        raise fault.error

    def _fault(self, name: str) -> Fault | None:
        for fault in self.faults:
            if fault.name in ('', name):
                count = self._count(fault.name)
                if fault.number <= count < fault.number + fault.times:
                    return fault
        return None

    def _count(self, name: str) -> int:
        if not name:
            return len(self.made)
        return sum(name == call.name for call in self.made)


class SimClock(clock.Clock):
    """Time that passes in :meth:`wait` only, and what is due in it."""

    def __init__(self, calls: Calls) -> None:
        self.time = 0.0
        self._calls = calls
        #: What is to happen, and when.
        self.due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        calls.later = self.at

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime.datetime:
        return _EPOCH + datetime.timedelta(seconds=self.time)

    def wait(self, alarm: threading.Event, seconds: float) -> None:
        if not alarm.is_set():
            self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        self._calls.make('sleep', lambda: self.advance(seconds), seconds)

    def at(self, delay: float, act: Callable[[], object]) -> None:
        """Do that, so many seconds from now."""
        due = (self.time + delay, next(self._order), act)
        heapq.heappush(self.due, due)

    def advance(self, seconds: float) -> None:
        end = self.time + seconds
        while self.due and self.due[0][0] <= end:
            self.time, _, act = heapq.heappop(self.due)
            act()
        self.time = end


@dataclasses.dataclass
class SimNode:
    """A machine, and how it behaves."""

    #: What the service says of it, the power aside.
    node: Node
    power: PowerState = ON
    #: The state that the service shows instead of the true one.
    shown: PowerState | None = None
    #: Seconds from a request until the change is done.
    delay: float = 10
    #: The same for a soft one; None: the same.
    shutdown: float | None = None
    #: Whether the operating system takes no notice of a soft power off;
    #: a service that tells ends gives up after the request's time-out.
    ignores_soft: bool = False
    soft_limit: float = 600
    #: Whether a hard power off is taken while a soft one is under way.
    overruled: bool = False
    #: The fault that a change ends in, instead of in the new state.
    ends_in: str = ''
    #: Until when somebody else works on it.
    busy_until: float = 0
    #: What the change under way is to end in, and which change it is.
    work: PowerState | None = None
    change: object = None
    #: Whether it was a request of ours that began that change.
    ours: bool = False
    on_since: float = _LONG_AGO
    last_on: float = _LONG_AGO
    #: The node as it was shown last, and of what that was made.
    seen: object = None
    view: Node | None = None

    def say(self, **fields: Any) -> None:
        """Change what the service says of the node."""
        self.node = dataclasses.replace(self.node, **fields)


@dataclasses.dataclass(frozen=True)
class Sent:
    """A request for power that arrived and was accepted."""

    node_id: str
    state: PowerState
    mode: OffMode
    timeout: float | None
    at: float


class SimDriver(base.MetalDriver):
    """A bare metal service."""

    def __init__(
        self, time: SimClock, calls: Calls, capabilities: Iterable[Capability]
    ) -> None:
        super().__init__({})
        self.clock, self.calls = time, calls
        self.capabilities = frozenset(capabilities)
        self._tells_end = Capability.TELLS_END in self.capabilities
        self.nodes: dict[str, SimNode] = {}
        self.requests: list[Sent] = []
        #: Told when a request of ours arrives, and when it has its effect.
        self.arrived: Callable[[Sent], None] = lambda sent: None
        self.switched: Callable[[Sent], None] = lambda sent: None

    def list_nodes(self) -> list[Node]:
        return self.calls.make('list_nodes', self.shown)

    def get_node(self, node_id: str) -> Node:
        return self.calls.make(
            'get_node', lambda: self._show(self._find(node_id)), node_id
        )

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        self.calls.make(
            'set_power_state',
            lambda: self._set(node_id, state, mode, timeout),
            node_id,
            state,
            mode,
            timeout,
        )

    def shown(self) -> list[Node]:
        """Every node, without a call that is recorded."""
        return [self._show(sim) for sim in self.nodes.values()]

    def start(
        self,
        sim: SimNode,
        state: PowerState,
        delay: float,
        fault: str = '',
        sent: Sent | None = None,
    ) -> None:
        """Begin a change: by a request of ours, or by others."""

        def end() -> None:
            if sim.change is not change:
                return
            sim.work = None
            sim.say(fault=fault or None)
            if fault or sim.power is state:
                return
            sim.power = state
            if state is ON:
                sim.on_since = self.clock.time
            else:
                sim.last_on = self.clock.time
            if sent:
                self.switched(sent)

        change = object()
        sim.work, sim.change, sim.ours = state, change, sent is not None
        if delay:
            self.clock.at(delay, end)
        else:
            end()

    def _find(self, node_id: str) -> SimNode:
        try:
            return self.nodes[node_id]
        except KeyError:
            raise exceptions.NotFoundError(f'no node {node_id}') from None

    def _show(self, sim: SimNode) -> Node:
        state = sim.shown or sim.power
        target = sim.work if self._tells_end else None
        busy = self.clock.time < sim.busy_until
        seen = (sim.node, state, target, busy)
        if sim.seen != seen:
            sim.seen, sim.view = (
                seen,
                dataclasses.replace(
                    sim.node,
                    power_state=state,
                    target=target,
                    busy='conductor c1' if busy else None,
                ),
            )
        assert sim.view is not None
        return sim.view

    def _set(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode,
        timeout: float | None,
    ) -> None:
        sim = self._find(node_id)
        node = self._show(sim)
        if node.busy or (node.target and not sim.overruled):
            raise exceptions.BusyError(f'node {node_id} is locked')
        sent = Sent(node_id, state, mode, timeout, self.clock.time)
        self.requests.append(sent)
        self.arrived(sent)
        if mode is OffMode.SOFT and sim.ignores_soft:
            limit = timeout or sim.soft_limit
            self.start(sim, state, limit, 'soft power off timed out', sent)
        else:
            delay = sim.delay
            if mode is OffMode.SOFT and sim.shutdown is not None:
                delay = sim.shutdown
            self.start(sim, state, delay, sim.ends_in, sent)


@dataclasses.dataclass
class SimHost:
    """A compute host, on a machine."""

    name: str
    machine: SimNode
    status: str = 'enabled'
    reason: str | None = None
    servers: int = 0
    #: Those that are on their way here.
    moving: int = 0
    #: Seconds from power on until nova-compute reports.
    boot: float = 30
    changed_at: float = _LONG_AGO

    @property
    def enabled(self) -> bool:
        return self.status == 'enabled'


class SimNova(compute.Compute):
    """Nova, which is late to notice that a host went off."""

    #: For how long a compute that does not report is taken to be up.
    down_time = 60.0
    #: Whether it says when a compute reported, or was changed.
    tells_time = True
    #: Whether reports move that time; where they are kept in memcached, only
    #: changes do.
    reports_move_time = True

    def __init__(self, time: SimClock, calls: Calls) -> None:
        self.clock, self.calls = time, calls
        self.hosts: dict[str, SimHost] = {}
        #: Servers that are being scheduled, and may land anywhere.
        self.unplaced: set[str] = set()
        #: Called with a host that was just disabled.
        self.disabled: Callable[[SimHost], None] = lambda host: None

    def list_hosts(self) -> list[ComputeHost]:
        return self.calls.make('list_hosts', self.shown)

    def count_servers(self, host: str, hypervisor_id: str) -> int:
        return self.calls.make(
            'count_servers', lambda: self.hosts[host].servers, host
        )

    def list_unplaced(self) -> set[str]:
        return self.calls.make('list_unplaced', lambda: set(self.unplaced))

    def list_moving(self, host: str) -> set[str]:
        return self.calls.make(
            'list_moving',
            lambda: {f's{n}' for n in range(self.hosts[host].moving)},
            host,
        )

    def list_services(self, whole: bool = True) -> list[ComputeService]:
        return self.calls.make(
            'list_services', lambda: [self._show(name) for name in self.hosts]
        )

    def get_service(self, host: str) -> ComputeService:
        return self.calls.make('get_service', lambda: self._show(host), host)

    def disable(self, service: ComputeService, reason: str) -> None:
        def act() -> None:
            self.change(service.host, 'disabled', reason)
            self.disabled(self.hosts[service.host])

        self.calls.make('disable', act, service.host, reason)

    def enable(self, service: ComputeService) -> None:
        self.calls.make(
            'enable',
            lambda: self.change(service.host, 'enabled', None),
            service.host,
        )

    def change(self, name: str, status: str, reason: str | None) -> None:
        """What others do, too."""
        host = self.hosts[name]
        host.status, host.reason = status, reason
        host.changed_at = self.clock.time

    def land(self, name: str) -> None:
        """The scheduler places a server, where it may."""
        self.hosts[name].servers += self.hosts[name].enabled

    def migrate(self, name: str) -> None:
        """A server sets out for the host, where it may."""
        self.hosts[name].moving += self.hosts[name].enabled

    def arrive(self, name: str) -> None:
        """What was on its way is there, whether it still may or not."""
        host = self.hosts[name]
        host.servers, host.moving = host.servers + host.moving, 0

    def shown(self) -> list[ComputeHost]:
        """Every host, without a call that is recorded."""
        return [
            ComputeHost(
                f'hypervisor-{name}',
                name,
                f'{name}.example',
                service.state,
                service.status,
                service.id,
                service.disabled_reason,
                self.hosts[name].servers,
            )
            for name in self.hosts
            for service in [self._show(name)]
        ]

    def _show(self, name: str) -> ComputeService:
        host, now = self.hosts[name], self.clock.time
        machine = host.machine
        reported = machine.last_on
        if machine.power is ON and now >= machine.on_since + host.boot:
            reported = now - (now - machine.on_since) % 10
        seen = host.changed_at
        if self.reports_move_time:
            seen = max(reported, seen)
        return ComputeService(
            f'service-{name}',
            name,
            'up' if now - reported <= self.down_time else 'down',
            host.status,
            host.reason,
            _EPOCH + datetime.timedelta(seconds=seen)
            if self.tells_time
            else None,
        )


class SimHooks(in_use.Hooks):
    """A hook that sets a flag on hosts that are off.

    :ivar told: what it was told, in order.
    :ivar flags: the hosts with the flag.
    :ivar fails: what it raises, by the event, each once.
    """

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self.calls = calls
        self.told: list[str] = []
        self.flags: dict[str, str] = {}
        self.fails: dict[str, list[exceptions.MetalError]] = {}

    def __len__(self) -> int:
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        return ('flag',)

    def tell(
        self, event: hooks.HookEvent, names: Collection[str]
    ) -> in_use.Told:
        name = event.event.value

        def act() -> None:
            self.told.append(name)
            for error in self.fails.get(name, [])[:1]:
                self.fails[name].remove(error)
                raise error
            if name in ('before_off', 'after_off'):
                self.flags[event.host] = event.node_id
            elif name != 'before_on':
                self.flags.pop(event.host, None)

        failures: tuple[in_use.Failure, ...] = ()
        try:
            self.calls.make(f'hook {name}', act)
        except exceptions.MetalError as exc:
            failures = (in_use.Failure('flag', exc),)
        return in_use.Told(event.event, ('flag',), failures)

    def notes(self) -> dict[str, list[hooks.HookNote]]:
        return {
            host: [hooks.HookNote('flagged', node_id)]
            for host, node_id in self.flags.items()
        }

    def left_of(self, members: Iterable[in_use.Member]) -> frozenset[str]:
        return frozenset(
            member.node.id
            for member in members
            if in_use.left_of(member, self.notes())
        )


class SimCloud:
    """Machines n1, n2, … with compute hosts h1, h2, … on them.

    ``harm`` has all that must never happen, and has happened.
    """

    def __init__(
        self,
        count: int = 1,
        power: PowerState = ON,
        capabilities: Iterable[Capability] = CAPABLE,
        calls: Calls | None = None,
        clock_type: type[SimClock] = SimClock,
    ) -> None:
        self.calls = calls or Calls()
        self.clock = clock_type(self.calls)
        self.driver = SimDriver(self.clock, self.calls, capabilities)
        self.nova = SimNova(self.clock, self.calls)
        self.shared = shared.Shared()
        self.hooks = in_use.Hooks()
        self.events: list[Event] = []
        self.harm: list[str] = []
        self._managed = True
        self.driver.arrived = self._arrived
        self.driver.switched = self._switched
        for number in range(1, count + 1):
            name, host = f'n{number}', f'h{number}'
            node = Node(
                f'id-{number}',
                name,
                host_names=(f'{host}.example',),
                soft_off=True,
            )
            sim = SimNode(node, power)
            self.driver.nodes[node.id] = sim
            self.nova.hosts[host] = SimHost(host, sim)

    @property
    def node(self) -> SimNode:
        return self.driver.nodes['id-1']

    @property
    def host(self) -> SimHost:
        return self.nova.hosts['h1']

    def fleet(self) -> fleet.Fleet:
        return fleet.match(self.driver.shown(), self.nova.shown())

    def engine(self, **settings: Any) -> PowerEngine:
        # Virtual time is not for several at once: see interleaving for that.
        return PowerEngine(
            self.driver,
            self.nova,
            PowerSettings(**{'max_concurrent': 1} | settings),
            clock=self.clock,
            watch=self.events.append,
            shared=self.shared,
            hooks=self.hooks,
            chance=lambda: 0.5,
        )

    def switch(
        self, state: PowerState, *refs: str, **settings: Any
    ) -> list[PowerResult]:
        """A run of its own; the calls are counted anew."""
        self.calls.restart()
        self._managed = settings.get('manage_compute_service', True)
        engine = self.engine(**settings)
        return list(engine.switch(self.fleet(), refs, state))

    def off(self, **settings: Any) -> PowerResult:
        (result,) = self.switch(OFF, 'n1', **settings)
        return result

    def on(self, **settings: Any) -> PowerResult:
        (result,) = self.switch(ON, 'n1', **settings)
        return result

    def fail(self, error: BaseException, name: str = '', **how: Any) -> None:
        """Plan a :class:`Fault`."""
        self.calls.faults.append(Fault(error, name, **how))

    def left(self) -> object:
        """What the next run of this process begins with, where all that was
        done is so long ago that it does not matter when that was."""
        assert not self.clock.due
        mark = markers.parse(self.host.reason)
        found = (mark.kind, mark.times) if mark else self.host.reason
        known = self.shared
        return (
            self.driver.capabilities,
            *(self.node.power, self.node.work, *self.driver.shown()),
            *(self.host.status, found, self.host.servers, self.host.moving),
            frozenset(known._claims.items()),
            frozenset((key, sent) for key, (sent, *_) in known._sent.items()),
            frozenset((key, seen) for key, (seen, _) in known._seen.items()),
            tuple(rate._taken for rate in known.rates.values()),
        )

    def _host_on(self, node_id: str) -> SimHost:
        machine = self.driver.nodes[node_id]
        return next(
            host
            for host in self.nova.hosts.values()
            if host.machine is machine
        )

    def _arrived(self, sent: Sent) -> None:
        power = self.driver.nodes[sent.node_id].power
        if sent.state is ON and power is not OFF:
            self.harm.append(f'power on sent to a node that is {power.value}')
        machine = self.driver.nodes[sent.node_id]
        if (
            sent.state is machine.work is ON
            and machine.ours
            and self.no_second_power_on(self._host_on(sent.node_id))
        ):
            self.harm.append('a second power on, with the first under way')

    def no_second_power_on(self, host: SimHost) -> bool:
        """Whether it would be a power cycle, and can be known."""
        if Capability.TELLS_END in self.driver.capabilities:
            return False
        return not host.enabled and bool(markers.parse(host.reason))

    def _switched(self, sent: Sent) -> None:
        host = self._host_on(sent.node_id)
        servers = host.servers + host.moving
        if sent.state is OFF and servers:
            self.harm.append(f'off with {servers} servers')
        if sent.state is OFF and host.enabled and self._managed:
            self.harm.append('off with nova-compute enabled')
