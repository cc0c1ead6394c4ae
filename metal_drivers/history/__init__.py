# SPDX-License-Identifier: Apache-2.0
"""The history: one line of JSON for each transition that ended."""
