# SPDX-License-Identifier: Apache-2.0
"""The quick start with Ironic, followed word by word."""

import json
import pathlib
import re
import shlex
import textwrap
from typing import Any

from metal_drivers_tests.functional import base, test_watcher

_FOLDER = pathlib.Path(__file__).parents[2] / 'doc/source/quickstart'


class TestIronic(test_watcher.WatcherTestCase):
    def setUp(self) -> None:
        super().setUp()
        page = (_FOLDER / 'ironic.rst').read_text(encoding='utf-8')
        include = '.. include:: in-watcher.txt\n'
        self.assertIn(include, page)
        self.page = page.replace(
            include, (_FOLDER / 'in-watcher.txt').read_text(encoding='utf-8')
        ).replace('\\\n', '')
        #: What the page says, and what it is here.
        self.names: dict[str, str] = {}
        for number in (1, 2, 3):
            node = self.node(number)
            found = self.cloud.ironic.node(node)
            self.names[f'metal-{number:02}'] = found['name']
            self.names[f'compute-{number:02}'] = self.host(number)
            if number == 2:
                self.names['NODE'] = found['name']
                # Nobody has said yet which host is on it.
                self.cloud.ironic.alter(node, extra='{}')
                self.metal = node
        self.names['HYPERVISOR_ID'] = self.cloud.hypervisor_id(2)

    def here(self, text: str) -> str:
        return re.sub(
            r'[\w-]+', lambda found: self.names.get(found[0], found[0]), text
        )

    def run_line(self, line: str) -> str:
        """What a command of the page prints."""
        program, *words = shlex.split(self.here(line))
        if program == 'metal-drivers':
            run = self.command(self.config, *words)
            self.assert_status(0, run)
            return run.stdout
        done = self.watcher.openstack(*words, user=self.user(words))
        self.assertEqual(0, done.returncode, f'{line}: {done.stderr}')
        return done.stdout

    def user(self, words: list[str]) -> str:
        # Ironic shows the nodes to this one.
        return 'watcher' if words[0] == 'baremetal' else 'admin'

    def test_every_command_works_as_it_stands(self) -> None:
        (block,) = re.findall(
            r'code-block:: ini\n\n((?:   .*\n|\n(?=   ))+)', self.page
        )
        sections = self.here(textwrap.dedent(block)).replace(
            '[metal_drivers]\n', '[metal_drivers]\npoll_interval = 1\n'
        )
        self.config = self.conf_file(
            sections,
            **{base.SHARED: self.cloud.keystone_options('watcher')},
        )
        printed: list[tuple[str, str]] = []
        for line in re.findall(r'^ +\$ (.*)$', self.page, re.M):
            printed.append((line, self.run_line(line)))
            if line.startswith('openstack optimize audit create'):
                self.after_audit(*printed[-1])
            elif line.startswith('openstack optimize actionplan start'):
                ended = self.end_of(self.names['PLAN'])
                self.assertEqual('SUCCEEDED', ended['state'], str(ended))
                self.assert_power(self.metal, 'off')
        self.assert_printed(printed)
        self.assert_power(self.metal, 'on')

    def after_audit(self, line: str, table: str) -> None:
        """Wait for it, and have the word PLAN mean its plan."""
        (audit,) = re.findall(r'\| UUID +\| (\S+)', table)
        if '--audit_type CONTINUOUS' in line:
            self.addCleanup(self.cancel, audit)
            return
        ended = self.watcher.wait_state(
            f'/v1/audits/{audit}', 'SUCCEEDED', 'FAILED'
        )
        self.assertEqual('SUCCEEDED', ended['state'], str(ended))
        (plan,) = self.optimize('actionplan', 'list', '--audit', audit)
        self.names['PLAN'] = str(plan['UUID'])

    def cancel(self, audit: str) -> None:
        self.watcher.openstack(
            *('optimize', 'audit', 'update', audit, 'replace'),
            'state=CANCELLED',
        )

    def assert_printed(self, printed: list[tuple[str, str]]) -> None:
        """What the page says of what is printed."""

        def of(part: str) -> str:
            (text,) = [out for line, out in printed if part in line]
            return text

        self.assertNotIn('| failed ', of('drivers check'))
        self.assertIn('3 of 3 nodes match', of('drivers check'))
        before, after = [out for line, out in printed if 'node list' in line]
        self.assertEqual(3, before.count('| on '))
        self.assertEqual(2, after.count('| off '), after)
        self.assertIn('| done ', of('power on NODE'))
        plan = of('drivers plan')
        self.assertEqual(2, len(re.findall(r'\| off ', plan)), plan)
        self.assertRegex(plan, r'\| stay .*protected')
        self.assertIn('| planned', of('--dry-run'))
        self.assertIn('| done ', of('power off compute-02 --yes'))
        self.assertIn('up and enabled', of('power on compute-02'))
        self.assertIn('metal_saving_energy', of('strategy list'))
        actions = of('action list')
        self.assertEqual(2, actions.count('metal_power_state'), actions)
        self.assertIn('SUCCEEDED', of('actionplan show'))
        self.assertIn('CANCELLED', self.state_of('save-power'))

    def state_of(self, audit: str) -> str:
        done: Any = self.watcher.openstack(
            'optimize', 'audit', 'show', audit, '-f', 'json'
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return str(json.loads(done.stdout)['State'])
