# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with the two files, and with the size of the code."""

import ast
import io
import pathlib
import tokenize
import traceback

import testtools

import metal_drivers
import metal_drivers_redfish
from metal_drivers_redfish.driver import RedfishDriver
from tests import bmcs

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
URL = 'https://192.0.2.1/redfish/v1/Systems/1'


class TestFiles(testtools.TestCase):
    def setUp(self):
        super().setUp()
        urls = {'compute-A': URL, 'compute-B': f'{URL}0'}
        self.files = self.useFixture(bmcs.Files(urls))

    def refused(self, path, *said):
        """The driver names the file, and what is wrong; no password."""
        driver = RedfishDriver(self.files.config)
        exc = self.assertRaises(
            metal_drivers.ConfigurationError, driver.list_nodes
        )
        for text in (str(path), *said):
            self.assertIn(text, str(exc))
        shown = ''.join(traceback.format_exception(exc))
        self.assertNotIn(bmcs.PASSWORD, shown)
        # The checks say the same instead of raising it.
        (result,) = driver.check()
        self.assertEqual(str(exc), result.detail)

    def test_inventory(self):
        entry = f'{{system: "{URL}", credentials: rack-1}}'
        for text, said in (
            ('', "$ breaks the rule 'type'"),
            ('[]', "$ breaks the rule 'type'"),
            ('{}', "$ breaks the rule 'minProperties'"),
            ('a: [', 'line 1'),
            ('a: {}', "$.a breaks the rule 'required'"),
            ('a b: {}', "'pattern'"),
            (f'a: {entry}\nb: {entry}', "'uniqueItems'"),
            (f'a: {entry[:-1]}, rack: 1}}', "'additionalProperties'"),
            (f'a: {entry[:-1]}, uuid: 1}}', "$.a.uuid breaks the rule 'type'"),
            (entry.replace('rack-1', 'rack-2').join(['a: ', '']), "'enum'"),
            *(
                (f'a: {{system: "{url}", credentials: rack-1}}', '$.a.system')
                for url in (
                    '1',
                    'ftp://192.0.2.1/redfish/v1/Systems/1',
                    '/redfish/v1/Systems/1',
                    'https://192.0.2.1',
                    f'{URL}/',
                    f'{URL}?x',
                    'https://me:my@192.0.2.1/redfish/v1/Systems/1',
                )
            ),
        ):
            self.files.inventory.write_text(text)
            self.refused(self.files.inventory, said)
        self.files.inventory.write_bytes(b'\xff')
        self.refused(self.files.inventory, 'no YAML')
        self.files.inventory.unlink()
        self.refused(self.files.inventory, 'No such file')

    def test_credentials(self):
        secret = bmcs.PASSWORD
        for text, said in (
            ('', "'type'"),
            (f'{secret}', "$ breaks the rule 'type'"),
            (f'rack-1: *{secret}', 'line 1'),
            (f'rack-1: {{password: {secret}', 'line 1'),
            (f'rack-1: {secret}', "$['rack-1'] breaks the rule 'type'"),
            (f'rack-1: {{password: {secret}}}', "'required'"),
            (f'rack-1: {{username: a, password: [{secret}]}}', "'type'"),
            (f'rack-1: {{username: "a:b", password: {secret}}}', "'pattern'"),
        ):
            self.files.credentials.write_text(text)
            self.refused(self.files.credentials, said)

    def test_credentials_that_others_can_read(self):
        for mode in (0o644, 0o602, 0o601):
            self.files.credentials.chmod(mode)
            self.refused(self.files.credentials, 'chmod o=')
        for mode in (0o640, 0o400):
            self.files.credentials.chmod(mode)
            driver = RedfishDriver(self.files.config)
            self.assertEqual([], driver.find_nodes('nobody'))

    def test_they_are_read_again_once_they_are_right(self):
        text = self.files.inventory.read_text()
        self.files.inventory.write_text('')
        driver = RedfishDriver(self.files.config)
        self.assertRaises(metal_drivers.ConfigurationError, driver.list_nodes)
        self.files.inventory.write_text(text)
        self.assertEqual([], driver.find_nodes('nobody'))


class TestSize(testtools.TestCase):
    def test_at_most_200_lines(self):
        """Those with code in them."""
        folder = pathlib.Path(metal_drivers_redfish.__file__).parent
        lines = sum(len(_code(path)) for path in folder.glob('*.py'))
        self.assertGreater(lines, 100)
        self.assertLessEqual(lines, 200)


def _code(path):
    """The numbers of the lines that are not blank, comment or docstring."""
    text = path.read_text(encoding='utf-8')
    found = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            found |= {*range(token.start[0], token.end[0] + 1)}
    for node in ast.walk(ast.parse(text)):
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef
        if isinstance(node, kinds) and ast.get_docstring(node):
            first = node.body[0]
            found -= {*range(first.lineno, first.end_lineno + 1)}
    return found
