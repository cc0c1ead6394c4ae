# SPDX-License-Identifier: Apache-2.0
"""What each user of the real cloud may do, and credentials that end."""

import dataclasses

import keystoneauth1.session

from metal_drivers import exceptions
from metal_drivers.drivers import ironic
from metal_drivers_tests.functional import accounts, base

NOVA = 'nova'


class TestRights(base.CloudTestCase):
    """Users who may less, or see less."""

    def config_for_ironic(self, user: str, system_scope: bool = False) -> str:
        """Credentials for Ironic alone: nothing is matched."""
        options = self.cloud.keystone_options(user, system_scope)
        return self.config_of({base.IRONIC: options})

    def assert_empty_with_a_hint(self, run: base.Run) -> None:
        self.assert_status(0, run)
        self.assertEqual([], run.rows)
        (line,) = run.stderr.splitlines()
        self.assertTrue(line.startswith('metal-drivers: '), line)
        for hint in ('role "service"', 'system_scope', 'elevated_access'):
            self.assertIn(hint, line)

    def test_empty_list_of_a_member_names_the_role(self) -> None:
        self.node(1)
        config = self.config_for_ironic('joe')
        self.assert_empty_with_a_hint(self.listing(config, 'node', 'list'))

    def test_admin_of_a_project_sees_less_than_of_the_system(self) -> None:
        node = self.node(1)
        config = self.config_for_ironic('admin')
        self.assert_empty_with_a_hint(self.listing(config, 'node', 'list'))
        config = self.config_for_ironic('admin', system_scope=True)
        run = self.listing(config, 'node', 'list')
        self.assertEqual(node, run.row['ID'])
        self.assertEqual('', run.stderr)

    def test_admin_of_the_system_may_switch(self) -> None:
        """Nova has no use for such a scope, and gets other credentials."""
        node, host = self.node(1), self.host(1)
        self.config = self.config_of(
            {
                base.IRONIC: self.cloud.keystone_options('admin', True),
                NOVA: self.cloud.keystone_options('admin'),
            }
        )
        self.assert_row(self.power_off(host), 'done')
        self.assert_power(node, 'off')
        run = self.listing(self.config, 'node', 'power', 'on', host)
        self.assert_row(run, 'done', 'up and enabled')
        self.assert_service(host, 'enabled')

    def test_member_is_forbidden_by_nova(self) -> None:
        node, host = self.node(1), self.host(1)
        self.config = self.config_as('joe')
        for run in (
            self.listing(self.config, 'node', 'list'),
            self.power_off(host),
        ):
            # The hint that the list is empty comes first.
            self.assert_error(run, 1, 'Nova', 'forbidden', 'role', warnings=1)
        self.assert_power(node, 'on')
        self.assert_service(host, 'enabled')

    def test_check_of_a_member_fails(self) -> None:
        self.node(1)
        run = self.listing(self.config_as('joe'), 'check')
        self.assert_status(1, run)
        results = {row['Check']: row for row in run.rows}
        self.assertEqual('failed', results['nova']['Result'])
        self.assertIn('forbidden', results['nova']['Detail'])
        self.assertEqual('warning', results['ironic nodes']['Result'])
        self.assertIn('"service"', results['ironic nodes']['Detail'])


class TestCredentialsThatEnd(base.CloudTestCase):
    """A driver lives longer than its token."""

    def setUp(self) -> None:
        super().setUp()
        self.user = self.useFixture(
            accounts.TemporaryUser(self.cloud, self.unique('user'))
        )
        self.node(1)

    def test_revoked_token_is_renewed(self) -> None:
        session = self.user.session()
        with ironic.IronicDriver({}, osc=_Clients(session)) as driver:
            self.assertEqual(1, len(driver.list_nodes()))
            token = self.user.revoke_token(session)
            self.assertEqual(1, len(driver.list_nodes()))
            self.assertNotEqual(token, session.get_token())

    def test_changed_password_is_an_error_without_it(self) -> None:
        session = self.user.session()
        with ironic.IronicDriver({}, osc=_Clients(session)) as driver:
            self.assertEqual(1, len(driver.list_nodes()))
            self.user.revoke_token(session)
            self.user.change_password()
            exc = self.assertRaises(
                exceptions.AuthenticationError, driver.list_nodes
            )
        self.assertIn('Keystone did not accept', str(exc))
        self.assertNotIn(self.user.password, str(exc))
        config = self.config_of({base.SHARED: self.user.options})
        run = self.listing(config, 'node', 'list')
        self.assert_error(run, 1, 'Keystone', 'password')
        self.assert_kept(run, self.user.password)


@dataclasses.dataclass
class _Clients:
    """What Watcher's clients are to a driver."""

    session: keystoneauth1.session.Session
