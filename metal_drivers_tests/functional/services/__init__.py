# SPDX-License-Identifier: Apache-2.0
"""Real services on loopback, as fixtures, for functional tests and the demo.

===============  ==========================================================
Module           What it starts
===============  ==========================================================
``ironic``       Ironic alone, in one process, without Keystone or a broker
``redfish``      a fake BMC that speaks Redfish
``cloud``        Keystone, Placement, Nova, Glance, Ironic and RabbitMQ
``watcher``      Watcher beside such a cloud
``masakari``     Masakari beside such a cloud
``shared``       the same, once for each test process
===============  ==========================================================

Nothing is imported here: a test that needs no service should not pay for
one.
"""
