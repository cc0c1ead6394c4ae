# SPDX-License-Identifier: Apache-2.0
"""Nova's side: compute hosts, the servers on a host, nova-compute."""

from metal_drivers.compute.api import MICROVERSION, is_uuid
from metal_drivers.compute.nova import Compute

__all__ = ['MICROVERSION', 'Compute', 'is_uuid']
