# SPDX-License-Identifier: Apache-2.0
"""Which hooks are used, and why one cannot be."""

import json
from typing import Any

from oslo_config import cfg

from metal_drivers import conf as metal_conf
from metal_drivers import exceptions, services
from metal_drivers.hooks.in_use import Hooks
from metal_drivers_tests.unit import base, distributions
from metal_drivers_tests.unit.hooks import base as hooks_base

HOOK = """
from oslo_config import cfg
from metal_drivers.hooks import Hook


class Acme(Hook):
    @classmethod
    def get_config_opts(cls):
        return [
            cfg.StrOpt('url', help='Where it is.'),
            cfg.StrOpt('token', secret=True, help='A token of it.'),
        ]

    def before_off(self, event):
        raise OSError(f'{self.config.url} refuses {self.config.token}')
"""


class TestLoading(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(distributions.Distributions())

    def install(self, name: str = 'acme', source: str = HOOK) -> None:
        self.site.install(
            f'{name}-hook',
            hooks={name: f'{name}_hook:Acme'},
            modules={f'{name}_hook': source},
        )

    def hooks(self, names: str, **sections: Any) -> Hooks:
        found = services.open_hooks(
            self.conf(metal_drivers={'hooks': names}, **sections)
        )
        self.addCleanup(found.close)
        return found

    def test_none_by_default(self) -> None:
        self.install()
        self.assertEqual(0, len(services.open_hooks(self.conf())))

    def test_in_the_order_of_the_configuration(self) -> None:
        self.install()
        self.install('apex')
        self.assertEqual(('apex', 'acme'), self.hooks('apex, acme').names)

    def test_with_its_own_options_and_no_secret(self) -> None:
        self.install()
        section = {'url': 'http://acme.example', 'token': 't0ken-s3cret'}
        (hook,) = self.hooks('acme', **{'metal_drivers.hooks.acme': section})
        said = str(hooks_base.error_of(hook, hooks_base.event()))
        self.assertIn('http://acme.example refuses ***', said)

    def test_one_that_is_not_installed(self) -> None:
        exc = self.refusal(self.hooks, 'acme')
        self.assertIn(
            "no hook 'acme'; installed are command, masakari", str(exc)
        )
        self.assertIn('[metal_drivers] hooks', str(exc))

    def test_one_that_is_named_twice(self) -> None:
        self.install()
        self.assertIn(
            'names acme twice', str(self.refusal(self.hooks, 'acme,acme'))
        )

    def test_one_that_cannot_be_imported(self) -> None:
        self.install(source='import libmissing\n')
        exc = self.refusal(self.hooks, 'acme')
        self.assertIn('install libmissing, or uninstall acme-hook', str(exc))
        self.assertIsInstance(exc.__cause__, ModuleNotFoundError)

    def test_one_that_is_no_hook(self) -> None:
        self.install(source='class Acme: ...\n')
        exc = self.refusal(self.hooks, 'acme')
        self.assertIn('not a subclass of metal_drivers.hooks.Hook', str(exc))

    def test_one_that_cannot_start(self) -> None:
        self.install(
            source=HOOK + '\n    def __init__(self, config, osc=None):\n'
            '        raise SystemExit("no license")\n'
        )
        exc = self.refusal(self.hooks, 'acme')
        self.assertIn('cannot start: SystemExit: no license', str(exc))
        self.assertIn('Check [metal_drivers.hooks.acme]', str(exc))

    def test_one_that_cannot_start_closes_those_before(self) -> None:
        self.install(
            source=HOOK + '\n    def close(self):\n'
            '        open(self.config.url, "w").close()\n'
        )
        marker = self.conf_file()
        section = {'url': f'{marker}.closed'}
        self.refusal(
            self.hooks, 'acme, none', **{'metal_drivers.hooks.acme': section}
        )
        with open(f'{marker}.closed', encoding='utf-8'):
            pass

    def test_none_is_imported_that_is_not_named(self) -> None:
        self.install(source='raise SystemExit\n')
        self.assertEqual(0, len(self.hooks('')))

    def test_options_of_all_are_listed(self) -> None:
        self.install()
        listed = dict(metal_conf.list_opts())
        self.assertEqual(
            ['url', 'token'],
            [opt.name for opt in listed['metal_drivers.hooks.acme']],
        )
        self.assertIn('metal_drivers.hooks.command', listed)
        self.assertIn('metal_drivers.hooks.masakari', listed)

    def test_a_value_of_the_wrong_type(self) -> None:
        section = {'executable': '/bin/true', 'timeout': 'soon'}
        exc = self.refusal(
            self.hooks, 'command', **{'metal_drivers.hooks.command': section}
        )
        self.assertIn('[metal_drivers.hooks.command] timeout', str(exc))

    def test_connecting_opens_and_closes_them(self) -> None:
        self.install()
        conf = self.conf(
            metal_drivers={'hooks': 'acme'},
            **{'watcher.metal.drivers.fake': {'nodes': 1}},
        )
        with services.connect(conf) as connection:
            self.assertEqual(('acme',), connection.hooks.names)

    def test_nothing_that_it_writes_is_among_the_results(self) -> None:
        self.install(
            source=HOOK
            + """
    def notes(self):
        import os, sys
        print('noise')
        print('noise', file=sys.__stdout__, flush=True)
        os.write(1, b'noise')
        os.system('echo noise')
        return {}
"""
        )
        path = self.conf_file(
            metal_drivers={'hooks': 'acme'},
            **{'watcher.metal.drivers.fake': {'nodes': 1}},
        )
        printed = self.site.run(
            """
            import sys
            from metal_drivers.cli import main
            sys.exit(main.main())
            """,
            f'--config-file={path}',
            *('node', 'list', '-f', 'json'),
        )
        self.assertEqual('node-0001', json.loads(printed)[0]['ID'])

    def test_a_driver_that_cannot_start_is_said_first_of_all(self) -> None:
        self.install()
        conf: cfg.ConfigOpts = self.conf(
            metal_drivers={'hooks': 'acme', 'driver': 'none'}
        )
        self.assertRaises(
            exceptions.ConfigurationError, services.connect, conf
        )
