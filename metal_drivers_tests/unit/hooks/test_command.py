# SPDX-License-Identifier: Apache-2.0
"""The hook that runs an executable."""

import json
import os
import pathlib
import select
import stat
from typing import Any

import fixtures

from metal_drivers import exceptions
from metal_drivers.hooks import Event
from metal_drivers.hooks.command import CommandHook
from metal_drivers.model import CheckStatus
from metal_drivers_tests import contract
from metal_drivers_tests.unit import base as unit_base
from metal_drivers_tests.unit.hooks import base


class CommandTestCase(unit_base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def script(self, body: str, mode: int = 0o755) -> str:
        path = self.home / 'hook.sh'
        path.write_text(f'#!/bin/sh\n{body}\n', encoding='utf-8')
        path.chmod(mode)
        return str(path)

    def hook(self, body: str, timeout: float = 30) -> CommandHook:
        return CommandHook(
            {'executable': self.script(body), 'timeout': timeout}
        )

    def failure(self, hook: CommandHook) -> exceptions.MetalError:
        return base.error_of(base.guard(hook, 's3cret-t0ken'), base.event())


class TestRunning(CommandTestCase):
    def test_it_gets_the_event_and_no_arguments(self) -> None:
        out = self.home / 'out'
        hook = self.hook(f'echo "$#" > {out}; cat >> {out}')
        hook.before_off(base.event(node_name='metal "01" $(id)'))
        count, line = out.read_text(encoding='utf-8').splitlines()
        self.assertEqual('0', count)
        self.assertEqual(
            {
                'event': 'before_off',
                'node_id': 'id-1',
                'node_name': 'metal "01" $(id)',
                'host': 'compute-01',
                'driver': 'fake',
            },
            json.loads(line),
        )

    def test_its_five_events(self) -> None:
        out = self.home / 'out'
        hook = base.guard(self.hook(f'cat >> {out}'))
        for event in Event:
            hook.tell(base.event(event))
        told = [
            json.loads(line)['event']
            for line in out.read_text(encoding='utf-8').splitlines()
        ]
        self.assertEqual(
            ['before_off', 'after_off', 'before_on', 'after_on', 'undone'],
            told,
        )

    def test_one_that_does_not_read(self) -> None:
        self.hook('exec <&-; exit 0').before_off(base.event())

    def test_a_status_refuses_with_the_last_line(self) -> None:
        found = self.failure(
            self.hook('echo first >&2; echo "  a ticket is open " >&2; exit 3')
        )
        self.assertIsInstance(found, exceptions.RefusedError)
        self.assertIn('ended with exit status 3: a ticket is open', str(found))
        self.assertNotIn('first', str(found))

    def test_a_status_without_a_word(self) -> None:
        found = self.failure(self.hook('echo to stdout; exit 1'))
        self.assertIn('exit status 1', str(found))
        self.assertIn('wrote no reason', str(found))

    def test_what_it_says_is_shortened_and_without_secrets(self) -> None:
        found = self.failure(
            self.hook(
                'head -c 100000 /dev/zero | tr "\\0" x >&2; echo >&2; '
                'printf "t0ken s3cret-t0ken http://u:pw@h \\033[31m%1000s" '
                'x >&2; exit 1'
            )
        )
        self.assertLess(len(str(found)), 700)
        for hidden in ('s3cret-t0ken', 'u:pw', '\033', 'xxx'):
            self.assertNotIn(hidden, str(found))

    def test_a_signal(self) -> None:
        found = self.failure(self.hook('kill -9 $$'))
        self.assertIn('ended with signal 9', str(found))

    def test_at_the_deadline_its_whole_group_ends(self) -> None:
        never, alive = self.home / 'never', self.home / 'alive'
        for path in (never, alive):
            os.mkfifo(path)
        held = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, held)
        hook = self.hook(
            f'exec 9> {alive}; echo x >&9; cat {never} & cat {never}', 0.5
        )
        found = self.failure(hook)
        self.assertIsInstance(found, exceptions.TimedOutError)
        self.assertIn('did not end within 0.5 s, and was killed', str(found))
        self.assertEqual(b'x\n', os.read(held, 9))
        # Its end comes once nobody has it open any more.
        self.assertEqual([held], select.select([held], [], [], 30)[0])
        self.assertEqual(b'', os.read(held, 9))

    def test_one_that_leaves_something_behind_is_not_waited_for(self) -> None:
        os.mkfifo(self.home / 'never')
        self.hook(f'cat {self.home}/never & exit 0').before_off(base.event())

    def test_it_cannot_print_to_stdout(self) -> None:
        out = self.home / 'out'
        self.hook(
            f'exec 3>&1; echo noise; readlink /proc/$$/fd/3 > {out}'
        ).before_off(base.event())
        self.assertEqual('/dev/null\n', out.read_text(encoding='utf-8'))

    def test_one_that_cannot_be_started(self) -> None:
        path = self.home / 'hook.sh'
        path.write_bytes(b'\x7fELF nonsense')
        path.chmod(stat.S_IRWXU)
        hook = CommandHook({'executable': str(path), 'timeout': 1})
        found = self.failure(hook)
        self.assertIsInstance(found, exceptions.ConfigurationError)
        self.assertIn('could not be started', str(found))


class TestConfiguration(CommandTestCase):
    def config_error(self, executable: Any) -> str:
        return str(
            self.refusal(
                CommandHook, {'executable': executable, 'timeout': 30}
            )
        )

    def test_missing(self) -> None:
        for nothing in (None, ''):
            self.assertIn(
                '[metal_drivers.hooks.command] executable is not set',
                self.config_error(nothing),
            )

    def test_not_there(self) -> None:
        said = self.config_error(f'{self.home}/none')
        self.assertIn('No such file or directory', said)
        self.assertIn('absolute path of an executable file', said)

    def test_relative(self) -> None:
        self.assertIn('not an absolute path', self.config_error('hook.sh'))

    def test_a_directory(self) -> None:
        self.assertIn('not a file', self.config_error(str(self.home)))

    def test_not_executable(self) -> None:
        self.assertIn(
            'may not execute', self.config_error(self.script('exit', 0o644))
        )

    def test_check_sees_what_happened_since(self) -> None:
        hook = self.hook('exit 0')
        self.assertIs(CheckStatus.OK, hook.check()[0].status)
        os.unlink(hook.config['executable'])
        self.assertIs(CheckStatus.FAILED, hook.check()[0].status)


class TestContract(contract.HookContract):
    def create_hook(self) -> CommandHook:
        return CommandHook({'executable': '/bin/true', 'timeout': 30})
