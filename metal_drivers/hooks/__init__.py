# SPDX-License-Identifier: Apache-2.0
"""Hooks: others that are to know of hosts which are powered off and on.

A hook is told before a host goes off, when it is off, before it comes back,
and when it is back; before it goes off, a hook can refuse that.
"""

from metal_drivers.hooks.base import Event, Hook, HookEvent, HookNote

__all__ = ['Event', 'Hook', 'HookEvent', 'HookNote']
