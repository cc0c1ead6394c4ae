# SPDX-License-Identifier: Apache-2.0
"""The example of the documentation is a driver that works."""

import importlib
import pathlib
import sys
from typing import Any
from unittest import mock

_EXAMPLE = (
    pathlib.Path(__file__).parents[2].joinpath('doc', 'source', 'contributor')
)

with mock.patch('sys.path', [str(_EXAMPLE), *sys.path]):
    _module: Any = importlib.import_module('test_acme')


class TestAcme(_module.TestAcme):  # type: ignore[misc]
    """The example's own tests."""
