# SPDX-License-Identifier: Apache-2.0
"""What is published: built, and looked at. ``tox -e package`` does it."""
