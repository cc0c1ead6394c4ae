# SPDX-License-Identifier: Apache-2.0
"""Opens what a configuration asks for: the driver, Nova, the settings, and
what all transitions share.

Everything that powers nodes uses this: the command, Watcher's plugins
and other programs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from oslo_config import cfg

from metal_drivers import (
    base,
    compute,
    conf,
    exceptions,
    lookup,
    roster,
    selector,
)
from metal_drivers import fleet as fleets
from metal_drivers._openstack import auth, groups
from metal_drivers.clock import Clock
from metal_drivers.energy import Watts
from metal_drivers.events import Watcher
from metal_drivers.history import recorder
from metal_drivers.history.file import HistoryFile
from metal_drivers.history.recorder import Recorder
from metal_drivers.hooks import loading
from metal_drivers.hooks.in_use import Hooks
from metal_drivers.model import PowerResult, PowerState
from metal_drivers.power import PowerEngine, PowerSettings
from metal_drivers.power.shared import Shared

LOG = logging.getLogger(__name__)


class Connection:
    """The bare metal service and Nova, opened together.

    May be used by several threads at once. ``max_power_on_per_minute`` and
    the like hold for all that is done through one connection: a process
    has one of them, for as long as it powers nodes.

    :param compute: None where Nova is not configured: no node matches a
        compute host then.
    :param shared: that of a connection which this one replaces.
    :param hooks: those in use; by default none.
    :param watch: told of each step, in the thread that takes it.
    :param history: where each transition is recorded; by default nowhere.
    :param by: who asks for them: see :attr:`Record.by`.
    """

    def __init__(
        self,
        driver: base.MetalDriver,
        compute: compute.Compute | None,
        settings: PowerSettings,
        *,
        shared: Shared | None = None,
        hooks: Hooks | None = None,
        watch: Watcher = lambda event: None,
        clock: Clock | None = None,
        history: HistoryFile | None = None,
        watts: Watts | None = None,
        by: Mapping[str, str] | None = None,
    ) -> None:
        self.driver, self.compute = driver, compute
        self.settings = settings
        self.hooks = Hooks() if hooks is None else hooks
        #: The rates, the claims on nodes, the limit of hosts that are off.
        self.shared = shared or Shared()
        self.clock = clock or Clock()
        self._roster = roster.Roster(
            driver, compute, lambda: self.clock.monotonic()
        )
        self._watch = watch
        #: What hosts draw.
        self.watts = watts or Watts()
        self._by = by
        self._recorder: Recorder | None = None
        if history is not None:
            self._recorder = Recorder(history, self.watts, self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def recorded(self) -> bool:
        """Whether a history is kept."""
        return self._recorder is not None

    def fleet(self) -> fleets.Fleet:
        """All nodes and the compute hosts on them: a list of each service.

        :raises MetalError: a service cannot be listed.
        """
        return fleets.load(self.driver, self.compute)

    def find(self, refs: Iterable[str]) -> fleets.Fleet:
        """The part of the fleet that these may name, without the lists
        where they are few.

        :param refs: ids, node names or host names.
        :raises MetalError: a service cannot be asked.
        """
        return lookup.look_up(self.driver, self.compute, _names(refs))

    def engine(
        self,
        *,
        watch: Watcher | None = None,
        by: Mapping[str, str] | None = None,
    ) -> PowerEngine:
        """An engine, to be cancelled by itself. All engines of this
        connection keep the same rates.

        :param watch: by default that of the connection.
        :param by: who asks, for the history: ``command`` and ``user``,
            ``audit`` and ``action_plan``. By default this program.
        """
        watch = watch or self._watch
        if self._recorder and not self.settings.dry_run:
            asks = by or self._by or recorder.asker()
            watch = self._recorder.beside(watch, asks)
        return PowerEngine(
            self.driver,
            self.compute,
            self.settings,
            clock=self.clock,
            watch=watch,
            shared=self.shared,
            hooks=self.hooks,
            load=self._roster.load,
        )

    def power_on(self, refs: Iterable[str]) -> list[PowerResult]:
        """Power nodes on, and enable nova-compute where we disabled it.

        :param refs: ids, node names or host names.
        :returns: a result for each node, in that order; what fails for one
            is its result.
        :raises MetalError: the nodes cannot be looked up.
        """
        return self._switch(refs, PowerState.ON)

    def power_off(self, refs: Iterable[str]) -> list[PowerResult]:
        """Power nodes off, if nothing runs on them.

        As :meth:`power_on`.
        """
        return self._switch(refs, PowerState.OFF)

    def recover(self, refs: Iterable[str] | None = None) -> list[PowerResult]:
        """Finish or undo what runs that were killed have left.

        :param refs: ids, node names or host names; None: each host whose
            nova-compute we disabled.
        :raises ConfigurationError: Nova is not configured.
        :raises MetalError: the nodes cannot be looked up.
        """
        if refs is None:
            return self.engine().recover(self.fleet())
        # An engine takes no names for all of them.
        names = _names(refs)
        return self.engine().recover(self.find(names), names) if names else []

    def close(self) -> None:
        """Give back threads and sockets; safe to call twice.

        Waits for the driver and the hooks, but not for ever.
        """
        self.driver.close()
        self.hooks.close()
        if self._recorder:
            self._recorder.close()

    def _switch(
        self, refs: Iterable[str], state: PowerState
    ) -> list[PowerResult]:
        names = _names(refs)
        return self.engine().switch(self.find(names), names, state)


def connect(
    config: cfg.ConfigOpts,
    osc: base.OpenStackClients | None = None,
    *,
    settings: PowerSettings | None = None,
    shared: Shared | None = None,
    watch: Watcher = lambda event: None,
    by: Mapping[str, str] | None = None,
) -> Connection:
    """Open the driver and Nova, as the configuration has them.

    ::

        with connect(conf) as connection:
            for result in connection.power_off(['compute-01']):
                print(result.name, result.outcome.value, result.detail)

    :param config: an oslo.config ConfigOpts; nothing need be registered.
    :param osc: anything with a keystone ``session``, for a section that
        has no credentials; by default ``[watcher_clients_auth]``.
    :param settings: by default those of ``[metal_drivers]``.
    :param shared: that of a connection which this one replaces, so that
        its rates go on to hold.
    :param watch: told of each step, in the thread that takes it.
    :param by: who asks, for the history; by default this program and its
        user.
    :raises ConfigurationError: no driver can be chosen without a guess,
        or something cannot be used as it is configured.
    """
    settings = settings or PowerSettings.from_conf(config)
    path, watts = conf.settings(config).history_file, _watts(config)
    nova = open_compute(config, osc)
    hooks = open_hooks(config, osc)
    try:
        # The driver last: it would have to be closed where another fails.
        driver = selector.get_driver(config, osc)
    except BaseException:
        hooks.close()
        raise
    return Connection(
        driver,
        nova,
        settings,
        shared=shared,
        hooks=hooks,
        watch=watch,
        history=HistoryFile(path) if path else None,
        watts=watts,
        by=by,
    )


def open_compute(
    config: cfg.ConfigOpts, osc: base.OpenStackClients | None = None
) -> compute.Compute | None:
    """Nova by its configuration; None where that has no credentials.

    :param osc: a keystone session for a ``[nova]`` without an auth type;
        by default that of ``[watcher_clients_auth]``.
    :raises ConfigurationError: the credentials are not complete.
    """
    values = groups.nova_values(config)
    found = _credentials(config, osc, values)
    if found is None:
        return None
    session = found.session
    if not values.get('auth_type'):
        session = auth.share_session(session, values, group=groups.NOVA_GROUP)
    return compute.Compute(session, values)


def open_hooks(
    config: cfg.ConfigOpts, osc: base.OpenStackClients | None = None
) -> Hooks:
    """The hooks that ``[metal_drivers] hooks`` names.

    :param osc: as for :func:`open_compute`.
    :raises ConfigurationError: one of them is not installed, or cannot be
        used as it is configured.
    """
    names = conf.settings(config).hooks
    if not names:
        return Hooks()
    return Hooks(
        loading.start_all(
            names,
            lambda name, cls: conf.hook_values(config, name, cls),
            _credentials(config, osc, groups.nova_values(config)),
        )
    )


def _watts(config: cfg.ConfigOpts) -> Watts:
    """A figure for reports that cannot be read keeps no host from coming
    back."""
    try:
        return Watts.from_conf(config)
    except exceptions.ConfigurationError as exc:
        LOG.warning('%s Until then, the history has no watts.', exc)
        return Watts()


def _credentials(
    config: cfg.ConfigOpts,
    osc: base.OpenStackClients | None,
    nova: groups.OptionValues,
) -> base.OpenStackClients | None:
    """Those for Nova; None: there are none.

    :param nova: what ``[nova]`` has.
    """
    if nova.get('auth_type'):
        return groups.Credentials(nova, groups.NOVA_GROUP)
    shared = osc or groups.shared_credentials(config)
    if shared is None and auth.credentials_present(nova):
        # A part of them: their session says what is missing.
        return groups.Credentials(nova, groups.NOVA_GROUP)
    return shared


def _names(refs: Iterable[str]) -> list[str]:
    """:raises TypeError: one string, whose letters would be names."""
    if isinstance(refs, str):
        raise TypeError(f'refs has to be a list of names, not {refs!r}')
    return list(refs)
