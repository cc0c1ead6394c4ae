# SPDX-License-Identifier: Apache-2.0
"""Masakari's API as far as the hook uses it, and what its engine does to a
host that a monitor reports.

Answers as Masakari 22.0.0 does, measured.
"""

import dataclasses
import threading
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from metal_drivers_tests.emulators import http, messages, nova_state

_VERSION: dict[str, Any] = {
    'id': 'v1.0',
    'status': 'CURRENT',
    'version': '1.3',
    'min_version': '1.0',
    'updated': '2016-07-01T11:33:21Z',
}

REASON = 'Masakari detected host failed.'


@dataclasses.dataclass(eq=False)
class Segment:
    name: str
    number: int
    uuid: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    #: Whether a notification of one of its hosts is under way.
    busy: bool = False


@dataclasses.dataclass(eq=False)
class Host:
    name: str
    number: int
    segment: Segment
    control_attributes: str
    reserved: bool = False
    on_maintenance: bool = False
    uuid: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))


class MasakariEmulator(http.HttpEmulator):
    """Segments of hosts.

    :param valid_token: says which ``X-Auth-Token`` is good; None asks for
        no token at all
    :ivar admin: False refuses everything
    :ivar on_update: called when a host was changed, before the reply
    """

    def __init__(
        self, valid_token: Callable[[str], bool] | None = None, port: int = 0
    ) -> None:
        super().__init__(port)
        self.valid_token = valid_token
        self.admin = True
        self.max_limit = 1000
        self.on_update: Callable[[Host], object] = lambda host: None
        self._lock = threading.RLock()
        self.segments: dict[str, Segment] = {}
        self.hosts: dict[str, Host] = {}

    # What a test controls.

    def add_segment(self, name: str) -> Segment:
        with self._lock:
            segment = Segment(name, len(self.segments) + 1)
            self.segments[segment.uuid] = segment
            return segment

    def add_host(
        self,
        segment: Segment,
        name: str,
        attributes: str = 'SSH',
        **fields: bool,
    ) -> Host:
        with self._lock:
            number = len(self.hosts) + 1
            host = Host(name, number, segment, attributes)
            for field, value in fields.items():
                setattr(host, field, value)
            self.hosts[name] = host
            return host

    def report_down(self, name: str, nova: nova_state.Host) -> bool:
        """A monitor saw the host go down.

        :returns: whether that was taken in; the segment is then busy until
            the test says otherwise.
        """
        with self._lock:
            host = self.hosts[name]
            if host.on_maintenance:
                return False
            host.on_maintenance = host.segment.busy = True
        nova.status, nova.disabled_reason = 'disabled', REASON
        return True

    # How it answers.

    def routes(self) -> Iterable[http.Route]:
        one = '/v1/segments/(?P<segment>[^/]+)'
        return (
            http.route('GET', '/', self._root),
            http.route('GET', '/v1/?', self._show_version),
            http.route('GET', '/v1/segments', self._list_segments),
            http.route('GET', f'{one}/hosts', self._list_hosts),
            http.route('GET', f'{one}/hosts/(?P<host>[^/]+)', self._show),
            http.route('PUT', f'{one}/hosts/(?P<host>[^/]+)', self._update),
        )

    def before(self, request: messages.Request) -> None:
        if request.path.rstrip('/') in ('', '/v1'):
            return
        token = request.headers.get('X-Auth-Token')
        if self.valid_token and not (token and self.valid_token(token)):
            raise messages.Refusal(messages.unauthorized('http://keystone'))
        if not self.admin:
            raise _refusal(
                403,
                'forbidden',
                "Policy doesn't allow os_masakari_api:segments:index to be "
                'performed.',
            )

    def not_found(self, request: messages.Request) -> messages.Reply:
        return _refusal(
            404, 'itemNotFound', 'The resource could not be found.'
        ).reply

    def _root(self, request: messages.Request) -> messages.Reply:
        links = [{'rel': 'self', 'href': f'{request.host_url}/v1/'}]
        return messages.json_reply({'versions': [_VERSION | {'links': links}]})

    def _show_version(self, request: messages.Request) -> messages.Reply:
        links = [{'rel': 'self', 'href': f'{request.host_url}/v1/'}]
        media = {
            'base': 'application/json',
            'type': 'application/vnd.openstack.masakari+json;version=1',
        }
        version = _VERSION | {'links': links, 'media-types': [media]}
        return messages.json_reply({'version': version})

    def _list_segments(self, request: messages.Request) -> messages.Reply:
        with self._lock:
            found = [
                {
                    'id': segment.number,
                    'uuid': segment.uuid,
                    'name': segment.name,
                    'recovery_method': 'auto',
                    'service_type': 'compute',
                    'enabled': True,
                    'description': None,
                }
                for segment in self.segments.values()
            ]
        return self._page(request, 'segments', found)

    def _list_hosts(
        self, request: messages.Request, segment: str
    ) -> messages.Reply:
        with self._lock:
            self._segment(segment)
            found = [
                _view(host)
                for host in self.hosts.values()
                if host.segment.uuid == segment
            ]
        return self._page(request, 'hosts', found)

    def _page(
        self, request: messages.Request, key: str, found: list[dict[str, Any]]
    ) -> messages.Reply:
        """There is no link to the next page; a marker is a number."""
        limit = min(int(request.last('limit') or 10**6), self.max_limit)
        after = int(request.last('marker') or 0)
        page = [entry for entry in found if entry['id'] > after][:limit]
        return messages.json_reply({key: page})

    def _show(
        self, request: messages.Request, segment: str, host: str
    ) -> messages.Reply:
        with self._lock:
            return messages.json_reply(
                {'host': _view(self._host(segment, host))}
            )

    def _update(
        self, request: messages.Request, segment: str, host: str
    ) -> messages.Reply:
        with self._lock:
            found = self._host(segment, host)
            if found.segment.busy:
                raise _refusal(
                    409,
                    'conflictingRequest',
                    f"Host {found.uuid} can't be updated as it is in-use to "
                    'process notifications.',
                )
            for name, value in request.json()['host'].items():
                setattr(found, name, value)
            self.on_update(found)
            return messages.json_reply({'host': _view(found)})

    def _segment(self, key: str) -> Segment:
        if key not in self.segments:
            raise _refusal(
                404,
                'itemNotFound',
                f'No failover segment with id {key}.',
            )
        return self.segments[key]

    def _host(self, segment: str, key: str) -> Host:
        self._segment(segment)
        for host in self.hosts.values():
            if host.uuid == key and host.segment.uuid == segment:
                return host
        raise _refusal(
            404,
            'itemNotFound',
            f'Host with id {key} under failover segment with id {segment} '
            'could not be found.',
        )


def _view(host: Host) -> dict[str, Any]:
    return {
        'id': host.number,
        'uuid': host.uuid,
        'name': host.name,
        'failover_segment_id': host.segment.uuid,
        'type': 'COMPUTE',
        'reserved': host.reserved,
        'control_attributes': host.control_attributes,
        'on_maintenance': host.on_maintenance,
    }


def _refusal(status: int, kind: str, message: str) -> messages.Refusal:
    body = {kind: {'code': status, 'message': message}}
    return messages.Refusal(messages.json_reply(body, status))
