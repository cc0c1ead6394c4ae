# SPDX-License-Identifier: Apache-2.0
"""The files of ``contrib`` and ``devstack``, with the tools they are for.

``tox -e deploy`` installs those tools.
"""
