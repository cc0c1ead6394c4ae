# SPDX-License-Identifier: Apache-2.0
"""A server, asked with sushy, which is imported with this module."""

import datetime
import re
import threading
import time

from sushy import ResetType, connector, exceptions
from sushy.resources.system import system as systems

import metal_drivers as m

_ON, _OFF, _UNKNOWN = m.PowerState.ON, m.PowerState.OFF, m.PowerState.UNKNOWN
#: The state, and the one that is to come.
_SETTLED = {'On': (_ON, None), 'Off': (_OFF, None)}
_MOVING = {'PoweringOn': (_UNKNOWN, _ON), 'PoweringOff': (_ON, _OFF)}
_STATES = _SETTLED | _MOVING
_DENIED, _GONE, _BUSY = m.AuthenticationError, m.NotFoundError, m.BusyError
_STATUSES = {401: _DENIED, 403: _DENIED, 404: _GONE, 409: _BUSY, 429: _BUSY}
_KINDS = {
    exceptions.ConnectionError: m.UnavailableError,
    exceptions.InvalidParameterValueError: m.UnsupportedError,
    exceptions.MissingActionError: m.UnsupportedError,
}


class Server(connector.Connector):
    """One thread at a time asks its BMC, and sends nothing after an end."""

    def __init__(self, host, entry, config):
        super().__init__(
            entry['system'],
            verify=config.get('cafile') or not config.get('insecure'),
            default_request_timeout=config['timeout'],
            # With 0, a reset that gets no reply is sent three times.
            server_side_retries=1,
            response_callback=self._look,
        )
        self._host, self._entry, self._end = host, entry, 0.0
        self._turn, http = threading.Lock(), self._session
        http.auth = entry['username'].encode(), entry['password'].encode()
        http.headers['Connection'] = 'keep-alive'
        http.get_redirect_target = lambda reply: None
        # No reply leads to another BMC, which would get the password.
        only = '/'.join([*self._url.split('/')[:3], ''])
        http.adapters = {only: http.get_adapter(only)}

    def node(self, state=_UNKNOWN, target=None, **more):
        more |= {'host_names': (self._host,), 'details': {'url': self._url}}
        return m.Node(self._host, self._host, state, target=target, **more)

    def failed(self, kind, what):
        """The node that is shown, and an error of that kind."""
        what = f'Redfish: {self._host}, {self._url}: {what}'
        return self.node(fault=what), kind(what, cure='Check this BMC.')

    def ask(self, reset, answers, end):
        """Put its node, and None or an error, in ``answers``."""
        if not self._turn.acquire(timeout=max(0, end - time.monotonic())):
            return
        self._end = end
        try:
            answers[self] = self._ask(reset), None
        except Exception as exc:
            kind, cause = _KINDS.get(type(exc), m.ProtocolError), exc
            if isinstance(exc, m.MetalError):
                kind, cause = type(exc), exc.message
            elif kind is m.UnavailableError:
                while cause.__context__:
                    cause = cause.__context__
            if not isinstance(cause, TimeoutError):  # else it is late
                answers[self] = self.failed(kind, cause)
                answers[self][1].__cause__ = exc
        finally:
            self._turn.release()

    def _ask(self, reset):
        system = systems.System(self, self._url)
        uuid = str(system.uuid).lower()
        if self._entry.get('uuid', uuid).lower() != uuid:
            raise ValueError(f'the uuid of the system is {uuid}')
        value = system.power_state and system.power_state.value
        resets = system.get_allowed_reset_system_values()
        # Where the BMC does not say which, sushy has all.
        soft = ResetType.GRACEFUL_SHUTDOWN in resets != set(ResetType)
        if reset == 'GracefulShutdown' and not soft:
            raise exceptions.MissingActionError(action=reset, resource='BMC')
        # Some BMCs refuse it where it is so, and some restart the server.
        if reset and value != ('On' if reset == 'On' else 'Off'):
            system.reset_system(ResetType(reset))
        status = system.json.get('Status') or {}
        health = status.get('Health') or 'OK'
        return self.node(
            *_STATES.get(value, (_UNKNOWN, None)),
            busy='an update' if status.get('State') == 'Updating' else None,
            fault=None if health == 'OK' else f'health: {health}',
            observed_at=datetime.datetime.now(datetime.UTC),
            soft_off=soft,
        )

    def _look(self, reply):
        """Raise before sushy asks again or logs what it cannot read."""
        if time.monotonic() > self._end:
            raise m.TimedOutError('the reply came too late')
        if (status := reply.status_code) >= 300:
            kinds = m.ProtocolError, m.RefusedError, m.UnavailableError
            kind = _STATUSES.get(status, kinds[min(status // 100 - 3, 2)])
            said = re.findall(r'"[Mm]essage"\s*:\s*"(.+?)"', reply.text)
            what = ', '.join([f'{reply.request.method}: {status}', *said])
            raise kind(what.replace(self._entry['password'], '***')[:300])
        if reply.content or reply.request.method == 'GET':
            dict(**reply.json())  # else it is no reply of Redfish
