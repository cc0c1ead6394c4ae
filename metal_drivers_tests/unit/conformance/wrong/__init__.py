# SPDX-License-Identifier: Apache-2.0
"""Wrong drivers: the sample driver with one fault each.

To plant a fault, subclass the sample driver in the module of its topic and
decorate the class with ``@fault(rule, says)``. The name of the class is
the name of the fault.
"""

from metal_drivers_tests.unit.conformance.wrong import (
    heavy,
    ids,
    listing,
    loading,
    resources,
    secrets,
    states,
    statuses,
    switching,
    trouble,
)
from metal_drivers_tests.unit.conformance.wrong.fault import (
    FAULTS,
    Fault,
    fault,
)

__all__ = [
    'FAULTS',
    'NOT_FOR_THE_SAMPLE',
    'Fault',
    'fault',
    'heavy',
    'ids',
    'listing',
    'loading',
    'resources',
    'secrets',
    'states',
    'statuses',
    'switching',
    'trouble',
]

#: Rules that the right driver, which can do everything, does not meet.
NOT_FOR_THE_SAMPLE = ('refuses-a-soft-off-that-it-cannot-do',)
