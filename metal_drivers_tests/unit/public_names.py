# SPDX-License-Identifier: Apache-2.0
"""What others rely on: the public names and signatures, and a record of
them that says which release note announced each.

The record, ``public_names.txt``, has a section for each note that announced
a change. Sections are only added, by::

    python -m metal_drivers_tests.unit.public_names NOTE
"""

import dataclasses
import enum
import hashlib
import inspect
import pathlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import metal_drivers
from metal_drivers import conformance
from metal_drivers_tests import contract

RECORD = pathlib.Path(__file__).with_suffix('.txt')
NOTES = pathlib.Path(__file__).parents[2] / 'releasenotes/notes'
COMMAND = f'python -m {__spec__.name if __spec__ else __name__}'

#: What the tests of drivers rely on.
_FOR_TESTS = {
    'conformance': ('Command', 'Hooks'),
    'contract': contract.__all__,
}

#: What nobody calls, or relies on.
_PRIVATE = ('_', 'test_', 'setUp')

#: A description by each name; with its name before it, it is a line.
Names = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Section:
    """What one release note announced.

    :ivar note: the name of its file, without ``.yaml``.
    :ivar seal: a checksum of the lines, as they were recorded.
    :ivar lines: ``+ NAME…`` for what is new or changed, ``- NAME`` for what
        is gone.
    """

    note: str
    seal: str
    lines: tuple[str, ...]

    def names(self) -> set[str]:
        """What the note has to name: not what a new class consists of."""
        found = {_name(line[2:]) for line in self.lines}
        return {name for name in found if name.rpartition('.')[0] not in found}

    def __str__(self) -> str:
        return '\n'.join([f'== {self.note} {self.seal}', *self.lines, ''])


def current() -> dict[str, str]:
    """The public names as they are."""
    found = dict(_described(metal_drivers, metal_drivers.__all__))
    for module in (conformance, contract):
        prefix = module.__name__.rpartition('.')[2]
        for name, what in _described(module, _FOR_TESTS[prefix]):
            found[f'{prefix}.{name}'] = what
    return found


def read(text: str) -> list[Section]:
    """The sections of a record."""
    found: list[Section] = []
    for line in text.splitlines():
        if line.startswith('== '):
            _, note, seal = line.split()
            found.append(Section(note, seal, ()))
        elif line.startswith(('+ ', '- ')):
            last = found[-1]
            found[-1] = dataclasses.replace(last, lines=(*last.lines, line))
    return found


def recorded(sections: Iterable[Section]) -> dict[str, str]:
    """The public names after all of these."""
    found: dict[str, str] = {}
    for section in sections:
        for line in section.lines:
            name = _name(line[2:])
            if line.startswith('- '):
                found.pop(name, None)
            else:
                found[name] = line[2 + len(name) :]
    return found


def changes(before: Names, after: Names) -> tuple[str, ...]:
    """The lines of a section from the one to the other."""
    return (
        *(f'- {name}' for name in sorted(before.keys() - after.keys())),
        *(
            f'+ {name}{what}'
            for name, what in sorted(after.items())
            if before.get(name) != what
        ),
    )


def section(note: str, lines: tuple[str, ...]) -> Section:
    return Section(note, _seal(lines), lines)


def flaws(sections: list[Section], notes: pathlib.Path = NOTES) -> list[str]:
    """What is wrong with a record: a line that was changed by hand, or
    that no release note has announced."""
    found = []
    for number, each in enumerate(sections):
        if each.seal != _seal(each.lines):
            found.append(
                f'the section of {each.note} was changed by hand: put it '
                f'back as it was, and run {COMMAND} NOTE'
            )
        path = notes / f'{each.note}.yaml'
        if not path.is_file():
            found.append(f'there is no release note {path.name}')
        elif number:  # the first note announces the contract as a whole
            text = path.read_text(encoding='utf-8')
            found += [
                f'{path.name} does not name {name}'
                for name in sorted(each.names())
                if not re.search(rf'\b{name.rpartition(".")[2]}\b', text)
            ]
    return found


def obligations(before: Names, after: Names) -> list[str]:
    """What each driver would have to know at once."""
    required = (_ABSTRACT, _NO_DEFAULT)
    return sorted(
        name
        for name, what in after.items()
        if name.rpartition('.')[0] in before
        and what.endswith(required)
        and not before.get(name, '').endswith(required)
    )


def main(note: str, notes: pathlib.Path = NOTES) -> str:
    """Record what has changed, as announced by that note.

    :returns: why not, where it is refused.
    """
    sections = read(RECORD.read_text(encoding='utf-8'))
    before, after = recorded(sections), current()
    lines = changes(before, after)
    if not lines:
        return 'Nothing has changed.'
    added = [*sections, section(note.removesuffix('.yaml'), lines)]
    wrong = flaws(added, notes)
    if _major(before) == _major(after):
        wrong += [
            f'{name} has no default, so that no driver of today would work: '
            'give it one'
            for name in obligations(before, after)
        ]
    if not wrong:
        with RECORD.open('a', encoding='utf-8') as file:
            file.write(f'\n{added[-1]}')
    return '\n'.join(wrong)


def _major(names: Names) -> str:
    """That of the contract."""
    return names.get('CONTRACT', '').partition(',')[0]


def _described(owner: Any, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = getattr(owner, name)
        if not inspect.isclass(value):
            yield name, _signature(value) if callable(value) else _is(value)
            continue
        bases = ', '.join(each.__name__ for each in value.__bases__)
        yield name, f'({bases})'
        for member, what in _members(value):
            yield f'{name}.{member}', what


def _members(kind: type) -> Iterator[tuple[str, str]]:
    if issubclass(kind, enum.Enum):
        for value in kind:
            yield value.name, f' = {value.value!r}'
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    for number, field in enumerate(fields):
        place = 'by keyword' if field.kw_only else f'argument {number}'
        if field.default is not dataclasses.MISSING:
            default = f', {_shown(field.default)} by default'
        elif field.default_factory is not dataclasses.MISSING:
            default = ', with a default'
        else:
            default = _NO_DEFAULT
        yield field.name, f': {field.type}, {place}{default}'
    known = {field.name for field in fields} | set(
        getattr(kind, '__members__', ())
    )
    made = fields or getattr(kind, '_is_protocol', False)
    wanted = () if made else ('__init__',)
    annotations = inspect.get_annotations(kind)
    if issubclass(kind, tuple):
        yield from ((name, ' (of the tuple)') for name in annotations)
        return
    for name, value in vars(kind).items():
        if name in known or (name.startswith(_PRIVATE) and name not in wanted):
            continue
        shape = f': {annotations[name]}' if name in annotations else ''
        yield name, shape + _member(value)


_ABSTRACT = ' (abstract)'
_NO_DEFAULT = ', no default'


def _member(value: object) -> str:
    if isinstance(value, property):
        return ' (property)'
    kind = ''
    if isinstance(value, classmethod | staticmethod):
        kind, value = f' ({type(value).__name__})', value.__func__
    if not callable(value):
        return _is(value)
    abstract = getattr(value, '__isabstractmethod__', False)
    return _signature(value) + kind + (_ABSTRACT if abstract else '')


def _signature(function: Any) -> str:
    found = inspect.signature(function)
    return str(
        found.replace(
            parameters=[
                each.replace(
                    annotation=_Text.of(each.annotation, str),
                    default=_Text.of(each.default, object),
                )
                for each in found.parameters.values()
            ],
            return_annotation=_Text.of(found.return_annotation, str),
        )
    )


class _Text:
    """What is shown of a value, whatever the version of Python."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    @classmethod
    def of(cls, value: Any, kind: type) -> Any:
        if value is inspect.Parameter.empty or not isinstance(value, kind):
            return value
        return cls(str(value) if kind is str else _shown(value))


def _is(value: object) -> str:
    # What a text says may be put better at any time.
    return ': str' if isinstance(value, str) else f' = {_shown(value)}'


def _shown(value: object) -> str:
    if isinstance(value, enum.Enum):
        return str(value)
    return '...' if callable(value) else repr(value)


def _name(line: str) -> str:
    found = re.match(r'[\w.]+', line)
    assert found, line
    return found[0]


def _seal(lines: Iterable[str]) -> str:
    return hashlib.sha256('\n'.join(lines).encode()).hexdigest()[:16]


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(f'usage: {COMMAND} NOTE')
    sys.exit(main(sys.argv[1]) or 0)
