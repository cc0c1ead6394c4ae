# SPDX-License-Identifier: Apache-2.0
"""A driver that keeps every rule, and claims every capability.

Faults are planted in it: its methods are small so that one of them can be
replaced by a wrong one.
"""

from __future__ import annotations

import datetime
import math
import threading
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any

from oslo_config import cfg

from metal_drivers import (
    AuthenticationError,
    BusyError,
    Capability,
    MetalDriver,
    MetalError,
    Node,
    NotFoundError,
    OffMode,
    PowerState,
    ProtocolError,
    RefusedError,
    TimedOutError,
    UnavailableError,
    UnsupportedError,
    base,
)

CHECK = 'Check url and token in [watcher.metal.drivers.sample].'

#: The error for each status; others by their first digit.
ERRORS: dict[int, type[MetalError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    409: BusyError,
    429: BusyError,
}


class SampleDriver(MetalDriver):
    """Machines of the service in ``sample_service``."""

    required_options = ('url', 'token')
    capabilities = frozenset(Capability)

    def __init__(self, config: Mapping[str, Any], osc: Any = None) -> None:
        super().__init__(config, osc)
        self._local = threading.local()
        self._sessions: list[Any] = []

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            cfg.StrOpt('url', help='Where the service is.'),
            cfg.StrOpt('token', secret=True, help='Its access token.'),
            cfg.IntOpt('timeout', default=30, min=1, help='In seconds.'),
        ]

    def list_nodes(self) -> list[Node]:
        return self.read_list(self.call('GET', '/machines'))

    def find_nodes(self, ref: str) -> list[Node]:
        query = urllib.parse.urlencode({'like': ref})
        found = self.read_list(self.call('GET', f'/machines?{query}'))
        return base.named(found, ref)

    def get_node(self, node_id: str) -> Node:
        return self.read(self.call('GET', self.path(node_id)))

    def get_power_states(
        self, node_ids: Iterable[str]
    ) -> dict[str, PowerState]:
        # One list: it is as fresh as each node is.
        ids = list(dict.fromkeys(node_ids))
        if not ids:
            return {}
        try:
            known = {node.id: node.power_state for node in self.list_nodes()}
        except AuthenticationError:
            raise
        except MetalError:
            known = {}
        return {each: known.get(each, PowerState.UNKNOWN) for each in ids}

    def set_power_state(
        self,
        node_id: str,
        state: PowerState,
        mode: OffMode = OffMode.HARD,
        timeout: float | None = None,
    ) -> None:
        body = self.command(state, mode, timeout)
        try:
            self.read(self.call('PUT', self.path(node_id), body))
        except RefusedError as exc:
            if exc.status == 400 and body['power'] == 'soft off':
                raise UnsupportedError(exc.message) from exc
            raise

    def close(self) -> None:
        for session in self._sessions:
            session.close()

    # The parts.

    def command(
        self, state: PowerState, mode: OffMode, timeout: float | None
    ) -> dict[str, Any]:
        """What the service is told."""
        if state is PowerState.ON or mode is OffMode.HARD:
            return {'power': state.value}
        body: dict[str, Any] = {'power': 'soft off'}
        if timeout is not None:
            body['timeout'] = math.ceil(timeout)
        return body

    def path(self, node_id: str) -> str:
        if not (node_id.isascii() and node_id.isalnum()):
            raise NotFoundError(f'There is no machine {node_id!r}')
        return f'/machines/{node_id}'

    def read_list(self, found: Any) -> list[Node]:
        if not isinstance(found, list):
            raise ProtocolError('The reply is not a list', cure=CHECK)
        return [self.read(each) for each in found]

    def read(self, found: Any) -> Node:
        match found:
            case {
                'id': str(key),
                'name': str(name),
                'power': str() | None as power,
                'target': str() | None as target,
            } if key and name:
                return Node(
                    key,
                    name,
                    self.state(power),
                    target=PowerState(target) if target else None,
                    host_names=tuple(
                        filter(
                            None,
                            (f'{name}.example', name, found.get('alias')),
                        )
                    ),
                    soft_off=bool(found.get('soft')),
                    fault=found.get('fault'),
                    observed_at=datetime.datetime.now(datetime.UTC),
                    details={'model': 'S1'},
                )
        raise ProtocolError('The reply is not a machine', cure=CHECK)

    def state(self, power: str | None) -> PowerState:
        try:
            return PowerState(power)
        except ValueError:
            return PowerState.UNKNOWN

    def session(self) -> Any:
        """One for each thread."""
        import requests

        found = getattr(self._local, 'session', None)
        if found is None:
            found = self._local.session = requests.Session()
            found.headers['X-Token'] = self.config['token']
            self._sessions.append(found)
        return found

    def call(self, method: str, path: str, body: Any = None) -> Any:
        import requests

        tried = f'Sample: {method} {path}'
        try:
            reply = self.session().request(
                method,
                self.config['url'] + path,
                json=body,
                timeout=self.config.get('timeout') or 30,
                allow_redirects=False,
            )
        except requests.Timeout as exc:
            raise TimedOutError(f'{tried}: no reply in time') from exc
        except requests.RequestException as exc:
            raise UnavailableError(
                f'{tried} failed: {type(exc).__name__}', cure=CHECK
            ) from exc
        if reply.status_code >= 300:
            raise self.error(tried, reply.status_code)
        try:
            return reply.json()
        except ValueError as exc:
            raise ProtocolError(f'{tried}: no JSON', cure=CHECK) from exc

    def error(self, tried: str, status: int) -> MetalError:
        kinds = {3: ProtocolError, 4: RefusedError, 5: UnavailableError}
        kind = ERRORS.get(status) or kinds[status // 100]
        error = kind(f'{tried} was answered with {status}', cure=CHECK)
        error.status = status
        return error
