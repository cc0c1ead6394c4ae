# SPDX-License-Identifier: Apache-2.0
"""The hook of the documentation, as it stands there, keeps the contract."""

import importlib
import pathlib
import sys
from collections.abc import Iterable
from typing import Any
from unittest import mock

from metal_drivers import exceptions
from metal_drivers.hooks import Event, Hook
from metal_drivers_tests import contract
from metal_drivers_tests.emulators import faults, http, messages

_FOLDER = pathlib.Path(__file__).parents[3] / 'doc/source/contributor'

with mock.patch('sys.path', [str(_FOLDER), *sys.path]):
    _pager: Any = importlib.import_module('pager')


class Pager(http.HttpEmulator):
    """Knows which nodes are silenced."""

    def __init__(self) -> None:
        super().__init__()
        self.silenced: set[str] = set()

    def routes(self) -> Iterable[http.Route]:
        path = '/silences/(?P<node>.+)'
        return (
            http.route('PUT', path, self.silence),
            http.route('DELETE', path, self.end),
        )

    def silence(self, request: messages.Request, node: str) -> messages.Reply:
        self.silenced.add(node)
        return messages.json_reply({})

    def end(self, request: messages.Request, node: str) -> messages.Reply:
        known = node in self.silenced
        self.silenced.discard(node)
        return messages.json_reply({}, 200 if known else 404)


class TestPager(contract.HookContract):
    secrets = ('s3cret',)

    def create_hook(self) -> Hook:
        self.pager = self.useFixture(Pager())
        hook: Hook = _pager.PagerHook(
            {'url': self.pager.url, 'token': 's3cret'}
        )
        return hook

    def test_what_it_does(self) -> None:
        self.tell(Event.BEFORE_OFF, Event.AFTER_OFF)
        self.assertEqual({'id-1'}, self.pager.silenced)
        self.tell(Event.AFTER_ON)
        self.assertEqual(set(), self.pager.silenced)

    def test_a_pager_that_fails(self) -> None:
        for fault in (faults.status(500), faults.close()):
            self.pager.fail(messages.matching('PUT'), fault)
            exc = self.assertRaises(
                exceptions.UnavailableError, self.tell, Event.BEFORE_OFF
            )
            self.assertTrue(exc.cure)
            self.assert_no_secret(str(exc))

    def test_it_follows_the_advice_of_the_page(self) -> None:
        page = (_FOLDER / 'hook.rst').read_text(encoding='utf-8')
        for part in (
            'pager = pager:PagerHook',
            '[metal_drivers.hooks.pager]',
            'literalinclude:: pager.py',
        ):
            self.assertIn(part, page)
