# SPDX-License-Identifier: Apache-2.0
"""Masakari's API as far as it is used here, and its replies as values."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from metal_drivers import exceptions

if TYPE_CHECKING:  # else keystoneauth is imported with it
    from metal_drivers._openstack import client

#: The largest page that Masakari gives (``[osapi_v1] max_limit``).
PAGE = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """Hosts that Masakari recovers together."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A host that Masakari watches; it is in one segment."""

    id: str
    #: As Nova calls it.
    name: str
    segment: Segment
    #: Whether it is kept for servers of hosts that fail.
    reserved: bool
    #: Whether what is reported of it is ignored.
    on_maintenance: bool
    #: Free text that is mandatory, and not used by Masakari itself.
    attributes: str


class Masakari:
    """Masakari, as far as hosts are concerned.

    Every method raises :class:`~metal_drivers.MetalError`.
    """

    def __init__(self, service: client.Service) -> None:
        self._service = service

    def url(self) -> str:
        """Where it is."""
        return self._service.url()

    def list_hosts(self) -> dict[str, Host]:
        """Every host by its name: a request for the segments, and one for
        each of them."""
        found: dict[str, Host] = {}
        for entry in self._pages('/segments', 'segments', 'list segments'):
            segment = Segment(_text(entry, 'uuid'), _text(entry, 'name'))
            for host in self._pages(
                f'/segments/{_quoted(segment.id)}/hosts',
                'hosts',
                f'list the hosts of segment {segment.name}',
            ):
                known = _host(host, segment)
                found[known.name] = known
        return found

    def get_host(self, host: Host) -> Host | None:
        """A host as it is now; None: it is not there any more."""
        try:
            reply = self._call('GET', _path(host), f'show host {host.name}')
        except exceptions.NotFoundError:
            return None
        return _host(_entry(reply, 'host'), host.segment)

    def update(self, host: Host) -> None:
        """Write both the flag and the text, with one request.

        :raises BusyError: a host of its segment is being recovered.
        """
        body = {
            'host': {
                'on_maintenance': host.on_maintenance,
                'control_attributes': host.attributes,
            }
        }
        value = str(host.on_maintenance).lower()
        what = f'set on_maintenance of {host.name} to {value}'
        try:
            self._call('PUT', _path(host), what, body)
        except exceptions.BusyError as exc:
            raise exceptions.BusyError(
                f'Masakari is recovering a host of segment '
                f'{host.segment.name}, and does not change {host.name} until '
                'that has ended'
            ) from exc

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return self._service.call(method, path, what, body=body)
        except exceptions.AuthenticationError as exc:
            if exc.status != 403:
                raise
            raise exceptions.ConfigurationError(
                exc.message,
                cure='Give the user of the credentials for Nova the role '
                'admin, which Masakari asks for.',
            ) from exc

    def _pages(
        self, path: str, key: str, what: str
    ) -> Iterator[dict[str, Any]]:
        query = f'?limit={PAGE}'
        while True:
            reply = self._call('GET', path + query, what)
            entries = reply.get(key) if isinstance(reply, dict) else None
            if not isinstance(entries, list) or not all(
                isinstance(entry, dict) for entry in entries
            ):
                raise exceptions.ProtocolError(
                    f'Masakari: the reply to {what} has no list of {key}'
                )
            yield from entries
            if len(entries) < PAGE:
                return
            # A page does not link to the next one; this is a number.
            marker = entries[-1].get('id')
            following = f'?limit={PAGE}&marker={marker}'
            if marker is None or following == query:
                raise exceptions.ProtocolError(
                    f'Masakari: the reply to {what} has no end'
                )
            query = following


def _path(host: Host) -> str:
    return f'/segments/{_quoted(host.segment.id)}/hosts/{_quoted(host.id)}'


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe='')


def _host(entry: dict[str, Any], segment: Segment) -> Host:
    for name in ('reserved', 'on_maintenance'):
        if not isinstance(entry.get(name), bool):
            raise exceptions.ProtocolError(
                f'Masakari: a host in the reply has no {name}'
            )
    return Host(
        _text(entry, 'uuid'),
        _text(entry, 'name'),
        segment,
        entry['reserved'],
        entry['on_maintenance'],
        str(entry.get('control_attributes') or ''),
    )


def _entry(reply: Any, key: str) -> dict[str, Any]:
    found = reply.get(key) if isinstance(reply, dict) else None
    if not isinstance(found, dict):
        raise exceptions.ProtocolError(f'Masakari: the reply has no {key}')
    return found


def _text(entry: dict[str, Any], name: str) -> str:
    found = entry.get(name)
    if not isinstance(found, str) or not found:
        raise exceptions.ProtocolError(
            f'Masakari: an entry in the reply has no {name}'
        )
    return found
