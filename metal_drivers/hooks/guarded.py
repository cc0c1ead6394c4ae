# SPDX-License-Identifier: Apache-2.0
"""The boundary around hooks, which are third-party code.

A call has a deadline; what it returns is checked, what it raises is named,
what it prints goes to stderr, and no secret gets out with it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from metal_drivers import exceptions, plugins
from metal_drivers.boundary import answers, errors
from metal_drivers.hooks.base import Event, Hook, HookEvent, HookNote
from metal_drivers.model import CheckResult, CheckStatus

LOG = logging.getLogger(__name__)

T = TypeVar('T')

#: Seconds that a hook may take to give back threads and sockets.
CLOSING = 5.0
#: A hook with so many calls that do not end is not called any more.
HANGING = 20


class GuardedHook:
    """Calls a hook of someone else, which is :attr:`hook`.

    :raises MetalError: it cannot be called as the contract has it.
    """

    def __init__(self, hook: Hook, origin: errors.Origin) -> None:
        self.hook, self.origin = hook, origin
        self.name, self.distribution = origin.name, origin.distribution
        self._lock = threading.Lock()
        self._hanging: set[_Call] = set()
        self.timeout = self._take('timeout', _seconds)
        self.ignorable = self._take('ignorable', _events)

    def __repr__(self) -> str:
        return f'<GuardedHook {self.name} of {self.distribution}>'

    def tell(self, event: HookEvent) -> None:
        """:raises MetalError: the hook failed, or did not end in time."""
        method = event.event.value
        self._ask(
            f'{method}({event.node_id!r})',
            lambda: getattr(self.hook, method)(event),
            answers.nothing,
            self.timeout,
        )

    def notes(self) -> dict[str, HookNote]:
        """:raises MetalError: the hook cannot tell."""
        if self._inherits('notes'):
            return {}
        return self._ask('notes()', self.hook.notes, _notes, self.timeout)

    def check(self) -> list[CheckResult]:
        """Raises nothing; at least one result."""
        results: list[CheckResult] = []
        try:
            if not self._inherits('check'):
                self._ask(
                    'check()',
                    self.hook.check,
                    lambda found: answers.check_results(found, results),
                    self.timeout,
                )
        except exceptions.MetalError as exc:
            results.append(CheckResult('', CheckStatus.FAILED, str(exc)))
        return [
            CheckResult(
                f'hook {self.name}',
                each.status,
                ' '.join(self.origin.redact(each.detail).split()),
            )
            for each in results or [CheckResult('', CheckStatus.OK, 'ready')]
        ]

    def close(self) -> None:
        """Raises nothing, and does not take for ever."""
        if self._inherits('close'):
            return
        try:
            self._ask('close()', self.hook.close, answers.nothing, CLOSING)
        except exceptions.MetalError as exc:
            LOG.warning('%s', exc)

    def _inherits(self, name: str) -> bool:
        """Whether the hook has the default of the contract."""
        return getattr(type(self.hook), name, None) is getattr(Hook, name)

    def _take(self, name: str, answer: Callable[[Any], T]) -> T:
        return self._ask(
            name, lambda: getattr(self.hook, name), answer, CLOSING
        )

    def _ask(
        self,
        call: str,
        ask: Callable[[], Any],
        answer: Callable[[Any], T],
        seconds: float,
    ) -> T:
        found = self._run(call, ask, seconds)
        try:
            if found.error is None:
                return answer(found.value)
            error = self._named(call, found.error)
        except answers.Wrong as exc:
            error = self.origin.broke(f'{call} returned {exc}')
        except Exception as exc:  # what it returned has code of its own
            error = self.origin.named(call, exc)
        if isinstance(error, exceptions.DriverError):
            LOG.debug('What a hook must not do', exc_info=error)
        try:
            raise error
        finally:
            del error

    def _named(self, call: str, exc: BaseException) -> exceptions.MetalError:
        if isinstance(exc, exceptions.MetalError):
            return self.origin.tidy(call, exc)
        return self.origin.named(call, exc)

    def _run(self, call: str, ask: Callable[[], Any], seconds: float) -> _Call:
        with self._lock:
            self._hanging = {each for each in self._hanging if not each.ended}
            hanging = len(self._hanging)
        if hanging >= HANGING:
            raise exceptions.TimedOutError(
                f'{self.origin.label}: {call} was not called: {hanging} '
                'earlier calls have not ended',
                cure=f'Fix what {self.name} waits for.',
            )
        running = _Call(ask, f'metal-hook-{self.name}')
        with plugins.guarded_output():
            running.start(seconds)
        if not running.ended:
            with self._lock:
                self._hanging.add(running)
            raise exceptions.TimedOutError(
                f'{self.origin.label}: {call} did not end within '
                f'{seconds:g} s',
                cure=f'Fix what {self.name} waits for.',
            )
        return running


class _Call:
    """One call, in a thread that ends with the process."""

    def __init__(self, ask: Callable[[], Any], name: str) -> None:
        self._ask = ask
        self.value: Any = None
        self.error: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(
            target=self._work, name=name, daemon=True
        )

    def start(self, seconds: float) -> None:
        """Have it run, and wait for it so long."""
        try:
            self._thread.start()
        except RuntimeError:
            # Python 3.12 starts none while the interpreter ends.
            self._work()
        self._done.wait(seconds)

    @property
    def ended(self) -> bool:
        return self._done.is_set()

    def _work(self) -> None:
        try:
            self.value = self._ask()
        except BaseException as exc:  # it may also call sys.exit()
            self.error = exc
        finally:
            self._done.set()


def _seconds(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise answers.Wrong(f'{answers.what(found)}, not a number')
    if not 0 < found < float('inf'):
        raise answers.Wrong('a number that is not positive')
    return float(found)


def _events(found: Any) -> frozenset[Event]:
    if not isinstance(found, frozenset | set | tuple | list):
        raise answers.Wrong(f'{answers.what(found)}, not a frozenset')
    for each in found:
        if not isinstance(each, Event):
            raise answers.Wrong(f'{answers.what(each)} in it, not an Event')
    return frozenset(found)


def _notes(found: Any) -> dict[str, HookNote]:
    if not isinstance(found, Mapping):
        raise answers.Wrong(f'{answers.what(found)}, not a dict of notes')
    result = dict(found)
    for host, note in result.items():
        if not isinstance(host, str) or not isinstance(note, HookNote):
            raise answers.Wrong(
                f'{answers.what(note)} for {answers.what(host)}, not a '
                'HookNote for the name of a host'
            )
        if not isinstance(note.text, str) or not isinstance(note.node_id, str):
            raise answers.Wrong('a HookNote with fields of wrong types')
    return result
