# SPDX-License-Identifier: Apache-2.0
"""Switching nodes on and off without doing harm, over any driver.

``guards`` says whether we may, ``transition`` takes one node from one
state to the other, ``engine`` does so for those that were asked for.
"""

from metal_drivers.power.engine import PowerEngine
from metal_drivers.power.events import Event, Step
from metal_drivers.power.settings import PowerSettings

__all__ = ['Event', 'PowerEngine', 'PowerSettings', 'Step']
