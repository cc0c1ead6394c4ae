# SPDX-License-Identifier: Apache-2.0
"""Powering nodes off and on without doing harm, over any driver.

==================  =======================================================
``engine``          the nodes that were asked for: many at once
``runner``          one node: takes the steps that the rules say
``off``, ``on``     the rules: tables, read from the top
``back``            the same for recovery, and for nova-compute to come back
``undo``            what is tidied up after a power off
``failed``          hosts that did not power on: the marker counts how often
``telling``         what hooks are told, and when
``common``          rules that these tables have in common
``rules``           how a table is read; the steps there are
``facts``           what is known, and when it was asked for
``conclusions``     what follows from that
``values``          what the facts are made of
``shared``          what a process shares: rates, claims, how many are off
==================  =======================================================

The rules decide everything and do nothing; the runner does everything and
decides nothing.
"""

from metal_drivers.events import Event, Step
from metal_drivers.power.engine import PowerEngine
from metal_drivers.settings import PowerSettings

__all__ = ['Event', 'PowerEngine', 'PowerSettings', 'Step']
