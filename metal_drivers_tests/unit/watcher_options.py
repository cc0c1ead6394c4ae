# SPDX-License-Identifier: Apache-2.0
"""Options as Watcher registers them, and all of ours that reads them."""

from keystoneauth1 import loading
from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers._openstack import groups
from metal_drivers.drivers import fake, ironic

IRONIC = 'watcher.metal.drivers.ironic'
FAKE = 'watcher.metal.drivers.fake'
PASSWORD = 'w4tcher-s3cret'
CREDENTIALS = {
    'auth_type': 'password',
    'auth_url': 'http://127.0.0.1:5000',
    'username': 'watcher',
    'password': PASSWORD,
}


def register_watcher(conf: cfg.ConfigOpts) -> None:
    """What Watcher 17 registers of the groups that we read."""
    conf.register_opts(
        [
            cfg.StrOpt('url', help='MaaS URL'),
            cfg.StrOpt('api_key', secret=True, help='MaaS API key.'),
            cfg.IntOpt('timeout', default=60, help='MaaS timeout.'),
        ],
        group='maas_client',
    )
    conf.register_opts(
        [
            cfg.StrOpt('api_version', default='1', help='Ironic API.'),
            cfg.StrOpt('endpoint_type', default='publicURL', help='Type.'),
            cfg.StrOpt('region_name', help='Region.'),
        ],
        group='ironic_client',
    )
    conf.register_opts(
        [
            cfg.StrOpt('endpoint_type', default='publicURL', help='Type.'),
            cfg.StrOpt('region_name', help='Region.'),
        ],
        group='nova_client',
    )
    conf.register_opts(
        [cfg.IntOpt('http_retries', default=3, help='Retries.')],
        group='nova',
    )
    loading.register_adapter_conf_options(
        conf,
        'nova',
        deprecated_opts={
            'region_name': [cfg.DeprecatedOpt('region_name', 'nova_client')]
        },
    )
    for group in ('nova', 'watcher_clients_auth'):
        loading.register_session_conf_options(conf, group)
        loading.register_auth_conf_options(conf, group)


def driver_values(conf: cfg.ConfigOpts) -> groups.OptionValues:
    return metal_conf.driver_values(conf, 'ironic', ironic.IronicDriver)


def use_all(conf: cfg.ConfigOpts) -> None:
    """Everything of ours that registers or reads."""
    metal_conf.register_opts(conf)
    metal_conf.settings(conf)
    driver_values(conf)
    metal_conf.driver_values(conf, 'fake', fake.FakeDriver)
    groups.nova_values(conf)
    groups.shared_credentials(conf)
