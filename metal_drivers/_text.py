# SPDX-License-Identifier: Apache-2.0
"""The texts of other people's services, fit for a message of ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from metal_drivers import redaction

if TYPE_CHECKING:  # what finds drivers cleans texts, too, and has no HTTP
    import requests

#: How much of a foreign text goes into a message.
_MOST = 300
#: How much of one is looked at: it may be a whole page.
_FAR = 10_000

#: Where the services put the text of an error: Nova (``{"forbidden":
#: {"message": …}}``), Keystone (``{"error": …}``), Ironic
#: (``{"error_message": …}``, where … is mostly JSON once more).
_TEXT_KEYS = ('faultstring', 'message', 'description', 'title')


def fault_text(reply: requests.Response) -> str:
    """What the service says is wrong, in its own words, cleaned."""
    try:
        found = _dig(json.loads(reply.content))
    except ValueError:
        found = ''
    if found:
        return clean(found)
    return f'{reply.reason or "no reason"}, with {kind(reply)}'


def clean(text: str) -> str:
    """A foreign text for a message: one line, bounded, no credentials."""
    # Half as dear to import as all else: only where something is wrong.
    from oslo_utils import strutils

    text = ' '.join(redaction.mask_userinfo(text).split())
    text = strutils.mask_password(text)
    # What is not for the eye may be for a terminal.
    text = ''.join(char if char.isprintable() else '?' for char in text)
    return text if len(text) <= _MOST else text[: _MOST - 1] + '…'


def said(
    exc: BaseException,
    redact: Callable[[str], str] = redaction.mask_userinfo,
) -> str:
    """The type of an exception, and what it says, cleaned."""
    name = type(exc).__name__
    text = clean(redact(redaction.text_of(exc)[:_FAR]))
    return f'{name}: {text}' if text else name


def _dig(found: Any) -> str:
    """The text in any of the shapes in which the services put errors."""
    if isinstance(found, str):
        try:
            return _dig(json.loads(found)) or found
        except ValueError:
            return found
    if not isinstance(found, dict):
        return ''
    for key in _TEXT_KEYS:
        if isinstance(found.get(key), str):
            return _dig(found[key])
    for inner in found.values():
        if isinstance(inner, dict | str):
            text = _dig(inner)
            if text:
                return text
    return ''


def kind(reply: requests.Response) -> str:
    """What sort of body it has."""
    if not reply.content:
        return 'an empty body'
    kind = reply.headers.get('Content-Type', '').partition(';')[0]
    return f'a body of type {kind or "unknown"}'
