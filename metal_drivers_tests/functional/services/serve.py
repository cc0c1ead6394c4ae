# SPDX-License-Identifier: Apache-2.0
"""Serves a WSGI application: ``serve.py MODULE PORT [ARGUMENT...]``.

Run with ``python -P`` by the interpreter that has MODULE, so that this
file's neighbours do not hide packages of the same name.
"""

import importlib
import sys


def main() -> None:
    """Serve ``MODULE.application`` on 127.0.0.1 until the process ends."""
    module, port = sys.argv[1:3]
    # The rest the application may parse as its own.
    del sys.argv[1:3]
    application = importlib.import_module(module).application
    from cheroot import wsgi  # type: ignore[import-not-found,unused-ignore]

    server = wsgi.Server(('127.0.0.1', int(port)), application, numthreads=8)
    server.safe_start()


if __name__ == '__main__':
    main()
