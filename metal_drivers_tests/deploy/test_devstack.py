# SPDX-License-Identifier: Apache-2.0
"""DevStack's plugin, with stubs for what DevStack has around it."""

import os
import pathlib
import re
import subprocess

import fixtures
import testtools

from metal_drivers_tests.unit.deploy import reading

_PLUGIN = reading.TOP / 'devstack'
_PAGE = (reading.TOP / 'doc/source/deploy/devstack.rst').read_text()
MAAS = 'watcher.metal.drivers.maas'

#: What DevStack and the plugin of Watcher have. Each call is written down.
_STUBS = r"""
set -eu
DEST=/opt/stack
REGION_NAME=RegionTwo
WATCHER_CONF=$HOME/watcher.conf
: > "$WATCHER_CONF"
log() { echo "$*" >> "$HOME/log"; }
define_plugin() { log define_plugin "$@"; }
plugin_requires() { log plugin_requires "$@"; }
setup_develop() { log setup_develop "$@"; }
echo_summary() { echo "$@"; }
is_service_enabled() {
    for name in "$@"; do
        [[ ",$ENABLED_SERVICES," =~ ",$name," ]] && return 0
    done
    return 1
}
iniset() {
    printf '[%s]\n%s = %s\n' "$2" "$3" "$4" >> "$1"
}
"""


class TestPlugin(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.log = self.home / 'log'
        self.log.touch()
        self.conf = self.home / 'watcher.conf'

    def stack(
        self,
        *phase: str,
        local_conf: str = '',
        services: str = 'watcher-decision-engine,watcher-applier',
    ) -> str:
        """What one phase of ``stack.sh`` prints."""
        script = '\n'.join(
            [
                _STUBS,
                local_conf,
                f'source {_PLUGIN}/settings',
                f'source {_PLUGIN}/plugin.sh {" ".join(phase)}',
            ]
        )
        done = subprocess.run(
            ['bash', '-c', script],
            env=os.environ
            | {'HOME': str(self.home), 'ENABLED_SERVICES': services},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def test_it_comes_after_watcher(self) -> None:
        self.stack('stack', 'install')
        self.assertEqual(
            [
                'define_plugin watcher-metal-drivers',
                'plugin_requires watcher-metal-drivers watcher',
                'setup_develop /opt/stack/watcher-metal-drivers',
            ],
            self.log.read_text().splitlines(),
        )
        self.assertEqual('', self.conf.read_text())

    def test_configured_as_the_page_has_it(self) -> None:
        (local,) = re.findall(
            r'``local\.conf`` has.*::\n\n((?:    .*\n|\n(?= ))+)', _PAGE
        )
        lines = [line.strip() for line in local.splitlines()]
        given = '\n'.join(line for line in lines if re.match(r'\w+=', line))
        self.assertIn('METAL_DRIVERS_MAAS_URL=', given)
        for name in re.findall(r'^METAL_\w+', given, re.M):
            self.assertIn(f'\n{name}=', (_PLUGIN / 'settings').read_text())
        plugins = [
            line.split()[1]
            for line in lines
            if line.startswith('enable_plugin ')
        ]
        self.assertEqual(['watcher', 'watcher-metal-drivers'], plugins)
        self.stack('stack', 'install', local_conf=given)
        self.assertIn('watcher-metal-drivers maas\n', self.log.read_text())
        self.stack('stack', 'post-config', local_conf=given)
        conf = reading.read(self.conf)
        self.assertEqual('maas', conf.metal_drivers.driver)
        self.assertEqual('RegionTwo', conf.nova.region_name)
        self.assertEqual('http://192.0.2.10:5240/MAAS', conf[MAAS].url)
        self.assertEqual('/opt/stack/maas.key', conf[MAAS].api_key_file)
        self.assertEqual(1, len(conf.metal_drivers.protected_hosts))

    def test_nothing_is_needed_for_ironic(self) -> None:
        self.stack('stack', 'post-config')
        conf = reading.read(self.conf)
        self.assertEqual('auto', conf.metal_drivers.driver)
        self.assertNotIn(MAAS, self.conf.read_text())

    def test_not_where_watcher_is_not(self) -> None:
        for phase in ('install', 'post-config'):
            self.stack('stack', phase, services='n-cpu,watcher-api')
        self.assertNotIn('setup_develop', self.log.read_text())
        self.assertEqual('', self.conf.read_text())

    def test_other_phases_do_nothing(self) -> None:
        for phase in (
            ['stack', 'pre-install'],
            ['stack', 'extra'],
            ['stack', 'test-config'],
            ['unstack'],
            ['clean'],
        ):
            self.assertEqual('', self.stack(*phase))
        self.assertEqual('', self.conf.read_text())
