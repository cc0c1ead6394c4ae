# SPDX-License-Identifier: Apache-2.0
"""Shell commands, with each word quoted."""

from __future__ import annotations

import re
import shlex

from metal_drivers.sources import Setting


def words(*args: str) -> str:
    """A command and its arguments."""
    return shlex.join(args)


def rename_option(setting: Setting, name: str) -> str:
    """Only the name is touched: no value is in the command."""
    old = _pattern(setting.name)
    return words(
        'sed',
        '-i',
        '-E',
        f'/^\\[{_pattern(setting.group)}\\]/I,/^\\[/'
        f's/^{old}([[:space:]]*[=:])/{_text(name)}\\1/',
        setting.path,
    )


def rename_section(path: str, old: str, new: str) -> str:
    return words(
        'sed',
        '-i',
        '-E',
        f's/^\\[{_pattern(old)}\\]/[{_text(new)}]/I',
        path,
    )


def delete_option(setting: Setting) -> str:
    """With crudini, which also knows values of several lines."""
    return words('crudini', '--del', setting.path, setting.group, setting.name)


def _pattern(text: str) -> str:
    """An extended regular expression for that very text, for sed."""
    return re.sub(r'([][\\/.*^$+?(){}|])', r'\\\1', text)


def _text(text: str) -> str:
    """What to put there, for sed."""
    return re.sub(r'([\\/&])', r'\\\1', text)
