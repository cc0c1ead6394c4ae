# SPDX-License-Identifier: Apache-2.0
"""A directory for the module path of a service, not a package to use."""
