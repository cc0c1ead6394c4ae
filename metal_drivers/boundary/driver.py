# SPDX-License-Identifier: Apache-2.0
"""A driver around a driver."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from metal_drivers import base, exceptions
from metal_drivers.boundary import answers, closing, errors
from metal_drivers.model import (
    Capability,
    CheckResult,
    CheckStatus,
    Node,
    OffMode,
    PowerState,
)

LOG = logging.getLogger(__name__)

T = TypeVar('T')

#: What is taken from the driver as it is.
_TAKEN = (
    'contract',
    'priority',
    'required_options',
    'max_concurrent',
    'get_config_opts',
    'config_state',
)

#: How its methods are called.
_CALLS: dict[str, tuple[Any, ...]] = {
    'list_nodes': (),
    'find_nodes': ('',),
    'get_node': ('',),
    'get_power_states': ([],),
    'set_power_state': ('', PowerState.ON, OffMode.HARD),
    'check': (),
    'close': (),
}


class GuardedDriver(base.MetalDriver):
    """Calls a driver of someone else, which is :attr:`driver`.

    Whatever that returns, this returns what the contract promises, or
    raises a MetalError: :class:`~metal_drivers.exceptions.DriverError`
    where the contract was broken. Interrupts pass.

    :raises DriverError: the driver cannot be called as the contract has
        it.
    """

    #: Seconds that :meth:`close` waits for.
    close_timeout = closing.TIMEOUT

    def __init__(
        self, driver: base.MetalDriver, origin: errors.Origin
    ) -> None:
        super().__init__(
            getattr(driver, 'config', {}), getattr(driver, 'osc', None)
        )
        self.driver, self.origin = driver, origin
        self.name, self.distribution = origin.name, origin.distribution
        self._closing: closing.Closing | None = None
        for name in _TAKEN:
            taken = self._ask(
                name, functools.partial(getattr, driver, name), _as_it_is
            )
            setattr(self, name, taken)
        flaw = _flaw(type(driver))
        if flaw:
            raise origin.broke(flaw)
        # A driver that is known to be wrong is not asked for nodes.
        self.capabilities  # noqa: B018, raises

    def __repr__(self) -> str:
        return f'<GuardedDriver {self.name} of {self.distribution}>'

    @property
    def capabilities(self) -> frozenset[Capability]:  # type: ignore[override]
        return self._ask(
            'capabilities',
            lambda: self.driver.capabilities,
            answers.capabilities,
        )

    def list_nodes(self) -> list[Node]:
        return self._call('list_nodes', answers.nodes)

    def find_nodes(self, ref: str) -> list[Node]:
        if self._inherits('find_nodes'):
            return super().find_nodes(ref)
        return self._call('find_nodes', answers.nodes, ref)

    def get_node(self, node_id: str) -> Node:
        return self._call(
            'get_node', lambda found: answers.node(found, node_id), node_id
        )

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        ids = list(dict.fromkeys(node_ids))
        if self._inherits('get_power_states'):
            most = self.max_concurrent
            if not isinstance(most, int) or most < 1:
                raise self.origin.broke('max_concurrent is no number from 1')
            return super().get_power_states(ids)
        wanted = frozenset(ids)
        return self._call(
            'get_power_states',
            lambda found: answers.power_states(found, wanted),
            ids,
        )

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        """See the contract.

        :raises DriverError: the request may or may not have arrived.
        """
        # Known only to drivers that have a use for it.
        extra = {} if timeout is None else {'timeout': timeout}
        self._call(
            'set_power_state', answers.nothing, node_id, state, mode, **extra
        )

    def check(self) -> list[CheckResult]:
        if self._inherits('check'):
            return super().check()
        results: list[CheckResult] = []
        try:
            self._call(
                'check', lambda found: answers.check_results(found, results)
            )
        except exceptions.MetalError as exc:
            failed = CheckStatus.FAILED
            results.append(CheckResult(self.name, failed, str(exc)))
        return [
            dataclasses.replace(each, detail=self.origin.redact(each.detail))
            for each in results
        ]

    def close(self) -> None:
        """Raises nothing, and takes no longer than ``close_timeout``: what
        is wrong with it is a line of the log."""
        if self._closing is None or self._closing.ended:
            self._closing = closing.Closing(
                lambda: self._call('close', answers.nothing), self.origin
            )
            self._closing.wait(self.close_timeout)

    def _inherits(self, name: str) -> bool:
        """Whether the driver has the default of the contract, which then
        runs on this side: what it calls is checked, too."""
        default = getattr(base.MetalDriver, name)
        return getattr(type(self.driver), name, None) is default

    def _call(
        self, name: str, answer: Callable[[Any], T], *args: Any, **extra: Any
    ) -> T:
        first = repr(args[0]) if args and isinstance(args[0], str) else ''
        return self._ask(
            f'{name}({first})',
            lambda: getattr(self.driver, name)(*args, **extra),
            answer,
        )

    def _ask(
        self, call: str, ask: Callable[[], Any], answer: Callable[[Any], T]
    ) -> T:
        error: exceptions.MetalError
        try:
            return answer(ask())
        except answers.Wrong as exc:
            error = self.origin.broke(f'{call} returned {exc}')
        except exceptions.MetalError as exc:
            error = self.origin.tidy(call, exc)
        except BaseException as exc:
            if errors.interrupts(exc):
                raise
            error = self.origin.named(call, exc)
        if isinstance(error, exceptions.DriverError):
            LOG.debug('What a driver must not do', exc_info=error)
        # Out here, so that what was caught is no part of it.
        try:
            raise error
        finally:
            del error


def _as_it_is(found: Any) -> Any:
    return found


@functools.lru_cache(maxsize=64)
def _flaw(cls: type[base.MetalDriver]) -> str:
    """Which method cannot be called as the contract has it."""
    for name, args in _CALLS.items():
        extra = {}
        if name == 'set_power_state' and _takes_timeout(cls):
            extra = {'timeout': 1.0}
        try:
            inspect.signature(getattr(cls, name)).bind(None, *args, **extra)
        except TypeError as exc:
            return f'{name}() has other arguments ({exc})'
        except (AttributeError, ValueError):  # nothing is known of it
            continue
    return ''


def _takes_timeout(cls: type[base.MetalDriver]) -> bool:
    found = getattr(cls, 'capabilities', ())
    return isinstance(found, frozenset | set | tuple | list) and (
        Capability.SOFT_OFF_TIMEOUT in found
    )
