# SPDX-License-Identifier: Apache-2.0
"""What a driver raises is named, in one line, and tells no secret."""

import asyncio
import base64
import sys
import traceback
import types
import urllib.parse
from typing import Any, NoReturn
from unittest import mock

from metal_drivers import boundary, exceptions
from metal_drivers_tests.unit.boundary import base
from metal_drivers_tests.unit.boundary.base import SECRET


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError('no text')


class Odd(exceptions.UnavailableError):
    """Written without a look at the class that it is derived from."""

    def __init__(self, code: int) -> None:
        self.code = code


class OwnText(exceptions.BusyError):
    def __str__(self) -> str:
        return f'two\nlines, and {SECRET}'


WILD: tuple[tuple[BaseException, str], ...] = (
    (KeyError('power'), "KeyError: 'power'"),
    (ValueError('one\ntwo\n\nthree'), 'ValueError: one two three'),
    (RuntimeError(), 'RuntimeError'),
    (Mute(), 'Mute: (its text cannot be read)'),
    (NotImplementedError(), 'NotImplementedError'),
    (StopIteration(), 'StopIteration'),
    (RecursionError('deep'), 'RecursionError: deep'),
    (asyncio.CancelledError(), 'CancelledError'),
    (GeneratorExit(), 'GeneratorExit'),
    (SystemExit(3), 'SystemExit: 3'),
    (BaseExceptionGroup('many', [ValueError(SECRET)]), 'many'),
    (ValueError('x' * 100_000), 'xxx'),
)


def raising(exc: BaseException) -> Any:
    def method(*args: object) -> NoReturn:
        raise exc

    return method


class TestWild(base.BoundaryCase):
    def test_any_exception_from_any_method(self) -> None:
        for exc, said in WILD:
            for name in base.CALLS:
                self.acme.do[name] = raising(exc)
                error = self.broke(name, said)
                self.assertLess(len(str(error)), 600)

    def test_the_exception_is_the_cause(self) -> None:
        wild = KeyError('power')
        self.acme.do['list_nodes'] = raising(wild)
        self.assertIs(wild, self.broke('list_nodes').__cause__)

    def test_an_interrupt_passes(self) -> None:
        interrupt = KeyboardInterrupt()
        for name, call in base.CALLS.items():
            self.acme.do[name] = raising(interrupt)
            try:
                call(self.driver)
            except KeyboardInterrupt as exc:
                self.assertIs(interrupt, exc)
            else:
                self.fail(f'{name} swallowed it')

    def test_the_end_of_a_green_thread_passes(self) -> None:
        class GreenletExit(BaseException):
            pass

        greenlet = types.SimpleNamespace(GreenletExit=GreenletExit)
        self.acme.do['list_nodes'] = raising(GreenletExit())
        with mock.patch.dict(sys.modules, {'greenlet': greenlet}):
            self.assertRaises(GreenletExit, self.driver.list_nodes)

    def test_a_generator_that_breaks_off(self) -> None:
        def nodes() -> Any:
            yield base.GOOD
            raise KeyError('page 2')

        self.acme.do['list_nodes'] = nodes
        self.broke('list_nodes', "KeyError: 'page 2'")


class TestOurs(base.BoundaryCase):
    """Errors that a driver may raise."""

    def test_are_passed_on(self) -> None:
        error = exceptions.BusyError('n1 is locked', cure='Wait.')
        error.status = 409
        for name in base.CALLS:
            self.acme.do[name] = raising(error)
            self.assertIs(error, self.error(name))
            self.assertEqual('n1 is locked. Wait.', str(error))

    def test_in_one_line(self) -> None:
        self.acme.do['get_node'] = raising(
            exceptions.NotFoundError('no\nn1', cure='Look\n again.')
        )
        self.assertEqual('no n1. Look again.', str(self.error('get_node')))

    def test_with_an_exception_for_a_message(self) -> None:
        text: Any = OSError('away')
        self.acme.do['get_node'] = raising(exceptions.BusyError(text))
        error = self.error('get_node')
        self.assertIsInstance(error, exceptions.BusyError)
        self.assertIn('OSError: away', str(error))

    def test_of_a_class_that_lacks_the_message(self) -> None:
        self.acme.do['get_node'] = raising(Odd(503))
        error = self.error('get_node')
        self.assertIsInstance(error, exceptions.UnavailableError)
        self.assertIn("acme-metal: get_node('n1') raised Odd", str(error))

    def test_with_a_text_of_its_own(self) -> None:
        self.acme.do['get_node'] = raising(OwnText('x'))
        self.broke('get_node', 'OwnText: two lines, and ***')


class TestSecrets(base.BoundaryCase):
    """The values of secret options, and passwords in URLs."""

    def texts(self) -> list[str]:
        user = base64.b64encode(f'ann:{SECRET}'.encode()).decode()
        token = self.config['token']
        return [
            f'GET http://ann:{SECRET}@h/x',
            f'GET http://bob:{SECRET}@other/x',
            f'password {SECRET!r}',
            f"headers {{'Authorization': 'Basic {user}'}}",
            f'X-Token: {token}',
            urllib.parse.quote(f'http://ann:{SECRET}@h', safe=''),
            base64.b64encode(token.encode()).decode(),
        ]

    def assert_clean(self, exc: BaseException) -> None:
        shown = ''.join(traceback.format_exception(exc)) + repr(exc.args)
        user = base64.b64encode(f'ann:{SECRET}'.encode()).decode()
        for secret in (
            SECRET,
            self.config['token'],
            user[8:],
            base64.b64encode(self.config['token'].encode()).decode(),
        ):
            self.assertNotIn(secret, shown)

    def test_not_in_what_is_wild(self) -> None:
        for text in self.texts():
            self.acme.do['list_nodes'] = raising(ValueError(text))
            self.assert_clean(self.broke('list_nodes', 'ValueError: '))

    def test_not_in_our_errors(self) -> None:
        for text in self.texts():
            error = exceptions.UnavailableError(text, cure=f'Try {text}')
            error.__cause__ = OSError(text)
            self.acme.do['list_nodes'] = raising(error)
            self.assert_clean(self.error('list_nodes'))

    def test_not_of_the_shared_session(self) -> None:
        osc = types.SimpleNamespace(session=None, secrets={'sh4red'})
        acme = base.AcmeDriver({}, osc)
        acme.do['list_nodes'] = raising(ValueError('as sh4red'))
        exc = self.assertRaises(
            exceptions.DriverError, boundary.guard(acme).list_nodes
        )
        self.assertIn('as ***', str(exc))

    def test_not_where_it_cannot_start(self) -> None:
        class Failing(base.AcmeDriver):
            def __init__(self, config: Any, osc: Any = None) -> None:
                raise SystemExit(f'cannot use {config["url"]}')

        error = self.refusal(
            boundary.start,
            Failing,
            self.config,
            None,
            name='acme',
            distribution='acme-metal',
            cure='Mend it.',
        )
        self.assertIn('acme of acme-metal cannot start', str(error))
        self.assertIn('SystemExit: cannot use http://***', str(error))
        self.assertEqual('acme', error.driver)
        self.assert_clean(error)
