# SPDX-License-Identifier: Apache-2.0
"""Secrets, and how they are kept out of what other people's code says.

The text of an exception that a driver, or its import, raised may quote
whatever that had in its hands: a password, a token, a URL with both.
"""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oslo_config import cfg

_MASK = '***'

#: What follows ``://`` up to an ``@``. A password may have a ``/`` in it,
#: which a host has not; but a port may be followed by one.
_USERINFO = re.compile(
    r"""://(?:[^/\s"'<>]*:(?!\d+(?:/|$))[^\s"'<>]*|[^/\s"'<>]+)@"""
)
_QUOTED_USERINFO = re.compile(
    r'%3a%2f%2f(?:(?!%2f)[^\s/&@])+%40', re.IGNORECASE
)

#: Shorter ones are hidden where they are a whole word: as a part of other
#: words they would make every message unreadable, and are no secret.
_SHORT = 4


def mask_userinfo(text: str) -> str:
    """``http://***@host`` for a URL with a user or a password in it."""
    text = _USERINFO.sub(f'://{_MASK}@', text)
    return _QUOTED_USERINFO.sub(f'%3A%2F%2F{_MASK}%40', text)


class Redactor:
    """Hides secrets in texts: in clear, as JSON, Python and HTML escape
    them, percent-encoded and in base64, alone or together with a user.

    Also hides what stands before the ``@`` of any URL. Its repr tells
    nothing.
    """

    __slots__ = ('_patterns', '_secrets')

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # One may be a part of another.
        self._secrets = sorted(
            {secret for secret in secrets if secret.strip()},
            key=len,
            reverse=True,
        )
        self._patterns: list[re.Pattern[str]] | None = None

    def __repr__(self) -> str:
        return '<Redactor>'

    def __call__(self, text: str) -> str:
        for pattern in self._compiled():
            text = pattern.sub(_MASK, text)
        return mask_userinfo(text)

    def finds(self, text: str) -> bool:
        """Whether a secret is in the text."""
        return any(pattern.search(text) for pattern in self._compiled())

    def _compiled(self) -> list[re.Pattern[str]]:
        if self._patterns is None:  # mostly there is nothing to be said
            self._patterns = [
                re.compile(pattern)
                for secret in self._secrets
                for pattern in _patterns(secret)
            ]
        return self._patterns


def _patterns(secret: str) -> Iterator[str]:
    clear = _spelt(secret)
    if len(secret) < _SHORT:
        yield rf'(?<!\w){clear}(?!\w)'
        return
    yield clear
    whole = secret.encode(errors='surrogatepass')
    found = set()
    # How it is spelt in base64 depends on how many bytes come before it.
    for before in range(3):
        data = bytes(before) + whole
        first, end = -(-before * 8 // 6), len(data) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(data)[first:end].decode())
    for core in sorted(found):
        yield rf'[\w+/-]?{_spelt(core)}(?:[\w+/=-]|%3[dD])*'


def _spelt(secret: str) -> str:
    """A pattern for a text in any spelling."""
    return ''.join(map(_spellings, secret))


def _spellings(char: str) -> str:
    data = char.encode(errors='surrogatepass')
    found = {
        char,
        json.dumps(char)[1:-1],
        repr(char)[1:-1],
        ascii(char)[1:-1],
        repr(data)[2:-1],
        html.escape(char),
    }
    if char in '\'"':
        found.add(f'\\{char}')
    spellings = [re.escape(each) for each in sorted(found, key=len)]
    percent = ''.join(f'%{byte:02x}' for byte in data)
    spellings.append(f'(?i:{percent})')
    if char.isspace():
        spellings += [r'\s', r'\+']
    # The longest first: what is escaped begins with what escapes.
    return f'(?:{"|".join(reversed(spellings))})'


def secrets_of(
    options: Iterable[cfg.Opt], values: Mapping[str, Any]
) -> set[str]:
    """The values of secret options, and the credentials in URLs.

    :param values: anything that has values of options, as items or as
        attributes.
    """
    found: set[str] = set()
    for opt in options:
        for text in _texts(value(values, opt.dest)):
            if opt.secret:
                found |= {text, text.strip()}
            else:
                found |= set(_credentials(text))
    return found


def shown(opt: cfg.Opt, found: Any) -> Any:
    """The value of an option, as ``driver show`` has it."""
    if opt.secret and found is not None:
        return _MASK
    if isinstance(found, list) and found:
        # As it is written in a file.
        return mask_userinfo(', '.join(map(str, found)))
    if isinstance(found, str | list):
        return mask_userinfo(str(found))
    return found


def value(values: Any, name: str) -> Any:
    """The value of an option, an item or an attribute; None: it has none."""
    try:
        return values[name]
    except (KeyError, TypeError):
        return getattr(values, name, None)


def _texts(found: Any) -> Iterator[str]:
    match found:
        case str():
            yield found
        case bytes():
            yield found.decode(errors='replace')
        case bool() | None:
            return
        case int() | float():
            yield str(found)
        case Mapping():
            for each in found.values():
                yield from _texts(each)
        case list() | tuple() | set() | frozenset():
            for each in found:
                yield from _texts(each)


def _credentials(url: str) -> Iterator[str]:
    """The password of a URL, and ``user:password``, as in HTTP basic."""
    for match in _USERINFO.finditer(url):
        userinfo = match[0].removeprefix('://').removesuffix('@')
        password = userinfo.partition(':')[2]
        if password:
            for text in (userinfo, password):
                yield text
                yield urllib.parse.unquote(text)


def text_of(exc: BaseException) -> str:
    """What an exception says, even where asking for that raises."""
    try:
        return str(exc)
    except KeyboardInterrupt:
        raise
    except BaseException:  # it is code of someone else, too
        return '(its text cannot be read)'


class Redacted(Exception):
    """Stands for an exception whose text has a secret in it."""


def redacted(exc: BaseException, redact: Redactor) -> BaseException:
    """The same exception, or one in its place that may be shown, with all
    that it came from: a traceback has the texts of the whole chain.
    """
    if all(
        redact(text) == text for each in _chain(exc) for text in _said(each)
    ):
        return exc
    return _stand_in(exc, redact, set())


def hide_causes(exc: BaseException, redact: Redactor) -> None:
    """Replace what an exception came from, where that tells a secret."""
    suppressed = exc.__suppress_context__
    if exc.__cause__ is not None:
        exc.__cause__ = redacted(exc.__cause__, redact)
    if exc.__context__ is not None:
        exc.__context__ = redacted(exc.__context__, redact)
    exc.__suppress_context__ = suppressed


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """An exception and all that a traceback shows with it."""
    left, seen = [exc], set()
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        left += [e for e in (each.__cause__, each.__context__) if e]
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions


def _said(exc: BaseException) -> Iterator[str]:
    yield text_of(exc)
    for note in getattr(exc, '__notes__', ()):
        yield str(note)


def _stand_in(
    exc: BaseException, redact: Redactor, seen: set[int]
) -> BaseException:
    seen.add(id(exc))
    said = redact('\n'.join(_said(exc)))
    stand = Redacted(f'{type(exc).__name__}: {said}')
    stand.__traceback__ = exc.__traceback__
    for name in ('__cause__', '__context__'):
        source = getattr(exc, name)
        if source is not None and id(source) not in seen:
            setattr(stand, name, _stand_in(source, redact, seen))
    stand.__suppress_context__ = exc.__suppress_context__
    return stand
