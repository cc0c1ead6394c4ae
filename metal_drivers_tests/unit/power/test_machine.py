# SPDX-License-Identifier: Apache-2.0
"""Thousands of interleavings, and proof that they find what is wrong.

``METAL_DRIVERS_EXAMPLES`` is how many runs there are.
"""

import datetime
import os
from typing import Any
from unittest import mock

import hypothesis
import testtools
from hypothesis import stateful

from metal_drivers.model import OffMode, Outcome
from metal_drivers.power import (
    clock,
    ends,
    guards,
    hold,
    off,
    on,
    ownership,
    pacing,
    process,
    recovery,
    shared,
    transition,
    turn,
)
from metal_drivers_tests.unit import simulation
from metal_drivers_tests.unit.power import machine

EXAMPLES = int(os.environ.get('METAL_DRIVERS_EXAMPLES', '100'))

#: In so many runs each planted fault is to be found.
LIMIT = 2000


def run(examples: int) -> None:
    stateful.run_state_machine_as_test(
        machine.Machine,
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=12,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
            print_blob=False,
            verbosity=hypothesis.Verbosity.quiet,
        ),
    )


class TestMachine(testtools.TestCase):
    def test_nothing_ever_goes_wrong(self) -> None:
        run(EXAMPLES)


def servers_not_asked_again(
    self: off.PowerOff, deadline: clock.Deadline
) -> bool:
    if not transition.Transition.may_send(self, deadline):
        return False
    self._hold.take(deadline, sent=self.sent is not None)
    self._await_scheduler(deadline)
    return self._hold.keeps()


class NoHold(hold.Hold):
    def take(self, deadline: clock.Deadline, *, sent: bool) -> bool:
        return False

    def keeps(self) -> bool:
        return True


def sent_again_blindly(
    self: transition.Transition, *args: Any, **kwargs: Any
) -> None:
    SEND(self, *args, **kwargs)
    assert self.sent is not None
    if self.sent.doubt:
        self.rest(20)
        SEND(self, *args, **kwargs)


def state_not_checked(self: on.PowerOn) -> None:
    wish = guards.Wish(self.member, self.target, self.settings)
    reason = guards.refusal(wish)
    if reason:
        raise ends.Ended(Outcome.REFUSED, reason)


def mark_of_anybody(service: Any) -> ownership.Mark | None:
    """Takes every disabling for ours."""
    if service is None or service.enabled:
        return None
    when = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    return ownership.parse(service.disabled_reason) or ownership.Mark(
        when,
        getattr(service, 'service_id', service.id).replace('service-h', 'id-'),
    )


def gave_up_too_early(self: off.PowerOff) -> bool:
    return True


def shutting_down_forgotten(self: off.PowerOff) -> bool:
    if self.sent:
        self.sent.mode = OffMode.HARD
    return bool(STAYS_ON(self))


def any_run_given_back(self: hold.Hold, stays_on: bool) -> str:
    service = self._work.get_service()
    mark = self._work.mark_on(service)
    if mark is not None:
        self._marks.add(mark)
    return str(GIVE_BACK(self, stays_on))


SEND = transition.Transition._send
STAYS_ON = off.PowerOff._stays_on
GIVE_BACK = hold.Hold.give_back

#: What could be wrong with the code: what is replaced, and by what.
PLANTED: dict[str, tuple[Any, str, Any]] = {
    'servers are not asked for again': (
        off.PowerOff,
        'may_send',
        servers_not_asked_again,
    ),
    'servers that are being scheduled are forgotten': (
        off.PowerOff,
        '_await_scheduler',
        lambda self, deadline: False,
    ),
    'servers that are on their way are forgotten': (
        simulation.SimNova,
        'list_moving',
        lambda self, host: set(),
    ),
    'nova-compute is not disabled': (off, 'Hold', NoHold),
    'a host is given back that may yet go off': (
        off.PowerOff,
        '_stays_on',
        gave_up_too_early,
    ),
    'a system that still shuts down is forgotten': (
        off.PowerOff,
        '_stays_on',
        shutting_down_forgotten,
    ),
    'the host of another run is given back': (
        hold.Hold,
        'give_back',
        any_run_given_back,
    ),
    'another run is not waited for': (
        shared.Shared,
        'await_other',
        lambda *args: 0.0,
    ),
    'another run that powers it on is not seen': (
        turn.Turn,
        'take',
        lambda self, deadline: False,
    ),
    'a request is sent again blindly': (
        transition.Transition,
        '_send',
        sent_again_blindly,
    ),
    'on from any state': (on.PowerOn, 'check', state_not_checked),
    'a disabling of others is taken for ours': (
        ownership,
        'mark_of',
        mark_of_anybody,
    ),
    'the pace is not kept': (pacing.Pace, 'take', lambda *args: 0.0),
    'a place in the pace is not given back': (
        pacing.Pace,
        'give_back',
        lambda self: None,
    ),
    'a node is switched twice at once': (
        process.Process,
        'claim',
        lambda *args: None,
    ),
    'protected names are forgotten': (
        guards,
        'GUARDS',
        tuple(g for g in guards.GUARDS if g is not guards.not_protected),
    ),
    'protected labels are forgotten': (
        guards,
        'GUARDS',
        tuple(g for g in guards.GUARDS if g is not guards.not_labelled),
    ),
    'what is not matched is switched': (
        guards,
        'GUARDS',
        tuple(g for g in guards.GUARDS if g is not guards.matched),
    ),
    'a recovery takes a run at work for one that was killed': (
        ownership.Mark,
        'left',
        lambda *args: 0.0,
    ),
    'nothing is recovered': (
        recovery.Recovery,
        'run',
        lambda self: (Outcome.ALREADY, ''),
    ),
}


#: What has to go wrong for the fault to show; for the others, nothing.
FOCUS: dict[str, tuple[str, ...]] = {
    'servers are not asked for again': ('land',),
    'servers that are being scheduled are forgotten': (
        'schedule',
        'show',
        'place',
        'leave',
    ),
    'servers that are on their way are forgotten': ('migrate', 'arrive'),
    'a host is given back that may yet go off': (
        *['show'] * 5,
        'cancel_one',
    ),
    'a system that still shuts down is forgotten': ('maintain', 'repaired'),
    'the host of another run is given back': (
        'off_elsewhere',
        'cancel_one',
    ),
    'a node is switched twice at once': ('land', 'leave'),
    'another run is not waited for': ('on_elsewhere', 'off_elsewhere'),
    'another run that powers it on is not seen': ('on_elsewhere',),
    'a request is sent again blindly': ('lose_reply',),
    'on from any state': ('hide',),
    'a disabling of others is taken for ours': ('disable', 'break_'),
    'a place in the pace is not given back': ('hide', 'show'),
    'nothing is recovered': (*['show'] * 5, 'die'),
    'a recovery takes a run at work for one that was killed': (
        'recover_elsewhere',
    ),
}


class TestPlantedFaults(testtools.TestCase):
    """The machine finds each of them."""

    def test_all_are_found(self) -> None:
        for what, (where, name, wrong) in PLANTED.items():
            focus = mock.patch.object(
                machine.Machine, 'focus', FOCUS.get(what, ())
            )
            losing = name == 'give_back'
            patient = mock.patch.multiple(
                machine.Machine, rate=1 if losing else 2, mortal=not losing
            )
            with focus, patient, mock.patch.object(where, name, wrong):
                try:
                    run(LIMIT)
                except AssertionError:
                    continue
            self.fail(f'not found: {what}')
