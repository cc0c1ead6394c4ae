# SPDX-License-Identifier: Apache-2.0
"""What an executable has yet to be told, where processes share a folder."""

import os
from unittest import mock

from metal_drivers import exceptions
from metal_drivers.hooks import Event
from metal_drivers.hooks.command import CommandHook
from metal_drivers.model import CheckStatus
from metal_drivers_tests.unit.hooks import base, test_command


class TestPending(test_command.CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.home / 'state'
        self.folder.mkdir()

    def another(self, body: str = 'exit 0') -> CommandHook:
        """The hook as another process has it."""
        return CommandHook(
            {
                'executable': self.script(body),
                'timeout': 30,
                'state_dir': str(self.folder),
            }
        )

    def noted(self) -> dict[str, str]:
        notes = base.guard(self.another()).notes()
        return {host: note.node_id for host, note in notes.items()}

    def test_an_end_that_failed_is_known_to_all(self) -> None:
        for last in ('after_on', 'undone'):
            self.another().before_off(base.event())
            self.another().after_off(base.event(Event.AFTER_OFF))
            self.assertEqual({'compute-01': 'id-1'}, self.noted())
            event = base.event(Event(last))
            hook = self.another('exit 1')
            self.assertRaises(
                exceptions.RefusedError, getattr(hook, last), event
            )
            self.assertEqual({'compute-01': 'id-1'}, self.noted())
            getattr(self.another(), last)(event)
            self.assertEqual({}, self.noted())
            self.assertEqual([], list(self.folder.iterdir()))

    def test_each_host_has_its_own(self) -> None:
        for number in ('1', '2', '../../3', '.'):
            event = base.event(node_id=number, host=f'compute-{number}')
            self.another().before_off(event)
        self.another().after_on(
            base.event(Event.AFTER_ON, node_id='1', host='compute-1')
        )
        self.assertEqual(
            {'compute-2': '2', 'compute-../../3': '../../3', 'compute-.': '.'},
            self.noted(),
        )
        self.assertEqual(['hook.sh', 'state'], sorted(os.listdir(self.home)))

    def test_what_is_no_compute_host_is_not_kept(self) -> None:
        self.another().before_off(base.event(host=''))
        self.assertEqual({}, self.noted())

    def test_without_a_folder_nothing_is_kept(self) -> None:
        hook = self.hook('exit 0')
        hook.before_off(base.event())
        self.assertEqual({}, hook.notes())

    def test_files_of_others_are_left_alone(self) -> None:
        (self.folder / 'README').write_text('hello')
        for text in ('', '[]', '{"host": "a"}', '"x"'):
            (self.folder / 'other.json').write_text(text)
            with self.assertLogs('metal_drivers.hooks', 'WARNING') as logs:
                self.assertEqual({}, self.noted())
            self.assertIn('other.json is not a note', logs.output[0])
        self.assertEqual(2, len(os.listdir(self.folder)))

    def test_a_folder_that_is_not_there_refuses_the_power_off(self) -> None:
        self.folder.rmdir()
        hook = self.another(f'touch {self.home}/ran')
        found = self.failure(hook)
        self.assertIsInstance(found, exceptions.ConfigurationError)
        self.assertIn('No such file or directory', str(found))
        self.assertIn('[metal_drivers.hooks.command] state_dir', found.cure)
        self.assertFalse((self.home / 'ran').exists())
        (result,) = hook.check()
        self.assertIs(CheckStatus.FAILED, result.status)
        self.assertRaises(exceptions.ConfigurationError, hook.notes)

    def test_a_file_that_cannot_be_read(self) -> None:
        (self.folder / 'a.json').mkdir()
        found = self.assertRaises(
            exceptions.ConfigurationError, self.another().notes
        )
        self.assertIn('cannot be read: Is a directory', str(found))

    def test_a_disk_that_is_full_leaves_nothing_behind(self) -> None:
        full = OSError(28, 'No space left on device')
        with mock.patch('pathlib.Path.replace', side_effect=full):
            found = self.failure(self.another())
        self.assertIn('No space left on device', str(found))
        self.assertEqual([], os.listdir(self.folder))

    def test_a_relative_path_is_refused(self) -> None:
        config = {'executable': self.script('exit'), 'timeout': 1}
        said = str(self.refusal(CommandHook, config | {'state_dir': 'here'}))
        self.assertIn('not an absolute path', said)

    def test_check_names_both(self) -> None:
        details = [result.detail for result in self.another().check()]
        self.assertEqual(
            [str(self.home / 'hook.sh'), str(self.folder)], details
        )
