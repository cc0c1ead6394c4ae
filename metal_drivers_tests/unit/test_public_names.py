# SPDX-License-Identifier: Apache-2.0
"""What others rely on does not change without a release note."""

import pathlib
import re
import shutil

import fixtures

import metal_drivers
from metal_drivers import base as contract
from metal_drivers import model
from metal_drivers_tests.unit import base, public_names


class TestRecord(base.TestCase):
    """The record is that of the public names, and each was announced."""

    def setUp(self) -> None:
        super().setUp()
        text = public_names.RECORD.read_text(encoding='utf-8')
        self.sections = public_names.read(text)

    def test_nothing_has_changed_without_a_note(self) -> None:
        lines = public_names.changes(
            public_names.recorded(self.sections), public_names.current()
        )
        if lines:
            changed = '\n'.join(lines)
            self.fail(
                f'What drivers of others rely on has changed:\n{changed}\n'
                'Write a release note that names each of these (reno new '
                'SLUG), or find the one that does, and run '
                f'{public_names.COMMAND} NOTE'
            )

    def test_each_change_was_announced_by_a_note(self) -> None:
        self.assertEqual([], public_names.flaws(self.sections))

    def test_what_an_author_needs_is_there(self) -> None:
        """Each class of ours that a signature of the contract names."""
        named = {
            name
            for what in public_names.current().values()
            for name in re.findall(r'\b[A-Z]\w+', what)
            if hasattr(model, name) or hasattr(contract, name)
        }
        ours = {
            name
            for name in named
            if getattr(model, name, getattr(contract, name, None)).__module__
            in (model.__name__, contract.__name__)
        }
        self.assertIn('CheckStatus', ours)
        self.assertEqual(set(), ours - set(metal_drivers.__all__))

    def test_of_each_kind_something_is_recorded(self) -> None:
        lines = public_names.changes({}, public_names.current())
        for line in (
            "+ Capability.FIND = 'find'",
            '+ MetalDriver.list_nodes(self) -> list[Node] (abstract)',
            '+ MetalDriver.close(self) -> None',
            '+ MetalDriver.max_concurrent: int = 10',
            '+ Node.id: str, argument 0, no default',
            '+ Node.soft_off: bool, by keyword, False by default',
            '+ Node.settled (property)',
            '+ TimedOutError(UnavailableError)',
        ):
            self.assertIn(line, lines)


class TestCommand(base.TestCase):
    """What records a change, and when it does not."""

    def setUp(self) -> None:
        super().setUp()
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.record = home / 'public_names.txt'
        shutil.copy(public_names.RECORD, self.record)
        self.notes = home
        for path in public_names.NOTES.glob('*.yaml'):
            shutil.copy(path, home)
        for name, value in {
            'RECORD': self.record,
            'current': lambda: self.now,
        }.items():
            self.useFixture(
                fixtures.MonkeyPatch(
                    f'metal_drivers_tests.unit.public_names.{name}', value
                )
            )
        self.before = public_names.recorded(self.read())
        self.now: dict[str, str] = dict(self.before)

    def read(self) -> list[public_names.Section]:
        return public_names.read(self.record.read_text(encoding='utf-8'))

    def note(self, text: str) -> None:
        (self.notes / 'news-1.yaml').write_text(text, encoding='utf-8')

    def run_it(self) -> str:
        return public_names.main('news-1', self.notes)

    def test_records_what_a_note_names(self) -> None:
        self.now['Node.rack'] = ': str, by keyword, None by default'
        self.now['Capability.FIND'] = " = 'look-up'"
        del self.now['MetalDriver.max_concurrent']
        self.note('``rack``, ``FIND``, and no more ``max_concurrent``')
        self.assertEqual('', self.run_it())
        self.assertEqual(self.now, public_names.recorded(self.read()))
        self.assertEqual('news-1', self.read()[-1].note)
        self.assertEqual([], public_names.flaws(self.read(), self.notes))

    def test_refuses_what_no_note_names(self) -> None:
        self.now['Node.rack'] = ': str, by keyword, None by default'
        self.assertIn('there is no release note news-1.yaml', self.run_it())
        self.note('Nodes tell their racks.')
        self.assertEqual('news-1.yaml does not name Node.rack', self.run_it())
        self.assertEqual(self.before, public_names.recorded(self.read()))

    def test_refuses_what_no_driver_of_today_has(self) -> None:
        """Unless it is for the next major version."""
        self.now['MetalDriver.reboot'] = '(self) -> None (abstract)'
        self.now['MetalDriver.check'] += ' (abstract)'
        self.now['Node.rack'] = ': str, argument 3, no default'
        self.note('See reboot, check, rack, and CONTRACT.')
        refused = self.run_it()
        for name in ('MetalDriver.reboot', 'MetalDriver.check', 'Node.rack'):
            self.assertIn(f'{name} has no default', refused)
        self.now['CONTRACT'] = ' = (1, 1)'
        self.assertEqual(refused, self.run_it())
        self.now['CONTRACT'] = ' = (2, 0)'
        self.assertEqual('', self.run_it())

    def test_a_change_by_hand_is_noticed(self) -> None:
        text = self.record.read_text(encoding='utf-8')
        self.record.write_text(
            text.replace("FIND = 'find'", "FIND = 'look-up'"),
            encoding='utf-8',
        )
        (flaw,) = public_names.flaws(self.read(), self.notes)
        self.assertIn('was changed by hand', flaw)

    def test_a_note_that_is_gone_is_noticed(self) -> None:
        self.now['Node.rack'] = ': str, by keyword, None by default'
        self.note('``rack``')
        self.assertEqual('', self.run_it())
        self.note('Nothing.')
        self.assertEqual(
            ['news-1.yaml does not name Node.rack'],
            public_names.flaws(self.read(), self.notes),
        )
