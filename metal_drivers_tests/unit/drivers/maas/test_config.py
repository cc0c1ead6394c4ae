# SPDX-License-Identifier: Apache-2.0
"""URL, API key, TLS: what is configured, and what of it is refused."""

import os
import pathlib
import socket
import textwrap
from typing import Any

import fixtures

from metal_drivers import exceptions, get_driver
from metal_drivers.base import ConfigStatus
from metal_drivers.drivers.maas import MaasDriver, connection
from metal_drivers_tests.emulators import faults, maas_data
from metal_drivers_tests.unit.drivers.maas import base

KEY = 'consumer4711:token4711:s3cret4711'


class TestGroups(base.MaasTestCase):
    """Own section and Watcher's, as a deployer writes them."""

    def from_file(self, **sections: Any) -> MaasDriver:
        driver = get_driver(self.conf(**sections)).driver
        assert isinstance(driver, MaasDriver)
        self.addCleanup(driver.close)
        return driver

    def test_watchers_own_section_is_enough(self) -> None:
        self.maas.add_machine()
        driver = self.from_file(
            maas_client={
                'url': self.maas.maas_url,
                'api_key': self.maas.apikey,
                'timeout': 7,
            }
        )
        self.assertEqual(1, len(driver.list_nodes()))
        self.assertEqual(7, driver.config['timeout'])

    def test_our_section_goes_first(self) -> None:
        driver = self.from_file(
            maas_client={
                'url': 'http://127.0.0.1:1/MAAS',
                'api_key': self.keep_secret('x1234:y1234:z1234'),
                'timeout': 7,
            },
            **{
                base.GROUP: {
                    'url': self.maas.maas_url,
                    'api_key': self.maas.apikey,
                }
            },
        )
        self.assertEqual([], driver.list_nodes())
        self.assertEqual(7, driver.config['timeout'])

    def test_half_a_section_names_what_is_missing(self) -> None:
        for options, missing in (
            ({'url': 'http://maas'}, ('api_key',)),
            ({'api_key': KEY}, ('url',)),
            ({'api_key_file': '/etc/maas.key'}, ('url',)),
            ({'tags': ['compute']}, ('url', 'api_key')),
            ({'cafile': '/etc/ca.pem'}, ('url', 'api_key')),
        ):
            state = MaasDriver.config_state(options)
            self.assertIs(ConfigStatus.INCOMPLETE, state.status)
            self.assertEqual(missing, state.missing)
            exc = self.error(
                exceptions.ConfigurationError, MaasDriver, options
            )
            self.assertEqual(missing, exc.options)
            self.assertIn(', '.join(missing), str(exc))

    def test_half_a_section_is_not_skipped_in_silence(self) -> None:
        exc = self.refusal(
            get_driver,
            self.conf(**{base.GROUP: {'url': 'http://maas/MAAS'}}),
        )
        self.assertIn('api_key', str(exc))

    def test_a_file_stands_in_for_the_key(self) -> None:
        options = {'url': 'http://maas', 'api_key_file': '/etc/maas.key'}
        state = MaasDriver.config_state(options)
        self.assertIs(ConfigStatus.READY, state.status)


class TestUrl(base.MaasTestCase):
    def test_every_way_to_write_it_leads_there(self) -> None:
        url = self.maas.maas_url
        for written in (
            url,
            f'{url}/',
            f'{url}//',
            f' {url} ',
            f'{url}/api/2.0',
            f'{url}/api/2.0/',
            url.replace('127.0.0.1', 'localhost'),
            url.replace('http', 'HTTP'),
        ):
            driver = self.driver_with(url=written)
            self.assertEqual([], driver.list_nodes(), written)

    def test_what_cannot_be_one_is_refused(self) -> None:
        for url, told in (
            ('maas.example.org:5240/MAAS', 'http or https'),
            ('127.0.0.1/MAAS', 'http or https'),
            ('ftp://maas/MAAS', 'http or https'),
            ('http:///MAAS', 'http or https'),
            ('http://[::1/MAAS', 'cannot be read'),
            ('http://maas:many/MAAS', 'cannot be read'),
        ):
            config = {'url': url, 'api_key': KEY}
            exc = self.error(exceptions.ConfigurationError, MaasDriver, config)
            self.assertIn(f'[{base.GROUP}] url', str(exc))
            self.assertIn(told, str(exc))

    def test_a_user_in_it_is_refused_and_not_shown(self) -> None:
        self.recorder.secrets |= {'hans', 'pa55word'}
        for url in (
            'http://hans@maas/MAAS',
            'https://hans:pa55word@maas:5240/MAAS',
            'hans:pa55word@maas/MAAS',
        ):
            config = {'url': url, 'api_key': KEY}
            exc = self.error(exceptions.ConfigurationError, MaasDriver, config)
            self.assertIn('user', str(exc))

    def test_ipv6_and_prefixes(self) -> None:
        for url, base_url in (
            ('http://[::1]:5240/MAAS', 'http://[::1]:5240/MAAS/api/2.0/'),
            ('https://front/some/MAAS/', 'https://front/some/MAAS/api/2.0/'),
            ('http://maas:5240', 'http://maas:5240/api/2.0/'),
        ):
            self.assertEqual(base_url, connection.base_url(url, base.GROUP))

    def test_addresses_are_moved_to_ours(self) -> None:
        """Behind a proxy MAAS advertises what leads nowhere."""
        self.maas.region.advertised_url = 'http://inside.invalid:5240'
        machine = self.maas.add_machine()
        self.assertEqual(1, len(self.driver.list_nodes()))
        self.driver.get_node(machine.system_id)

    def test_a_prefix_and_odd_characters_are_kept(self) -> None:
        """What the front end has before MAAS' own path goes before every
        request, whatever a template would make of it."""
        self.maas.add_machine()
        driver = self.driver_with(url=f'{self.maas.url}/{{a}}/b/MAAS')
        exc = self.error(exceptions.ProtocolError, driver.list_nodes)
        self.assertIn('no MAAS at that URL', str(exc))
        described = self.maas.requests[-1]
        self.assertEqual('/{a}/b/MAAS/api/2.0/describe/', described.path)
        body = maas_data.description(self.series)
        self.maas.fail(base.DESCRIBE, faults.status(200, body))
        self.maas.fail(lambda request: True, faults.status(200, b'[]'))
        self.assertEqual([], driver.list_nodes())
        listed = self.maas.requests[-1]
        self.assertEqual('/{a}/b/MAAS/api/2.0/machines/', listed.path)


class TestKey(base.MaasTestCase):
    def test_a_malformed_one_is_not_shown(self) -> None:
        # No text that may be in the address of an object, too.
        self.recorder.secrets.add('zk4711')
        for key in (
            'szk4711',
            'azk4711:bzk4711',
            'a:b:c:zk4711',
            'ä:ü:zk4711',
        ):
            driver = self.driver_with(api_key=key)
            exc = self.error(exceptions.ConfigurationError, driver.list_nodes)
            self.assertEqual(('api_key',), exc.options)
            self.assertIn('consumer:token:secret', str(exc))
        self.assertEqual([], self.maas.requests)

    def test_white_space_around_it_is_no_matter(self) -> None:
        driver = self.driver_with(api_key=f' {self.maas.apikey}\n')
        self.assertEqual([], driver.list_nodes())


class TestKeyFile(base.MaasTestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.path = pathlib.Path(folder, 'key')
        self.write(self.maas.apikey)
        self.driver = self.driver_with(api_key='', api_key_file=str(self.path))

    def write(self, text: str) -> None:
        """Another file in its place, as tools for secrets do it."""
        fresh = self.path.with_suffix('.new')
        fresh.write_text(text)
        os.replace(fresh, self.path)

    def test_it_goes_before_the_option(self) -> None:
        driver = self.driver_with(
            api_key=self.keep_secret('wrong1:wrong2:wrong3'),
            api_key_file=str(self.path),
        )
        self.assertEqual([], driver.list_nodes())

    def test_a_new_key_is_used_without_a_restart(self) -> None:
        self.driver.list_nodes()
        new = self.keep_secret(self.maas.add_user('admin', True).apikey)
        self.error(exceptions.AuthenticationError, self.driver.list_nodes)
        self.write(f'{new}\n')
        self.assertEqual([], self.driver.list_nodes())
        # The description is not fetched for it again.
        self.assertEqual(1, self.requests(base.DESCRIBE))

    def test_a_bad_one_is_not_shown_and_can_be_mended(self) -> None:
        self.driver.list_nodes()
        for text in ('', 's3cret-half', f'{KEY} {KEY}', 'ä:ö:s3cret4711'):
            self.recorder.secrets |= {'s3cret'}
            self.write(text)
            before = len(self.maas.requests)
            exc = self.error(
                exceptions.ConfigurationError, self.driver.list_nodes
            )
            self.assertIn(str(self.path), str(exc))
            self.assertEqual(('api_key_file',), exc.options)
            self.assertEqual(before, len(self.maas.requests))
        self.write(self.maas.apikey)
        self.assertEqual([], self.driver.list_nodes())

    def test_one_that_is_gone_is_named(self) -> None:
        self.path.unlink()
        exc = self.error(exceptions.ConfigurationError, self.driver.list_nodes)
        self.assertIn(str(self.path), str(exc))
        self.assertIn('No such file', str(exc))


class TestTls(base.Watched):
    def setUp(self) -> None:
        super().setUp()
        self.maas = self.start(tls=True, machines=1)

    def driver(self, **options: Any) -> MaasDriver:
        known = {'url': self.maas.maas_url, 'api_key': self.maas.apikey}
        return self.driver_at(**known | options)

    def test_an_unknown_authority_names_the_option(self) -> None:
        exc = self.error(exceptions.UnavailableError, self.driver().list_nodes)
        self.assertIn(f'[{base.GROUP}] cafile', exc.cure)
        self.assertIn('certificate', str(exc))
        # Nothing was said before the other side was known.
        self.assertEqual([], self.maas.requests)

    def test_cafile(self) -> None:
        driver = self.driver(cafile=self.maas.cafile)
        self.assertEqual(1, len(driver.list_nodes()))

    def test_insecure(self) -> None:
        driver = self.driver(insecure=True)
        self.assertEqual(1, len(driver.list_nodes()))

    def test_the_authorities_of_the_system(self) -> None:
        """As OpenSSL is told of them, at any time."""
        self.useFixture(
            fixtures.EnvironmentVariable('SSL_CERT_FILE', self.maas.cafile)
        )
        self.assertEqual(1, len(self.driver().list_nodes()))

    def test_another_name_is_no_matter_for_cafile(self) -> None:
        look_up = socket.getaddrinfo
        self.useFixture(
            fixtures.MonkeyPatch(
                'socket.getaddrinfo',
                lambda host, *args: look_up('127.0.0.1', *args),
            )
        )
        driver = self.driver(
            url=self.maas.maas_url.replace('127.0.0.1', 'maas.test'),
            cafile=self.maas.cafile,
        )
        exc = self.error(exceptions.UnavailableError, driver.list_nodes)
        self.assertIn('has the name', exc.cure)
        self.assertNotIn('cafile', exc.cure)

    def test_a_bad_cafile_is_named(self) -> None:
        folder = self.useFixture(fixtures.TempDir()).path
        empty = pathlib.Path(folder, 'empty.pem')
        empty.touch()
        for path in ('/no/such.pem', str(empty)):
            exc = self.error(
                exceptions.ConfigurationError,
                lambda path=path: self.driver(cafile=path),
            )
            self.assertIn(path, str(exc))
            self.assertEqual(('cafile',), exc.options)

    def test_http_to_https_and_back(self) -> None:
        plain = self.driver(url=self.maas.maas_url.replace('https', 'http'))
        self.error(exceptions.UnavailableError, plain.list_nodes)
        self.useFixture(
            fixtures.MonkeyPatch(
                'metal_drivers.drivers.maas.plain_http.AFTER', 0
            )
        )
        other = self.start()
        driver = self.driver(url=other.maas_url.replace('http', 'https'))
        exc = self.error(exceptions.UnavailableError, driver.list_nodes)
        # Whether it waits for more of the handshake or refuses it is
        # chance: there may be an end of line in it.
        self.assertIn(driver._maas.url(), str(exc))
        self.assertIn('http', exc.cure)


class TestLibraries(base.Watched):
    """In processes of their own."""

    WITHOUT = textwrap.dedent(
        """
        import sys
        missing = ''
        class Hook:
            def find_spec(self, name, path=None, target=None):
                if name == missing:
                    raise ModuleNotFoundError(f'No module named {name!r}')
        sys.meta_path.insert(0, Hook())
        from metal_drivers import exceptions
        from metal_drivers.drivers.maas import MaasDriver
        config = {'url': 'http://m/MAAS', 'api_key': 'a:b:c'}
        for missing in sys.argv[1:]:
            try:
                MaasDriver(config)
                print('works')
            except exceptions.ConfigurationError as exc:
                print(exc)
            for name in list(sys.modules):
                if name.startswith(('aiohttp', 'maas.client', 'oauthlib')):
                    del sys.modules[name]
        """
    )

    def test_a_missing_one_names_the_extra(self) -> None:
        """But for distutils, which Python 3.12 has not, and of which
        only the rest of libmaas has need."""
        names = ('maas.client', 'aiohttp', 'oauthlib', 'distutils')
        done = base.run_python(self.WITHOUT, *names)
        self.assertEqual('', done.stderr)
        *lines, last = done.stdout.splitlines()
        for name, line in zip(names, lines, strict=False):
            self.assertIn(name, line)
            self.assertIn('watcher-metal-drivers[maas]', line)
        self.assertEqual('works', last)

    def test_none_is_imported_before_it_is_used(self) -> None:
        code = textwrap.dedent(
            """
            import sys
            import metal_drivers.drivers.maas as module
            module.MaasDriver.get_config_opts()
            module.MaasDriver.config_state({'url': 'x', 'api_key': 'y'})
            names = ('aiohttp', 'maas.client', 'oauthlib', 'eventlet')
            assert not [name for name in names if name in sys.modules]
            module.MaasDriver({'url': 'http://m', 'api_key': 'a:b:c'})
            print([name for name in names if name in sys.modules])
            """
        )
        done = base.run_python(code)
        self.assertEqual('', done.stderr)
        self.assertEqual(
            "['aiohttp', 'maas.client', 'oauthlib']\n", done.stdout
        )
