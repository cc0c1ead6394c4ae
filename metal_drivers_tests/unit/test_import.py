# SPDX-License-Identifier: Apache-2.0
"""What is imported, and when.

A process takes on no library that it does not use. Each test looks into a
process of its own.
"""

import json
from typing import Any

from metal_drivers_tests.unit import base, distributions

#: Prints which of the libraries of drivers have been imported.
_SHOW = """
import json
from typing import Any
import sys
names = ('openstack', 'aiohttp', 'maas.client', 'acme_client', 'yaml')
print(json.dumps([name for name in names if name in sys.modules]))
"""

_CHOOSE = (
    """
from oslo_config import cfg
import metal_drivers
conf = cfg.ConfigOpts()
conf([f'--config-file={sys.argv[1]}'])
print(type(metal_drivers.get_driver(conf).driver).__name__)
"""
    + _SHOW
)

#: A driver that imports its client only when it is made.
_LAZY = distributions.DRIVER.format(priority=99) + (
    '    def __init__(self, config, osc=None):\n        import acme_client\n'
)


class TestImports(base.TestCase):
    """In processes that see one more driver."""

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())
        self.site.install_driver('acme', _LAZY)
        self.site.install('acme-client', modules={'acme_client': ''})

    def choose(self, **sections: Any) -> tuple[str, list[str]]:
        """The class of the driver chosen, and what has been imported."""
        printed = self.site.run(
            'import sys' + _CHOOSE, self.conf_file(**sections)
        )
        name, imported = printed.splitlines()
        return name, json.loads(imported)

    def test_the_package_alone(self) -> None:
        printed = self.site.run('import metal_drivers' + _SHOW)
        self.assertEqual([], json.loads(printed))

    def test_fake(self) -> None:
        name, imported = self.choose(
            **{'watcher.metal.drivers.fake': {'nodes': 1}}
        )
        self.assertEqual('FakeDriver', name)
        self.assertEqual(['yaml'], imported)

    def test_ironic(self) -> None:
        name, imported = self.choose(
            **{
                'watcher.metal.drivers.ironic': {
                    'auth_type': 'none',
                    'endpoint_override': 'http://127.0.0.1:6385',
                }
            }
        )
        self.assertEqual('IronicDriver', name)
        self.assertEqual(['openstack', 'yaml'], imported)

    def test_a_third_partys(self) -> None:
        name, imported = self.choose(
            **{'watcher.metal.drivers.acme': distributions.READY}
        )
        self.assertEqual('Driver', name)
        self.assertEqual(['acme_client', 'yaml'], imported)
