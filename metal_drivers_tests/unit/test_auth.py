# SPDX-License-Identifier: Apache-2.0
"""Credentials: what they lack, and the sessions made of them."""

from typing import Any

from keystoneauth1 import noauth
from keystoneauth1 import session as ks_session

from metal_drivers._openstack import auth
from metal_drivers_tests.unit import base

URL = 'http://127.0.0.1:5000'
PASSWORD = 's3cret-w0rd'
COMPLETE = {
    'auth_type': 'password',
    'auth_url': URL,
    'username': 'watcher',
    'password': PASSWORD,
}


def lacking(**values: Any) -> tuple[str, ...]:
    return auth.missing_credentials(values)


class TestMissingCredentials(base.TestCase):
    """The names that an operator has to add."""

    def test_no_auth_type(self) -> None:
        self.assertEqual(('auth_type',), lacking())
        self.assertEqual(('auth_type',), lacking(username='watcher'))

    def test_password(self) -> None:
        self.assertEqual(
            ('auth_url', 'username', 'password'),
            lacking(auth_type='password'),
        )
        self.assertEqual((), auth.missing_credentials(COMPLETE))

    def test_user_id_does_for_the_username(self) -> None:
        self.assertEqual(
            (),
            lacking(
                auth_type='v3password',
                auth_url=URL,
                user_id='5f3a',
                password=PASSWORD,
            ),
        )

    def test_user_id_is_nothing_to_http_basic(self) -> None:
        self.assertEqual(
            ('username',),
            lacking(
                auth_type='http_basic',
                endpoint=URL,
                user_id='5f3a',
                password=PASSWORD,
            ),
        )

    def test_an_empty_value_is_none(self) -> None:
        self.assertEqual(
            ('password',),
            auth.missing_credentials(COMPLETE | {'password': ''}),
        )

    def test_without_a_catalogue_an_endpoint(self) -> None:
        self.assertEqual(('endpoint_override',), lacking(auth_type='none'))
        self.assertEqual(
            ('username', 'password', 'endpoint_override'),
            lacking(auth_type='http_basic'),
        )

    def test_either_name_of_the_endpoint_does(self) -> None:
        for name in ('endpoint', 'endpoint_override'):
            self.assertEqual((), lacking(auth_type='none', **{name: URL}))

    def test_application_credential(self) -> None:
        self.assertEqual(
            ('auth_url', 'application_credential_secret'),
            lacking(auth_type='v3applicationcredential'),
        )
        self.assertEqual(
            (),
            lacking(
                auth_type='v3applicationcredential',
                auth_url=URL,
                application_credential_id='7c1d',
                application_credential_secret=PASSWORD,
            ),
        )

    def test_nothing_is_named_twice(self) -> None:
        self.assertEqual(
            (
                'auth_url',
                'identity_provider',
                'protocol',
                'username',
                'password',
            ),
            lacking(auth_type='v3oidcpassword'),
        )


class TestOptions(base.TestCase):
    """The options that drivers take over."""

    def test_anything_of_credentials_counts(self) -> None:
        for name in ('auth_type', 'auth_section', 'username', 'endpoint'):
            self.assertTrue(auth.credentials_present({name: 'x'}))
        for values in ({}, {'username': ''}, {'region_name': 'north'}):
            self.assertFalse(auth.credentials_present(values))

    def test_each_name_once(self) -> None:
        names = [opt.dest for opt in auth.auth_options()]
        self.assertEqual(len(set(names)), len(names))
        self.assertIn('application_credential_secret', names)

    def test_no_option_of_a_plugin_that_cannot_be_used(self) -> None:
        self.assertEqual([], auth.plugin_options('bogus'))
        # Their libraries are extras of keystoneauth.
        self.assertEqual([], auth.plugin_options('v3kerberos'))


class TestLoadSession(base.TestCase):
    """A session of one group's values."""

    def refused(self, **values: Any) -> str:
        error = self.refusal(auth.load_session, values, group='nova')
        self.assertIn('[nova]', str(error))
        self.assertNotIn(PASSWORD, str(error))
        return str(error)

    def test_password(self) -> None:
        session: Any = auth.load_session(COMPLETE, group='nova')
        self.assertEqual(URL, session.auth.auth_url)
        self.assertIs(True, session.verify)

    def test_application_credential(self) -> None:
        session: Any = auth.load_session(
            {
                'auth_type': 'v3applicationcredential',
                'auth_url': URL,
                'application_credential_id': '7c1d',
                'application_credential_secret': PASSWORD,
            },
            group='nova',
        )
        (method,) = session.auth.auth_methods
        self.assertEqual('7c1d', method.application_credential_id)

    def test_time_out(self) -> None:
        session = auth.load_session(COMPLETE, group='nova')
        self.assertEqual(auth.REQUEST_TIMEOUT, session.timeout)
        session = auth.load_session(COMPLETE | {'timeout': 5.0}, group='nova')
        self.assertEqual(5, session.timeout)

    def test_tls(self) -> None:
        session = auth.load_session(
            COMPLETE | {'cafile': '/ca', 'certfile': '/c', 'keyfile': '/k'},
            group='nova',
        )
        self.assertEqual('/ca', session.verify)
        self.assertEqual(('/c', '/k'), session.cert)
        session = auth.load_session(
            COMPLETE | {'insecure': True}, group='nova'
        )
        self.assertIs(False, session.verify)

    def test_what_is_missing_is_named(self) -> None:
        told = self.refused(**COMPLETE | {'auth_url': None, 'username': None})
        self.assertIn('lacks auth_url, username.', told)

    def test_unknown_auth_type_names_what_exists(self) -> None:
        told = self.refused(**COMPLETE | {'auth_type': 'passwort'})
        self.assertIn("auth_type is 'passwort'", told)
        self.assertIn('password, none, http_basic', told)

    def test_auth_type_without_its_library(self) -> None:
        # The one says that it is not available, the other fails to import.
        for name in ('v3kerberos', 'v3adfspassword'):
            told = self.refused(**COMPLETE | {'auth_type': name})
            self.assertIn(f'{name!r}, but a library for it is missing', told)
            self.assertIn('Install the extra of keystoneauth1', told)

    def test_incomplete_beyond_what_is_required(self) -> None:
        told = self.refused(
            auth_type='v3applicationcredential',
            auth_url=URL,
            application_credential_secret=PASSWORD,
        )
        self.assertIn('application credential ID', told)


class TestShareSession(base.TestCase):
    """Credentials of others, with options of one's own."""

    def share(
        self, session: ks_session.Session, **values: Any
    ) -> ks_session.Session:
        shared = auth.share_session(session, values, group='ironic')
        self.assertIs(session.auth, shared.auth)
        self.assertIsNotNone(shared.timeout)
        return shared

    def session(self, **kwargs: Any) -> ks_session.Session:
        return ks_session.Session(
            auth=noauth.NoAuth(), **{'timeout': 9} | kwargs
        )

    def test_the_same_where_nothing_differs(self) -> None:
        session = self.session()
        self.assertIs(session, self.share(session))
        self.assertIs(session, self.share(session, insecure=False))

    def test_never_without_a_time_out(self) -> None:
        session = self.session(timeout=None, verify='/shared', cert='/c')
        shared = self.share(session)
        self.assertEqual(auth.REQUEST_TIMEOUT, shared.timeout)
        self.assertEqual('/shared', shared.verify)
        self.assertEqual('/c', shared.cert)
        self.assertIsNone(session.timeout)

    def test_own_time_out(self) -> None:
        shared = self.share(self.session(verify='/shared'), timeout=4.0)
        self.assertEqual(4, shared.timeout)
        self.assertEqual('/shared', shared.verify)

    def test_own_ca(self) -> None:
        shared = self.share(self.session(verify='/shared'), cafile='/own')
        self.assertEqual('/own', shared.verify)
        self.assertEqual(9, shared.timeout)

    def test_own_ca_ends_the_insecurity_of_others(self) -> None:
        shared = self.share(self.session(verify=False), cafile='/own')
        self.assertEqual('/own', shared.verify)

    def test_insecurity_of_others_stays_otherwise(self) -> None:
        shared = self.share(self.session(verify=False), timeout=4.0)
        self.assertIs(False, shared.verify)

    def test_own_insecurity(self) -> None:
        shared = self.share(self.session(verify='/shared'), insecure=True)
        self.assertIs(False, shared.verify)

    def test_client_certificate_of_others(self) -> None:
        session = self.session(cert=('/c', '/k'))
        self.assertEqual(('/c', '/k'), self.share(session, timeout=4.0).cert)
        session = self.session(cert='/both')
        self.assertEqual('/both', self.share(session, timeout=4.0).cert)

    def test_own_client_certificate(self) -> None:
        session = self.session(cert=('/c', '/k'))
        shared = self.share(session, certfile='/own', keyfile='/key')
        self.assertEqual(('/own', '/key'), shared.cert)


class TestTlsLimits(base.TestCase):
    """Ciphers and versions of TLS: of keystoneauth, from 5.17 on."""

    def test_ciphers_that_nobody_knows(self) -> None:
        error = self.refusal(
            auth.load_session,
            COMPLETE | {'tls_ciphers': 'ROT13'},
            group='nova',
        )
        self.assertIn('[nova]', str(error))
        self.assertIn('TLS', str(error))

    def test_limits_of_others(self) -> None:
        session = ks_session.Session(
            auth=noauth.NoAuth(), timeout=9, tls_min_version='1.3'
        )
        shared: Any = auth.share_session(
            session, {'timeout': 4.0}, group='ironic'
        )
        self.assertEqual('1.3', shared.tls_min_version)


class TestLoadAdapter(base.TestCase):
    """Which endpoint a service is asked at."""

    def adapter(self, **values: Any) -> Any:
        return auth.load_adapter(
            ks_session.Session(),
            values,
            group='nova',
            service_type='compute',
        )

    def test_defaults(self) -> None:
        adapter = self.adapter()
        self.assertEqual('compute', adapter.service_type)
        self.assertIsNone(adapter.endpoint_override)
        self.assertFalse(adapter.connect_retries)
        self.assertFalse(adapter.status_code_retries)

    def test_own_values(self) -> None:
        adapter = self.adapter(
            service_type='compute-legacy',
            region_name='north',
            valid_interfaces=['internal', 'public'],
            endpoint_override=URL,
            connect_retries=2,
        )
        self.assertEqual('compute-legacy', adapter.service_type)
        self.assertEqual('north', adapter.region_name)
        self.assertEqual(['internal', 'public'], adapter.interface)
        self.assertEqual(URL, adapter.endpoint_override)
        self.assertEqual(2, adapter.connect_retries)

    def test_former_names_of_interfaces(self) -> None:
        adapter = self.adapter(valid_interfaces=['internalURL', 'public'])
        self.assertEqual(['internal', 'public'], adapter.interface)

    def test_the_endpoint_of_a_plugin_without_a_catalogue(self) -> None:
        self.assertEqual(URL, self.adapter(endpoint=URL).endpoint_override)
        self.assertEqual(
            URL,
            self.adapter(
                endpoint='http://other', endpoint_override=URL
            ).endpoint_override,
        )

    def test_contradictions_are_refused(self) -> None:
        for values in (
            {'version': '2', 'min_version': '2.1'},
            {'valid_interfaces': ['intern']},
        ):
            error = self.refusal(self.adapter, **values)
            self.assertIn('[nova] contradict each other', str(error))
