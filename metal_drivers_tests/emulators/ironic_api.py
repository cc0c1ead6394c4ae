# SPDX-License-Identifier: Apache-2.0
"""Ironic's conventions: microversions, errors, fields, discovery.

Every text was taken from Ironic 39.0.0.
"""

import json
from collections.abc import Iterable
from typing import Any

from metal_drivers_tests.emulators import ironic_state, messages

MINIMUM = 1
MAXIMUM = 115
SINCE_FIELDS = 8

# The minor version that brought each field; the rest was there in 1.1.
SINCE = {
    'name': 5,
    'resource_class': 21,
    'power_interface': 31,
    'traits': 37,
    'fault': 42,
    'conductor_group': 46,
    'protected': 48,
    'conductor': 49,
    'owner': 50,
    'retired': 61,
    'disable_power_off': 95,
}
FIELDS = (
    'uuid',
    'created_at',
    'updated_at',
    'conductor_group',
    'disable_power_off',
    'driver',
    'driver_info',
    'extra',
    'fault',
    'instance_info',
    'instance_uuid',
    'last_error',
    'maintenance',
    'maintenance_reason',
    'name',
    'owner',
    'power_interface',
    'power_state',
    'properties',
    'protected',
    'provision_state',
    'provision_updated_at',
    'reservation',
    'resource_class',
    'retired',
    'target_power_state',
    'target_provision_state',
    'conductor',
    'traits',
)
SHORT = (
    'instance_uuid',
    'maintenance',
    'power_state',
    'provision_state',
    'uuid',
    'name',
)
_FIXED: dict[str, Any] = {
    'created_at': '2026-01-01T00:00:00+00:00',
    'updated_at': None,
    'driver_info': {},
    'instance_info': {},
    'provision_updated_at': None,
    'target_provision_state': None,
    'conductor': ironic_state.HOST,
}


def refuse(status: int, message: str) -> messages.Refusal:
    """The usual error, a JSON string inside JSON, to be raised."""
    fault = {
        'faultcode': 'Client' if status < 500 else 'Server',
        'faultstring': message,
        'debuginfo': None,
    }
    return _refusal(status, fault)


def refuse_early(
    status: int, title: str, description: str
) -> messages.Refusal:
    """The error of what comes before the API: unknown paths, versions."""
    return _refusal(
        status, {'code': status, 'title': title, 'description': description}
    )


def _refusal(status: int, inner: dict[str, Any]) -> messages.Refusal:
    body = {'error_message': json.dumps(inner)}
    return messages.Refusal(messages.json_reply(body, status))


NOT_FOUND = refuse_early(404, 'Not Found', '').reply


def node_not_found(ident: str) -> messages.Refusal:
    return refuse(404, f'Node {ident} could not be found.')


def range_headers(maximum: int) -> list[tuple[str, str]]:
    return [
        ('X-OpenStack-Ironic-API-Minimum-Version', f'1.{MINIMUM}'),
        ('X-OpenStack-Ironic-API-Maximum-Version', f'1.{maximum}'),
    ]


def requested(request: messages.Request, maximum: int) -> int:
    """The minor version that a request asks for, 1 without any.

    The root refuses in the usual shape, everything else in the early one.
    """
    asked = request.headers.get('X-OpenStack-Ironic-API-Version')
    service, _, value = request.headers.get(
        'OpenStack-API-Version', ''
    ).partition(' ')
    if service == 'baremetal':
        asked = value
    if asked is None:
        return MINIMUM
    if asked == 'latest':
        return maximum
    major, _, minor = asked.partition('.')
    if not (major.isdecimal() and minor.isdecimal()):
        raise _not_acceptable(
            request, 'Invalid value for X-OpenStack-Ironic-API-Version header'
        )
    supported = f'The supported version range is: [1.{MINIMUM}, 1.{maximum}].'
    problem = None
    if major != '1':
        problem = (
            f'Mutually exclusive versions requested. Version {asked} '
            f'requested but not supported by this service. {supported}'
        )
    elif not MINIMUM <= int(minor) <= maximum:
        problem = (
            f'Version {asked} was requested but the minor version is not '
            f'supported by this service. {supported}'
        )
    if problem is not None:
        refusal = _not_acceptable(request, problem)
        raise messages.Refusal(
            refusal.reply.with_headers(*range_headers(maximum))
        )
    return int(minor)


def _not_acceptable(
    request: messages.Request, problem: str
) -> messages.Refusal:
    if request.path == '/':
        return refuse(406, problem)
    return refuse_early(406, 'Not Acceptable', problem)


def asked_fields(
    text: str, version: int, unknown: int, message: str
) -> list[str]:
    """The fields of a query.

    :param unknown: the status where one is unknown
    :param message: the error for it
    """
    fields = text.split(',') if text else []
    if version < SINCE_FIELDS:
        raise refuse(406, 'Request not acceptable.')
    for field in fields:
        if field not in FIELDS:
            raise refuse(unknown, message.format(field))
    if any(SINCE.get(field, 1) > version for field in fields):
        raise refuse(406, 'Request not acceptable.')
    return fields


def available(fields: Iterable[str], version: int) -> list[str]:
    return [field for field in fields if SINCE.get(field, 1) <= version]


def links(host_url: str, path: str) -> list[dict[str, str]]:
    return [
        {'href': f'{host_url}/v1/{path}', 'rel': 'self'},
        {'href': f'{host_url}/{path}', 'rel': 'bookmark'},
    ]


def view(
    node: ironic_state.Node, fields: Iterable[str], host_url: str
) -> dict[str, Any]:
    """A node; it always has links, asked for or not."""
    # First wherever it is, whatever the order asked for.
    fields = sorted(fields, key=lambda field: field != 'uuid')
    shown = {
        field: _FIXED[field] if field in _FIXED else getattr(node, field)
        for field in fields
    }
    shown['links'] = links(host_url, f'nodes/{node.uuid}')
    return shown


def states(node: ironic_state.Node) -> dict[str, Any]:
    return {
        'console_enabled': False,
        'last_error': node.last_error,
        'power_state': node.power_state,
        'provision_state': node.provision_state,
        'target_power_state': node.target_power_state,
        'target_provision_state': None,
        'provision_updated_at': None,
        'raid_config': {},
        'target_raid_config': {},
    }


def version_document(host_url: str, maximum: int) -> dict[str, Any]:
    return {
        'id': 'v1',
        'links': [{'href': f'{host_url}/v1/', 'rel': 'self'}],
        'status': 'CURRENT',
        'min_version': f'1.{MINIMUM}',
        'version': f'1.{maximum}',
    }


def root(host_url: str, maximum: int) -> dict[str, Any]:
    document = version_document(host_url, maximum)
    return {
        'name': 'OpenStack Ironic API',
        'description': 'Ironic is an OpenStack project which enables the '
        'provision and management of baremetal machines.',
        'default_version': document,
        'versions': [document],
    }


def v1(host_url: str, maximum: int) -> dict[str, Any]:
    return {
        'id': 'v1',
        'links': [
            {'href': f'{host_url}/v1/', 'rel': 'self'},
            {
                'href': 'https://docs.openstack.org//ironic/latest/'
                'contributor//webapi.html',
                'rel': 'describedby',
                'type': 'text/html',
            },
        ],
        'media_types': {
            'base': 'application/json',
            'type': 'application/vnd.openstack.ironic.v1+json',
        },
        'nodes': links(host_url, 'nodes/'),
        'drivers': links(host_url, 'drivers/'),
        'version': version_document(host_url, maximum),
    }
