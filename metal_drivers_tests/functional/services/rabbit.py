# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ: the one service that does not come from PyPI."""

import os
import pathlib
import shutil
import subprocess

from metal_drivers_tests.functional.services import (
    errors,
    process,
    venvs,
    workspace,
)

# Not the wrapper in /usr/sbin, which insists on a user and a state of its
# own.
_SERVER = pathlib.Path('/usr/lib/rabbitmq/bin/rabbitmq-server')


def rabbitmq_available() -> bool:
    """Say whether RabbitMQ is installed."""
    return os.access(_SERVER, os.X_OK)


def ensure(say: venvs.Say) -> None:
    """Install RabbitMQ if it is missing and this process may.

    :raises ServiceUnavailable: if it is missing and may not be installed.
    :raises InstallError: if apt-get failed.
    """
    if rabbitmq_available():
        return
    if os.geteuid() != 0 or not shutil.which('apt-get'):
        raise errors.ServiceUnavailable(
            'RabbitMQ is missing: install the package rabbitmq-server, or '
            'run as root where apt-get can do it'
        )
    with workspace.locked('rabbitmq'):
        if not rabbitmq_available():
            say('installing rabbitmq-server with apt-get (once)')
            _apt('update', '-q')
            _apt('install', '-y', '-q', 'rabbitmq-server')


def _apt(*arguments: str) -> None:
    done = subprocess.run(
        ['apt-get', *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # In runlevel 1 Debian's packages do not start their services: a
        # system-wide broker is not wanted.
        env={
            **os.environ,
            'DEBIAN_FRONTEND': 'noninteractive',
            'RUNLEVEL': '1',
        },
        check=False,
    )
    if done.returncode:
        said = '\n'.join(done.stdout.splitlines()[-15:])
        raise errors.InstallError(
            f'apt-get {arguments[0]} ended with {done.returncode}:\n{said}'
        )


def url(port: int) -> str:
    """Return the transport_url of a broker on 127.0.0.1."""
    return f'rabbit://guest:guest@127.0.0.1:{port}/'


def service(directory: pathlib.Path, port: int) -> process.Service:
    """Return a broker with all of its state in ``directory``."""
    directory.mkdir()
    return process.Service(
        'rabbitmq',
        [_SERVER],
        directory / 'rabbitmq.log',
        {
            # Erlang keeps its cookie in the home directory.
            'HOME': str(directory),
            # The broker starts its own epmd, which becomes a daemon; the
            # guard ends that, too.
            'ERL_EPMD_ADDRESS': '127.0.0.1',
            'ERL_EPMD_PORT': str(process.free_port()),
            'RABBITMQ_NODENAME': 'fixture@localhost',
            'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
            'RABBITMQ_NODE_PORT': str(port),
            'RABBITMQ_DIST_PORT': str(process.free_port()),
            'RABBITMQ_MNESIA_BASE': str(directory),
            'RABBITMQ_LOG_BASE': str(directory),
            'RABBITMQ_PID_FILE': str(directory / 'pid'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(directory / 'plugins'),
            'RABBITMQ_CONF_ENV_FILE': os.devnull,
            # One scheduler that does not spin: the machine is shared.
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': (
                '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none'
            ),
        },
        # Nothing in there is worth an orderly end, which takes seconds.
        grace=0,
    )
