# SPDX-License-Identifier: Apache-2.0
"""TLS, clocks, versions and roles of Nova, Keystone and Ironic."""

import pathlib

import fixtures

from metal_drivers_tests.emulators import maas_tls, nova
from metal_drivers_tests.unit.doctor import base


class TlsTestCase(base.DoctorTestCase):
    """A Nova behind TLS, without Keystone."""

    def serve(self, days: float = 365, address: str = '127.0.0.1') -> None:
        folder = self.useFixture(fixtures.TempDir()).path
        server = nova.NovaEmulator(['compute-01'])
        server.tls, self.cafile = maas_tls.certify(
            pathlib.Path(folder), days, address
        )
        self.nova = self.useFixture(server)
        self.config['nova'] |= {
            'endpoint_override': f'{self.nova.url}/v2.1',
            'cafile': self.cafile,
        }


class TestTls(TlsTestCase):
    def test_all_is_well(self) -> None:
        self.serve()
        result, detail = self.rows()['nova tls']
        self.assertEqual('ok', result)
        self.assertIn(f'verified by {self.cafile}: 127.0.0.1:', detail)
        self.assertIn('signed by MAAS emulator CA', detail)
        self.assertRegex(detail, '36[45] days left')

    def test_few_days_left(self) -> None:
        self.serve(days=3.2)
        result, detail = self.rows()['nova tls']
        self.assertEqual('warning', result)
        self.assertIn('3 days left. Renew the certificate', detail)

    def test_expired(self) -> None:
        self.serve(days=-1)
        rows = self.rows(status=1)
        self.assertIn('has expired. Renew it', rows['nova tls'][1])
        self.assertEqual('failed', rows['nova'][0])

    def test_for_another_name(self) -> None:
        self.serve(address='127.0.0.9')
        result, detail = self.rows(status=1)['nova tls']
        self.assertEqual('failed', result)
        self.assertIn('is not for that address', detail)

    def test_an_authority_that_is_not_trusted(self) -> None:
        self.serve()
        del self.config['nova']['cafile']
        result, detail = self.rows(status=1)['nova tls']
        self.assertEqual('failed', result)
        self.assertIn('is not trusted', detail)
        self.assertIn('with cafile', detail)

    def test_not_verified(self) -> None:
        self.serve()
        del self.config['nova']['cafile']
        self.config['nova']['insecure'] = True
        result, detail = self.rows()['nova tls']
        self.assertEqual('warning', result)
        self.assertIn('Replace insecure by cafile', detail)

    def test_none_is_spoken_there(self) -> None:
        self.config['nova']['endpoint_override'] = (
            f'{self.nova.url}/v2.1'.replace('http:', 'https:')
        )
        result, detail = self.rows(status=1)['nova tls']
        self.assertEqual('failed', result)
        self.assertIn('Check that the service speaks TLS there', detail)


class TestClock(base.DoctorTestCase):
    def test_the_same(self) -> None:
        self.nova.clock_ahead = self.ironic.clock_ahead = 0
        rows = self.rows()
        for service in ('nova', 'ironic'):
            self.assertEqual('ok', rows[f'{service} clock'][0])
            self.assertIn('s', rows[f'{service} clock'][1])

    def test_not_reported(self) -> None:
        self.assertEqual(('ok', 'not reported'), self.rows()['nova clock'])

    def test_wrong(self) -> None:
        self.nova.clock_ahead, self.ironic.clock_ahead = 100, -100
        rows = self.rows()
        for service, said in (('nova', 'behind'), ('ironic', 'ahead of')):
            result, detail = rows[f'{service} clock']
            self.assertEqual('warning', result)
            self.assertRegex(detail, rf'here is (99|10[01]) s {said} that of')
            self.assertIn('time servers', detail)


class TestVersion(base.DoctorTestCase):
    def test_new_enough(self) -> None:
        self.nova.maximum = (2, 90)
        self.assertEqual(
            ('ok', 'API up to 2.90; 2.53 is used'),
            self.rows()['nova version'],
        )

    def test_too_old(self) -> None:
        self.nova.maximum = (2, 42)
        result, detail = self.rows(status=1)['nova version']
        self.assertEqual('failed', result)
        self.assertIn('API up to 2.42, but microversion 2.53', detail)


class TestRights(base.DoctorTestCase):
    """With a Keystone, which no other test here needs."""

    def setUp(self) -> None:
        super().setUp()
        self.keystone = self.add_keystone()

    def test_an_administrator(self) -> None:
        result, detail = self.rows()['nova rights']
        self.assertEqual('ok', result)
        self.assertIn('watcher has the roles admin, ', detail)
        self.assertIn('in project service', detail)

    def test_who_is_none(self) -> None:
        self.keystone.roles = ('reader', 'member')
        result, detail = self.rows()['nova rights']
        self.assertEqual('warning', result)
        self.assertIn('give it that role', detail)

    def test_who_may_not_change_power(self) -> None:
        self.keystone.roles = ('reader',)
        self.assertEqual('failed', self.rows(status=1)['ironic rights'][0])

    def test_a_password_in_clear(self) -> None:
        rows = self.rows()
        for service in ('keystone', 'nova', 'ironic'):
            result, detail = rows[f'{service} tls']
            self.assertEqual('warning', result)
            self.assertIn('Use an https URL', detail)

    def test_a_password_that_is_wrong(self) -> None:
        self.keystone.users['watcher'] = 'changed'
        for name in ('driver', 'ironic endpoint', 'nova'):
            rows = self.rows(status=1)
            result, detail = rows[name]
            if name != 'driver':
                self.assertEqual('failed', result)
                self.assertIn('did not accept the credentials', detail)
            self.assertNotIn('nova rights', rows)
