# SPDX-License-Identifier: Apache-2.0
"""Tries rules, one after the other, and leaves nothing behind.

Whatever a driver does, and be it that it hangs or exits, is the result of
one rule.
"""

from __future__ import annotations

import dataclasses
import enum
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from metal_drivers import _text, base, redaction
from metal_drivers.conformance import hooks as hook
from metal_drivers.conformance.bench import Abandoned, Bench
from metal_drivers.conformance.rules import Broken, NotTried, Rule, Tier

#: What has the names of the methods that a driver has.
_METHODS = base.MetalDriver

#: How often a check may wait for a node.
_WAITS = 6


class Verdict(enum.Enum):
    """How the attempt at a rule ended."""

    OK = 'ok'
    FAILED = 'failed'
    NOT_TRIED = 'not tried'


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What became of one rule."""

    rule: Rule
    verdict: Verdict
    #: What was seen, or why it was not tried. No secret that is known.
    detail: str = ''
    #: What the check ended with. Not for show: it may quote a secret.
    error: BaseException | None = dataclasses.field(
        default=None, repr=False, compare=False
    )
    #: What could not be brought back to what it was before.
    left: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether a driver with that result may be called right."""
        return (
            self.verdict is not Verdict.FAILED
            or self.rule.tier is not Tier.REQUIRED
        )


class Runner:
    """Tries rules on one driver.

    :param driver: bare, not behind the boundary.
    """

    def __init__(self, hooks: hook.Hooks, driver: base.MetalDriver) -> None:
        self.hooks, self.driver = hooks, driver
        #: Whether it was told to end.
        self.cancelled = False
        self._work: _Work | None = None

    def run(
        self,
        rules: Iterable[Rule],
        tell: Callable[[Result], object] = lambda result: None,
    ) -> list[Result]:
        """Try all of them; a result for each.

        :param tell: called with each result when it is there.
        """
        results = []
        why = ''
        for rule in rules:
            if self.cancelled:
                why = 'interrupted'
            if why:
                result = Result(rule, Verdict.NOT_TRIED, why)
            else:
                result = self.attempt(rule)
                if result.left:
                    why = 'an earlier rule left the service changed'
            results.append(result)
            tell(result)
        return results

    def cancel(self) -> None:
        """End the rule that is being tried, and try no other. From any
        thread, but not from a signal handler."""
        self.cancelled = True
        if self._work is not None:
            self._work.give_up()

    def attempt(self, rule: Rule) -> Result:
        """Try one rule. The node is as it was afterwards."""
        why = self._closed(rule)
        if why:
            return Result(rule, Verdict.NOT_TRIED, why)
        for _ in range(1 if rule.changes else self.hooks.tries):
            result = self._attempt(rule)
            if not isinstance(result.error, Broken) or self.cancelled:
                break
        return result

    def _attempt(self, rule: Rule) -> Result:
        bench = Bench(self.hooks, self.driver)
        seconds = self.hooks.deadline + _WAITS * self.hooks.patience
        self._work = work = _Work(lambda: rule.check(bench))
        if self.cancelled:
            work.give_up()
        try:
            ended = work.wait(seconds)
        except BaseException:  # an interruption, of who waits here
            bench.abandon()
            self._restore(bench, seconds)
            raise
        bench.abandon()
        if ended:
            result = self._sort(rule, work.error)
        elif self.cancelled:
            result = Result(rule, Verdict.NOT_TRIED, 'interrupted')
        else:
            result = Result(
                rule, Verdict.FAILED, f'did not end within {seconds:g} s'
            )
        left = self._restore(bench, seconds)
        if not left:
            return result
        detail = f'not brought back: {"; ".join(left)}'
        if result.detail:
            detail = f'{result.detail}; {detail}'
        return dataclasses.replace(
            result,
            verdict=Verdict.FAILED,
            detail=self._line(detail),
            left=tuple(left),
        )

    def _closed(self, rule: Rule) -> str:
        """Why the rule cannot be tried; empty where it can."""
        missing = [each for each in rule.needs if not self._gives(each)]
        if missing:
            return f'needs the hook {missing[0]}() of a test'
        if rule.opens is None:
            return ''
        try:
            claimed = rule.opens in self.driver.capabilities
        except Exception:
            # Another rule is about that.
            claimed = False
        return '' if claimed else f'{rule.opens.value} is not claimed'

    def _gives(self, name: str) -> bool:
        return hook.gives(self.hooks, name)

    def _restore(self, bench: Bench, seconds: float) -> list[str]:
        problems: list[str] = []
        work = _Work(lambda: problems.extend(bench.restore()))
        if not work.wait(seconds):
            return [f'it took longer than {seconds:g} s']
        if work.error is not None:
            problems.append(self._said(work.error))
        return problems

    def _sort(self, rule: Rule, error: BaseException | None) -> Result:
        match error:
            case None:
                return Result(rule, Verdict.OK)
            case NotTried():
                return Result(
                    rule, Verdict.NOT_TRIED, self._line(str(error)), error
                )
            case Broken() | AssertionError():
                detail = self._line(redaction.text_of(error))
            case Abandoned():
                detail = 'given up'
            case _:
                detail = f'unexpected {self._said(error)}{_where(error)}'
        return Result(rule, Verdict.FAILED, detail, error)

    def _said(self, error: BaseException) -> str:
        return self._line(_text.said(error))

    def _line(self, text: str) -> str:
        secrets = [each for each in self.hooks.secrets if each]
        return ' '.join(redaction.Redactor(secrets)(text).split())


class _Work:
    """A function in a thread of its own, which can be given up."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self._function = function
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(
            target=self._run, name='metal-conformance', daemon=True
        )

    def wait(self, seconds: float) -> bool:
        """Do it; whether it has ended, and not been given up."""
        self._thread.start()
        self._wake.wait(seconds)
        if self._ended:
            self._thread.join()
        return self._ended

    def give_up(self) -> None:
        """Wait for it no longer."""
        self._wake.set()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as exc:  # a driver may also call sys.exit()
            self.error = exc
        finally:
            self._ended = True
            self._wake.set()


def _where(error: BaseException) -> str:
    """The innermost line that is neither of this package nor of Python, and
    the method of the driver that was called."""
    here = str(Path(__file__).parent)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(here)
    ]
    if not frames:
        return ''
    own = [each for each in frames if not _is_of_python(each.filename)]
    line = (own or frames)[-1]
    called = [each.name for each in frames if hasattr(_METHODS, each.name)]
    method = f' in {called[0]}()' if called else ''
    return f' ({Path(line.filename).name}:{line.lineno}{method})'


def _is_of_python(path: str) -> bool:
    inside = path.startswith(sysconfig.get_path('stdlib'))
    return inside and '-packages' not in path
