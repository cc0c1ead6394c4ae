# SPDX-License-Identifier: Apache-2.0
"""The guide for contributors tells a ``power off`` as it happens."""

import json
import pathlib
import re

from metal_drivers_tests.emulators import messages
from metal_drivers_tests.unit.cli import test_power

_PAGE = (
    pathlib.Path(__file__).parents[3]
    / 'doc/source/contributor/architecture.rst'
)
_ID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


class TestStory(test_power.CloudTestCase):
    def test_requests(self) -> None:
        done = self.metal('node', 'power', 'off', 'metal-01', '--yes')
        self.assertEqual(0, done.status)
        found = [
            (request.at, f'{name:6} {_told(request)}')
            for name, server in (('Ironic', self.ironic), ('Nova', self.nova))
            for request in server.requests
        ]
        told = re.findall(
            r'^   ((?:Ironic|Nova) +(?:GET|PUT).*)$',
            _PAGE.read_text(encoding='utf-8'),
            re.M,
        )
        self.assertEqual([line for _, line in sorted(found)], told)


def _told(request: messages.Request) -> str:
    """A request in one line, without what differs from run to run."""
    line = f'{request.method} {_ID.sub("ID", request.path)}'
    names = sorted(set(request.query) - {'limit', 'fields', 'sort_key'})
    if names:
        line += f'?{"&".join(names)}'
    if request.method == 'PUT':
        body = json.loads(request.body)
        text = body.get('target') or body.get('disabled_reason', '')
        line += f'  {text.partition(",")[0]}'
    return line
