# SPDX-License-Identifier: Apache-2.0
"""Plumbing: credentials, HTTP and errors of keystoneauth's world."""
