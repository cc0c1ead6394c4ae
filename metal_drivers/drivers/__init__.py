# SPDX-License-Identifier: Apache-2.0
"""The drivers of this package, each imported by its entry point only."""
