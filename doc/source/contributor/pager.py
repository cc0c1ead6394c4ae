"""A hook that silences a pager while a host is off."""

from oslo_config import cfg

from metal_drivers import UnavailableError
from metal_drivers.hooks import Hook


class PagerHook(Hook):
    """Sets a silence before a host goes off, and ends it afterwards."""

    timeout = 20

    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('url', help='Where the pager is.'),
            cfg.StrOpt('token', secret=True, help='Its access token.'),
        ]

    def before_off(self, event):
        self._call('PUT', event)

    def after_on(self, event):
        self._call('DELETE', event)

    undone = after_on

    def _call(self, method, event):
        import requests  # here: only where the hook is used

        tried = f'Pager: {method} the silence of {event.host}'
        try:
            reply = requests.request(
                method,
                f'{self.config["url"]}/silences/{event.node_id}',
                headers={'X-Token': self.config['token'] or ''},
                timeout=15,
            )
        except requests.RequestException as exc:
            raise UnavailableError(
                f'{tried} failed: {exc}', cure='Check that the pager is up.'
            ) from exc
        if reply.status_code >= 300 and reply.status_code != 404:
            raise UnavailableError(
                f'{tried} was answered with {reply.status_code}',
                cure='See the log of the pager.',
            )
