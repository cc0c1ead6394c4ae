# SPDX-License-Identifier: Apache-2.0
"""Switching nodes on and off without doing harm, over any driver.

=====================  ====================================================
``engine``             those that were asked for: many at once
``off``, ``on``        one node, there or back
``recovery``           one node, after a run that was killed
``transition``         what these have in common: ask once, follow, tell
``guards``             may we? A list
``hold``               nova-compute, kept disabled by one run
``ownership``          the mark in Nova that tells whose disabling it is
``turn``               one run of several that want to power a node on
``reports``            whether nova-compute is back since the last boot
``shared``             other processes, known by their marks
``paced``, ``pacing``  how many a minute
``census``             how many are off
``lookout``            many who wait, and one list for all of them
``process``            what all engines of a process share
``events``             each step, for whoever watches, and for the log
``work``               tools, waiting and telling, below all of these
=====================  ====================================================
"""

from metal_drivers.power.engine import PowerEngine
from metal_drivers.power.events import Event, Step
from metal_drivers.power.settings import PowerSettings

__all__ = ['Event', 'PowerEngine', 'PowerSettings', 'Step']
