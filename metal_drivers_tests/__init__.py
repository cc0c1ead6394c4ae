# SPDX-License-Identifier: Apache-2.0
"""The tests, and what a third party can use of them: ``contract``."""
