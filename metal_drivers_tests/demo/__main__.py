# SPDX-License-Identifier: Apache-2.0
"""metal-drivers at work.

By default a real Watcher powers idle hosts off and brings them back, over a
real Ironic, whose hardware exists in memory. The compute service is a loopback
server that answers as Nova does, and whose computes live and die with the
power of their node. ``--scene command`` shows the command by itself.
"""

import argparse
import contextlib
import logging
import os
import signal
import sys
import warnings
from types import FrameType

from metal_drivers_tests.demo import backends, story
from metal_drivers_tests.functional.services import errors


def main() -> int:
    parser = argparse.ArgumentParser(prog='demo', description=__doc__)
    parser.add_argument(
        '--scene',
        choices=['watcher', 'command'],
        default='watcher',
        help='what is shown (default: %(default)s)',
    )
    parser.add_argument(
        '--backend',
        choices=sorted(backends.BACKENDS),
        default='ironic',
        help='the bare metal service of the scene "command" (default: '
        '%(default)s)',
    )
    arguments = parser.parse_args()
    if arguments.scene == 'watcher' and arguments.backend != 'ironic':
        parser.error(f'--backend {arguments.backend} needs --scene command')
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    name = 'Ironic'
    try:
        if arguments.scene == 'watcher':
            _play_watcher()
        else:
            metal = backends.BACKENDS[arguments.backend](story.say)
            name = metal.name
            with contextlib.ExitStack() as scene:
                story.play(scene, metal)
    except KeyboardInterrupt:
        story.say('Interrupted; what was started has been stopped.')
        return 1
    except errors.InstallError as exc:
        story.say(
            f'A service could not be installed: {exc}\n'
            '*** The first run installs it with pip. Check that pip reaches '
            'its index, and run it again.'
        )
        return 1
    except (story.DemoError, errors.ServiceError) as exc:
        story.say(f'The demonstration failed: {exc}')
        return 1
    story.say(
        f'{name} and the compute service are stopped, their data is gone.'
    )
    return 0


def _play_watcher() -> None:
    # Of the libraries of Watcher, which turn them on again.
    warnings.showwarning = _ignore
    logging.getLogger('watcher').setLevel(logging.ERROR)
    # It needs Watcher, which the other scene does not.
    try:
        from metal_drivers_tests.demo import watching
    except ModuleNotFoundError as exc:
        raise story.DemoError(
            f'this environment lacks {exc.name}. Run "tox -e demo", which '
            'installs Watcher, or choose "--scene command", which does not '
            'need it'
        ) from exc
    watching.play()


def _ignore(*warning: object, **more: object) -> None:
    """Nobody who sees the demonstration can do anything about it."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Of Watcher, whose database goes away while it works.
    logging.disable()
    raise KeyboardInterrupt


if __name__ == '__main__':
    status = main()
    sys.stdout.flush()
    # A thread of Watcher may wait for a plan that was interrupted, for ever.
    os._exit(status)
