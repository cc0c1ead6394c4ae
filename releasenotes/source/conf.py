# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration for the release notes alone."""

project = 'watcher-metal-drivers release notes'
copyright = 'the metal-drivers authors'
extensions = ['reno.sphinxext']
html_theme = 'alabaster'
