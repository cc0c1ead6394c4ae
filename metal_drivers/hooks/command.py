# SPDX-License-Identifier: Apache-2.0
"""The hook that runs an executable: to silence an alert, to tell a ticket
system."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from oslo_config import cfg

from metal_drivers import _text, base, exceptions
from metal_drivers.hooks.base import NAMESPACE, Hook, HookEvent, HookNote
from metal_drivers.hooks.pending import Pending
from metal_drivers.model import CheckResult, CheckStatus

GROUP = f'{NAMESPACE}.command'

#: How many bytes of what the executable writes are looked at.
_TAIL = 4096
#: Seconds, beside the executable's own, for starting and ending it.
_SPARE = 5.0


class CommandHook(Hook):
    """Runs an executable for each event, with the event on its standard
    input."""

    def __init__(
        self,
        config: Mapping[str, Any],
        osc: base.OpenStackClients | None = None,
    ) -> None:
        super().__init__(config, osc)
        self._seconds = float(config['timeout'])
        self.timeout = self._seconds + _SPARE
        self._executable = _usable(config.get('executable') or '')
        self._pending = _pending(config.get('state_dir') or '')

    @classmethod
    def get_config_opts(cls) -> list[cfg.Opt]:
        return [
            cfg.StrOpt(
                'executable',
                help='The absolute path of what is run for each event, '
                'without arguments and without a shell. On its standard '
                'input it gets one JSON object with ``event`` '
                '(``before_off``, ``after_off``, ``before_on``, '
                '``after_on``, ``undone``), ``node_id``, ``node_name``, '
                '``host`` and ``driver``. An exit status other than 0 at '
                '``before_off`` refuses the power off; the last line that '
                'it writes to its standard error is the reason.',
            ),
            cfg.IntOpt(
                'timeout',
                default=30,
                min=1,
                help='How long it may take, in seconds. Then it is killed, '
                'with all processes of its group, and counts as failed.',
            ),
            cfg.StrOpt(
                'state_dir',
                help='The absolute path of a folder that the hook may write '
                'to, for a small file for each host that is off. With it, an '
                '``after_on`` that failed, or that a killed process never '
                'came to, is tried again by each process that has this '
                'folder: ``node recover`` and the next audit. Default: only '
                'the process in which it failed knows.',
            ),
        ]

    def before_off(self, event: HookEvent) -> None:
        if self._pending is not None and event.host:
            self._pending.add(event)
        self._run(event)

    def after_off(self, event: HookEvent) -> None:
        self._run(event)

    def before_on(self, event: HookEvent) -> None:
        self._run(event)

    def after_on(self, event: HookEvent) -> None:
        self._run_last(event)

    def undone(self, event: HookEvent) -> None:
        self._run_last(event)

    def notes(self) -> Mapping[str, HookNote]:
        return {} if self._pending is None else self._pending.notes()

    def check(self) -> list[CheckResult]:
        try:
            found = [_usable(self._executable)]
            if self._pending is not None:
                found.append(self._pending.check())
        except exceptions.MetalError as exc:
            return [CheckResult('command', CheckStatus.FAILED, str(exc))]
        return [CheckResult('command', CheckStatus.OK, each) for each in found]

    def _run_last(self, event: HookEvent) -> None:
        self._run(event)
        if self._pending is not None:
            self._pending.remove(event)

    def _run(self, event: HookEvent) -> None:
        name = event.event.value
        told = {
            'event': name,
            'node_id': event.node_id,
            'node_name': event.node_name,
            'host': event.host,
            'driver': event.driver,
        }
        tried = f'{self._executable} at {name} of {event.node_name}'
        # Files, not pipes: whoever is left behind holds up nobody.
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
        ):
            given.write(json.dumps(told).encode() + b'\n')
            given.seek(0)
            status = self._status(given, out, tried)
            if not status:
                return
            said = _last_line(out)
        how = f'exit status {status}'
        if status < 0:
            how = f'signal {-status}'
        raise exceptions.RefusedError(
            f'{tried} ended with {how}' + (f': {said}' if said else ''),
            cure=None if said else 'It wrote no reason to its standard error.',
        )

    def _status(self, given: IO[bytes], out: IO[bytes], tried: str) -> int:
        try:
            process = subprocess.Popen(
                [self._executable],
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=out,
                cwd='/',
                # A group of its own, to be ended as a whole.
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            raise exceptions.ConfigurationError(
                f'{tried} could not be started: {exc}',
                cure=f'Check [{GROUP}] executable.',
                options=('executable',),
            ) from exc
        try:
            return process.wait(self._seconds)
        except subprocess.TimeoutExpired:
            raise exceptions.TimedOutError(
                f'{tried} did not end within {self._seconds:g} s, and was '
                'killed',
                cure=f'Fix it, or raise [{GROUP}] timeout.',
            ) from None
        finally:
            _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Nothing that it started in its group is left, either."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(out: IO[bytes]) -> str:
    size = out.seek(0, os.SEEK_END)
    out.seek(max(0, size - _TAIL))
    lines = out.read().decode(errors='replace').split('\n')
    filled = [line for line in lines if line.strip()]
    return _text.clean(filled[-1]) if filled else ''


def _pending(path: str) -> Pending | None:
    """:raises ConfigurationError: it cannot be the path of a folder."""
    if not path:
        return None
    cure = f'Set [{GROUP}] state_dir to a folder that this user may write to.'
    if not os.path.isabs(path):
        raise exceptions.ConfigurationError(
            f'[{GROUP}] state_dir is {path!r}, which is not an absolute path',
            cure=cure,
            options=('state_dir',),
        )
    return Pending(path, cure)


def _usable(path: str) -> str:
    """:raises ConfigurationError: it cannot be run, and why."""
    wrong = ''
    if not path:
        wrong = 'is not set'
    elif not os.path.isabs(path):
        wrong = f'is {path!r}, which is not an absolute path'
    else:
        try:
            found = os.stat(path)
        except (OSError, ValueError) as exc:
            wrong = f'is {path!r}: {getattr(exc, "strerror", None) or exc}'
        else:
            if not stat.S_ISREG(found.st_mode):
                wrong = f'is {path!r}, which is not a file'
            elif not os.access(path, os.X_OK):
                wrong = f'is {path!r}, which this user may not execute'
    if wrong:
        raise exceptions.ConfigurationError(
            f'[{GROUP}] executable {wrong}',
            cure='Set it to the absolute path of an executable file.',
            options=('executable',),
        )
    return path
