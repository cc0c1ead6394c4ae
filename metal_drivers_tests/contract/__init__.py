# SPDX-License-Identifier: Apache-2.0
"""The contracts of drivers and hooks as test suites.

A driver's own tests subclass it::

    from metal_drivers_tests import contract

    class TestAcme(contract.RemoteDriverContract):
        def create_driver(self):
            return AcmeDriver({'url': self.server.url, 'token': 's3cret'})

        def create_unreachable_driver(self):
            return AcmeDriver({'url': 'http://127.0.0.1:1', 'token': 's3cret'})

        secrets = ('s3cret',)

``HookContract`` is the same for hooks.
"""

from metal_drivers_tests.contract.driver import DriverContract
from metal_drivers_tests.contract.hook import HookContract
from metal_drivers_tests.contract.remote import RemoteDriverContract

__all__ = ['DriverContract', 'HookContract', 'RemoteDriverContract']
