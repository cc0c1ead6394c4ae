# SPDX-License-Identifier: Apache-2.0
"""What a process shares; no Watcher is needed for it."""

import functools
import os

from oslo_config import cfg

from metal_drivers import boundary
from metal_drivers.watcher import options, process
from metal_drivers_tests.unit import base


class TestProcess(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(process.close)
        self.config = self.conf(
            '[metal_drivers]\ndriver = fake\n',
            **{'watcher.metal.drivers.fake': {'nodes': 3}},
        )

    def test_made_once(self) -> None:
        services = process.services(self.config)
        self.assertIs(services, process.services(self.config))
        self.assertIsNone(services.nova)
        self.assertEqual(3, len(services.load().members))

    def test_changed_configuration(self) -> None:
        services = process.services(self.config)
        changed = self.conf(
            '[metal_drivers]\ndriver = fake\n',
            **{'watcher.metal.drivers.fake': {'nodes': 4}},
        )
        self.assertEqual(4, len(process.services(changed).load().members))
        # Whoever has the former one may go on with it.
        self.assertEqual(3, len(services.load().members))

    def test_changed_password(self) -> None:
        """A driver that has its session from there is made anew."""

        def config(password: str) -> cfg.ConfigOpts:
            return self.conf(
                '[metal_drivers]\ndriver = fake\n',
                watcher_clients_auth={
                    'auth_type': 'password',
                    'auth_url': 'http://127.0.0.1:5000',
                    'username': 'watcher',
                    'password': password,
                },
            )

        services = process.services(config('s3cret'))
        self.assertIs(services, process.services(config('s3cret')))
        self.assertIsNot(services, process.services(config('0ther-s3cret')))

    def test_a_driver_that_cannot_be_closed_keeps_none_open(self) -> None:
        closed: list[int] = []

        def close(number: int) -> None:
            closed.append(number)
            raise SystemExit(f'number {number} stays')

        for number in (1, 2):
            config = self.conf(
                '[metal_drivers]\ndriver = fake\n',
                **{'watcher.metal.drivers.fake': {'nodes': number}},
            )
            driver = process.services(config).driver
            assert isinstance(driver, boundary.GuardedDriver)
            self.patch(
                driver.driver, 'close', functools.partial(close, number)
            )
        process.close()
        self.assertEqual([1, 2], closed)

    def test_fork(self) -> None:
        """A child has its own, and leaves the parent's alone."""
        services = process.services(self.config)
        child = os.fork()
        if not child:
            other = process.services(self.config) is not services
            os._exit(0 if other else 1)
        _, status = os.waitpid(child, 0)
        self.assertEqual(0, os.waitstatus_to_exitcode(status))
        self.assertIs(services, process.services(self.config))

    def test_node_that_the_list_lacks(self) -> None:
        services = process.services(self.config)
        node = services.driver.get_node('node-0001')
        self.patch(services.driver, 'list_nodes', list)
        member = services.member(node.id)
        self.assertIsNone(member.host)


class TestOptions(base.TestCase):
    def test_published(self) -> None:
        groups = [group for group, _ in options.list_opts()]
        self.assertEqual('watcher_strategies.metal_saving_energy', groups[0])
