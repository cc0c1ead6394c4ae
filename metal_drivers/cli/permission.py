# SPDX-License-Identifier: Apache-2.0
"""Whether a node may be powered off to try a driver."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from metal_drivers import boundary, compute, exceptions, guards, lookup
from metal_drivers.compute import markers
from metal_drivers.fleet import Member
from metal_drivers.hooks.base import Event, HookEvent
from metal_drivers.hooks.in_use import Hooks, Told
from metal_drivers.model import PowerState
from metal_drivers.settings import PowerSettings


class Permission:
    """Asked for before each power off: much can happen meanwhile.

    :param nova: None where Nova is not configured: no node matches a
        compute host then, and nothing checks whether it is in use.
    :param hooks: told before the first power off, and when the node is
        back.
    """

    def __init__(
        self,
        driver: boundary.GuardedDriver,
        nova: compute.Compute | None,
        hooks: Hooks,
        settings: PowerSettings,
    ) -> None:
        self._driver, self._nova, self._hooks = driver, nova, hooks
        self._settings = settings
        self._told: Told | None = None
        self._member: Member
        #: Why the node must not be powered off any longer.
        self.refused = ''
        self.on_refusal: Callable[[], object] = lambda: None

    def find(self, ref: str) -> Member:
        """The node of that name, which may be powered off and on.

        :raises MetalError: it must not be, or cannot be found.
        """
        self._member = lookup.look_up(self._driver, self._nova, [ref]).find(
            ref
        )
        node = self._look_at_node(PowerState.OFF, PowerState.ON).node
        if not node.settled or node.power_state not in (
            PowerState.ON,
            PowerState.OFF,
        ):
            raise self._refusal(
                f'its power state is {node.power_state.value}'
                + ('' if node.settled else ', and a change is under way')
            )
        self._look_at_host()
        return self._member

    def ask(self, node_id: str) -> None:
        """The first refusal ends the run.

        :raises MetalError: it must not be powered off, or a service cannot
            be asked.
        """
        try:
            self._look_at_node(PowerState.OFF)
            self._look_at_host()
            self._tell_hooks()
        except exceptions.MetalError as exc:
            self.refused = exc.message
            self.on_refusal()
            raise

    def end(self) -> str:
        """Tell the hooks that the node is as it was; what went wrong."""
        if self._told is None:
            return ''
        ended = self._hooks.tell(self._event(Event.UNDONE), self._told.hooks)
        return '; '.join(str(failure) for failure in ended.failures)

    def _look_at_node(self, *states: PowerState) -> Member:
        node = self._driver.get_node(self._member.node.id)
        member = self._member = dataclasses.replace(self._member, node=node)
        for state in states:
            reason = guards.refusal(
                guards.Request(member, state, self._settings)
            )
            if reason:
                raise self._refusal(reason)
        return member

    def _look_at_host(self) -> None:
        if self._nova is None or self._member.host is None:
            return
        host = self._member.host.name
        service = self._nova.get_service(host)
        reason = ''
        if service.enabled:
            reason = (
                'nova-compute on it is enabled. Disable it first: openstack '
                f'compute service set --disable {host} nova-compute'
            )
        elif markers.parse(service.disabled_reason) is not None:
            reason = (
                'nova-compute on it was disabled by metal-drivers. Use '
                f'`metal-drivers node power on {host}` first, and disable it '
                'yourself'
            )
        elif self._nova.list_moving(host):
            reason = 'servers move to or from it'
        elif count := self._nova.count_servers(host, self._member.host.id):
            reason = f'{count} servers are on it. Migrate them first'
        if reason:
            raise self._refusal(reason)

    def _tell_hooks(self) -> None:
        if self._told is not None or not self._hooks.names:
            return
        self._told = told = self._hooks.tell(
            self._event(Event.BEFORE_OFF), self._hooks.names
        )
        if told.failures:
            raise self._refusal(
                '; '.join(str(failure) for failure in told.failures)
            )

    def _event(self, event: Event) -> HookEvent:
        host, node = self._member.host, self._member.node
        return HookEvent(
            event,
            node.id,
            node.name,
            host.name if host else '',
            self._driver.name,
        )

    def _refusal(self, reason: str) -> exceptions.RefusedError:
        return exceptions.RefusedError(
            f'{self._member.label} is not powered off: {reason}'
        )
