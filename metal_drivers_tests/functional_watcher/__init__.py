# SPDX-License-Identifier: Apache-2.0
"""Against a real Watcher. ``tox -e functional-watcher`` installs it."""

from watcher import eventlet

# Before anything else is imported, as Watcher's own services do it.
eventlet.patch()

# Then the backend of services: whoever comes second may not choose.
import watcher.tests.functional  # noqa: E402, F401

from metal_drivers_tests import strict  # noqa: E402

strict.own_warnings_are_errors()
