# SPDX-License-Identifier: Apache-2.0
"""Where power changes are recorded, and their watts."""

import os
import pathlib
from unittest import mock

from metal_drivers_tests.unit.doctor import base


class TestHistory(base.DoctorTestCase):
    def test_nothing_is_recorded(self) -> None:
        self.assertNotIn('history', self.rows())

    def test_all_is_well(self) -> None:
        path = self.folder / 'history.jsonl'
        self.config['metal_drivers'] |= {
            'history_file': path,
            'idle_watts': '150, gpu-*=600',
        }
        self.assertEqual(('ok', str(path)), self.rows()['history'])
        self.assertFalse(path.exists())
        path.write_text('')
        self.assertEqual('ok', self.rows()['history'][0])

    def test_watts_that_cannot_be_read(self) -> None:
        self.config['metal_drivers']['idle_watts'] = '150W'
        result, detail = self.rows(status=1)['idle_watts']
        self.assertEqual('failed', result)
        self.assertIn("'150W', which is no number of watts", detail)
        self.assertIn('such as 150', detail)

    def assert_failed(self, path: pathlib.Path, told: str) -> None:
        self.config['metal_drivers']['history_file'] = path
        result, detail = self.rows(status=1)['history']
        self.assertEqual('failed', result)
        self.assertIn(told, detail)

    def test_a_folder_that_is_not_there(self) -> None:
        self.assert_failed(self.folder / 'none' / 'history', 'is not there')

    def test_a_folder_in_place_of_a_file(self) -> None:
        self.assert_failed(self.folder, 'is not a regular file')

    def test_another_user_owns_it(self) -> None:
        self.config['metal_drivers']['history_file'] = self.folder / 'history'
        with mock.patch.object(os, 'access', return_value=False):
            result, detail = self.rows()['history']
        self.assertEqual('warning', result)
        self.assertIn('this user may not write', detail)
