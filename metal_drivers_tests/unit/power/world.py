# SPDX-License-Identifier: Apache-2.0
"""A world of one node and its compute host, in which all that may happen
between two steps of a run is a transition from one value to the next.

Time is in seconds; it passes in ticks of half a minute, or by as little as a
run waits for. Bounds of what may happen, each stated where it is checked:

- A request for power that the service took has its effect in less than a
  minute, or never.
- One without a reply arrives in less than the time-out that the run gives
  it, or never; and from then on it is as any other, so that its effect may
  come as late as both of these together.
- A request that hangs, and the run with it, does so for one tick at most.
- Nobody changes nova-compute between a run's look at it and its very next
  write, where no time passes: Nova has no compare-and-set. Where runs race
  for a power on (``racing``), other runs do; people do not. Nor does anybody
  lock a node between a look at it and a request, in that time.
- People enable nova-compute and switch power by hand only while no run is
  at work. Where they place a server by hand (``forced``), which Nova allows
  on a host that is disabled, they do so while no run is between its look at
  the servers and its request.
- Of each sort of thing, only so many happen (:class:`Setting`).
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from metal_drivers.compute import markers
from metal_drivers.model import (
    Capability,
    ComputeHost,
    ComputeService,
    Node,
    OffMode,
    PowerState,
)
from metal_drivers.power.facts import Facts
from metal_drivers.power.rules import Disable, Enable, Send, Step
from metal_drivers.settings import PowerSettings

ON, OFF = PowerState.ON, PowerState.OFF
EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
NODE_ID, HOST, THEIRS = 'id-1', 'h1', 'rack 7 is to be moved'
#: What others write that is among ``adopted_reasons``.
ADOPTED = 'Masakari detected host failed.'

TICK = 30
#: What is nearer than this is waited for exactly: the wait after a marker.
_NEAR, _SHORT = 20, 12
#: A request that arrived has its effect in less than this, or never.
EFFECT = 60
#: Nova calls up for so long what does not report; and how long a host
#: takes from power on to its first report.
_DOWN, _BOOT = 60, 30
_LONG_AGO = -1000

SETTINGS = PowerSettings(
    soft_off_timeout=30,
    power_off_timeout=60,
    power_on_timeout=60,
    service_up_timeout=60,
    scheduling_timeout=30,
    adopted_reasons=('Masakari *',),
    aftermath=60,
    aftermath_on=60,
)

# How far a run is.
IDLE, WORK, WAIT, WOKEN, HANG, OVER = range(6)
PHASES = 'idle', 'at work', 'waiting', 'woken', 'hanging', 'over'


class Harm(Exception):
    """What must never happen."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One small world: who is there, and how much of what may happen."""

    name: str
    goals: tuple[str, ...]
    tells_end: bool = False
    power: PowerState = ON
    #: Why nova-compute is disabled: the kind of our marker, long ago; or
    #: what others gave. None: it is enabled.
    reason: markers.MarkerKind | str | None = None
    #: How many power ons failed, where that says so.
    times: int = 0
    servers: int = 0
    #: Changes to :data:`SETTINGS`.
    settings: tuple[tuple[str, Any], ...] = ()
    soft_off: bool = True
    nova: bool = True
    matched: bool = True
    #: What the service says of the node.
    node: tuple[tuple[str, Any], ...] = ()
    #: Runs of one process: what they share is shared.
    one_process: bool = False
    #: How many hosts are off, where that leaves none for this one.
    others_off: int | None = None
    #: How many acts of people, of servers; faults of services; kills,
    #: cancellings, stalls of a run between two steps.
    people: int = 0
    moves: int = 0
    faults: int = 0
    kills: int = 0
    cancels: int = 0
    stalls: int = 0
    #: Whether people enable nova-compute while runs are at work: what was
    #: sent before cannot be helped then.
    hands: bool = False
    #: Whether people place servers on a host that is disabled.
    forced: bool = False
    #: Whether nova-compute reports more often than time passes.
    reports: bool = False
    #: Whether runs may act between the look and the write of another.
    racing: bool = False
    #: How many requests may hang.
    slow: int = 0
    #: Whether the node never follows a power on.
    dead: bool = False
    #: Whether a run begins when the one before is over.
    in_turn: bool = False
    #: Whether there is a hook that sets a flag on hosts that are off.
    hooks: bool = False
    #: Whether the flag is set from the beginning.
    flag: bool = False
    #: How it ends where nothing happens: the outcome of each run, the power,
    #: and why nova-compute is disabled.
    promise: str = ''

    @functools.cached_property
    def capabilities(self) -> frozenset[Capability]:
        found = {Capability.LIVE_QUERY, Capability.SOFT_OFF}
        return frozenset(
            found | ({Capability.TELLS_END} if self.tells_end else set())
        )

    @functools.cached_property
    def power_settings(self) -> PowerSettings:
        return dataclasses.replace(SETTINGS, **dict(self.settings))


class Change(NamedTuple):
    """A change of power that the service has taken."""

    state: PowerState
    soft: bool
    #: When it has had its effect.
    due: int
    #: Whether someone enabled nova-compute after it was sent.
    helpless: bool = False


class Request(NamedTuple):
    """A request without a reply that has yet to arrive, and when it has."""

    run: int
    mode: OffMode
    state: PowerState
    due: int
    helpless: bool = False


class Run(NamedTuple):
    """A run of ours, each of a process of its own."""

    goal: str
    facts: Facts | None = None
    phase: int = IDLE
    #: What comes next, and the place of the rule that says so.
    step: Step | None = None
    rule: int = -1
    #: When the wait, or what hangs, began.
    began: int = 0
    #: Whether it has looked since time passed.
    looked: bool = False
    #: The modes that were sent, and were not refused.
    sent: tuple[OffMode, ...] = ()
    #: What it writes while it hangs.
    text: str = ''
    #: Whether the hook was told that a host goes off, and did not fail; and
    #: whether it failed when it was told that the host is back.
    announced: bool = False
    hook_failed: bool = False

    @property
    def live(self) -> bool:
        return self.phase not in (IDLE, OVER)

    def writes(self, now: int) -> bool:
        """Whether what comes next changes what it has just read."""
        return self.acts(now) and not isinstance(self.step, Send)

    def acts(self, now: int) -> bool:
        """Whether what comes next rests on what it has just read."""
        if not isinstance(self.step, Disable | Enable | Send):
            return False
        service = self.facts.service if self.facts else None
        return self.phase == HANG or bool(service and service.answered == now)

    def looked_at_node(self, now: int) -> bool:
        """Whether it has, just now."""
        if self.facts is None or self.facts.decided:
            return False
        node = self.facts.node
        return self.phase == HANG or bool(node and node.answered == now)


class Left(NamedTuple):
    """How much may yet happen."""

    people: int
    moves: int
    faults: int
    kills: int
    cancels: int
    stalls: int
    slow: int


class World(NamedTuple):
    runs: tuple[Run, ...]
    left: Left
    now: int = 0
    power: PowerState = ON
    on_since: int = _LONG_AGO
    changes: tuple[Change, ...] = ()
    requests: tuple[Request, ...] = ()
    fault: bool = False
    locked: bool = False
    #: nova-compute: why it is disabled; None: it is enabled.
    reason: str | None = None
    changed: int = _LONG_AGO
    reported: int = 0
    servers: int = 0
    moving: int = 0
    scheduled: tuple[str, ...] = ()
    #: When a power on of this process that had no effect yet has arrived, at
    #: the latest.
    powered_on: int | None = None
    #: Whether the hook counts the host as one that is powered off.
    flag: bool = False
    #: How many power ons may have failed since the host was in use.
    tried: int = 0

    def to_run(self, number: int, **fields: Any) -> World:
        runs = list(self.runs)
        runs[number] = runs[number]._replace(**fields)
        return self._replace(runs=tuple(runs))

    def spend(self, what: str) -> World:
        left = self.left._replace(**{what: getattr(self.left, what) - 1})
        return self._replace(left=left)

    @property
    def live(self) -> bool:
        return any(run.live for run in self.runs)

    @property
    def over(self) -> bool:
        return all(run.phase == OVER for run in self.runs)

    # What services answer.

    def node(self, setting: Setting) -> Node:
        change = self.changes[0].state if self.changes else None
        return _node(
            setting,
            self.power,
            change if setting.tells_end else None,
            self.fault,
            self.locked,
        )

    def service(self) -> ComputeService:
        up = self.now - self.reported < _DOWN
        return _service(up, self.reason, max(self.changed, self.reported))


@functools.lru_cache(1024)
def _node(
    setting: Setting,
    power: PowerState,
    target: PowerState | None,
    fault: bool,
    locked: bool,
) -> Node:
    known: dict[str, Any] = {
        'power_state': power,
        'target': target,
        'soft_off': setting.soft_off,
        'fault': 'the BMC said no' if fault else None,
        'locked': 'by its owner' if locked else None,
    }
    return Node(NODE_ID, 'n1', **(known | dict(setting.node)))


@functools.lru_cache(4096)
def _service(up: bool, reason: str | None, updated: int) -> ComputeService:
    return ComputeService(
        's1',
        HOST,
        'up' if up else 'down',
        'enabled' if reason is None else 'disabled',
        reason,
        at(updated),
    )


COMPUTE_HOST = ComputeHost('h', HOST, HOST, 'up', 'enabled', 's1')


@functools.lru_cache(4096)
def at(seconds: int) -> datetime.datetime:
    return EPOCH + datetime.timedelta(seconds=seconds)


def first(setting: Setting) -> World:
    reason = setting.reason
    if isinstance(reason, markers.MarkerKind):
        reason = markers.reason(NODE_ID, at(_LONG_AGO), reason, setting.times)
    on = setting.power is ON
    return World(
        tuple(Run(goal) for goal in setting.goals),
        Left(*(getattr(setting, name) for name in Left._fields)),
        power=setting.power,
        reason=reason,
        reported=0 if on else _LONG_AGO,
        servers=setting.servers,
        flag=setting.flag,
        tried=setting.times,
    )


def what_of(reason: str | None) -> str:
    """What nova-compute is, in short."""
    if reason is None:
        return 'enabled'
    mark = markers.parse(reason)
    if mark is None:
        return 'disabled by others'
    return mark.failure or mark.kind.value


def failures(reason: str | None) -> int:
    """How many power ons failed, by our marker."""
    mark = markers.parse(reason)
    return mark.times if mark else 0


# What runs of ours change, and what must not come of it.


def write(world: World, reason: str | None, back: bool = False) -> World:
    """Nova is told to enable, or to disable.

    :param back: what the run itself has disabled is put back.
    """
    others = world.reason is not None and not markers.parse(world.reason)
    if others and world.reason != ADOPTED:
        raise Harm('changed a service that others disabled')
    if reason is None:
        if world.power is not ON:
            raise Harm('nova-compute enabled on a host that is off')
        if world.reported < world.on_since and not back:
            raise Harm('nova-compute enabled before it reported')
    tried = world.tried
    if failures(reason) > tried:
        raise Harm('a failure is counted that was none')
    mark = markers.parse(reason)
    if mark is None or not mark.kind.of_power_on:
        # A marker that is put back is no news.
        tried = 0 if mark is None or mark.age(at(world.now)) < TICK else tried
    return world._replace(reason=reason, changed=world.now, tried=tried)


def request(
    setting: Setting,
    world: World,
    mode: OffMode,
    state: PowerState,
    helpless: bool = False,
) -> World | None:
    """A request for power arrives; None: the service is busy."""
    if setting.tells_end and world.changes:
        return None
    if state is ON and not setting.tells_end:
        ours = bool(markers.parse(world.reason))
        known = ours or setting.one_process
        if known and any(change.state is ON for change in world.changes):
            raise Harm('a second power on, with the first under way')
        if ours and world.power is ON:
            raise Harm('power on sent to a node that is on')
    if setting.dead and state is ON:
        return world._replace(fault=True)
    change = Change(state, mode is OffMode.SOFT, world.now + EFFECT, helpless)
    return world._replace(changes=(*world.changes, change), fault=False)


def follow(setting: Setting, world: World, change: Change) -> World:
    """The node follows a request."""
    left = list(world.changes)
    left.remove(change)
    world = world._replace(changes=tuple(left))
    if world.power is change.state:
        return world
    if change.state is ON:
        return world._replace(power=ON, on_since=world.now)
    # What is off needs no further power off.
    rest = tuple(c for c in world.changes if c.state is ON)
    off = world._replace(power=OFF, changes=rest)
    if change.helpless:
        return off
    if setting.power_settings.manage_compute_service and setting.matched:
        if world.reason is None:
            raise Harm('powered off with nova-compute enabled')
        if world.moving or world.scheduled:
            raise Harm('powered off with a server on its way there')
    if world.servers:
        raise Harm('powered off with servers on it')
    return off


# What others do, and time.


def others(setting: Setting, world: World) -> Iterator[tuple[str, World]]:
    """What may happen that no run of ours does."""
    for change in dict.fromkeys(world.changes):
        what = 'soft ' if change.soft else ''
        yield (
            f'the node follows a {what}power {change.state.value}',
            follow(setting, world, change),
        )
        if world.left.faults and setting.tells_end:
            failed = world.spend('faults')._replace(changes=(), fault=True)
            yield 'the service gives up', failed
    if world.left.moves:
        yield from _servers(world, world.spend('moves'))
    if world.scheduled:
        yield 'the server lands', _land(world)
    if world.moving:
        yield (
            'the server arrives',
            world._replace(moving=0, servers=1),
        )
    if (
        setting.reports
        and world.reported == world.now
        and any(run.facts and run.facts.baseline for run in world.runs)
    ):
        # Whoever waits looks again soon.
        runs = tuple(
            run._replace(phase=WOKEN, looked=False)
            if run.phase == WAIT
            else run
            for run in world.runs
        )
        yield (
            'nova-compute reports',
            world._replace(runs=runs, reported=world.now + 1),
        )
    if world.left.people:
        yield from _people(setting, world, world.spend('people'))


def _servers(world: World, then: World) -> Iterator[tuple[str, World]]:
    if world.reason is None and world.power is ON:
        name = f's{world.left.moves}'
        yield (
            'a server is scheduled to the host',
            then._replace(scheduled=(*world.scheduled, name)),
        )
        if not world.moving:
            yield 'a server sets out for the host', then._replace(moving=1)
    if world.servers or world.moving or world.scheduled:
        yield (
            'the servers are deleted',
            then._replace(servers=0, moving=0, scheduled=()),
        )


def _land(world: World) -> World:
    return world._replace(scheduled=(), servers=1)


def _people(
    setting: Setting, world: World, then: World
) -> Iterator[tuple[str, World]]:
    changed: dict[str, Any] = {'changed': world.now}
    now = world.now
    if not any(run.writes(now) for run in world.runs):
        if world.reason is None:
            yield (
                'someone disables nova-compute',
                then._replace(reason=THEIRS, **changed),
            )
        elif world.reason != THEIRS:
            yield (
                'someone replaces our reason',
                then._replace(reason=THEIRS, **changed),
            )
    idle = not (world.live or world.changes or world.requests)
    acts = any(run.acts(now) for run in world.runs)
    if not world.locked and not any(
        run.looked_at_node(now) for run in world.runs
    ):
        yield 'someone locks the node', then._replace(locked=True)
    helpless: dict[str, Any] = {
        'changes': tuple(c._replace(helpless=True) for c in world.changes),
        'requests': tuple(r._replace(helpless=True) for r in world.requests),
    }
    waits = all(run.phase == WAIT for run in world.runs if run.live)
    if setting.forced and world.power is ON and waits:
        yield (
            'someone places a server on the host',
            then._replace(servers=1, **helpless),
        )
    if world.reason is not None and (idle or (setting.hands and not acts)):
        yield (
            'someone enables nova-compute',
            then._replace(reason=None, **changed, **helpless),
        )
    if not idle:
        return
    if world.power is OFF:
        yield (
            'someone powers it on',
            then._replace(power=ON, on_since=world.now),
        )
    elif not (world.servers or world.moving or world.scheduled):
        yield 'someone powers it off', then._replace(power=OFF)


def how_long(world: World) -> int:
    """How much time may pass at once; 0: something must happen before."""
    waits = [r.step for r in world.runs if r.phase == WAIT]
    near = any(s.until - world.now < _NEAR for s in waits)  # type: ignore
    seconds = _SHORT if near else TICK
    dues = [change.due for change in world.changes]
    dues += [request.due for request in world.requests]
    dues += [run.began + TICK + 1 for run in world.runs if run.phase == HANG]
    if dues and world.now + seconds >= min(dues):
        return 0
    return seconds


def passed(world: World, seconds: int) -> World:
    """That time has passed; runs have yet to notice."""
    now = world.now + seconds
    up = world.power is ON and now - world.on_since >= _BOOT
    return world._replace(now=now, reported=now if up else world.reported)
