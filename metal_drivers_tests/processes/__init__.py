# SPDX-License-Identifier: Apache-2.0
"""What takes whole processes: the end of an interpreter, forks, eventlet,
pip, and a project of somebody else that runs its own tests."""
