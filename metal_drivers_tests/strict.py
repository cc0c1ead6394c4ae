# SPDX-License-Identifier: Apache-2.0
"""Warnings of our own modules are errors while our own tests run.

``PYTHONWARNINGS`` cannot say that: it takes the exact name of one module.
"""

import warnings

#: The modules whose warnings are errors.
MODULES = r'metal_drivers(_tests)?(\.|$)'


def own_warnings_are_errors() -> None:
    """From now on, in this process."""
    warnings.filterwarnings('error', module=MODULES)
