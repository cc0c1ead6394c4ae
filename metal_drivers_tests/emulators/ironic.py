# SPDX-License-Identifier: Apache-2.0
"""Ironic's API as far as power and lists of nodes go.

For what a real Ironic cannot be brought to do quickly. Answers as Ironic
39.0.0 does (API 1.1 to 1.115), measured side by side; but a locked node
is refused at once, not after the 2 s for which Ironic tries again itself.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from metal_drivers_tests.emulators import (
    http,
    ironic_api,
    ironic_queries,
    ironic_state,
    messages,
)

Node = ironic_state.Node

_SOFT = 27
_IDENT = re.compile('[A-Za-z0-9._~-]+')


class IronicEmulator(http.HttpEmulator):
    """An Ironic whose power changes are under control.

    :param nodes: how many nodes to begin with; they are on
    :param max_limit: nodes on a page, at most
    :param valid_token: says which ``X-Auth-Token`` is good; None asks for
        no token at all
    :param maximum: the newest minor version, for an older Ironic
    :ivar workers_free: False answers power requests with 503
    """

    def __init__(
        self,
        nodes: int = 0,
        max_limit: int = 1000,
        valid_token: Callable[[str], bool] | None = None,
        auth_url: str = 'http://127.0.0.1:5000/v3',
        maximum: int = ironic_api.MAXIMUM,
        port: int = 0,
    ) -> None:
        super().__init__(port)
        self.max_limit = max_limit
        self.valid_token = valid_token
        self.auth_url = auth_url
        self.maximum = maximum
        self.workers_free = True
        self._fleet = ironic_state.Fleet()
        for _ in range(nodes):
            self.add_node()

    # What a test controls.

    @property
    def nodes(self) -> dict[str, Node]:
        """Every node by its uuid, hidden ones too."""
        with self._fleet.lock:
            return dict(self._fleet.nodes)

    def node(self, ident: str) -> Node:
        """A node by its uuid or name. :raises KeyError: there is none."""
        found = self._fleet.find(ident)
        if found is None:
            raise KeyError(ident)
        return found

    def add_node(self, **fields: Any) -> Node:
        """Add a node with these fields of :class:`.ironic_state.Node`."""
        return self._fleet.add(**fields)

    def remove_node(self, node: Node) -> None:
        self._fleet.remove(node)

    def hold(self, *idents: str) -> None:
        """Leave power changes of these nodes (all) under way.

        The target and the reservation stay until ``release``.
        """
        self._fleet.hold(*idents)

    def release(self, *idents: str) -> None:
        """End what is under way, and hold no longer.

        Where the node's ``power_error`` is set the change fails with it.
        """
        self._fleet.release(*idents)

    # How it answers.

    def routes(self) -> Iterable[http.Route]:
        node = '/v1/nodes/(?P<ident>[^/]+)'
        return (
            http.route('GET', '/', self._root),
            http.route('GET', '/v1/?', self._v1),
            http.route('GET', '/v1/nodes/?', self._list),
            http.route('GET', '/v1/nodes/detail', self._detail),
            http.route('GET', node, self._show),
            http.route('GET', f'{node}/states', self._states),
            http.route('PUT', f'{node}/states/power', self._power),
        )

    def before(self, request: messages.Request) -> None:
        if request.path in ('/', '/v1', '/v1/') or self.valid_token is None:
            return
        token = request.headers.get('X-Auth-Token')
        if not token or not self.valid_token(token):
            raise messages.Refusal(messages.unauthorized(self.auth_url))

    def after(
        self, request: messages.Request, reply: messages.Reply
    ) -> messages.Reply:
        number = messages.request_id()
        ids = (
            ('openstack-request-id', number),
            ('x-openstack-request-id', number),
        )
        try:
            version = self._version(request)
        except messages.Refusal:
            return reply.with_headers(*ids)
        if reply.status == 401 or reply is ironic_api.NOT_FOUND:
            return reply.with_headers(*ids)
        return reply.with_headers(
            *ironic_api.range_headers(self.maximum),
            ('X-OpenStack-Ironic-API-Version', f'1.{version}'),
            *ids,
        )

    def not_found(self, request: messages.Request) -> messages.Reply:
        # A slash in an id is still escaped where Ironic looks at it.
        ident = request.target.partition('?')[0].split('/')[3:4]
        if request.path.startswith('/v1/nodes/') and '%2F' in ident[0]:
            return _no_ident(ident[0]).reply
        return ironic_api.NOT_FOUND

    def _version(self, request: messages.Request) -> int:
        return ironic_api.requested(request, self.maximum)

    def _root(self, request: messages.Request) -> messages.Reply:
        self._version(request)
        return messages.json_reply(
            ironic_api.root(request.host_url, self.maximum)
        )

    def _v1(self, request: messages.Request) -> messages.Reply:
        self._version(request)
        return messages.json_reply(
            ironic_api.v1(request.host_url, self.maximum)
        )

    def _detail(self, request: messages.Request) -> messages.Reply:
        known = set(ironic_queries.PAGING + ironic_queries.FILTERS) - {
            'fields',
            'detail',
        }
        ironic_queries.check_arguments(request.query, known)
        version = self._version(request)
        fields = ironic_api.available(ironic_api.FIELDS, version)
        return self._page(request, fields, {})

    def _list(self, request: messages.Request) -> messages.Reply:
        version = self._version(request)
        ironic_queries.check_arguments(
            request.query, ironic_queries.PAGING + ironic_queries.FILTERS
        )
        asked = request.last('fields')
        if ironic_queries.flag(request, 'detail'):
            if asked is not None:
                raise ironic_api.refuse(
                    400,
                    'Can not specify ?detail=True and fields in the same '
                    'request.',
                )
            fields = ironic_api.available(ironic_api.FIELDS, version)
            return self._page(request, fields, {'detail': 'True'})
        if asked is None:
            fields = ironic_api.available(ironic_api.SHORT, version)
        else:
            fields = ironic_api.asked_fields(
                asked,
                version,
                500,
                "type object 'Node' has no attribute '{}'",
            )
        return self._page(request, fields, {'fields': ','.join(fields)})

    def _page(
        self,
        request: messages.Request,
        fields: Sequence[str],
        link: dict[str, str],
    ) -> messages.Reply:
        limit = ironic_queries.limit(request, self.max_limit)
        nodes, kept = ironic_queries.filtered(self._fleet.listed(), request)
        marker = request.last('marker')
        if marker is not None:
            # The marker need not pass the filters.
            position = self._position(marker)
            after = set(list(self._fleet.nodes)[: position + 1])
            nodes = [node for node in nodes if node.uuid not in after]
        shown = nodes[:limit]
        url = request.host_url
        body: dict[str, Any] = {
            'nodes': [ironic_api.view(node, fields, url) for node in shown]
        }
        if len(shown) == limit:
            query = {'sort_key': 'id', 'sort_dir': 'asc', **kept, **link}
            query |= {'limit': str(limit), 'marker': shown[-1].uuid}
            text = '&'.join(f'{key}={value}' for key, value in query.items())
            body['next'] = f'{url}{request.path.rstrip("/")}?{text}'
        return messages.json_reply(body)

    def _position(self, marker: str) -> int:
        if not messages.is_uuid(marker):
            raise ironic_api.refuse(400, f'Expected UUID for marker: {marker}')
        with self._fleet.lock:
            if self._fleet.find(marker, by_name=False) is None:
                raise ironic_api.node_not_found(marker)
            return list(self._fleet.nodes).index(marker)

    def _found(self, request: messages.Request, ident: str) -> Node:
        if not _IDENT.fullmatch(ident):
            raise _no_ident(ident)
        by_name = self._version(request) >= ironic_api.SINCE['name']
        node = self._fleet.find(ident, by_name)
        if node is None:
            raise ironic_api.node_not_found(ident)
        return node

    def _show(self, request: messages.Request, ident: str) -> messages.Reply:
        version = self._version(request)
        node = self._found(request, ident)
        asked = request.last('fields')
        fields = ironic_api.available(ironic_api.FIELDS, version)
        if asked is not None:
            fields = ironic_api.asked_fields(
                asked, version, 400, 'Field {} is not a valid field.'
            )
        with self._fleet.lock:
            view = ironic_api.view(node, fields, request.host_url)
        return messages.json_reply(view)

    def _states(self, request: messages.Request, ident: str) -> messages.Reply:
        node = self._found(request, ident)
        with self._fleet.lock:
            view = ironic_api.states(node)
        return messages.json_reply(view)

    def _power(self, request: messages.Request, ident: str) -> messages.Reply:
        version = self._version(request)
        target, timed = ironic_queries.power_body(request)
        node = self._found(request, ident)
        if version < _SOFT and (timed or str(target).startswith('soft')):
            raise ironic_api.refuse(406, 'Request not acceptable.')
        if target not in ironic_state.TARGETS:
            raise ironic_api.refuse(
                400,
                f'The requested action "{target}" can not be performed on '
                f'node "{ident}" while it is in state "{node.power_state}".',
            )
        if node.disable_power_off and str(target).endswith('power off'):
            raise ironic_api.refuse(
                409, f'Failed to set node power state to {target}.'
            )
        if not self.workers_free:
            raise ironic_api.refuse(
                503,
                'Requested action cannot be performed due to lack of free '
                'conductor workers.',
            )
        if not self._fleet.request(node, str(target)):
            raise ironic_api.refuse(
                409,
                f'Node {node.uuid} is locked by host {node.reservation}, '
                'please retry after the current operation is completed.',
            )
        location = f'{request.host_url}/v1/nodes/{ident}/states'
        return messages.Reply(
            202, content_type=None, headers=[('Location', location)]
        )


def _no_ident(ident: str) -> messages.Refusal:
    return ironic_api.refuse(
        400, f'Expected UUID or name for node_ident: {ident}'
    )
