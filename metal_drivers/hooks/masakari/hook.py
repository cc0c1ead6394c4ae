# SPDX-License-Identifier: Apache-2.0
"""The flag ``on_maintenance`` of a host that is powered off on purpose.

While it is set, Masakari ignores what its monitors report of the host: it
evacuates nothing, and leaves nova-compute alone.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import base, exceptions
from metal_drivers._openstack import auth
from metal_drivers.hooks.base import NAMESPACE, Hook, HookEvent, HookNote
from metal_drivers.hooks.masakari import mark
from metal_drivers.hooks.masakari.api import Host, Masakari
from metal_drivers.model import CheckResult, CheckStatus

GROUP = f'{NAMESPACE}.masakari'

#: Seconds for which one list of the segments and their hosts serves.
FRESH = 60.0


class MasakariHook(Hook):
    """Sets the flag before a host goes off, and clears it when it is back.

    A host of no segment is left alone.
    """

    #: Lists, and one request for the host.
    timeout = 120.0

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        super().__init__(config, osc)
        if osc is None:
            raise exceptions.ConfigurationError(
                'The hook masakari has no credentials: it uses those for '
                'Nova, and there are none in [nova] or '
                '[watcher_clients_auth]',
                cure='Add them there, or remove masakari from '
                '[metal_drivers] hooks.',
            )
        # With these keystoneauth is imported: only where the hook is used.
        from metal_drivers._openstack import client, sdk

        session = auth.share_session(osc.session, config, group=GROUP)
        self._session = session
        self._api = Masakari(
            client.Service(
                sdk.connector(
                    config, session, 'instance_ha', 'The hook masakari'
                ),
                'Masakari',
                GROUP,
                session,
            )
        )
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._listed_at = float('-inf')

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [*auth.adapter_options(), *auth.session_options()]

    def before_off(self, event: HookEvent) -> None:
        host = self._now(event)
        if host is None:
            return
        where = f'{host.name} in segment {host.segment.name}'
        if host.reserved:
            raise exceptions.RefusedError(
                f'Masakari keeps {where} in reserve: it would be given the '
                'servers of hosts that fail',
                cure='Reserve another host instead, or protect this one.',
            )
        if not _is_ours(host, event.node_id):
            if host.on_maintenance:
                node = mark.node_of(host.attributes)
                by = (
                    f'by metal-drivers for node {node}'
                    if node
                    else ('by someone else')
                )
                raise exceptions.RefusedError(
                    f'{where} is under maintenance in Masakari, set {by}',
                    cure='End the maintenance there first.',
                )
            self._set(host, event.node_id)
        elif not host.on_maintenance:
            self._set(host, event.node_id)

    def after_off(self, event: HookEvent) -> None:
        """The flag is set where it is not, as far as it is known."""
        host = self._hosts_now().get(event.host)
        if host is None or (
            host.on_maintenance and _is_ours(host, event.node_id)
        ):
            return
        host = self._now(event)
        if host is not None and not host.on_maintenance:
            self._set(host, event.node_id)

    def before_enable(self, event: HookEvent) -> None:
        # Servers on a host with the flag would not be protected.
        self._clear(event)

    def after_on(self, event: HookEvent) -> None:
        self._clear(event)

    def undone(self, event: HookEvent) -> None:
        self._clear(event)

    def notes(self) -> Mapping[str, HookNote]:
        return {
            host.name: HookNote(_note(host, node_id), node_id)
            for host in self._hosts_now().values()
            if (node_id := mark.node_of(host.attributes))
            or host.on_maintenance
        }

    def check(self) -> list[CheckResult]:
        try:
            where, hosts = self._api.url(), self._api.list_hosts()
        except exceptions.MetalError as exc:
            return [CheckResult('masakari', CheckStatus.FAILED, str(exc))]
        segments = {host.segment.id for host in hosts.values()}
        detail = f'{where}, {len(hosts)} hosts in {len(segments)} segments'
        if not hosts:
            detail += ': no host is known there'
        status = CheckStatus.OK if hosts else CheckStatus.WARNING
        return [CheckResult('masakari', status, detail)]

    def close(self) -> None:
        # A session that is shared is not ours to close.
        if self.osc is not None and self._session is not self.osc.session:
            self._session.session.close()

    def _set(self, host: Host, node_id: str) -> None:
        attributes = mark.add(host.attributes, node_id)
        self._change(host, True, attributes)

    def _clear(self, event: HookEvent) -> None:
        host = self._now(event)
        if host is not None and _is_ours(host, event.node_id):
            self._change(host, False, mark.remove(host.attributes))

    def _change(
        self, host: Host, on_maintenance: bool, attributes: str
    ) -> None:
        changed = dataclasses.replace(
            host, on_maintenance=on_maintenance, attributes=attributes
        )
        try:
            self._api.update(changed)
        except exceptions.MetalError:
            with self._lock:  # the reply may be lost
                self._listed_at = float('-inf')
            raise
        with self._lock:
            self._hosts[host.name] = changed

    def _now(self, event: HookEvent) -> Host | None:
        """The host as it is now; None: Masakari does not know it."""
        host = self._hosts_now().get(event.host)
        if host is None:
            return None
        found = self._api.get_host(host)
        if found is not None:
            return found
        # It was moved to another segment, or removed.
        return self._hosts_now(since=time.monotonic()).get(event.host)

    def _hosts_now(self, since: float | None = None) -> dict[str, Host]:
        """The hosts as they were listed, not long ago.

        :param since: not before this time.
        """
        with self._lock:  # one list for all that wait for it
            now = time.monotonic()
            if self._listed_at < (now - FRESH if since is None else since):
                self._hosts = self._api.list_hosts()
                self._listed_at = now
            return self._hosts


def _is_ours(host: Host, node_id: str) -> bool:
    return mark.node_of(host.attributes) == node_id


def _note(host: Host, node_id: str) -> str:
    where = f'in Masakari, segment {host.segment.name}'
    if node_id:
        return (
            f'under maintenance {where}, set by metal-drivers'
            if host.on_maintenance
            else f'marked by metal-drivers {where}, without on_maintenance'
        )
    return f'under maintenance {where}, set by someone else'
