# SPDX-License-Identifier: Apache-2.0
"""Brings code and configuration to what is asked for, and takes them away.

Watcher's services are restarted where their code or configuration is not
what they were last started with: an applier that is restarted cancels its
plan. The API key is neither; metal-drivers reads it again by itself.
"""

from __future__ import annotations

import logging
import pathlib
import subprocess
import tempfile

import installing
import packages
import rendering
from machine import CommandFailed, Machine, read
from settings import Settings

LOG = logging.getLogger(__name__)


def apply(
    machine: Machine, wheel: pathlib.Path | None, wanted: Settings | None
) -> list[str]:
    """Have Watcher run this code with these settings.

    :param wheel: None where there is none: the code in use stays.
    :param wanted: None where they cannot be used: the last good
        configuration stays. Without one, nothing is changed for Watcher.
    :returns: what could not be done, and why.
    :raises CommandFailed: a command failed. The next call goes on from there.
    """
    problems = []
    old = code = _code_in_use(machine)
    if wheel:
        try:
            code = installing.install(machine, wheel)
        except (installing.BadWheel, CommandFailed) as exc:
            problems.append(str(exc))
    if not code:
        return problems
    text = None
    if wanted:
        text = rendering.drop_in(
            wanted, str(machine.key_file), str(machine.ca_file)
        )
        problem = _problem_of(machine, code, text)
        if problem:
            problems.append(problem)
            text = None
    if text is None:
        if not old or not machine.drop_in.is_file():
            return problems
        # New code has to take the configuration that stays.
        problem = _problem_of(machine, code, read(machine.drop_in))
        if problem:
            problems = [*dict.fromkeys([*problems, problem])]
            problems.append('the code in use stays')
            code = old
    _bring_code(machine, code)
    if wanted and text is not None:
        _bring_configuration(machine, wanted, text)
    if not _note(machine).exists():
        machine.restart()
        _note(machine).touch()
    installing.prune(machine)
    return problems


def remove(machine: Machine) -> None:
    """Take away all that the charm has brought; any number of times."""
    if not machine.home.exists():
        return
    in_use = machine.drop_in.exists()
    for path in (machine.drop_in, machine.key_file, machine.ca_file):
        path.unlink(missing_ok=True)
    machine.remove_directories()
    in_use = installing.forget(machine) or in_use
    try:
        if in_use:
            machine.restart()
        packages.give_up(machine)
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
    # Named, the directory is read once, in the place where they read it.
    files = []
    if machine.drop_in.parent.is_dir():
        files.append(f'--config-dir={machine.drop_in.parent}')
    if machine.watcher_conf.is_file():
        files.append(f'--config-file={machine.watcher_conf}')
    program = installing.library(machine) / 'bin/metal-drivers'
    return machine.run(str(program), *files, *arguments, user=machine.user)


def _code_in_use(machine: Machine) -> pathlib.Path | None:
    name = installing.in_use(machine)
    return machine.home / 'versions' / name if name else None


def _problem_of(machine: Machine, code: pathlib.Path, text: str) -> str:
    """Why this code does not take this configuration; empty if it does."""
    if code == _code_in_use(machine) and text == read(machine.drop_in):
        return ''
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
        file.write(text)
        file.flush()
        # The order in which the services read them.
        return machine.probe(
            code, pathlib.Path(file.name), machine.watcher_conf
        )


def _bring_code(machine: Machine, code: pathlib.Path) -> None:
    path = installing.path_file(machine)
    found = installing.is_found(machine, path)
    if found and installing.in_use(machine) == code.name:
        return
    if not found:
        # It was installed and imported with another Python, it may be.
        packages.install(machine)
        problem = machine.probe(code)
        if problem:
            raise CommandFailed(f'{path.parent}: {problem}')
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


def _note(machine: Machine) -> pathlib.Path:
    """Is there while the services run with what is there: it goes before
    each change, and comes with the restart."""
    return machine.home / 'started'
