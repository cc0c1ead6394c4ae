# SPDX-License-Identifier: Apache-2.0
"""The contract that every driver implements.

A driver holds only what differs between bare metal services; policy,
waiting, matching and guards exist once, above the drivers. It is found by
its entry point in the namespace ``watcher.metal.drivers``, and
``metal_drivers_tests.contract.DriverContract`` tests whether it keeps the
contract.
"""

from __future__ import annotations

import abc
import concurrent.futures
import dataclasses
import enum
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol, Self

from oslo_config import cfg

from metal_drivers import exceptions
from metal_drivers.model import (
    Capability,
    CheckResult,
    CheckStatus,
    Node,
    OffMode,
    PowerState,
)

#: Where drivers are found, and the prefix of their configuration groups.
NAMESPACE = 'watcher.metal.drivers'


class OpenStackClients(Protocol):
    """Anything with a keystoneauth session, Watcher's clients for one."""

    @property
    def session(self) -> Any: ...


class ConfigStatus(enum.Enum):
    """How much of a driver's configuration is there."""

    READY = 'ready'
    INCOMPLETE = 'incomplete'
    ABSENT = 'absent'


@dataclasses.dataclass(frozen=True, slots=True)
class ConfigState:
    """What :meth:`MetalDriver.config_state` found."""

    status: ConfigStatus
    #: The required options that have no value.
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, *, present: bool, missing: Iterable[str]) -> Self:
        """Sort by whether anything is there and whether all of it is."""
        missing = tuple(missing)
        if not present:
            return cls(ConfigStatus.ABSENT, missing)
        if missing:
            return cls(ConfigStatus.INCOMPLETE, missing)
        return cls(ConfigStatus.READY)


class MetalDriver(abc.ABC):
    """A bare metal service.

    Every method may raise any :class:`~metal_drivers.MetalError`, with
    the cause chained, and nothing else. None of them waits for a node,
    decides policy or logs a secret. All but :meth:`close` may be called
    from several threads at once.

    :param config: the values of the driver's own options, as a mapping
        that also takes attribute access.
    :param osc: where the driver finds a keystone session, unless its own
        options have credentials.
    """

    #: The version of this contract that the driver was written for: see
    #: ``metal_drivers.CONTRACT``. One that does not say was written for
    #: the first.
    contract: ClassVar[tuple[int, int]] = (1, 0)
    #: Breaks the tie between drivers that are ready; the highest wins.
    priority: ClassVar[int] = 50
    #: What the service can do beyond this contract.
    capabilities: frozenset[Capability] = frozenset()
    #: The options without which the driver cannot work.
    required_options: ClassVar[tuple[str, ...]] = ()
    #: How many nodes the default :meth:`get_power_states` asks for at once.
    max_concurrent: int = 10

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        own = vars(cls).get('set_power_state')
        if inspect.isfunction(own):
            checked = _only_on_and_off(own)
            cls.set_power_state = checked  # type: ignore[method-assign]

    def __init__(
        self, config: Mapping[str, Any], osc: OpenStackClients | None = None
    ) -> None:
        self.config = config
        self.osc = osc

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        """The options of the group ``[watcher.metal.drivers.<name>]``.

        Asked for once in a process (see :func:`options_of`), but also by
        Watcher's own loader: return equal options at every call.
        """
        return []

    @classmethod
    def config_state(cls, config: Mapping[str, Any]) -> ConfigState:
        """Whether these values configure the driver. No I/O.

        By default: absent where every option has the value that it has
        without any configuration, else incomplete where one of
        ``required_options`` is empty.
        """
        unset = _unset_values(cls)
        present = any(
            config.get(opt.dest) not in (None, opt.default, unset[opt.dest])
            for opt in options_of(cls)
        )
        return ConfigState.of(
            present=present,
            missing=(
                name
                for name in cls.required_options
                if config.get(name) in (None, '', [], {})
            ),
        )

    @abc.abstractmethod
    def list_nodes(self) -> list[Node]:
        """Every node, in as few requests as the service allows, with its
        last known power state and, where told, when that was seen.
        """

    @abc.abstractmethod
    def get_node(self, node_id: str) -> Node:
        """One node; its power state is asked live where the service can.

        :raises NotFoundError: the service has no such node.
        """

    def find_nodes(self, ref: str) -> list[Node]:
        """The nodes that ``ref`` may name, as :meth:`list_nodes` has them.

        These are the nodes whose id is ``ref``, or whose name or one of
        whose ``host_names`` is, in whatever case; and every other node
        that shares one of their ``host_names``. Without those, nobody
        could see that a name is ambiguous. None: an empty list.

        By default they are picked from :meth:`list_nodes`. Override it,
        and have ``FIND`` among the capabilities, where the service can be
        asked for less. Do not where nodes carry a ``hypervisor_id``: it
        takes the list to see that two of them claim one hypervisor.
        Ironic is such a service, and its list is cheap.
        """
        return named(self.list_nodes(), ref)

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        """The live power state of many nodes.

        A state that cannot be told is ``UNKNOWN``: one node's trouble is
        not that of the others.

        :raises AuthenticationError, ConfigurationError: concerning all.
        """
        ids = list(dict.fromkeys(node_ids))
        if not ids:
            return {}
        with concurrent.futures.ThreadPoolExecutor(
            min(self.max_concurrent, len(ids)), 'metal-power-state'
        ) as pool:
            states = pool.map(self._power_state, ids)
            return dict(zip(ids, states, strict=True))

    def _power_state(self, node_id: str) -> PowerState:
        try:
            return self.get_node(node_id).power_state
        except (
            exceptions.AuthenticationError,
            exceptions.ConfigurationError,
        ):
            raise
        except exceptions.MetalError:
            return PowerState.UNKNOWN

    @abc.abstractmethod
    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        """Ask for a change; return when the service has accepted it.

        :param state: ``ON`` or ``OFF``. Anything else is a ValueError
            before this is called: no driver has to check it.
        :param mode: how to power off; of no meaning for ``ON``.
        :param timeout: seconds that the service may take for a soft off.
            Given only to a driver with ``SOFT_OFF_TIMEOUT``.
        :raises NotFoundError: the service has no such node.
        :raises RefusedError: the service will never do it as things are.
        :raises UnsupportedError: it cannot do this to this node at all.
        :raises BusyError: not now; nothing was changed.
        :raises UnavailableError: the request may or may not have arrived.
        """

    def check(self) -> list[CheckResult]:
        """Can the service be reached, does it accept us, may we act?

        Changes nothing and raises nothing: an error is a result.
        """
        try:
            nodes = self.list_nodes()
        except exceptions.MetalError as exc:
            return [CheckResult('nodes', CheckStatus.FAILED, str(exc))]
        return [CheckResult('nodes', CheckStatus.OK, f'{len(nodes)} nodes')]

    def close(self) -> None:  # noqa: B027, a driver may have nothing
        """Give back threads and sockets. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _only_on_and_off(
    set_power_state: Callable[..., None],
) -> Callable[..., None]:
    @functools.wraps(set_power_state)
    def checked(
        self: MetalDriver,
        node_id: str,
        state: PowerState,
        *args: Any,
        **more: Any,
    ) -> None:
        if state not in (PowerState.ON, PowerState.OFF):
            value = getattr(state, 'value', state)
            raise ValueError(f'a node cannot be powered {value}')
        return set_power_state(self, node_id, state, *args, **more)

    return checked


class HasOptions(Protocol):
    """What the classes of drivers and hooks have in common."""

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]: ...


@functools.cache
def options_of(plugin: type[HasOptions]) -> tuple[cfg.Opt, ...]:
    """The options of a driver or a hook, asked for once and kept.

    A plugin may have other options at each call, such as a default that
    is a new uuid: values and defaults must be those of the same options.
    """
    return tuple(plugin.get_config_opts())


@functools.cache
def _unset_values(driver: type[MetalDriver]) -> Mapping[str, Any]:
    """The value of each option where nothing is configured: the default,
    converted to the type of the option, references to others replaced."""
    conf = cfg.ConfigOpts()
    conf(
        args=[], default_config_files=[], default_config_dirs=[], use_env=False
    )
    options = options_of(driver)
    conf.register_opts(options, group=NAMESPACE)
    values = {}
    for opt in options:
        try:
            values[opt.dest] = conf[NAMESPACE][opt.dest]
        except (cfg.Error, ValueError):
            # It refers to an option that is not the driver's.
            values[opt.dest] = None
    return values


def named(nodes: Iterable[Node], ref: str) -> list[Node]:
    """Those of all nodes that :meth:`MetalDriver.find_nodes` is about."""
    nodes, key = list(nodes), ref.casefold()
    found = {
        node.id
        for node in nodes
        if node.id == ref
        or key in (name.casefold() for name in (node.name, *node.host_names))
    }
    shared = {
        name.casefold()
        for node in nodes
        if node.id in found
        for name in node.host_names
    }
    return [
        node
        for node in nodes
        if node.id in found
        or not shared.isdisjoint(name.casefold() for name in node.host_names)
    ]
