# SPDX-License-Identifier: Apache-2.0
"""Figures, each a ratio within one run: ``tox -e benchmark``."""
