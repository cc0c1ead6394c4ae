# SPDX-License-Identifier: Apache-2.0
"""The messages that the documentation explains are those of the code."""

import ast
import pathlib
import re
from collections.abc import Iterator

import metal_drivers
from metal_drivers_tests.unit import base

_PACKAGE = pathlib.Path(metal_drivers.__file__).parent
_PAGE = _PACKAGE.parent / 'doc' / 'source' / 'troubleshooting.rst'

#: What stands for a value, on the page and here for those of an f-string.
_VALUE = '…'


def templates() -> Iterator[str]:
    """The texts of the code, with a sign for each value in them."""
    for path in _PACKAGE.rglob('*.py'):
        tree = ast.parse(path.read_text('utf-8'))
        documented = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr)
        }
        for node in ast.walk(tree):
            if id(node) in documented:
                continue
            if isinstance(node, ast.JoinedStr):
                yield ''.join(
                    str(part.value)
                    if isinstance(part, ast.Constant)
                    else _VALUE
                    for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(
                node.value, str
            ):
                yield node.value


class TestMessages(base.TestCase):
    def test_each_that_is_explained_is_one_of_the_code(self) -> None:
        page = _PAGE.read_text('utf-8')
        explained = re.findall(r'\* - ``(.+)``$', page, re.MULTILINE)
        self.assertGreater(len(explained), 15)
        code = '\n'.join(templates())
        self.assertEqual([], [text for text in explained if text not in code])
