# SPDX-License-Identifier: Apache-2.0
"""A run in the small world: the real rules decide, the world answers.

What the runner learns after each step it learns by methods of the facts,
and so does this.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from metal_drivers import exceptions
from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.hooks import Event as HookEvent
from metal_drivers.hooks.in_use import Failure, Told
from metal_drivers.model import ComputeService, Node, Outcome
from metal_drivers.power import conclusions, rules
from metal_drivers.power.facts import Facts
from metal_drivers.power.values import Fact, Order, What
from metal_drivers_tests.unit.power import world as worlds
from metal_drivers_tests.unit.power.world import (
    HANG,
    OFF,
    ON,
    OVER,
    WAIT,
    WOKEN,
    WORK,
    Harm,
    Request,
    Run,
    Setting,
    World,
)

AWAY = exceptions.UnavailableError('the service is away')
FORBIDDEN = exceptions.RefusedError('forbidden')
UNSUPPORTED = exceptions.UnsupportedError('not this way')
BUSY = exceptions.BusyError('the node is locked')
BROKEN = exceptions.MetalError('a bug of a driver')
CRASHED = exceptions.UnavailableError('the service said 500')
CRASHED.status = 500
STATES = {'off': OFF, 'on': ON, 'recover': None}

#: Who did it, what, and what came of it.
Label = tuple[str, str, str]
Move = tuple[Label, World]
Tables = Mapping[str, rules.Table]

_LOCAL = What.CLAIM, What.SLOT, What.OTHERS_OFF


class Steps:
    """The steps of runs that follow these tables."""

    def __init__(self, setting: Setting, tables: Tables) -> None:
        self.setting, self.tables = setting, tables

    def begin(self, world: World, number: int) -> World:
        setting = self.setting
        goal = world.runs[number].goal
        host = worlds.COMPUTE_HOST if setting.matched else None
        facts = Facts(
            Order(
                world.node(setting).id,
                STATES[goal],
                setting.power_settings,
                setting.capabilities,
                setting.nova,
                ('h',) if setting.hooks else (),
            ),
            Member(world.node(setting), host, '' if host else 'no host'),
            began=world.now,
        )
        return self.on(world, number, facts)

    def on(
        self, world: World, number: int, facts: Facts, **fields: Any
    ) -> World:
        """The run goes on, with these facts."""
        table = self.tables[world.runs[number].goal]
        try:
            rule, step = rules.applying(table, facts, world.now)
        except Exception as exc:
            if facts.decided:
                raise
            # As the runner does with what should not be.
            facts = facts.decide(Outcome.FAILED, repr(exc))
            rule, step = rules.applying(table, facts, world.now)
        fields = {'phase': WORK} | fields
        return world.to_run(
            number, facts=facts, rule=rule, step=step, **fields
        )

    def alone(self, run: Run) -> bool:
        """Whether its next step concerns nobody else."""
        if run.phase != WORK:
            return False
        match run.step:
            case rules.Ask(what):
                return what in _LOCAL
            case rules.Wait(at_once=at_once):
                return run.looked or not at_once
            case rules.Decide() | rules.NextMode() | rules.End():
                return True
        return False

    def moves(self, world: World, number: int) -> Iterator[Move]:
        """The first is what happens where nothing goes wrong."""
        run = world.runs[number]
        who, step, facts = (
            f'run {number + 1} ({run.goal})',
            run.step,
            run.facts,
        )
        assert facts is not None
        faults = world.left.faults > 0
        if run.phase == HANG:
            for what, then in self._arrives(world, number, ''):
                yield (who, what, 'done, at last'), then
            return
        match step:
            case rules.Ask(asked):
                for said, after, value, error in self._answers(
                    world, number, asked, faults
                ):
                    fact = Fact(
                        facts.turn + 1, world.now, world.now, value, error
                    )
                    known = conclusions.learn(
                        facts, asked, fact, worlds.at(world.now)
                    )
                    yield (
                        (who, f'asks for {asked.value}', said),
                        self.on(after, number, known),
                    )
            case rules.Wait():
                yield from self._wait(world, number, who, step, faults)
            case rules.Decide(outcome, detail, failed):
                known = facts.decide(outcome, detail, failed)
                yield (
                    (who, 'decides', f'{outcome.value}: {detail}'),
                    self.on(world, number, known),
                )
            case rules.NextMode(why):
                yield (
                    (who, 'tries the next way', why),
                    self.on(world, number, facts.next_mode(world.now)),
                )
            case rules.End(outcome, detail):
                yield (
                    (who, 'ends', f'{outcome.value}: {detail}'),
                    self._end(world, number, outcome),
                )
            case rules.Tell():
                yield from self._tells(world, number, who, step, faults)
            case rules.Disable() | rules.Enable():
                yield from self._writes(world, number, who, faults)
            case rules.Send():
                yield from self._sends(world, number, who, step, faults)

    # Asking.

    def _answers(
        self, world: World, number: int, what: What, faults: bool
    ) -> Iterator[tuple[str, World, Any, exceptions.MetalError | None]]:
        setting = self.setting
        value: Any = None
        match what:
            case What.CLAIM:
                value = self._claim(world, number)
            case What.SLOT:
                value = 0.0
                if faults and world.runs[number].sent == ():
                    yield '0.0', world, 0.0, None
                    yield 'in a second', world.spend('faults'), 1.0, None
                    return
            case What.OTHERS_OFF:
                value = setting.others_off
            case What.NODE:
                value = world.node(setting)
            case What.SERVICE if setting.nova:
                value = world.service()
            case What.SERVERS if setting.nova:
                value = world.servers
            case What.MOVING if setting.nova:
                value = frozenset({'m1'} if world.moving else ())
            case What.UNPLACED if setting.nova:
                value = frozenset(world.scheduled)
        yield _said(value), world, value, None
        if faults and what not in _LOCAL:
            less = world.spend('faults')
            yield 'no answer', less, None, AWAY
            yield 'an error', less, None, FORBIDDEN

    def _claim(self, world: World, number: int) -> Any:
        if not self.setting.one_process:
            return None, None, None
        for other, run in enumerate(world.runs):
            if other != number and run.live and run.facts:
                claim = run.facts.claim
                if claim is not None and claim.value is None:
                    return STATES[run.goal] or ON, None, None
        return None, world.powered_on, world.powered_on

    # Waiting.

    def _wait(
        self,
        world: World,
        number: int,
        who: str,
        step: rules.Wait,
        faults: bool,
    ) -> Iterator[Move]:
        run = world.runs[number]
        facts = run.facts
        assert facts is not None
        if run.phase == WORK:
            if _has_slot(facts):
                facts = facts.change(slot=None)
            facts = facts.waiting()
            if run.looked or not step.at_once:
                yield (
                    (who, 'waits', step.why or 'for its request'),
                    world.to_run(
                        number, facts=facts, phase=WAIT, began=world.now
                    ),
                )
                return
            run = run._replace(began=world.now)
        if step.look is None:
            yield (who, 'wakes up', ''), self._woken(world, number, facts, run)
            return
        for said, after, value, error in self._answers(
            world, number, step.look, faults
        ):
            fact = Fact(facts.turn + 1, world.now, world.now, value, error)
            known = conclusions.learn(
                facts, step.look, fact, worlds.at(world.now)
            )
            yield (
                (who, f'looks at the {step.look.value}', said),
                self._woken(after, number, known, run),
            )

    def _woken(
        self, world: World, number: int, facts: Facts, run: Run
    ) -> World:
        assert isinstance(run.step, rules.Wait)
        if run.step.excused:
            facts = facts.excuse(run.began, world.now)
        return self.on(world, number, facts, looked=True)

    # Telling the hook.

    def _tells(
        self,
        world: World,
        number: int,
        who: str,
        step: rules.Tell,
        faults: bool,
    ) -> Iterator[Move]:
        facts = world.runs[number].facts
        assert facts is not None
        begun = world.to_run(
            number, facts=facts.tell(step.event, step.hooks, world.now)
        )
        act = f'tells {step.event.value}'
        yield (who, act, 'done'), self._told(begun, number, step, True, None)
        if world.left.slow:
            hanging = begun.spend('slow').to_run(
                number, phase=HANG, began=world.now
            )
            yield (who, act, 'hangs'), hanging
        if not faults:
            return
        less = begun.spend('faults')
        for error in (AWAY, BUSY):
            yield (
                (who, act, f'fails: {error.message}'),
                self._told(less, number, step, False, error),
            )
        yield (
            (who, act, 'done, and fails'),
            self._told(less, number, step, True, AWAY),
        )

    def _told(
        self,
        world: World,
        number: int,
        step: rules.Tell,
        done: bool,
        error: exceptions.MetalError | None,
    ) -> World:
        """The hook has answered."""
        run = world.runs[number]
        facts = run.facts
        assert facts is not None
        if done:
            world = hear(world, step.event)
        failures = (Failure('h', error),) if error else ()
        came = Told(step.event, step.hooks, failures)
        fields: dict[str, Any] = {}
        if step.event is HookEvent.BEFORE_OFF:
            fields['announced'] = error is None
        elif step.event in _BACK:
            fields['hook_failed'] = error is not None
        return self.on(world, number, facts.hear(came, world.now), **fields)

    # Changing nova-compute.

    def _writes(
        self, world: World, number: int, who: str, faults: bool
    ) -> Iterator[Move]:
        run = world.runs[number]
        facts, step = run.facts, run.step
        assert facts is not None
        text, act = '', 'enables nova-compute'
        self._may_act(world, number)
        if facts.cancelled and not facts.decided:
            raise Harm('changes nova-compute though it is cancelled')
        if isinstance(step, rules.Disable):
            if run.goal == 'recover' and not step.adopt:
                raise Harm('a recovery disables nova-compute')
            text, mark = _marker(world, number, step)
            act = f'disables nova-compute: {mark.kind.value}'
            known = facts.writing(mark, world.now)
            if step.adopt:
                known = facts.adopting(mark)
            begun = world.to_run(number, facts=known)
        else:
            begun = world
            decided = facts.decided
            if run.goal == 'off' and decided and decided.outcome.good:
                raise Harm('a power off that is done enables nova-compute')
        yield (who, act, 'done'), self._wrote(begun, number, text, True, True)
        if world.left.slow and text:
            hanging = begun.spend('slow').to_run(
                number, phase=HANG, began=world.now, text=text
            )
            yield (who, act, 'hangs'), hanging
        if not faults:
            return
        less = begun.spend('faults')
        yield (
            (who, act, 'lost'),
            self._wrote(less, number, text, False, False),
        )
        yield (
            (who, act, 'done, the reply lost'),
            self._wrote(less, number, text, True, False),
        )

    def _wrote(
        self, world: World, number: int, text: str, arrives: bool, told: bool
    ) -> World:
        """A write has ended."""
        run = world.runs[number]
        facts = run.facts
        assert facts is not None
        if arrives:
            world = worlds.write(world, text or None, _puts_back(run))
            if run.goal != 'on' and worlds.failures(text):
                raise Harm('a failure is counted that is of no power on')
            if not text and world.flag and not run.hook_failed:
                raise Harm('nova-compute enabled, and the hook not told')
        if isinstance(run.step, rules.Disable) and run.step.adopt:
            known = facts
            if not told and facts.decided is None:
                known = facts.decide(rules.outcome_of(AWAY), str(AWAY))
        elif not text:
            error = None if told else AWAY
            known = facts.enabling(world.now, world.now, error)
        elif told:
            known = facts.wrote(world.now)
        else:
            known = facts.wrote(world.now, AWAY)
            if facts.decided is None:
                known = known.decide(rules.outcome_of(AWAY), str(AWAY))
        return self.on(world, number, known, text='')

    # Requests for power.

    def _sends(
        self,
        world: World,
        number: int,
        who: str,
        step: rules.Send,
        faults: bool,
    ) -> Iterator[Move]:
        run = world.runs[number]
        facts, state = run.facts, STATES[run.goal]
        assert facts is not None
        if state is None:
            raise Harm('a recovery sends a request for power')
        self._may_act(world, number)
        if facts.cancelled:
            raise Harm('sends a request though it is cancelled')
        if not ((facts.sent and facts.sent.taken) or _has_slot(facts)):
            raise Harm('sends a request without a slot')
        if facts.writes and not facts.own:
            raise Harm('a request of a run whose marker was replaced')
        if world.locked:
            raise Harm('a request for a node that is locked')
        if self.setting.hooks and state is OFF and not run.announced:
            raise Harm('a power off of which the hook was not told')
        if step.mode in run.sent:
            raise Harm('a request was sent that may have been sent before')
        if facts.member.node.power_state is state:
            raise Harm('a request for what is so already')
        act = f'sends {step.event.value}'
        if state is ON and not self.setting.one_process:
            world = world._replace(tried=world.tried + 1)
        after = worlds.request(self.setting, world, step.mode, state)
        if after is None:
            yield (who, act, 'busy'), self._denied(world, number, step, BUSY)
        else:
            yield (who, act, 'taken'), self._sent(after, number, step, None)
        if world.left.slow:
            hanging = world.spend('slow').to_run(
                number, phase=HANG, began=world.now
            )
            yield (who, act, 'hangs'), hanging
        if not faults:
            return
        less = world.spend('faults')
        for error in (BUSY, FORBIDDEN, UNSUPPORTED):
            if error is not BUSY or after is not None:
                denied = self._denied(less, number, step, error)
                yield (who, act, error.message), denied
        yield (who, act, 'lost'), self._sent(less, number, step, AWAY)
        late = Request(number, step.mode, state, world.now + int(step.seconds))
        later = less._replace(requests=(*less.requests, late))
        yield (
            (who, act, 'no answer, it arrives later'),
            self._sent(later, number, step, AWAY),
        )
        if after is not None:
            then = after.spend('faults')
            yield (
                (who, act, 'taken, the reply lost'),
                self._sent(then, number, step, AWAY),
            )
            yield (
                (who, act, 'taken, and a reply that says otherwise'),
                self._sent(then, number, step, CRASHED),
            )
            yield (
                (who, act, 'taken and forgotten'),
                self._sent(less, number, step, None),
            )
            yield (
                (who, act, 'taken, and an error that must not be'),
                self._sent(then, number, step, BROKEN),
            )

    def _may_act(self, world: World, number: int) -> None:
        """One at a time in one process."""
        for other, run in enumerate(world.runs):
            if not self.setting.one_process or other == number:
                continue
            if run.live and run.facts and (run.sent or run.facts.writes):
                raise Harm('two runs of one process at work on a node')

    def _sending(self, world: World, number: int, step: rules.Send) -> Facts:
        facts = world.runs[number].facts
        assert facts is not None
        return facts.sending(
            step.mode, step.event.value, step.seconds, world.now
        )

    def _sent(
        self,
        world: World,
        number: int,
        step: rules.Send,
        doubt: exceptions.MetalError | None,
    ) -> World:
        run = world.runs[number]
        facts = self._sending(world, number, step)
        facts = facts.sent_until(world.now, doubt, doubt is None)
        if doubt is BROKEN:
            facts = facts.decide(Outcome.FAILED, str(doubt))
        if self.setting.one_process and STATES[run.goal] is ON:
            assert facts.sent is not None
            arrives = int(facts.sent.arrives(world.now))
            world = world._replace(powered_on=arrives)
        return self.on(world, number, facts, sent=(*run.sent, step.mode))

    def _denied(
        self,
        world: World,
        number: int,
        step: rules.Send,
        error: exceptions.MetalError,
    ) -> World:
        run = world.runs[number]
        assert run.facts is not None
        facts = self._sending(world, number, step).refused(
            run.facts.sent, world.now, world.now, error
        )
        return self.on(world, number, facts)

    # Ends.

    def _end(self, world: World, number: int, outcome: Outcome) -> World:
        run = world.runs[number]
        facts, state = run.facts, STATES[run.goal]
        assert facts is not None
        node = facts.member.node
        there = not state or node.power_state is state
        if outcome in (Outcome.DONE, Outcome.ALREADY) and not there:
            raise Harm(f'{outcome.value}, and not seen to be so')
        if outcome is Outcome.REFUSED and run.sent:
            raise Harm('refused, though a request was sent')
        said = isinstance(run.step, rules.End) and 'hook' in run.step.detail
        if run.hook_failed and not said:
            raise Harm('a hook has failed, and the result does not say so')
        done = state is OFF and outcome is Outcome.DONE
        heard = facts.telling(HookEvent.AFTER_OFF)
        if self.setting.hooks and done and facts.sent and not heard:
            raise Harm('the hook was not told that it is off')
        failed = heard is not None and bool(heard.failures)
        quiet = not (self.setting.faults or self.setting.kills or failed)
        off = outcome is Outcome.DONE and state is OFF
        if self.setting.hooks and off and quiet and not world.flag:
            raise Harm('powered off, and the hook does not know')
        mark = markers.parse(world.reason)
        left = any(mark == write.marker for write in facts.writes)
        if left and outcome.good and worlds.failures(world.reason):
            raise Harm('ended well, and counted as a failure')
        if left and mark != facts.found:
            if outcome is Outcome.REFUSED:
                raise Harm('refused, and nova-compute is left disabled')
            before, now = self.setting, world.left
            well = (now.faults, now.slow) == (before.faults, before.slow)
            if run.goal == 'on' and well and not (run.sent or outcome.good):
                raise Harm('nothing was sent, and the marker is left')
        on = node.settled and node.power_state is ON
        if self.setting.one_process and facts.sent and on:
            world = world._replace(powered_on=None)
        return world.to_run(
            number,
            facts=None,
            phase=OVER,
            step=outcome,
            looked=False,
            began=0,
            sent=(),
            announced=False,
            hook_failed=False,
        )

    def _arrives(
        self, world: World, number: int, killed: str
    ) -> Iterator[tuple[str, World]]:
        """What hangs arrives; or what a run that is killed was about to
        ask."""
        run = world.runs[number]
        step = run.step
        if isinstance(step, rules.Send):
            state = STATES[run.goal]
            assert state is not None
            after = worlds.request(self.setting, world, step.mode, state)
            if killed:
                if after is not None:
                    yield 'its request arrives', after
            elif after is None:
                denied = self._denied(world, number, step, BUSY)
                yield 'the request arrives', denied
            else:
                sent = self._sent(after, number, step, None)
                yield 'the request arrives', sent
        elif isinstance(step, rules.Tell):
            if killed:
                yield 'the hook does it', hear(world, step.event)
            else:
                late = exceptions.TimedOutError('the hook took too long')
                for done in (True, False):
                    yield (
                        f'fails, {"done" if done else "not done"}',
                        self._told(world, number, step, done, late),
                    )
        elif isinstance(step, rules.Disable | rules.Enable):
            if not killed:
                then = self._wrote(world, number, run.text, True, True)
                yield 'the write arrives', then
                return
            text = run.text
            if isinstance(step, rules.Disable) and not text:
                text, _ = _marker(world, number, step)
            after = worlds.write(world, text or None, _puts_back(run))
            yield 'what it writes arrives', after

    # What befalls runs.

    def befalls(self, world: World, number: int) -> Iterator[Move]:
        run = world.runs[number]
        facts, who = run.facts, f'run {number + 1} ({run.goal})'
        assert facts is not None
        if world.left.kills:
            less = world.spend('kills')
            over: dict[str, Any] = {
                'facts': None,
                'phase': OVER,
                'step': None,
                'text': '',
            }
            over |= {'looked': False, 'began': 0, 'sent': ()}
            over |= {'announced': False, 'hook_failed': False}
            yield (who, 'is killed', ''), less.to_run(number, **over)
            for what, after in self._arrives(less, number, 'killed'):
                yield (who, 'is killed', what), after.to_run(number, **over)
        if world.left.cancels and not facts.cancelled and not facts.decided:
            less, known = world.spend('cancels'), facts.change(cancelled=True)
            if run.phase in (WAIT, WOKEN):
                then = self._woken(less, number, known, run)
            elif run.phase == HANG:
                then = less.to_run(number, facts=known)
            else:
                then = self.on(less, number, known)
            yield (who, 'is cancelled', ''), then

    def jump(self, world: World, seconds: int) -> World:
        """Time passes for all."""
        world = worlds.passed(world, seconds)
        for number, run in enumerate(world.runs):
            if run.phase == WAIT:
                world = world.to_run(number, phase=WOKEN, looked=False)
            elif run.phase == WORK:
                assert run.facts is not None
                world = self.on(world, number, run.facts, looked=False)
        return world


def hear(world: World, event: HookEvent) -> World:
    """What the hook does."""
    if event in _BACK:
        return world._replace(flag=False)
    if event in (HookEvent.BEFORE_OFF, HookEvent.AFTER_OFF):
        return world._replace(flag=True)
    return world


#: The events after which the hook counts the host as one that is on.
_BACK = HookEvent.BEFORE_ENABLE, HookEvent.AFTER_ON, HookEvent.UNDONE


def _learn(facts: Facts, what: What, fact: Fact, world: World) -> Facts:
    return conclusions.learn(facts, what, fact, worlds.at(world.now))


def _marker(
    world: World, number: int, step: rules.Disable
) -> tuple[str, markers.Marker]:
    """Two runs do not write the same one."""
    if step.former is not None:
        former = step.former
        text = former.reason
    else:
        when = worlds.at(world.now) - _APART[number]
        text = markers.reason(worlds.NODE_ID, when, step.kind, step.times)
    mark = markers.parse(text)
    assert mark is not None
    return text, mark


_APART = [datetime.timedelta(milliseconds=number) for number in range(4)]


def _puts_back(run: Run) -> bool:
    """Whether it enables what it has disabled itself."""
    facts = run.facts
    return bool(
        run.goal == 'off' and facts and not (facts.found and facts.sent)
    )


def _has_slot(facts: Facts) -> bool:
    slot = facts.slot
    return slot is not None and slot.error is None and not slot.value


def _said(value: Any) -> str:
    match value:
        case Node():
            target = (
                f', on its way {value.target.value}' if value.target else ''
            )
            return value.power_state.value + target
        case ComputeService():
            said = value.disabled_reason or value.status
            return f'{value.state}, {said}'
        case frozenset():
            return ', '.join(sorted(value)) or 'none'
    return str(value)
