# SPDX-License-Identifier: Apache-2.0
"""What a foreign reply becomes in a message."""

import json

import requests

from metal_drivers import _text
from metal_drivers_tests.unit import base


def reply(body: object, status: int = 400) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made.reason = 'Bad Request'
    made._content = (
        body if isinstance(body, bytes) else json.dumps(body).encode()
    )
    return made


class TestFaultText(base.TestCase):
    """Three shapes of Ironic's, and those of Nova and Keystone."""

    def test_finds_the_text_wherever_it_is(self) -> None:
        inner = {'faultcode': 'Client', 'faultstring': 'Node is locked'}
        for body in (
            {'error_message': json.dumps(inner)},
            {'error_message': inner},
            {'error_message': json.dumps({'code': 406, 'description': 'no'})},
            {'error': {'code': 401, 'message': 'no'}},
            {'forbidden': {'code': 403, 'message': 'no'}},
        ):
            text = _text.fault_text(reply(body))
            self.assertIn(text, ('Node is locked', 'no'))

    def test_a_page_is_named_not_quoted(self) -> None:
        page = reply(b'<html><title>proxy</title></html>')
        page.headers['Content-Type'] = 'text/html; charset=utf-8'
        self.assertEqual(
            'Bad Request, with a body of type text/html',
            _text.fault_text(page),
        )
        self.assertIn('an empty body', _text.fault_text(reply(b'')))

    def test_deep_and_odd_json_is_no_text(self) -> None:
        bodies: tuple[object, ...] = ([], 7, None, {'a': {'b': [1]}})
        for body in bodies:
            self.assertIn('Bad Request', _text.fault_text(reply(body)))


class TestClean(base.TestCase):
    """No credentials, one line, bounded."""

    def test_masks_credentials(self) -> None:
        for text in (
            'cannot reach http://root:calvin@10.0.0.1/redfish',
            "{'password': 'calvin'}",
            'ipmitool failed: password=calvin',
        ):
            self.assertNotIn('calvin', _text.clean(text))

    def test_is_one_bounded_line(self) -> None:
        text = _text.clean('a\n  b' + 'x' * 1000)
        self.assertTrue(text.startswith('a b'))
        self.assertEqual(300, len(text))
