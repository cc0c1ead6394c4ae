# SPDX-License-Identifier: Apache-2.0
"""Masakari evacuates hosts that went off; this hook tells it which ones were
powered off on purpose."""

from metal_drivers.hooks.masakari.hook import MasakariHook

__all__ = ['MasakariHook']
