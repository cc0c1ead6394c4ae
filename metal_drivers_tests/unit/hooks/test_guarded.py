# SPDX-License-Identifier: Apache-2.0
"""Hooks that misbehave, and what is left of that."""

import asyncio
import contextlib
import io
import threading
import traceback
from typing import Any

from metal_drivers import exceptions
from metal_drivers.hooks import Event, Hook, HookEvent, HookNote
from metal_drivers.hooks.guarded import HANGING
from metal_drivers.hooks.in_use import Hooks
from metal_drivers.model import CheckResult, CheckStatus
from metal_drivers_tests.unit import base as unit_base
from metal_drivers_tests.unit.hooks import base


class Raising(Hook):
    """Fails at every event."""

    def __init__(self, error: BaseException, **fields: Any) -> None:
        super().__init__({})
        self.error = error
        vars(self).update(fields)
        self.told: list[Event] = []

    def _tell(self, event: HookEvent) -> None:
        self.told.append(event.event)
        raise self.error

    before_off = after_off = before_on = before_enable = _tell
    after_on = undone = _tell


class Noting(Hook):
    """Writes down what it is told."""

    def __init__(self, name: str, notes: list[str]) -> None:
        super().__init__({})
        self.name, self.written = name, notes

    def _tell(self, event: HookEvent) -> None:
        self.written.append(f'{self.name} {event.event.value}')

    before_off = after_off = before_on = before_enable = _tell
    after_on = undone = _tell


class TestGuarded(unit_base.TestCase):
    def test_its_own_error_says_what_it_says(self) -> None:
        refusal = exceptions.RefusedError('A ticket is open', cure='Close it.')
        found = base.error_of(base.guard(Raising(refusal)), base.event())
        self.assertIs(refusal, found)
        self.assertEqual('A ticket is open. Close it.', str(found))

    def test_any_exception_is_an_error_that_names_the_hook(self) -> None:
        for error in (
            OSError('no route'),
            SystemExit('no license'),
            KeyboardInterrupt(),
            GeneratorExit(),
            asyncio.CancelledError(),
            RecursionError(),
        ):
            found = base.error_of(base.guard(Raising(error)), base.event())
            self.assertIsInstance(found, exceptions.DriverError)
            for part in (
                'The hook acme of acme-hook',
                "before_off('id-1') raised",
                type(error).__name__,
                'fixed in the hook',
            ):
                self.assertIn(part, str(found))

    def test_no_secret_gets_out(self) -> None:
        error = OSError('login with s3cret-t0ken failed')
        error.__cause__ = LookupError('s3cret-t0ken')
        hook = base.guard(Raising(error), 's3cret-t0ken')
        found = base.error_of(hook, base.event())
        self.assertIn('login with', str(found))
        text = ''.join(traceback.format_exception(found))
        self.assertNotIn('s3cret-t0ken', text)

    def test_one_that_hangs_is_left_behind(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)

        class Hanging(Hook):
            timeout = 0.01

            def before_off(self, event: HookEvent) -> None:
                release.wait()

        hook = base.guard(Hanging({}))
        found = base.error_of(hook, base.event())
        self.assertIsInstance(found, exceptions.TimedOutError)
        self.assertIn('did not end within 0.01 s', str(found))
        left = [
            thread
            for thread in threading.enumerate()
            if thread.name == 'metal-hook-acme'
        ]
        self.assertEqual([True], [thread.daemon for thread in left])

    def test_threads_do_not_pile_up(self) -> None:
        release = threading.Event()
        self.addCleanup(release.set)
        called = []

        class Hanging(Hook):
            timeout = 0.001

            def after_on(self, event: HookEvent) -> None:
                called.append(event)
                release.wait()

        hook = base.guard(Hanging({}))
        for _ in range(HANGING):
            base.error_of(hook, base.event(Event.AFTER_ON))
        found = base.error_of(hook, base.event(Event.AFTER_ON))
        self.assertIn(f'{HANGING} earlier calls have not ended', str(found))
        self.assertEqual(HANGING, len(called))

    def test_what_it_prints_is_not_for_stdout(self) -> None:
        class Printing(Hook):
            def before_off(self, event: HookEvent) -> None:
                print('noise')  # noqa: T201

        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            base.guard(Printing({})).tell(base.event())
        self.assertEqual(
            ('', 'noise\n'), (stdout.getvalue(), stderr.getvalue())
        )

    def test_one_that_is_to_be_awaited_did_nothing(self) -> None:
        class Async(Hook):
            async def before_off(  # type: ignore[override]
                self, event: HookEvent
            ) -> None: ...

        found = base.error_of(base.guard(Async({})), base.event())
        self.assertIn('never awaited', str(found))

    def test_attributes_that_mean_nothing(self) -> None:
        for fields in (
            {'timeout': '30'},
            {'timeout': 0},
            {'timeout': float('nan')},
            {'timeout': True},
            {'ignorable': 'before_off'},
            {'ignorable': {'before_off'}},
        ):
            hook = Raising(OSError(), **fields)
            self.assertRaises(exceptions.DriverError, base.guard, hook)

    def test_notes_are_checked(self) -> None:
        class Notes(Hook):
            found: Any = None

            def notes(self) -> Any:
                return self.found

        hook = Notes({})
        for wrong in (None, ['h'], {'h': 'text'}, {1: HookNote('text')}):
            hook.found = wrong
            self.assertRaises(exceptions.DriverError, base.guard(hook).notes)
        hook.found = {'h': HookNote('text')}
        self.assertEqual(hook.found, base.guard(hook).notes())

    def test_a_check_that_raises_has_failed(self) -> None:
        class Checking(Hook):
            def check(self) -> list[CheckResult]:
                raise OSError('s3cret-t0ken')

        (found,) = base.guard(Checking({}), 's3cret-t0ken').check()
        self.assertEqual('hook acme', found.name)
        self.assertIs(CheckStatus.FAILED, found.status)
        self.assertNotIn('s3cret', found.detail)

    def test_closing_ends(self) -> None:
        class Closing(Hook):
            def close(self) -> None:
                raise SystemExit

        base.guard(Closing({})).close()


class TestHooks(unit_base.TestCase):
    """Several of them."""

    def setUp(self) -> None:
        super().setUp()
        self.written: list[str] = []

    def hooks(self, *between: Hook) -> Hooks:
        first, last = (Noting(name, self.written) for name in 'ab')
        return Hooks(
            base.guard(hook, name=name)
            for name, hook in zip(
                ['a', 'odd', 'b'] if between else ['a', 'b'],
                [first, *between, last],
                strict=True,
            )
        )

    def test_in_their_order(self) -> None:
        hooks = self.hooks()
        told = hooks.tell(base.event(), hooks.names)
        self.assertEqual((('a', 'b'), ()), (told.hooks, told.failures))
        hooks.tell(base.event(Event.UNDONE), hooks.names)
        self.assertEqual(
            ['a before_off', 'b before_off', 'b undone', 'a undone'],
            self.written,
        )

    def test_only_those_that_are_named(self) -> None:
        self.hooks().tell(base.event(Event.AFTER_ON), ['b'])
        self.assertEqual(['b after_on'], self.written)

    def test_the_first_refusal_is_the_last_word(self) -> None:
        hooks = self.hooks(Raising(exceptions.RefusedError('No')))
        told = hooks.tell(base.event(), hooks.names)
        self.assertEqual(('a', 'odd'), told.hooks)
        self.assertEqual(['hook odd: No'], [str(f) for f in told.failures])
        self.assertEqual(['a before_off'], self.written)

    def test_after_that_a_failure_stops_no_other(self) -> None:
        hooks = self.hooks(Raising(exceptions.UnavailableError('Gone')))
        told = hooks.tell(base.event(Event.AFTER_ON), hooks.names)
        self.assertEqual(('a', 'odd', 'b'), told.hooks)
        self.assertEqual(1, len(told.failures))
        self.assertEqual(['a after_on', 'b after_on'], self.written)

    def test_a_failure_that_may_be_ignored(self) -> None:
        hooks = self.hooks(
            Raising(OSError(), ignorable=frozenset({Event.BEFORE_OFF}))
        )
        told = hooks.tell(base.event(), hooks.names)
        self.assertEqual((('a', 'odd', 'b'), ()), (told.hooks, told.failures))
        told = hooks.tell(base.event(Event.AFTER_OFF), hooks.names)
        self.assertEqual(1, len(told.failures))

    def test_notes_of_one_that_cannot_tell_are_missing(self) -> None:
        class Notes(Hook):
            def notes(self) -> dict[str, HookNote]:
                return {'compute-01': HookNote('flagged', 'id-1')}

        class Broken(Hook):
            def notes(self) -> dict[str, HookNote]:
                raise exceptions.UnavailableError('Gone')

        hooks = Hooks([base.guard(Broken({})), base.guard(Notes({}))])
        self.assertEqual(
            {'compute-01': [HookNote('flagged', 'id-1')]}, hooks.notes()
        )
