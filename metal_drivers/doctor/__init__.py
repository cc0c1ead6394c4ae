# SPDX-License-Identifier: Apache-2.0
"""What ``check`` looks at: each check is a function of one place, and a row
of the table in ``registry``.

None of them changes anything, in a service or in a file.
"""

from metal_drivers.doctor.model import Check, Finding, NotTried, Place
from metal_drivers.doctor.registry import CHECKS
from metal_drivers.doctor.runner import run
from metal_drivers.doctor.script import script

__all__ = ['CHECKS', 'Check', 'Finding', 'NotTried', 'Place', 'run', 'script']
