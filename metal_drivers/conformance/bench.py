# SPDX-License-Identifier: Apache-2.0
"""What the check of a rule works with.

Whatever is powered on or off is done here, so that it can be undone
whatever happens, and so that a check that is given up does no more.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from metal_drivers import base, exceptions
from metal_drivers._openstack.groups import OptionValues
from metal_drivers.boundary import answers
from metal_drivers.conformance import hooks as hook
from metal_drivers.conformance.rules import Broken, NotTried
from metal_drivers.model import Capability, Node, OffMode, PowerState

T = TypeVar('T')

_ON = PowerState.ON


class Abandoned(BaseException):
    """The check was given up: it must do no more."""


class Bench:
    """One attempt at one rule.

    :param driver: the one to try; others of its kind can be made.
    """

    def __init__(self, hooks: hook.Hooks, driver: base.MetalDriver) -> None:
        self.hooks, self.driver = hooks, driver
        self._cleanups: list[Callable[[], object]] = []
        self._switched: set[str] = set()
        self._abandoned = False
        #: How many requests for power are under way.
        self._sending = 0
        self._changed = threading.Condition()

    # What is known.

    @property
    def kind(self) -> type[base.MetalDriver]:
        return type(self.driver)

    @property
    def patience(self) -> float:
        return self.hooks.patience

    @property
    def unknown_id(self) -> str:
        return self.hooks.unknown_id

    @property
    def secrets(self) -> tuple[str, ...]:
        """:raises NotTried: none is marked."""
        secrets = tuple(each for each in self.hooks.secrets if each)
        if not secrets:
            raise NotTried('no secret is known')
        return secrets

    def gives(self, name: str) -> bool:
        """Whether there is such a hook."""
        return hook.gives(self.hooks, name)

    def can(self, capability: Capability) -> bool:
        return capability in self.driver.capabilities

    def config(self) -> OptionValues:
        """Values that configure the driver, as it is given them."""
        values: Mapping[str, Any] = self.driver.config
        if self.gives('config'):
            values = self.hooks.config()
        return OptionValues(values)

    # What is asked.

    def nodes(self) -> list[Node]:
        """All nodes; there are some."""
        nodes = list(self.driver.list_nodes())
        if not nodes:
            raise Broken('list_nodes() returned no node')
        return nodes

    def some_nodes(self) -> list[Node]:
        """As many of them as may be looked at one by one."""
        return self.nodes()[: self.hooks.most_nodes]

    def switchable_node(self) -> Node:
        """A node that may be powered off, and is on."""
        if self.gives('switchable_node'):
            return self.hooks.switchable_node()
        for node in self.nodes():
            if node.power_state is PowerState.ON and node.keep_on is None:
                return node
        raise NotTried('the service has no node that is on')

    # What is made.

    def cleanup(self, function: Callable[[], object] | None) -> None:
        """Have this called when the rule has ended; the last one first."""
        if function is not None:
            self._cleanups.append(function)

    def will_close(self, driver: base.MetalDriver) -> None:
        """Have this driver be closed when the rule has ended."""

        def close() -> None:
            # Whether it can be is asked by a rule of its own.
            with contextlib.suppress(Exception):
                driver.close()

        self.cleanup(close)

    def twin(self, **changed: Any) -> base.MetalDriver:
        """Another driver with the same configuration."""
        values = OptionValues({**self.config(), **changed})
        twin = self.kind(values, osc=getattr(self.driver, 'osc', None))
        self.will_close(twin)
        return twin

    def unreachable(self) -> base.MetalDriver:
        driver = self.hooks.create_unreachable_driver()
        self.will_close(driver)
        return driver

    def unauthorised(self) -> base.MetalDriver:
        driver = self.hooks.create_unauthorised_driver()
        self.will_close(driver)
        return driver

    def silent(self) -> tuple[base.MetalDriver, socket.socket]:
        """A driver, and where its service listens and never answers."""
        # The system accepts connections, and nobody takes them.
        listener = socket.create_server(('127.0.0.1', 0))
        self.cleanup(listener.close)
        host, port = listener.getsockname()
        driver = self.hooks.create_silent_driver(f'{host}:{port}')
        self.will_close(driver)
        return driver, listener

    @contextlib.contextmanager
    def having(self, undo: hook.Undo) -> Iterator[None]:
        """For as long as what a hook has changed is so."""
        undone = False

        def once() -> None:
            nonlocal undone
            if undo is not None and not undone:
                undo()
                undone = True

        self.cleanup(once)
        try:
            yield
        finally:
            once()

    # What is changed.

    def switch(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode | None = None,
        driver: base.MetalDriver | None = None,
        affects: str | None = None,
        **extra: Any,
    ) -> None:
        """Ask a driver for a power change; the node is on again afterwards.

        :param mode: None: the default of the driver.
        :param affects: the node that may be meant, where that is another.
        :raises Broken: the driver returns something to be awaited.
        """
        if mode is not None:
            extra['mode'] = mode
        self.will_switch(affects or node_id)
        self.send(node_id, state, driver, affects, **extra)

    def send(
        self,
        node_id: str,
        state: PowerState,
        driver: base.MetalDriver | None = None,
        affects: str | None = None,
        **extra: Any,
    ) -> None:
        """As :meth:`switch`; who calls this brings the node back."""
        with self._changed:
            if self._abandoned:
                raise Abandoned
            self._sending += 1
        try:
            if state is PowerState.OFF:
                self._be_permitted(affects or node_id)
            used: Any = driver or self.driver
            answers.nothing(used.set_power_state(node_id, state, **extra))
        except answers.Wrong as exc:
            raise Broken(f'set_power_state() returned {exc}') from exc
        finally:
            with self._changed:
                self._sending -= 1
                self._changed.notify_all()

    def _be_permitted(self, node_id: str) -> None:
        try:
            self.hooks.permit(node_id)
        except exceptions.MetalError as exc:
            # No answer of the driver.
            raise NotTried(str(exc)) from exc

    def will_switch(self, node_id: str) -> None:
        """Have that node be on when the rule has ended."""
        if node_id not in self._switched:
            self._switched.add(node_id)
            self.cleanup(lambda: self._bring_back(node_id))

    def settle(self, node_id: str, state: PowerState) -> Node:
        """Wait until a node is in that state and left alone."""
        seen = ''

        def there() -> Node | None:
            nonlocal seen
            node = self.driver.get_node(node_id)
            seen = node.power_state.value
            if not node.settled:
                seen += ', with a change under way'
            done = node.settled and node.power_state is state
            return node if done else None

        return self.wait_for(
            there, lambda: f'node {node_id} is {state.value}; it is {seen}'
        )

    def wait_for(
        self,
        found: Callable[[], T | None],
        what: Callable[[], str],
        seconds: float | None = None,
        *,
        interval: float | None = None,
        restoring: bool = False,
    ) -> T:
        """Ask until something is found.

        :param seconds: by default, those that a node may take.
        :param interval: between two questions; by default, that for nodes.
        :param restoring: whether this is no part of the check.
        :raises Broken: it is not found, within those seconds.
        """
        seconds = self.patience if seconds is None else seconds
        deadline = time.monotonic() + seconds
        while not (result := found()):
            if self._abandoned and not restoring:
                raise Abandoned
            if time.monotonic() > deadline:
                raise Broken(f'not within {seconds:g} s: {what()}')
            # Nothing tells of its own accord.
            time.sleep(interval or self.hooks.poll_interval)
        return result

    # What was heard.

    @contextlib.contextmanager
    def heard(self) -> Iterator[list[hook.Command]]:
        """The commands that the service is given meanwhile; there when it
        has ended."""
        before = len(self.hooks.commands())
        found: list[hook.Command] = []
        yield found
        found += [hook.Command(*c) for c in self.hooks.commands()[before:]]

    # How it ends.

    def abandon(self) -> None:
        """Nothing more is sent by the check. Waits for what is on its way,
        but not for ever."""
        with self._changed:
            self._abandoned = True
            self._changed.wait_for(lambda: not self._sending, self.patience)

    def restore(self) -> list[str]:
        """Bring everything back; what could not be, and why."""
        problems = []
        while self._cleanups:
            try:
                self._cleanups.pop()()
            except Exception as exc:
                problems.append(f'{type(exc).__name__}: {exc}')
        return problems

    def _bring_back(self, node_id: str) -> None:
        """Have a node be on, once what is under way has ended."""
        node = self._wait_back(node_id, lambda node: node.settled, 'settled')
        if node.power_state is not PowerState.ON:
            self.driver.set_power_state(node_id, PowerState.ON)
            self._wait_back(
                node_id,
                lambda node: node.settled and node.power_state is _ON,
                'on',
            )

    def _wait_back(
        self, node_id: str, there: Callable[[Node], bool], what: str
    ) -> Node:
        def found() -> Node | None:
            with contextlib.suppress(exceptions.UnavailableError):
                node = self.driver.get_node(node_id)
                return node if there(node) else None
            return None

        return self.wait_for(
            found, lambda: f'node {node_id} is {what}', restoring=True
        )
