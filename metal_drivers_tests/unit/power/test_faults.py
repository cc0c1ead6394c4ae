# SPDX-License-Identifier: Apache-2.0
"""Every kind of fault, and every act of others, at every call.

What must hold after each: no host with servers is switched off, nor one
that servers may land on; no request is sent twice, and none to switch on
what is on; a disabling of others stays; and the next run finishes or
undoes what this one has left.
"""

import contextlib
import dataclasses
import functools
import logging
from collections.abc import Callable, Iterable, Iterator

import fixtures

from metal_drivers import exceptions
from metal_drivers.model import Capability, Outcome, PowerState
from metal_drivers.power import Step
from metal_drivers_tests.unit.power import base, simulator

OFF, ON = simulator.OFF, simulator.ON

ERRORS: tuple[BaseException, ...] = (
    exceptions.UnavailableError('away'),
    exceptions.BusyError('locked'),
    exceptions.RefusedError('never'),
    exceptions.UnsupportedError('not this one'),
    exceptions.ProtocolError('a page of HTML'),
    exceptions.AuthenticationError('not you'),
    TypeError('a driver of others'),
    KeyboardInterrupt(),
)

#: Errors after which a change may have been made all the same, and how
#: many seconds later. Nova is believed to be done when it answers.
IN_DOUBT = (
    exceptions.UnavailableError,
    exceptions.ProtocolError,
    TypeError,
    KeyboardInterrupt,
)
LATE: dict[str, tuple[float | None, ...]] = {
    'set_power_state': (None, 0, 7),
    'disable': (None, 0),
    'enable': (None, 0),
}

SETTINGS = {
    'soft_off_timeout': 30,
    'power_off_timeout': 60,
    'power_on_timeout': 60,
    'service_up_timeout': 90,
    # The first look is after a fifth of it.
    'poll_interval': 60,
}


@dataclasses.dataclass(frozen=True)
class Begin:
    """A cloud to begin in."""

    capabilities: Iterable[Capability] = simulator.CAPABLE
    #: Why nova-compute is disabled already.
    reason: str | None = None
    ignores_soft: bool = False
    ends_in: str = ''

    def seen(self) -> object:
        """What shows before the machine is asked for anything."""
        return self.capabilities, self.reason

    def cloud(self, state: PowerState) -> simulator.SimCloud:
        """One that is to be taken to that state."""
        power = ON if state is OFF else OFF
        cloud = simulator.SimCloud(1, power, self.capabilities)
        cloud.node.ignores_soft = self.ignores_soft
        cloud.node.ends_in = self.ends_in
        cloud.host.reason = self.reason
        cloud.host.status = 'disabled' if self.reason else 'enabled'
        return cloud


SIMPLE = frozenset({Capability.SOFT_OFF})
CLOUDS = (
    Begin(),
    Begin(ends_in='no'),
    Begin(ignores_soft=True),
    Begin(reason=base.OURS),
    Begin(reason=base.OURS, ends_in='no'),
    Begin(reason=base.THEIRS, ends_in='no'),
    Begin(SIMPLE),
    Begin(SIMPLE, ends_in='no'),
    Begin(SIMPLE, ignores_soft=True),
    Begin(SIMPLE, reason=base.OURS),
    Begin(SIMPLE, reason=base.OURS, ends_in='no'),
)


def faults(call: str) -> Iterator[tuple[BaseException, float | None]]:
    """What a call may end in, and when it is carried out all the same."""
    for error in ERRORS:
        if call == 'sleep' and not isinstance(error, KeyboardInterrupt):
            continue
        for late in LATE.get(call, (None,)):
            if late is None or isinstance(error, IN_DOUBT):
                yield error, late


class TestFaults(base.PowerCase):
    def setUp(self) -> None:
        super().setUp()
        # Thousands of runs have too much to tell.
        self.useFixture(fixtures.FakeLogger(level=logging.ERROR))
        # Runs in which no machine was asked for anything: how it would
        # have behaved makes no other run of them.
        self.unsent: set[object] = set()
        # What runs have left, of which the next run has made good.
        self.left: set[object] = set()

    def test_faults_while_switching_off(self) -> None:
        self.check_faults(OFF)

    def test_faults_while_switching_on(self) -> None:
        self.check_faults(ON)

    def test_two_faults(self) -> None:
        """Of the kinds that leave most open."""
        kinds = (ERRORS[0], ERRORS[-1])
        for state in (OFF, ON):
            for first, _ in enumerate(self.calls(Begin(), state), 1):
                for second in range(first + 1, first + 12):
                    for late in (None, 0):
                        for error in kinds:
                            cloud = Begin().cloud(state)
                            cloud.fail(
                                ERRORS[0], number=first, arrives_after=late
                            )
                            cloud.fail(error, number=second)
                            story = f'{state} {first} {second} {error!r}'
                            self.run_through(cloud, state, story)

    def test_acts_of_others(self) -> None:
        acts: dict[str, Callable[[simulator.SimCloud], object]] = {
            'land': lambda cloud: cloud.nova.land('h1'),
            'maintain': lambda cloud: cloud.node.say(maintenance='repair'),
            'lock': lambda cloud: cloud.node.say(locked='by ann'),
            'off': lambda cloud: cloud.driver.start(cloud.node, OFF, 5),
            'on': lambda cloud: cloud.driver.start(cloud.node, ON, 5),
            'busy': lambda cloud: setattr(
                cloud.node, 'busy_until', cloud.clock.time + 40
            ),
            'disable': lambda cloud: cloud.nova.change(
                'h1', 'disabled', base.THEIRS
            ),
        }
        for state in (OFF, ON):
            for begin in CLOUDS:
                for number, call in enumerate(self.calls(begin, state), 1):
                    for what, act in acts.items():
                        run = begin.seen(), state, number, what
                        if run in self.unsent:
                            continue
                        cloud = begin.cloud(state)
                        cloud.calls.meddling[number] = functools.partial(
                            act, cloud
                        )
                        story = f'{what} before {number} of {state}: {begin}'
                        if not self.run_through(cloud, state, story):
                            self.unsent.add(run)
                        # Nova cannot be asked to change only what is still
                        # as it was a moment ago.
                        if what == 'disable' and 'able' not in call:
                            self.assertEqual(
                                base.THEIRS, cloud.host.reason, story
                            )

    def check_faults(self, state: PowerState) -> None:
        for begin in CLOUDS:
            for number, call in enumerate(self.calls(begin, state), 1):
                for error, late in faults(call):
                    run = begin.seen(), number, error, late
                    if run in self.unsent:
                        continue
                    cloud = begin.cloud(state)
                    cloud.fail(error, number=number, arrives_after=late)
                    story = f'{error!r} at {number} of {state}: {begin}'
                    if not self.run_through(cloud, state, f'{story}, {late}'):
                        self.unsent.add(run)

    def calls(self, begin: Begin, state: PowerState) -> list[str]:
        """What is called where nothing more goes wrong."""
        cloud = begin.cloud(state)
        cloud.switch(state, 'n1', **SETTINGS)
        return [call.name for call in cloud.calls.made]

    def run_through(
        self, cloud: simulator.SimCloud, state: PowerState, story: str
    ) -> bool:
        """:returns: whether the machine was asked for anything."""
        theirs = cloud.host.reason == base.THEIRS
        before = cloud.host.status
        result = None
        with contextlib.suppress(KeyboardInterrupt):
            (result,) = cloud.switch(state, 'n1', **SETTINGS)
        names = cloud.calls.names()
        self.check_requests(cloud, story)
        # Now a server lands, where one may; then all that is pending ends.
        cloud.nova.land('h1')
        cloud.clock.advance(1000)
        self.assertEqual([], cloud.harm, story)
        if theirs:
            self.assertEqual(base.THEIRS, cloud.host.reason, story)
            self.assertEqual([], [n for n in names if 'able' in n], story)
        if (
            state is OFF
            and before == 'enabled'
            and cloud.node.power is ON
            and not (result and result.outcome.good)
            and cloud.host.reason not in (None, base.THEIRS)
        ):
            # There is a reason, and it is told.
            if len(cloud.calls.faults) == 1:
                self.assertIn('set_power_state', names, story)
            if result and 'TypeError' not in result.detail:
                self.assertIn('disabled', result.detail, story)
        if result and result.outcome is Outcome.REFUSED:
            self.assertEqual([], cloud.driver.requests, story)
            self.assertFalse(
                before == 'enabled'
                and 'metal-drivers' in str(cloud.host.reason),
                story,
            )
        self.check_next_run(cloud, story)
        return 'set_power_state' in names

    def check_requests(self, cloud: simulator.SimCloud, story: str) -> None:
        """None is sent twice, but where the service was busy."""
        calls = [call.args for call in cloud.calls.made if 'set_' in call.name]
        arrived = [
            (sent.node_id, sent.state, sent.mode, sent.timeout)
            for sent in cloud.driver.requests
        ]
        busy = Step.WAITING in [event.step for event in cloud.events]
        for requests in (arrived,) if busy else (arrived, calls):
            self.assertEqual(len(set(requests)), len(requests), story)

    def check_next_run(self, cloud: simulator.SimCloud, story: str) -> None:
        """Switched on without a fault, all is well again."""
        theirs = cloud.host.reason == base.THEIRS
        cloud.calls.faults.clear()
        cloud.calls.meddling.clear()
        cloud.node.say(maintenance=None, locked=None)
        cloud.node.ends_in = ''
        left = cloud.left()
        if left in self.left:
            return
        self.left.add(left)
        (result,) = cloud.switch(ON, 'n1', **SETTINGS)
        self.assertTrue(result.outcome.good, f'{story}: {result.detail}')
        self.assertIs(ON, cloud.node.power, story)
        self.assertEqual(not theirs, cloud.host.enabled, story)
