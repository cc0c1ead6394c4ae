# SPDX-License-Identifier: Apache-2.0
"""Why each host stays, goes or comes: one line, for an operator."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from metal_drivers.model import PowerState
from metal_drivers.planning.hosts import Host
from metal_drivers.planning.levels import Level
from metal_drivers.planning.reliability import stamp


class Reasons:
    """Notes a reason as each step of a decision takes a host, or leaves it.

    A step that takes a host gets that host back. The last reason counts.

    :param kept: why hosts do not go off, by the ids of their nodes.
    """

    def __init__(self, kept: Mapping[str, str], any_off_host: bool) -> None:
        self._kept = kept
        self._any_off_host = any_off_host
        self._noted: dict[Host, str] = {}

    def reason(self, host: Host) -> str:
        """Why the host stays, goes or comes."""
        return self._noted.get(host) or self._stays(host)

    # It comes.

    def busy_again(self, host: Host) -> Host:
        return self._note(
            host,
            f'{_servers(host)}, and metal-drivers left nova-compute disabled',
        )

    def missing(self, host: Host, level: Level | None) -> Host:
        text = str(level or 'it is wanted')
        if host.power is PowerState.OFF:
            text += f'; {_off_since(host)}'
            if host.trouble:
                text += f', and no better host is left: it {host.trouble}'
        else:
            text += '; it is on, and metal-drivers left nova-compute disabled'
        return self._note(host, text)

    def one_more(self, host: Host, failed: Host) -> Host:
        return self._note(
            host,
            f'one more than is missing, because {failed.member.label} '
            f'{failed.trouble}; {_off_since(host)}',
        )

    def exercised(self, host: Host) -> Host:
        return self._note(
            host, f'exercise, to see that it comes back: {_off_since(host)}'
        )

    def given_back(self, host: Host) -> Host:
        hindrance = self._kept.get(host.node.id) or host.hindrance(
            PowerState.OFF
        )
        return self._note(
            host,
            'it is on, and metal-drivers left nova-compute disabled; it does '
            f'not go off: {hindrance or self._noted.get(host, "")}',
        )

    def cleaned_up(self, host: Host) -> Host:
        return self._note(
            host, 'it is back, and a hook has something left of it'
        )

    # It goes.

    def interrupted(self, host: Host) -> Host:
        return self._note(
            host, 'its power change was interrupted, and it is not wanted on'
        )

    def too_many(self, host: Host, level: Level) -> Host:
        return self._note(host, f'no servers are on it; {level}')

    # It stays.

    def keeps(self, host: Host) -> bool:
        """Whether something else keeps it on."""
        return host.node.id in self._kept

    def wanted(self, host: Host, level: Level) -> None:
        self._note(host, f'kept as a reserve; {level}')

    def waited_for(self, host: Host, level: Level) -> None:
        self._note(
            host, f'nova-compute is not up yet, and is waited for; {level}'
        )

    def no_room(self, host: Host) -> None:
        self._note(host, 'as many hosts are off as max_powered_off allows')

    def one_too_many(self, host: Host, limit: int) -> None:
        self._note(host, f'a plan has at most {limit} actions: max_actions')

    def _note(self, host: Host, reason: str) -> Host:
        self._noted[host] = reason
        return host

    def _stays(self, host: Host) -> str:
        """Why the host is left alone."""
        if host.power is PowerState.OFF:
            return self._stays_off(host)
        if host.power is not PowerState.ON:
            return f'its power state is {host.power.value}'
        if host.busy:
            return _servers(host)
        if host.leased and host.mark:
            return (
                f'metal-drivers may be {host.mark.kind.work}: it began at '
                f'{stamp(host.mark.when)}'
            )
        if not host.compute.enabled and host.mark is None:
            return _disabled(host)
        if not host.compute.enabled:
            return (
                host.hindrance(PowerState.ON)
                or self._kept.get(host.node.id)
                or host.hindrance(PowerState.OFF)
                or 'nova-compute is not up'
            )
        if not host.up:
            return 'nova-compute is not up'
        return (
            host.hindrance(PowerState.OFF)
            or self._kept.get(host.node.id)
            or 'it is free and on'
        )

    def _stays_off(self, host: Host) -> str:
        if host.busy:
            return f'it is off, and {_servers(host)}'
        if host.off_by_someone_else(self._any_off_host):
            return f'it is off, and {_disabled(host)}'
        hindrance = host.hindrance(PowerState.ON)
        if hindrance:
            return f'{_off_since(host)}; {hindrance}'
        if not host.due and host.retry_at:
            return (
                f'it {host.trouble}; it is tried again after '
                f'{stamp(host.retry_at)}'
            )
        trouble = f'; it {host.trouble}' if host.trouble else ''
        return f'{_off_since(host)}, and not wanted on{trouble}'


def _servers(host: Host) -> str:
    count = host.compute.servers
    if count is None:
        return 'it is not known how many servers are on it'
    return '1 server is on it' if count == 1 else f'{count} servers are on it'


def _off_since(host: Host) -> str:
    if host.mark is None or host.mark.times:
        return 'it is off'
    when: datetime.datetime = host.mark.when
    return f'off since {stamp(when)}'


def _disabled(host: Host) -> str:
    reason = host.compute.disabled_reason or 'no reason was given'
    return f'nova-compute was disabled by someone else: {reason}'
