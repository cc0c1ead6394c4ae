# SPDX-License-Identifier: Apache-2.0
"""The contract that every hook implements.

A hook is found by its entry point in the namespace ``metal_drivers.hooks``,
used where ``[metal_drivers] hooks`` names it, and has its options in
``[metal_drivers.hooks.<name>]``.
``metal_drivers_tests.contract.HookContract`` tests whether it keeps the
contract.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Self

from oslo_config import cfg

from metal_drivers import base
from metal_drivers.model import CheckResult

#: Where hooks are found, and the prefix of their configuration groups.
NAMESPACE = 'metal_drivers.hooks'


class Event(enum.Enum):
    """What a hook is told of; the value is the name of the method."""

    #: nova-compute is disabled, and the power off is about to be sent.
    BEFORE_OFF = 'before_off'
    #: The node was seen to be off.
    AFTER_OFF = 'after_off'
    #: The power on is about to be sent.
    BEFORE_ON = 'before_on'
    #: The node is on and nova-compute is up: it is about to be enabled.
    BEFORE_ENABLE = 'before_enable'
    #: The host is back, and takes servers again.
    AFTER_ON = 'after_on'
    #: A power off was given up: nova-compute is about to be enabled again,
    #: if it was disabled.
    UNDONE = 'undone'


@dataclasses.dataclass(frozen=True, slots=True)
class HookEvent:
    """What happens, and to which host."""

    event: Event
    #: The node, as the bare metal service calls it.
    node_id: str
    node_name: str
    #: The host as Nova calls it; empty where the node is no compute host.
    host: str
    #: The name of the driver.
    driver: str


@dataclasses.dataclass(frozen=True, slots=True)
class HookNote:
    """What a hook knows of a host that is worth a word in a list."""

    #: A few words for people, without secrets.
    text: str
    #: The node for which the hook has something left that it removes when
    #: the host is back; empty where there is nothing.
    node_id: str = ''


class Hook:
    """Something that is told of what happens to hosts.

    The methods that are named as events do nothing unless they are
    overridden. Each may raise any :class:`~metal_drivers.MetalError`, and
    nothing else. What ``before_off`` raises refuses the power off. What
    another raises is reported, and the event is repeated later. So all of
    them have to be ready to be told the same more than once, and some
    event never: a process can be killed at any time.

    They are called from several threads at once, each within
    :attr:`timeout`.

    :param config: the values of the hook's own options, as a mapping that
        also takes attribute access.
    :param osc: anything with a keystone ``session``, with the credentials
        that are used for Nova; None where there are none.
    """

    #: The events whose failure is only reported: one of ``before_off``
    #: among them does not refuse the power off.
    ignorable: frozenset[Event] = frozenset()
    #: Seconds that a call may take. One that takes longer has failed, and
    #: is left behind in its thread.
    timeout: float = 30.0

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        self.config = config
        self.osc = osc

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        """The options of the group ``[metal_drivers.hooks.<name>]``."""
        return []

    def before_off(self, event: HookEvent) -> None:
        """The host is about to be powered off, unless this raises.

        Nova places no more servers on it. It may still turn out not to be
        empty: then ``undone`` follows.
        """

    def after_off(self, event: HookEvent) -> None:
        """The node was seen to be off; repeated by a recovery."""

    def before_on(self, event: HookEvent) -> None:
        """The node is about to be powered on."""

    def before_enable(self, event: HookEvent) -> None:
        """The node is on, nova-compute is up, and is enabled after this,
        whether or not this raises."""

    def after_on(self, event: HookEvent) -> None:
        """The host is back and takes servers; repeated by a recovery, and
        by a power on of a host that is on."""

    def undone(self, event: HookEvent) -> None:
        """The power off that ``before_off`` announced is not to be: the
        host stays on, and takes servers after this."""

    def notes(self) -> Mapping[str, HookNote]:
        """By the name of the host, what the hook knows of it: for lists
        and for recoveries. Hosts with nothing to be said are left out."""
        return {}

    def check(self) -> list[CheckResult]:
        """Can the hook work? Changes nothing and raises nothing: an error
        is a result."""
        return []

    def close(self) -> None:
        """Give back threads and sockets. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
