# SPDX-License-Identifier: Apache-2.0
"""Secrets do not get out, however they are spelt."""

import base64
import html
import json
import re
import traceback
import urllib.parse

import testtools
from oslo_config import cfg

from metal_drivers import _text, redaction

#: Such as people choose, and such as machines make.
SECRETS = (
    's3cret4711',
    'p@ss w/rd:%+&=?#',
    'it\'s "quoted" \\ <so>',
    'pässwörd-ключ',
    'abcde',
    'x' * 300,
)


def _lower_hex(text: str) -> str:
    return re.sub('%..', lambda match: match[0].lower(), text)


class TestRedactor(testtools.TestCase):
    def assert_hidden(self, secret: str, text: str) -> None:
        said = redaction.Redactor([secret])(f'before {text} after')
        self.assertTrue(said.startswith('before '), said)
        self.assertTrue(said.endswith(' after'), said)
        self.assertIn('***', said)
        self.assertNotIn(text, said)

    def test_in_any_spelling(self) -> None:
        for secret in SECRETS:
            for text in (
                secret,
                repr(secret),
                ascii(secret),
                repr(secret.encode()),
                json.dumps(secret),
                json.dumps(secret, ensure_ascii=False),
                html.escape(secret),
                urllib.parse.quote(secret),
                urllib.parse.quote(secret, safe=''),
                _lower_hex(urllib.parse.quote(secret, safe='')),
                urllib.parse.quote_plus(secret),
            ):
                self.assert_hidden(secret, text)

    def test_in_base64_with_a_user_before_it(self) -> None:
        for secret in SECRETS:
            for user in ('', 'a:', 'ab:', 'abc:', 'watcher:'):
                data = f'{user}{secret}'.encode()
                for text in (
                    base64.b64encode(data).decode(),
                    base64.urlsafe_b64encode(data).decode(),
                    urllib.parse.quote(base64.b64encode(data), safe=''),
                ):
                    said = redaction.Redactor([secret])(f'Basic {text}.')
                    self.assertIn('***', said)
                    # Nothing that decodes to a part of it.
                    self.assertTrue(
                        len(said) < len('Basic ***.') + len(user) * 2 + 2,
                        said,
                    )

    def test_a_part_of_another_is_hidden_within_it(self) -> None:
        redact = redaction.Redactor(['abcdef', 'abcdefghi'])
        self.assertEqual('*** ***', redact('abcdefghi abcdef'))

    def test_a_short_one_leaves_other_words_alone(self) -> None:
        redact = redaction.Redactor(['on', '', ' '])
        self.assertEqual('*** node *** second', redact('on node on second'))

    def test_nothing_to_hide(self) -> None:
        text = 'power off of node a/b+c== failed: 100% of "it"'
        self.assertEqual(text, redaction.Redactor()(text))

    def test_its_repr_tells_nothing(self) -> None:
        redact = redaction.Redactor(['s3cret4711'])
        redact('s3cret4711')
        self.assertNotIn('s3cret', repr(redact))

    def test_userinfo_of_urls(self) -> None:
        for text in (
            'http://ann:s3cret@h/x',
            'http://ann:s3/cr@et@h/x',
            'http://ann:s3cr@et@h:80/x',
            "get('https://s3cret@h')",
            'next=http%3A%2F%2Fann%3As3cret%40h%2Fx',
        ):
            said = redaction.mask_userinfo(text)
            self.assertNotIn('s3c', said)
            self.assertNotIn('et@', said)
            self.assertIn('***', said)
        for text in ('http://h:80/x@y', 'http://h/x, ann@h', 'a@b'):
            self.assertEqual(text, redaction.mask_userinfo(text))


class TestSecretsOf(testtools.TestCase):
    def test_secret_options_and_urls(self) -> None:
        options = [
            cfg.StrOpt('url'),
            cfg.StrOpt('token', secret=True),
            cfg.ListOpt('keys', secret=True),
            cfg.IntOpt('pin', secret=True),
            cfg.StrOpt('unset', secret=True),
            cfg.StrOpt('label'),
        ]
        values = {
            'url': 'http://ann:p%40ss@h/',
            'token': 't0ken',
            'keys': ['k1', 'k2'],
            'pin': 4711,
            'unset': None,
            'label': 'rack 7',
        }
        self.assertEqual(
            {
                'ann:p%40ss',
                'ann:p@ss',
                'p%40ss',
                'p@ss',
                't0ken',
                'k1',
                'k2',
                '4711',
            },
            redaction.secrets_of(options, values),
        )


class Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class TestExceptions(testtools.TestCase):
    def test_a_text_that_cannot_be_read(self) -> None:
        self.assertEqual('Mute: (its text cannot be read)', _text.said(Mute()))
        self.assertEqual('ValueError', _text.said(ValueError()))
        self.assertEqual('ValueError: a b', _text.said(ValueError('a\nb')))

    def test_a_traceback_without_secrets(self) -> None:
        redact = redaction.Redactor(['s3cret4711'])
        try:
            try:
                raise KeyError('s3cret4711')
            except KeyError as exc:
                exc.add_note('s3cret4711, too')
                raise RuntimeError('harmless') from exc
        except RuntimeError as exc:
            found = redaction.redacted(exc, redact)
            shown = ''.join(traceback.format_exception(found))
        # The line of this file that raised it is no secret of anybody.
        shown = shown.replace("raise KeyError('s3cret4711')", '')
        self.assertNotIn('s3cret4711', shown)
        self.assertIn('RuntimeError: harmless', shown)
        self.assertIn('KeyError: ', shown)
        self.assertIn('direct cause', shown)

    def test_one_without_secrets_is_kept(self) -> None:
        exc = ValueError('harmless')
        redact = redaction.Redactor(['s3cret4711'])
        self.assertIs(exc, redaction.redacted(exc, redact))
