# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration."""

import logging
import pathlib
import sys

_TOP = pathlib.Path(__file__).parents[2]

sys.path.insert(0, str(_TOP / 'doc/ext'))

if not (_TOP / '.git').exists():
    # Of a source distribution. The theme warns that it cannot say of which
    # commit the pages are.
    logging.getLogger('sphinx.openstackdocstheme.ext').setLevel(logging.ERROR)

project = 'watcher-metal-drivers'
copyright = 'the metal-drivers authors'

extensions = [
    'cliff.sphinxext',
    'contract_rules',
    'doctor_checks',
    'oslo_config.sphinxext',
    'import_layers',
    'metrics_drawings',
    'openstackdocstheme',
    'pictures',
    'power_tables',
    'reno.sphinxext',
    'report_drawings',
    'sphinx.ext.autodoc',
]

# Two hyphens are those of an option.
smartquotes_action = 'qe'

html_theme = 'openstackdocs'
html_static_path = ['_static']
html_css_files = ['own.css']
# There is no page of ours on docs.openstack.org, nor a place for bugs there.
html_theme_options = {
    'display_badge': False,
    'display_toc': True,
    'show_other_versions': False,
}
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_pdf_link = False

man_pages = [
    (
        'cli',
        'metal-drivers',
        'list, check and power the bare metal nodes of compute hosts',
        '',
        1,
    ),
    (
        'check',
        'metal-drivers-check',
        'check configuration, services and permissions',
        '',
        1,
    ),
]

autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autoprogram_cliff_application = 'metal-drivers'
