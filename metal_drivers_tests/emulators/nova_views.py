# SPDX-License-Identifier: Apache-2.0
"""Nova's JSON for hypervisors, services and servers at a microversion.

The shapes were taken from Nova 34.0.0.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from metal_drivers_tests.emulators import nova_api, nova_state

CPU_INFO = {
    'arch': 'x86_64',
    'model': 'Nehalem',
    'vendor': 'Intel',
    'features': ['pge', 'clflush'],
    'topology': {'cores': 1, 'threads': 1, 'sockets': 4},
}
_CAPACITY = {
    'vcpus': 1000,
    'memory_mb': 800000,
    'local_gb': 600000,
    'vcpus_used': 0,
    'memory_mb_used': 512,
    'local_gb_used': 0,
    'free_ram_mb': 799488,
    'free_disk_gb': 600000,
    'current_workload': 0,
}
# vm_state and power_state of each status, as the API shows them.
_STATES = {
    'ACTIVE': ('active', 1),
    'BUILD': ('building', 0),
    'ERROR': ('error', 0),
    'MIGRATING': ('active', 1),
    'PAUSED': ('paused', 3),
    'SHUTOFF': ('stopped', 4),
    'SUSPENDED': ('suspended', 4),
}


def hypervisor(
    host: nova_state.Host,
    version: nova_api.Version,
    up: bool,
    running_vms: int,
    servers: Sequence[nova_state.Server] | None,
    detail: bool = True,
) -> dict[str, Any]:
    """One hypervisor.

    :param servers: None where the request did not ask for them
    """
    uuids = version >= (2, 53)
    view: dict[str, Any] = {
        'id': host.hypervisor_id if uuids else host.number,
        'hypervisor_hostname': host.hypervisor_hostname,
        'state': 'up' if up else 'down',
        'status': host.status,
    }
    if detail:
        view |= {
            'hypervisor_type': host.hypervisor_type,
            'hypervisor_version': 1000,
            'host_ip': '127.0.0.1',
            'service': {
                'id': host.service_id if uuids else host.service_number,
                'host': host.name,
                'disabled_reason': host.disabled_reason,
            },
        }
        if version < (2, 88):
            view |= _CAPACITY
            view['running_vms'] = running_vms
            view['disk_available_least'] = 0
            # A string of JSON in JSON before 2.28.
            old = version < (2, 28)
            view['cpu_info'] = json.dumps(CPU_INFO) if old else CPU_INFO
        else:
            view['uptime'] = None
    # Without any server the key is there only since 2.75.
    if servers or (servers is not None and version >= (2, 75)):
        view['servers'] = [
            {'name': instance_name(s), 'uuid': s.id} for s in servers
        ]
    return view


def service(
    host: nova_state.Host, version: nova_api.Version, up: bool
) -> dict[str, Any]:
    uuids = version >= (2, 53)
    view: dict[str, Any] = {
        'binary': 'nova-compute',
        'host': host.name,
        'id': host.service_id if uuids else host.service_number,
        'zone': host.zone,
        'status': host.status,
        'state': 'up' if up else 'down',
        'updated_at': nova_state.stamp(host.updated_at),
        'disabled_reason': host.disabled_reason,
    }
    if version >= (2, 11):
        view['forced_down'] = host.forced_down
    return view


def instance_name(server: nova_state.Server) -> str:
    return f'instance-{server.number:08x}'


def server(
    it: nova_state.Server,
    version: nova_api.Version,
    host_url: str,
    admin: bool,
    up: bool,
) -> dict[str, Any]:
    """One server, in detail.

    :param admin: shows where it runs, which others do not see
    :param up: its host is up
    """
    vm_state, power_state = _STATES.get(it.status, (it.status.lower(), 0))
    created = nova_state.stamp(it.created)
    updated = nova_state.stamp(it.updated)
    flavor = '11111111-0000-4000-8000-000000000001'
    host = it.host.name if it.host else None
    view: dict[str, Any] = {
        'accessIPv4': '',
        'accessIPv6': '',
        'addresses': {},
        'created': f'{created[:19]}Z',
        'flavor': {
            'id': flavor,
            'links': [
                {'rel': 'bookmark', 'href': f'{host_url}/flavors/{flavor}'}
            ],
        },
        'hostId': _host_id(it.tenant_id, host),
        'id': it.id,
        'image': '',
        'links': [
            {'rel': 'self', 'href': f'{host_url}/v2.1/servers/{it.id}'},
            {'rel': 'bookmark', 'href': f'{host_url}/servers/{it.id}'},
        ],
        'metadata': {},
        'name': it.name,
        'status': it.status,
        'tenant_id': it.tenant_id,
        'user_id': it.tenant_id,
        'updated': f'{updated[:19]}Z',
        'OS-DCF:diskConfig': 'MANUAL',
        'progress': 0,
        'OS-EXT-AZ:availability_zone': it.host.zone if it.host else '',
        'config_drive': '',
        'key_name': None,
        'OS-SRV-USG:launched_at': created if it.host else None,
        'OS-SRV-USG:terminated_at': updated if it.deleted else None,
        # [src] Of this status, the task is what tells it from ACTIVE.
        'OS-EXT-STS:task_state': (
            'migrating' if it.status == 'MIGRATING' else None
        ),
        'OS-EXT-STS:vm_state': vm_state,
        'OS-EXT-STS:power_state': power_state,
        'os-extended-volumes:volumes_attached': [],
    }
    if admin:
        hypervisor = it.host.hypervisor_hostname if it.host else None
        view |= {
            'OS-EXT-SRV-ATTR:host': host,
            'OS-EXT-SRV-ATTR:instance_name': instance_name(it),
            'OS-EXT-SRV-ATTR:hypervisor_hostname': hypervisor,
        }
    if version >= (2, 9):
        view['locked'] = False
    if version >= (2, 16) and admin:
        view['host_status'] = _host_status(it.host, up)
    if version >= (2, 19):
        view['description'] = None
    if version >= (2, 26):
        view['tags'] = []
    if version >= (2, 47):
        view['flavor'] = {
            'vcpus': 1,
            'ram': 64,
            'disk': 1,
            'ephemeral': 0,
            'swap': 0,
            'original_name': 'm1.tiny',
            'extra_specs': {},
        }
    return view


def _host_id(tenant_id: str, host: str | None) -> str:
    if host is None:
        return ''
    return hashlib.sha224((tenant_id + host).encode()).hexdigest()


def _host_status(host: nova_state.Host | None, up: bool) -> str:
    if host is None:
        return ''
    if not up:
        return 'DOWN'
    return 'UP' if host.status == 'enabled' else 'MAINTENANCE'


def migration(
    number: int, it: nova_state.Migration, version: nova_api.Version
) -> dict[str, Any]:
    """One migration."""
    view: dict[str, Any] = {
        'id': number,
        'created_at': '2026-01-01T00:00:00.000000',
        'updated_at': (
            None if it.updated is None else nova_state.stamp(it.updated)
        ),
        'dest_compute': it.destination,
        'dest_host': None,
        'dest_node': it.destination,
        'instance_uuid': it.server,
        'new_instance_type_id': 1,
        'old_instance_type_id': 1,
        'source_compute': it.source,
        'source_node': it.source,
        'status': it.status,
    }
    # [src] What came with which version.
    if version >= (2, 23):
        view['migration_type'] = it.kind
    if version >= (2, 59):
        view['uuid'] = f'00000000-0000-4000-b000-{number:012d}'
    if version >= (2, 80):
        view |= {'user_id': None, 'project_id': None}
    return view


def aggregate(
    number: int, it: nova_state.Aggregate, version: nova_api.Version
) -> dict[str, Any]:
    """One host aggregate. [src]"""
    view: dict[str, Any] = {
        'availability_zone': it.zone,
        'created_at': '2026-01-01T00:00:00.000000',
        'deleted': False,
        'deleted_at': None,
        'hosts': list(it.hosts),
        'id': number,
        'metadata': {'availability_zone': it.zone} if it.zone else {},
        'name': it.name,
        'updated_at': None,
    }
    if version >= (2, 41):
        view['uuid'] = f'00000000-0000-4000-c000-{number:012d}'
    return view
