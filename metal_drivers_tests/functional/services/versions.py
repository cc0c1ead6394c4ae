# SPDX-License-Identifier: Apache-2.0
"""Which releases the services are; the only place that says so."""

import os

#: The one of Watcher; an older one that is supported may be asked for.
WATCHER = os.environ.get('METAL_DRIVERS_WATCHER', '17.0.0')

_SERVER = 'cheroot==11.1.2'
_SUSHY_TOOLS = 'sushy-tools==2.2.0'

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    'glance': ('glance==33.0.0', _SERVER),
    'ironic': ('ironic==39.0.0',),
    'keystone': ('keystone==30.0.0', _SERVER),
    'masakari': ('masakari==22.0.0',),
    'nova': ('nova==34.0.0', _SERVER),
    'placement': ('openstack-placement==16.0.0', _SERVER),
    # A third party's runner of tests, and what the suite needs.
    'pytest': ('pytest==9.2.0', 'fixtures', 'testtools'),
    # The driver of examples/redfish, and what its tests need.
    'redfish-driver': ('sushy==5.14.0', _SUSHY_TOOLS),
    'sushy-tools': (_SUSHY_TOOLS,),
    'watcher': (
        f'python-watcher=={WATCHER}',
        _SERVER,
        'python-openstackclient==10.5.0',
        'python-watcherclient==4.11.0',
    ),
}

# Those that this project is installed beside, from this checkout, and with
# which of its examples.
WITH_PROJECT: dict[str, tuple[str, ...]] = {
    'pytest': (),
    'redfish-driver': ('examples/redfish',),
    'watcher': (),
}
