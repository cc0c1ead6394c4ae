# SPDX-License-Identifier: Apache-2.0
"""The unit tests."""

from metal_drivers_tests import strict

strict.own_warnings_are_errors()
