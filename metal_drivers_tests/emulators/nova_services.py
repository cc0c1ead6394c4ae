# SPDX-License-Identifier: Apache-2.0
"""What Nova's services answer to, in the words of Nova 34.0.0."""

from collections.abc import Callable
from typing import Any

from metal_drivers_tests.emulators import (
    messages,
    nova_api,
    nova_controllers,
    nova_state,
    nova_views,
)

Host = nova_state.Host

_REASON_LENGTH = 255
_UNKNOWN_SHOWN = (2, 69)


class Services(nova_controllers.Controller):
    """``/os-services``."""

    def __init__(self, nova: nova_controllers.Nova) -> None:
        super().__init__(nova)
        self.callbacks: list[Callable[[Host], object]] = []

    def index(self, request: messages.Request) -> messages.Reply:
        version = self._version(request)
        if version >= nova_controllers.STRICT:
            nova_api.check_properties(request.query, ('binary', 'host'))
        self._allow('os-services:list')
        name, binary = request.last('host'), request.last('binary')
        views = [
            view
            for view in self._controllers(version)
            if name in (None, view['host'])
            and binary in (None, view['binary'])
        ]
        if binary in (None, 'nova-compute'):
            views += [
                self._view(host, version)
                for host in self._hosts()
                if name in (None, host.name)
                and (host.cell_answers or version >= _UNKNOWN_SHOWN)
            ]
        return messages.json_reply({'services': views})

    def update(self, request: messages.Request, key: str) -> messages.Reply:
        version = self._version(request)
        if version < nova_controllers.UUIDS:
            raise nova_api.refuse(400, "'host' is a required property")
        body = _service_body(request)
        self._allow('os-services:update')
        if not messages.is_uuid(key):
            raise nova_api.refuse(400, f'Invalid uuid {key}')
        host = self._find(key)
        self._need_cells([host])
        status, reason = body.get('status'), body.get('disabled_reason')
        if status == 'enabled' and reason is not None:
            raise nova_api.refuse(
                400,
                "Specifying 'disabled_reason' with status 'enabled' is "
                'invalid.',
            )
        down = body.get('forced_down')
        if status is None and down is None:
            raise nova_api.refuse(
                400,
                "No updates were requested. Fields 'status' or "
                "'forced_down' should be specified.",
            )
        forced = None if down is None else down in nova_api.TRUE
        self.cloud.observe(host)
        if self.cloud.change(host, status, reason, forced):
            for callback in list(self.callbacks):
                callback(host)
        view = nova_views.service(host, version, self.cloud.is_up(host))
        return messages.json_reply({'service': view})

    def _find(self, key: str) -> Host:
        for host in self._hosts():
            if host.service_id == key:
                return host
        for view in self._controllers(nova_controllers.UUIDS):
            if view['id'] == key:
                raise nova_api.refuse(
                    400,
                    f'Updating a {view["binary"]} service is not supported. '
                    'Only nova-compute services can be updated.',
                )
        raise nova_api.refuse(404, f'Service {key} could not be found.')

    def _view(self, host: Host, version: nova_api.Version) -> dict[str, Any]:
        if not host.cell_answers:
            return {
                'binary': 'nova-compute',
                'host': host.name,
                'status': 'UNKNOWN',
            }
        self.cloud.observe(host)
        return nova_views.service(host, version, self.cloud.is_up(host))

    def _controllers(self, version: nova_api.Version) -> list[dict[str, Any]]:
        views = []
        for number, binary in ((1, 'nova-scheduler'), (2, 'nova-conductor')):
            host = Host(
                'controller',
                hypervisor_id='',
                hypervisor_hostname='',
                service_id=f'00000000-0000-4000-9000-{number:012d}',
                number=0,
                service_number=number,
                zone='internal',
                updated_at=self.cloud.clock(),
            )
            view = nova_views.service(host, version, up=True)
            views.append(view | {'binary': binary})
        return views


def _service_body(request: messages.Request) -> dict[str, Any]:
    try:
        body = request.json() if request.body else None
    except ValueError:
        raise nova_api.refuse(400, 'Malformed request body') from None
    if not isinstance(body, dict):
        raise nova_api.refuse(400, f"{body} is not of type 'object'")
    nova_api.check_properties(
        body, ('status', 'disabled_reason', 'forced_down')
    )
    if 'disabled_reason' in body:
        reason = body['disabled_reason']
        if not isinstance(reason, str):
            problem = f"{reason} is not of type 'string'"
        elif not reason:
            problem = "'' should be non-empty"
        elif len(reason) > _REASON_LENGTH:
            problem = f"'{reason}' is too long"
        else:
            problem = ''
        _check_field('disabled_reason', reason, problem)
    allowed: dict[str, tuple[object, ...]] = {
        'status': ('enabled', 'disabled'),
        'forced_down': nova_api.TRUE + nova_api.FALSE,
    }
    for name, values in allowed.items():
        if name in body and body[name] not in values:
            value = body[name]
            problem = f'{value!r} is not one of {list(values)}'
            if name == 'status' and not isinstance(value, str):
                problem = f"{value} is not of type 'string'"
            _check_field(name, value, problem)
    return body


def _check_field(name: str, value: object, problem: str) -> None:
    if problem:
        raise nova_api.refuse(
            400,
            f'Invalid input for field/attribute {name}. Value: {value}. '
            f'{problem}',
        )
