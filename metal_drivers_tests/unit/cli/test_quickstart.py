# SPDX-License-Identifier: Apache-2.0
"""The quick start with MAAS, followed word by word.

Its last part, in Watcher, is that of the quick start with Ironic. It is tried
at the functional level.
"""

import pathlib
import re
import shlex
import textwrap

from metal_drivers_tests.unit.cli import base, maas
from metal_drivers_tests.unit.deploy import reading

_PAGE = reading.TOP / 'doc/source/quickstart/maas.rst'


class TestMaas(maas.MaasCommandTestCase):
    def test_every_command_works_as_it_stands(self) -> None:
        text = _PAGE.read_text(encoding='utf-8')
        (block,) = re.findall(
            r'code-block:: ini\n\n((?:   .*\n|\n(?=   ))+)', text
        )
        config = self.configured(textwrap.dedent(block))
        done: dict[str, base.Done] = {}
        for line in re.findall(r'^ +\$ metal-drivers (.*)$', text, re.M):
            words = shlex.split(line)
            done[line] = self.run_command(f'--config-file={config}', *words)
            self.printed.append(done[line])
            self.assertEqual(0, done[line].status, done[line].stderr)
            if ' off ' in line:
                power = 'on' if '--dry-run' in line else 'off'
                self.assertEqual(power, self.power('compute-01'))
        check, nodes, plan, dry, off, on = done.values()
        self.assertIn(' of 4 nodes match', check.stdout)
        self.assertNotIn('| failed ', check.stdout)
        self.assertEqual(4, nodes.stdout.count('| on '))
        self.assertRegex(plan.stdout, r'compute-01 +\| off ')
        self.assertRegex(plan.stdout, r'compute-04\S* +\| stay .*protected')
        self.assertIn('| planned', dry.stdout)
        self.assertIn('| done ', off.stdout)
        self.assertIn('nova-compute is up and enabled', on.stdout)
        self.assertEqual('on', self.power('compute-01'))
        self.assertEqual('enabled', self.nova.hosts['compute-01'].status)

    def configured(self, block: str) -> pathlib.Path:
        """The file of the page, with the address, the key and the Nova of
        the test."""
        home = pathlib.Path(self.conf_file()).parent
        key = home / 'maas.key'
        key.write_text(self.maas.apikey)
        key.chmod(0o600)
        path = home / 'watcher.conf'
        for shown, real in (
            ('https://maas.example.org:5443/MAAS', self.maas.maas_url),
            ('/etc/watcher/maas.key', str(key)),
            ('[metal_drivers]\n', '[metal_drivers]\npoll_interval = 20\n'),
        ):
            self.assertIn(shown, block)
            block = block.replace(shown, real)
        path.write_text(
            f'{block}\n[nova]\nauth_type = none\n'
            f'endpoint_override = {self.nova.url}/v2.1\n'
        )
        return path

    def power(self, name: str) -> str:
        return self.maas.machine(name).power
