# SPDX-License-Identifier: Apache-2.0
"""Wrong drivers: the sample driver with one fault each.

To plant a fault, subclass the sample driver in the module of its topic and
decorate the class with ``@fault(rule, says)``. The name of the class is
the name of the fault.
"""

from metal_drivers_tests.unit.conformance.wrong import (
    doubt,
    elsewhere,
    errors,
    fields,
    finding,
    heavy,
    ids,
    leaks,
    listing,
    loading,
    modes,
    options,
    power,
    replies,
    resources,
    secrets,
    states,
    statuses,
    switching,
    telling,
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
    'doubt',
    'elsewhere',
    'errors',
    'fault',
    'fields',
    'finding',
    'heavy',
    'ids',
    'leaks',
    'listing',
    'loading',
    'modes',
    'options',
    'power',
    'replies',
    'resources',
    'secrets',
    'states',
    'statuses',
    'switching',
    'telling',
    'trouble',
]

#: Rules that the right driver, which can do everything, does not meet.
NOT_FOR_THE_SAMPLE = ('refuses-a-soft-off-that-it-cannot-do',)
