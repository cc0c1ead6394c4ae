# SPDX-License-Identifier: Apache-2.0
"""The rights in Nova that SECURITY.rst names are enough."""

import pathlib
import textwrap

from metal_drivers_tests.functional import accounts, base
from metal_drivers_tests.functional.services import waiting

_PAGE = pathlib.Path(__file__).parents[2] / 'SECURITY.rst'
_ROLE = 'power'


def policy() -> str:
    """The rules of the page, as they stand there."""
    _, _, rest = _PAGE.read_text('utf-8').partition('.. code-block:: yaml\n')
    lines = rest.lstrip('\n').splitlines()
    block = []
    for line in lines:
        if line and not line.startswith('       '):
            break
        block.append(line)
    return textwrap.dedent('\n'.join(block))


class TestNova(base.CloudTestCase):
    """A user without the role admin."""

    def setUp(self) -> None:
        super().setUp()
        keystone = self.cloud.rest('identity')
        reply = keystone.request('POST', '/roles', {'role': {'name': _ROLE}})
        role = f'/roles/{reply["role"]["id"]}'
        self.addCleanup(keystone.request, 'DELETE', role)
        user = self.useFixture(
            accounts.TemporaryUser(
                self.cloud, self.unique('user'), ('service', _ROLE)
            )
        )
        self.config = self.config_of({base.SHARED: user.options})
        self.file = self.cloud.directory / 'nova' / 'policy.yaml'

    def allow(self, text: str) -> None:
        """Nova reads the file again when it has changed."""
        self.addCleanup(self.file.unlink, missing_ok=True)
        self.file.write_text(text)

    def test_what_the_page_names_is_enough(self) -> None:
        node, host = self.node(1), self.host(1)
        run = self.power_off(host)
        self.assert_error(run, 1, 'Nova', 'forbidden')
        self.assert_power(node, 'on')
        self.allow(policy())
        waiting.wait_until(
            lambda: self.power_off(host).status == 0, 'a power off'
        )
        self.assert_power(node, 'off')
        run = self.listing(self.config, 'node', 'power', 'on', host)
        self.assert_row(run, 'done', 'up and enabled')
        run = self.listing(self.config, 'check')
        results = {row['Check']: row['Result'] for row in run.rows}
        self.assertEqual('ok', results['nova'], run.output)
