# SPDX-License-Identifier: Apache-2.0
"""What the rules have to be given: a driver, and control of its service."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from metal_drivers import base
from metal_drivers.model import Node, PowerState

#: Takes back what a hook has changed; None where there is nothing to do.
Undo = Callable[[], object] | None


class Command(NamedTuple):
    """What the service, or the BMC behind it, was told to do."""

    node_id: str
    #: ``on``, ``off``, ``soft off``; anything else, such as ``restart``, is
    #: what no driver may ask for.
    what: str
    #: The seconds that were given with a soft off.
    timeout: float | None = None


class Hooks:
    """Subclass it and override what there is.

    Only :meth:`create_driver` is needed. A rule that needs a hook which is
    not overridden is not tried. The service has at least one node that may
    be powered off and on, and it is on when a rule begins.

    A hook that changes the service may return a function that takes the
    change back. It is called when the rule has ended.
    """

    #: Texts that must never be seen: passwords, tokens.
    secrets: Iterable[str] = ()
    #: The id of no node, in the form of one.
    unknown_id = '00000000-dead-4000-8000-000000000000'
    #: Seconds that a node may take to change its power.
    patience: float = 30
    #: Seconds that a rule may take, besides those for nodes.
    deadline: float = 60
    #: Seconds in which threads and sockets are given back: the other end
    #: of a connection may need a moment.
    moment: float = 5
    #: How often a rule that changes nothing is tried before it is broken:
    #: others may change a real service meanwhile.
    tries = 1
    #: How many threads call the driver at once.
    most_threads = 24
    #: How many nodes are looked at one by one.
    most_nodes = 100
    #: Seconds between two looks at a node that changes its power.
    poll_interval: float = 0.05
    #: How many requests ``list_nodes`` may make, once the driver has been
    #: used.
    list_requests = 1

    def create_driver(self) -> base.MetalDriver:
        """A driver, ready to use."""
        raise NotImplementedError

    def config(self) -> Mapping[str, Any]:
        """Values that configure the driver: by default, those of the one
        that was created."""
        raise NotImplementedError

    def switchable_node(self) -> Node:
        """A node that may be powered off: by default, the first that is
        on."""
        raise NotImplementedError

    def switchable_nodes(self) -> Sequence[Node]:
        """Two or more nodes that may be powered off; all of them are on."""
        raise NotImplementedError

    def create_unreachable_driver(self) -> base.MetalDriver:
        """A driver whose configuration leads to where nobody listens, with
        the same secrets."""
        raise NotImplementedError

    def create_unauthorised_driver(self) -> base.MetalDriver:
        """A driver whose credentials are wrong, for the same service."""
        raise NotImplementedError

    def create_silent_driver(self, address: str) -> base.MetalDriver:
        """A driver whose time-outs are as short as they can be.

        :param address: ``HOST:PORT``, where connections are accepted and
            nothing is ever answered.
        """
        raise NotImplementedError

    def hosts(self) -> Mapping[str, str]:
        """Every node that the driver has to list: its id, and the name that
        Nova knows the host on it by. Empty: it is no compute host."""
        raise NotImplementedError

    def requests_made(self) -> int:
        """How many requests the service has had so far."""
        raise NotImplementedError

    def commands(self) -> Sequence[Command | tuple[str, str]]:
        """What the service was told to do with power so far, in order,
        but for what it refused."""
        raise NotImplementedError

    def make_unknown(self, node: Node) -> Undo:
        """Have the service not know the power state of that node."""
        raise NotImplementedError

    def make_unreachable(self, node: Node) -> Undo:
        """Have the BMC of that node answer nothing."""
        raise NotImplementedError

    def switch_outside(self, node: Node, state: PowerState) -> Undo:
        """Power that node on or off by hand: nobody tells the service."""
        raise NotImplementedError

    def hold(self) -> Undo:
        """Have the service accept power changes, and carry them out no
        sooner than the returned function is called."""
        raise NotImplementedError

    def lose_reply(self) -> Undo:
        """Have the service carry out the next power change, and lose the
        connection before it answers."""
        raise NotImplementedError

    def lose_reply_to_proxy(self, status: int) -> Undo:
        """Have the service carry out the next power change, and a proxy
        before it answer with that HTTP status."""
        raise NotImplementedError

    def redirect_to(self, url: str) -> Undo:
        """Have every power request answered with a redirection to that URL,
        and not carried out."""
        raise NotImplementedError

    def fail_with(self, status: int, body: bytes = b'') -> Undo:
        """Have every request answered with that HTTP status."""
        raise NotImplementedError

    def permit(self, node_id: str) -> None:
        """Called right before a node is powered off.

        :raises MetalError: it must not be. The rule ends there.
        """


def gives(hooks: Hooks | type[Hooks], name: str) -> bool:
    """Whether a hook is overridden."""
    kind = hooks if isinstance(hooks, type) else type(hooks)
    return getattr(kind, name) is not getattr(Hooks, name)
