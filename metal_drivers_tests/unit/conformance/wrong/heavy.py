# SPDX-License-Identifier: Apache-2.0
"""A module that imports too much."""

from __future__ import annotations

import yaml

from metal_drivers_tests.unit.conformance.sample import SampleDriver
from metal_drivers_tests.unit.conformance.wrong.fault import fault


@fault('imports-its-client-late', 'yaml')
class ImportsAtTheTop(SampleDriver):
    """Every process that looks for a driver imports its library."""

    load = staticmethod(yaml.safe_load)
