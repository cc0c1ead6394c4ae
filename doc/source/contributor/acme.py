"""A driver for the ACME power controller."""

import requests
from oslo_config import cfg

from metal_drivers import (
    MetalDriver,
    Node,
    NotFoundError,
    OffMode,
    PowerState,
    ProtocolError,
    UnavailableError,
    UnsupportedError,
)


class AcmeDriver(MetalDriver):
    """Sockets that know their host's name and have a switch."""

    priority = 60
    required_options = ('url', 'token')

    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('url', help='Where the controller is.'),
            cfg.StrOpt('token', secret=True, help='Its access token.'),
        ]

    def list_nodes(self):
        return [_node(socket) for socket in self._call('GET', '/sockets')]

    def get_node(self, node_id):
        # No request of an id that could lead elsewhere.
        if not node_id.isalnum():
            raise NotFoundError(f'ACME has no socket {node_id!r}')
        return _node(self._call('GET', f'/sockets/{node_id}'))

    def set_power_state(self, node_id, state, mode=OffMode.HARD, timeout=None):
        if state not in (PowerState.ON, PowerState.OFF):
            raise ValueError(f'a socket cannot be switched {state.value}')
        if state is PowerState.OFF and mode is OffMode.SOFT:
            raise UnsupportedError('ACME only cuts the power')
        self.get_node(node_id)
        self._call('PUT', f'/sockets/{node_id}', {'power': state.value})

    def _call(self, method, path, body=None):
        try:
            reply = requests.request(
                method,
                self.config['url'] + path,
                json=body,
                headers={'X-Token': self.config['token']},
                timeout=30,
            )
            if reply.status_code == 404:
                raise NotFoundError(f'ACME has no {path}')
            reply.raise_for_status()
            return reply.json()
        except requests.exceptions.JSONDecodeError as exc:
            raise ProtocolError(f'ACME: {method} {path}: no JSON') from exc
        except requests.RequestException as exc:
            raise UnavailableError(
                f'ACME: {method} {path} failed: {exc}',
                cure='Check [watcher.metal.drivers.acme] url and token.',
            ) from exc


def _node(socket):
    return Node(
        socket['id'],
        socket['label'],
        PowerState(socket['power']),
        host_names=(socket['label'],),
    )
