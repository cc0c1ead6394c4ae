# SPDX-License-Identifier: Apache-2.0
"""A bare metal service, and what metal-drivers does with it.

By default it is a real one: Ironic, standalone, with hardware that exists
in memory. The compute service is a loopback server that answers as Nova
does, and whose computes live and die with the power of their node.
"""

import argparse
import contextlib
import signal
import sys
from types import FrameType

from metal_drivers_tests.demo import backends, story
from metal_drivers_tests.functional.services import errors


def main() -> int:
    parser = argparse.ArgumentParser(prog='demo', description=__doc__)
    parser.add_argument(
        '--backend',
        choices=sorted(backends.BACKENDS),
        default='ironic',
        help='the bare metal service (default: %(default)s)',
    )
    backend = backends.BACKENDS[parser.parse_args().backend]
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        metal = backend(story.say)
        with contextlib.ExitStack() as scene:
            story.play(scene, metal)
    except KeyboardInterrupt:
        story.say('Interrupted; what was started has been stopped.')
        return 1
    except (story.DemoError, errors.ServiceError) as exc:
        story.say(f'The demonstration failed: {exc}')
        return 1
    story.say(
        f'{metal.name} and the compute service are stopped, their data is '
        'gone.'
    )
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == '__main__':
    sys.exit(main())
