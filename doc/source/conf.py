# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / 'ext'))

project = 'watcher-metal-drivers'
copyright = 'the metal-drivers authors'

extensions = [
    'cliff.sphinxext',
    'contract_rules',
    'oslo_config.sphinxext',
    'import_layers',
    'power_tables',
    'reno.sphinxext',
    'sphinx.ext.autodoc',
]

html_theme = 'alabaster'
html_theme_options = {
    'description': 'The bare metal layer of OpenStack Watcher',
    'page_width': '70em',
}

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autoprogram_cliff_application = 'metal-drivers'
