# SPDX-License-Identifier: Apache-2.0
"""Processes of their own, for what changes Watcher itself."""

import os
import subprocess


def printed(*command: str, cwd: str | None = None, **env: str) -> str:
    """What a command prints, which succeeds.

    :raises AssertionError: it failed; with what it printed.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stdout)
    return done.stdout
