# SPDX-License-Identifier: Apache-2.0
"""Explores a small world breadth first, with the real rules."""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Container, Iterable, Iterator

from metal_drivers.compute import markers
from metal_drivers.model import Outcome
from metal_drivers.power import back, off, on, rules
from metal_drivers_tests.unit.power import keys, steps
from metal_drivers_tests.unit.power import world as worlds
from metal_drivers_tests.unit.power.steps import Label, Move, Tables
from metal_drivers_tests.unit.power.world import (
    IDLE,
    OVER,
    WAIT,
    Harm,
    Run,
    Setting,
    World,
)

TABLES: Tables = {'off': off.OFF, 'on': on.ON, 'recover': back.RECOVER}
#: So many steps to the end of all runs are more than any takes.
_ENDLESS = 2000


class Found(Exception):
    """What must not be, and the story of it."""

    def __init__(self, what: str, story: list[str]) -> None:
        super().__init__('\n'.join([*story, f'*** {what}']))
        self.what, self.story = what, story


@dataclasses.dataclass
class Seen:
    """What an exploration came across."""

    states: int = 0
    #: Why it is not complete; empty where it is.
    bound: str = ''
    seconds: float = 0.0
    #: By goal: the places of rules that gave a step.
    rules: set[tuple[str, int]] = dataclasses.field(default_factory=set)
    ends: set[tuple[str, Outcome]] = dataclasses.field(default_factory=set)
    modes: set[str] = dataclasses.field(default_factory=set)


class Explorer:
    """One world, explored with these tables.

    :ivar fired: where each rule gave a step: the states from which it is
        another world without that rule.
    """

    def __init__(
        self, setting: Setting, tables: Tables = TABLES, keep: bool = True
    ) -> None:
        self.setting, self.tables, self.keep = setting, tables, keep
        self.steps = steps.Steps(setting, tables)
        #: When all is over, nothing is in the way of a recovery.
        after = dataclasses.replace(
            setting, node=(), settings=(), nova=True, matched=True
        )
        self.after = steps.Steps(after, tables)
        self.compared = keys.pairs(tables)
        self.seen = Seen()
        self.fired: dict[tuple[str, int], list[tuple[int, World]]] = (
            collections.defaultdict(list)
        )
        self.parents: dict[int, tuple[int, Label]] = {}
        #: The same of the exploration without a fault, where this begins.
        self.before: dict[int, tuple[int, Label]] = {}
        #: The states to which a run came by what it learned, or by the
        #: time, and its number: not by what others did meanwhile.
        self.entered: set[tuple[int, int]] = set()
        #: What is known to come to its end, and to leave nothing of ours.
        self.ending: set[int] = set()
        self.tidy: set[int] = set()

    def key(self, world: World) -> int:
        return keys.key(world, self.compared)

    # What may happen.

    def moves(self, world: World) -> Iterator[Move]:
        """All that may happen next."""
        take = self.steps
        for number, run in enumerate(world.runs):
            if take.alone(run):
                yield from take.moves(world, number)
                return
        if world.over:
            return
        if not self.setting.racing:
            for number, run in enumerate(world.runs):
                if run.phase == worlds.WORK and run.writes(world.now):
                    yield from take.moves(world, number)
                    yield from take.befalls(world, number)
                    yield from self._time(world)
                    return
        for number, run in enumerate(world.runs):
            if run.phase == IDLE:
                if self._waits_its_turn(world, number):
                    continue
                who = f'run {number + 1} ({run.goal})'
                yield (who, 'begins', ''), take.begin(world, number)
            elif run.live:
                if run.phase != WAIT:
                    yield from take.moves(world, number)
                yield from take.befalls(world, number)
        yield from self._arrivals(world)
        for what, then in worlds.others(self.setting, world):
            yield ('others', what, ''), then
        yield from self._time(world)

    def _waits_its_turn(self, world: World, number: int) -> bool:
        before = world.runs[:number]
        return self.setting.in_turn and any(r.phase != OVER for r in before)

    def _time(self, world: World) -> Iterator[Move]:
        seconds = worlds.how_long(world)
        if not seconds:
            return
        if any(r.phase in (worlds.WORK, worlds.WOKEN) for r in world.runs):
            if not world.left.stalls:
                return
            world = world.spend('stalls')
        label = 'time', f'{seconds} s pass', ''
        yield label, self.steps.jump(world, seconds)

    def _arrivals(self, world: World) -> Iterator[Move]:
        for late in world.requests:
            rest = list(world.requests)
            rest.remove(late)
            then = world._replace(requests=tuple(rest))
            after = worlds.request(
                self.setting, then, late.mode, late.state, late.helpless
            )
            label = 'network', f'the request of run {late.run + 1} arrives', ''
            yield label, then if after is None else after

    def quiet(
        self, world: World, take: steps.Steps | None = None
    ) -> Move | None:
        """What happens next where all goes well; None: all has ended."""
        take = take or self.steps
        for number, run in enumerate(world.runs):
            if take.alone(run):
                return next(take.moves(world, number))
        for number, run in enumerate(world.runs):
            if run.phase == worlds.WORK and run.writes(world.now):
                return next(take.moves(world, number))
        for move in self._arrivals(world):
            return move
        for number, run in enumerate(world.runs):
            if run.phase == IDLE:
                if self._waits_its_turn(world, number):
                    continue
                label = f'run {number + 1}', 'begins', ''
                return label, take.begin(world, number)
            if run.live and run.phase != WAIT:
                return next(take.moves(world, number))
        for change in world.changes:
            label = 'others', f'the node follows ({change.state.value})', ''
            return label, worlds.follow(self.setting, world, change)
        if world.over:
            return None
        seconds = worlds.how_long(world)
        return ('time', f'{seconds} s pass', ''), take.jump(world, seconds)

    # Exploring.

    def explore(self, most: int = 10**9, seconds: float = 1e9) -> Seen:
        """All states.

        :param most: states, at which it stops.
        :param seconds: the same for time.
        :raises Found: what must not be.
        """
        start = worlds.first(self.setting)
        self.keeps_its_promise()
        self._explore([(self.key(start), start)], most, seconds)
        return self.seen

    def explore_from(
        self, begin: Iterable[tuple[int, World]], clean: Explorer, most: int
    ) -> None:
        """What is different from another exploration, from these states
        of it, where its rules gave another step.

        It begins where a run came to that step. What others do before the
        run takes it depends on which step it is.
        """
        self.before = clean.parents
        found, places = [], set()
        for origin, world in begin:
            places.add(origin)
            try:
                again = self._decide_again(world)
            except rules.NoStepError as exc:
                raise self._found(str(exc), origin) from None
            if again is not None and any(
                run is not world.runs[number]
                and (origin, number) in clean.entered
                for number, run in enumerate(again.runs)
            ):
                found.append((origin, again))
        self._explore(found, most, 1e9, clean.parents, places)

    def _decide_again(self, world: World) -> World | None:
        """None: these tables do not say anything else."""
        again = world
        for number, run in enumerate(world.runs):
            if run.facts is not None and run.phase == worlds.WORK:
                again = self.steps.on(
                    again, number, run.facts, looked=run.looked
                )
        return None if again == world else again

    def _explore(
        self,
        begin: list[tuple[int, World]],
        most: int,
        seconds: float,
        old: Container[int] = (),
        again: Container[int] = (),
    ) -> None:
        """
        :param old: what need not be explored, but for what is in ``again``.
        """
        began, seen = time.monotonic(), self.seen
        known = {place for place, _ in begin}
        queue = collections.deque(begin)
        parents, key = self.parents, self.key
        while queue:
            place, world = queue.popleft()
            seen.states += 1
            self._note(place, world)
            try:
                for label, after in self.moves(world):
                    there = key(after)
                    if self.keep:
                        self._note_entries(there, world, after)
                    if there not in known and (
                        there not in old or there in again
                    ):
                        known.add(there)
                        parents[there] = place, label
                        queue.append((there, after))
            except Harm as harm:
                raise self._found(str(harm), place) from None
            except rules.NoStepError as exc:
                raise self._found(str(exc), place) from None
            self._comes_to_an_end(place, world)
            if seen.states >= most or (
                seen.states % 256 == 0 and time.monotonic() - began > seconds
            ):
                if queue:
                    seen.bound = f'{len(queue)} states are left'
                break
        seen.seconds = time.monotonic() - began

    def _note(self, place: int, world: World) -> None:
        seen = self.seen
        for run in world.runs:
            if isinstance(run.step, Outcome):
                seen.ends.add((run.goal, run.step))
            elif run.phase == worlds.WORK:
                fired = run.goal, run.rule
                seen.rules.add(fired)
                if isinstance(run.step, rules.Send):
                    seen.modes.add(f'{run.goal} {run.step.mode.value}')
                if self.keep:
                    self.fired[fired].append((place, world))

    def _note_entries(self, place: int, world: World, after: World) -> None:
        if after.runs is world.runs:
            return
        for number, run in enumerate(after.runs):
            former = world.runs[number]
            if run.facts is not former.facts or run.rule != former.rule:
                self.entered.add((place, number))

    def keeps_its_promise(self) -> None:
        """What is asked for is done, where nothing is in the way."""
        if not self.setting.promise:
            return
        world = worlds.first(self.setting)
        story: list[Label] = []
        place = self.key(world)
        for _ in range(_ENDLESS):
            try:
                move = self.quiet(world)
            except (Harm, rules.NoStepError) as exc:
                raise self._found(str(exc), place, story) from None
            if move is None:
                break
            story.append(move[0])
            world = move[1]
        ends = ', '.join(getattr(r.step, 'value', '') for r in world.runs)
        service = worlds.what_of(world.reason)
        came = f'{ends}: {world.power.value}, {service}'
        if world.flag:
            came += ', flagged'
        if came != self.setting.promise:
            what = f'ends as "{came}", not "{self.setting.promise}"'
            raise self._found(what, place, story)

    # Liveness, and what is left.

    def _comes_to_an_end(self, place: int, world: World) -> None:
        """Every run can end, once nothing more happens; and then a recovery
        leaves nothing of ours on a host that is on."""
        path: list[int] = []
        way: set[int] = set()
        ending = self.ending
        story: list[Label] = []
        at = world
        while place not in ending:
            if place in way:
                raise self._found('goes round for ever', path[0], story)
            if len(way) > _ENDLESS:
                raise self._found('never ends', path[0], story)
            way.add(place)
            path.append(place)
            try:
                move = self.quiet(at)
            except Harm as harm:
                raise self._found(str(harm), path[0], story) from None
            except rules.NoStepError as exc:
                raise self._found(str(exc), path[0], story) from None
            if move is None:
                self._leaves_nothing(at, path[0], story)
                break
            story.append(move[0])
            at = move[1]
            place = self.key(at)
        ending |= way

    def _leaves_nothing(
        self, world: World, origin: int, story: list[Label]
    ) -> None:
        left = worlds.Left(*(0,) * len(worlds.Left._fields))
        world = world._replace(runs=(), left=left, locked=False)
        for _ in range(10):
            world = worlds.passed(world, worlds.TICK)
        if not _left(world):
            return
        place = self.key(world)
        if place in self.tidy:
            return
        story = [*story, ('time', 'five minutes pass', '')]
        world = world._replace(runs=(Run('recover'),))
        for _ in range(_ENDLESS):
            move = self.quiet(world, self.after)
            if move is None:
                break
            story.append(move[0])
            world = move[1]
        else:
            raise self._found('a recovery never ends', origin, story)
        if _left(world):
            raise self._found(
                'a recovery leaves something of ours', origin, story
            )
        self.tidy.add(place)

    # Telling.

    def _found(
        self, what: str, place: int, story: Iterable[Label] = ()
    ) -> Found:
        labels: list[Label] = []
        for parents in (self.parents, self.before):
            while place in parents:
                place, label = parents[place]
                labels.append(label)
        told = [*reversed(labels), *story]
        return Found(
            f'{what} ({self.setting.name})',
            [
                ': '.join((who, act)) + (f' -> {end}' if end else '')
                for who, act, end in told
            ],
        )


def _left(world: World) -> bool:
    """Whether something of ours is left on a host that is on."""
    mark = markers.parse(world.reason)
    ours = mark is not None and mark.names(worlds.NODE_ID)
    flagged = world.flag and world.reason is None
    return (ours or flagged) and world.power is worlds.ON
