# SPDX-License-Identifier: Apache-2.0
"""Metrics for Prometheus.

============  =========================================
``families``  the metrics: names, help, samples
``source``    asks the services, at most once in an interval
``serving``   over HTTP, into a file, or as text
============  =========================================

It needs ``prometheus_client``, from the extra ``metrics``.
"""
