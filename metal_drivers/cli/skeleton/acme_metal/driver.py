"""A driver for the ACME power controller."""

from oslo_config import cfg

from metal_drivers import (
    AuthenticationError,
    BusyError,
    Capability,
    ConfigurationError,
    MetalDriver,
    Node,
    NotFoundError,
    OffMode,
    PowerState,
    ProtocolError,
    RefusedError,
    TimedOutError,
    UnavailableError,
    UnsupportedError,
)

CHECK = 'Check url and token in [watcher.metal.drivers.acme].'


class AcmeDriver(MetalDriver):
    """Sockets that know their host's name and have a switch."""

    contract = (1, 0)
    priority = 60
    required_options = ('url', 'token')
    # Each request looks at the switch itself.
    capabilities = frozenset({Capability.LIVE_QUERY})

    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('url', help='Where the controller is.'),
            cfg.StrOpt('token', secret=True, help='Its access token.'),
            cfg.FloatOpt(
                'timeout',
                default=30.0,
                min=0.1,
                help='Seconds to wait for a reply.',
            ),
        ]

    def list_nodes(self):
        sockets = self._call('GET', '/sockets')
        if not isinstance(sockets, list):
            raise ProtocolError('ACME: the reply is not a list', cure=CHECK)
        return [_node(socket) for socket in sockets]

    def get_node(self, node_id):
        return _node(self._call('GET', _path(node_id)))

    def set_power_state(self, node_id, state, mode=OffMode.HARD, timeout=None):
        if state is PowerState.OFF and mode is OffMode.SOFT:
            raise UnsupportedError('ACME only cuts the power')
        # Who answers with no socket was not ACME, and may have done nothing.
        _node(self._call('PUT', _path(node_id), {'power': state.value}))

    def _call(self, method, path, body=None):
        import requests  # here: it takes long, and not every process needs it

        tried = f'ACME: {method} {path}'
        timeout = self.config['timeout']
        try:
            reply = requests.request(
                method,
                self.config['url'].rstrip('/') + path,
                json=body,
                headers={'X-Token': self.config['token']},
                timeout=timeout,
                # Or another server gets the token, and a PUT becomes a GET.
                allow_redirects=False,
            )
        except requests.Timeout as exc:
            raise TimedOutError(f'{tried}: no reply in {timeout:g} s') from exc
        except ValueError:  # what is wrong with a token may quote it
            raise ConfigurationError(
                f'{tried} cannot be sent with this url and token', cure=CHECK
            ) from None
        except requests.RequestException as exc:
            raise UnavailableError(
                f'{tried} failed: {exc}', cure=CHECK
            ) from exc
        came = f'{tried} was answered with {reply.status_code}'
        match reply.status_code:
            case 401 | 403:
                raise AuthenticationError(came, cure=CHECK)
            case 404:
                raise NotFoundError(came, cure='Check the id.')
            case 409 | 429:  # another change is under way, or too many
                raise BusyError(came)
            case status if 400 <= status < 500:
                raise RefusedError(came)
            case status if status >= 500:
                raise UnavailableError(came, cure='See the log of ACME.')
            case status if status >= 300:
                raise ProtocolError(came, cure=CHECK)
        try:
            return reply.json()
        except ValueError as exc:
            raise ProtocolError(f'{came}, without JSON', cure=CHECK) from exc


def _path(node_id):
    # An id comes from a command line: it must not lead elsewhere.
    if not (node_id.isascii() and node_id.isalnum()):
        raise NotFoundError(f'ACME has no socket {node_id!r}')
    return f'/sockets/{node_id}'


def _node(socket):
    match socket:
        case {
            'id': str(key),
            'label': str(label),
            'power': 'on' | 'off' | 'unknown' as power,
        } if key and label:
            return Node(key, label, PowerState(power), host_names=(label,))
    raise ProtocolError(
        f'ACME: not a socket: {str(socket)[:80]!r}', cure=CHECK
    )
