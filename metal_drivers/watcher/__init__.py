# SPDX-License-Identifier: Apache-2.0
"""Plugins for Watcher, and the only package here that imports it.

``saving`` decides about ``hosts``, ``strategy`` asks it for an audit,
``action`` carries the decision out, ``planner`` puts the actions into order;
``helper`` and ``collector`` serve Watcher's own plugins; ``process`` has the
driver and the engine that all of them share.
"""
