# SPDX-License-Identifier: Apache-2.0
"""Brings code and configuration to what is asked for, and takes them away.

Watcher's services are restarted where their code or configuration is not
what they were last started with: an applier that is restarted cancels its
plan. The API key is neither; metal-drivers reads it again by itself.
"""

from __future__ import annotations

import hashlib
import logging
import pathlib
import subprocess
import tempfile

import installing
import rendering
from machine import CommandFailed, Machine, read
from settings import Refused, Settings

LOG = logging.getLogger(__name__)


def section_for_maas(machine: Machine) -> str:
    """The section for MAAS that watcher.conf itself has; or empty."""
    return rendering.section_for_maas(read(machine.watcher_conf))


def apply(
    machine: Machine, wheel: pathlib.Path | None, wanted: Settings | None
) -> list[str]:
    """Have Watcher run this code with these settings.

    :param wheel: None where there is none: the code in use stays.
    :param wanted: None where they cannot be used: the last good
        configuration stays. Without one, nothing is changed.
    :returns: what could not be done, and why.
    :raises CommandFailed: a command failed. The next call goes on from there.
    """
    problems = []
    code = _code_in_use(machine)
    try:
        if wheel is None:
            raise installing.BadWheel(
                'the resource "wheel" is missing: juju attach-resource '
                'watcher-metal-drivers wheel=FILE'
            )
        code = installing.install(machine, wheel)
    except installing.BadWheel as exc:
        problems.append(str(exc))
    text = None
    if code and wanted:
        try:
            text = _checked(machine, code, wanted)
        except Refused as exc:
            problems.append(str(exc))
    if not code or (text is None and not machine.drop_in.exists()):
        return problems
    _bring_code(machine, code)
    if text is not None and wanted:
        _bring_configuration(machine, wanted, text)
    _restart_where_needed(machine, code)
    return problems


def remove(machine: Machine) -> None:
    """Take away all that the charm has brought; any number of times."""
    if not machine.home.exists():
        return
    for path in (machine.drop_in, machine.key_file, machine.ca_file):
        path.unlink(missing_ok=True)
    machine.remove_directories()
    installing.forget(machine)
    try:
        machine.restart()
    except CommandFailed as exc:
        # Watcher may be gone before this.
        LOG.warning('%s', exc)
    installing.remove(machine)


def command(
    machine: Machine, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run metal-drivers as Watcher's services would: their user, and their
    files in their order.

    :raises CommandFailed: it could not be run.
    """
    files = [
        f'--config-file={path}'
        for path in (machine.drop_in, machine.watcher_conf)
        if path.is_file()
    ]
    program = installing.library(machine) / 'bin/metal-drivers'
    return machine.run(str(program), *files, *arguments, user=machine.user)


def _code_in_use(machine: Machine) -> pathlib.Path | None:
    name = installing.in_use(machine)
    return machine.home / 'versions' / name if name else None


def _checked(machine: Machine, code: pathlib.Path, wanted: Settings) -> str:
    """The configuration file, read once by the code that will read it.

    :raises Refused: it cannot be used.
    """
    text = rendering.drop_in(
        wanted, str(machine.key_file), str(machine.ca_file)
    )
    if text == read(machine.drop_in) and _is_applied(machine, code):
        return text
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
        file.write(text)
        file.flush()
        # The order in which the services read them.
        problem = machine.probe(
            code, pathlib.Path(file.name), machine.watcher_conf
        )
    if problem:
        raise Refused(problem)
    return text


def _bring_code(machine: Machine, code: pathlib.Path) -> None:
    path = installing.path_file(machine)
    if installing.is_found(machine, path) and (
        installing.in_use(machine) == code.name
    ):
        return
    problem = machine.probe(code)
    if problem:
        raise installing.BadWheel(f'the code cannot be used: {problem}')
    _note(machine).unlink(missing_ok=True)
    installing.use(machine, code)
    installing.have_found(machine, path)


def _bring_configuration(
    machine: Machine, wanted: Settings, text: str
) -> None:
    files = {machine.drop_in: text}
    if wanted.maas:
        # First what the configuration names.
        files = {machine.key_file: f'{wanted.maas.api_key}\n', **files}
        if wanted.maas.ca:
            files = {machine.ca_file: f'{wanted.maas.ca}\n', **files}
    for path, content in files.items():
        if read(path) != content:
            if path != machine.key_file:
                _note(machine).unlink(missing_ok=True)
            machine.write(path, content)
    for path in (machine.key_file, machine.ca_file):
        if path not in files:
            path.unlink(missing_ok=True)


def _restart_where_needed(machine: Machine, code: pathlib.Path) -> None:
    if not _is_applied(machine, code):
        machine.restart()
        _note(machine).write_text(_digest(machine, code))


def _is_applied(machine: Machine, code: pathlib.Path) -> bool:
    return read(_note(machine)) == _digest(machine, code)


def _digest(machine: Machine, code: pathlib.Path) -> str:
    """What the services would be started with now."""
    parts = (
        code.name,
        str(installing.path_file(machine)),
        read(machine.drop_in),
        read(machine.ca_file),
    )
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()


def _note(machine: Machine) -> pathlib.Path:
    """What the services were last started with; absent while that is
    being changed."""
    return machine.home / 'started-with'
