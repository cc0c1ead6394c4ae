# SPDX-License-Identifier: Apache-2.0
"""Plugins for Watcher, and the only package here that imports it.

``strategy`` makes a plan for an audit (see :mod:`metal_drivers.planning`),
``action`` carries it out, ``planner`` puts the actions into order;
``helper`` and ``collector`` serve Watcher's own plugins; ``process`` has the
driver and the engine that all of them share.
"""
