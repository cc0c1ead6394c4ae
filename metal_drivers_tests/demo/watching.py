# SPDX-License-Identifier: Apache-2.0
"""A real Watcher over a real Ironic: audits power idle hosts off, and bring
them back when servers come.

Watcher runs in this process, in its own functional environment: API, decision
engine and applier, over SQLite.
"""

import pathlib
import shutil
import tempfile
import uuid
from typing import Any, ClassVar

import testtools

from metal_drivers_tests.demo import story
from metal_drivers_tests.functional.services import errors, ironic
from metal_drivers_tests.functional_watcher import backends, base

#: How many hosts there are, and how many have servers to begin with.
_HOSTS, _BUSY = 8, 2


class Scene(backends.Backend):
    """What is shown, as a test of Watcher's environment."""

    HOSTS: ClassVar[dict[str, int]] = {
        f'compute-{number:02}': 1 if number <= _BUSY else 0
        for number in range(1, _HOSTS + 1)
    }

    def backend(self) -> base.Sections:
        self.home = pathlib.Path(tempfile.mkdtemp(prefix='metal-drivers-'))
        self.page = self.home / 'report.html'
        self.addCleanup(self.forget)
        self.history = self.home / 'history.jsonl'
        story.say(
            f'Starting a real Ironic, with {_HOSTS} machines that only '
            'pretend, and then a real Watcher.'
        )
        self.ironic = self.use(ironic.StandaloneIronic(say=story.say))
        for number, (host, seen) in enumerate(self.nova.hosts.items(), 1):
            self.ironic.enroll(
                f'rack1-{number:02}',
                uuid=self.node_id(host),
                extra={'compute_node_id': seen.hypervisor_id},
            )
        return {
            'metal_drivers': {
                'history_file': self.history,
                'idle_watts': 150,
                'soft_off_timeout': 30,
                'power_off_timeout': 30,
            },
            'watcher.metal.drivers.ironic': {
                'auth_type': 'none',
                'endpoint_override': self.ironic.url,
            },
        }

    def forget(self) -> None:
        """Remove all but a page that is to be looked at."""
        if not self.page.exists():
            shutil.rmtree(self.home)

    def node_id(self, host: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, host))

    def power(self, host: str) -> str:
        state = self.ironic.node(self.node_id(host))['power_state']
        return str(state).removeprefix('power ')

    def play(self) -> None:
        """Tell it from begin to end."""
        story.say('This is all of the configuration, of Watcher as well:')
        story.show(pathlib.Path(self.config_file).read_text())
        story.say('The fleet, before anything is done:')
        self.command('fleet')

        story.say(
            f'{_HOSTS - _BUSY} hosts are idle. An audit of Watcher, with '
            'the strategy metal_saving_energy, keeps one of them on:'
        )
        self.run_audit()
        self.command('fleet')

        free = [
            host
            for host, seen in self.nova.hosts.items()
            if seen.status == 'enabled' and not self.HOSTS[host]
        ]
        story.say(
            f'Now servers come. They fill {", ".join(free)}, the last host '
            'that was free.'
        )
        for host in free:
            self.nova.add_server(host)
        story.say('The next audit wants two hosts free, and brings them back:')
        self.run_audit(min_free_hosts_num=2)
        self.command('fleet --min-free-hosts-num 2')

        story.say('What was done, and what it saved, from the history:')
        self.command(f'report --by host --html {self.page} {self.history}')
        story.say(f'The same as a page for a browser: {self.page}')

    def run_audit(self, **parameters: Any) -> None:
        """Show the plan of an audit, and carry it out."""
        plan = self.plan_of(self.audit(**parameters))
        for action in self.actions_of(plan):
            values = action['input_parameters']
            story.line(f'plan: {values["resource_name"]} {values["state"]}')
        ended = self.execute(plan)
        for action in self.actions_of(plan):
            values = action['input_parameters']
            told = action['status_message'] or ''
            story.line(
                f'{action["state"]}: {values["resource_name"]} '
                f'{values["state"]} {told}'.rstrip()
            )
        if ended['state'] != 'SUCCEEDED':
            raise story.DemoError(f'the action plan ended as {ended["state"]}')
        # For what is on and off to be seen as it is now.
        story.line('')

    def command(self, words: str) -> None:
        story.command(pathlib.Path(self.config_file), words)


def play() -> None:
    """Play the scene.

    :raises DemoError: something did not go as it should.
    :raises ServiceError: Ironic could not be installed or started.
    """
    scene, result = Scene('play'), testtools.TestResult()
    raised: list[BaseException] = []
    scene.addOnException(lambda exc_info: raised.append(exc_info[1]))
    scene.run(result)
    if raised and isinstance(raised[0], errors.ServiceError):
        raise raised[0]
    if raised:
        raise story.DemoError(str(raised[0])) from raised[0]
    if not result.wasSuccessful():
        raise story.DemoError('a service could not be started or ended')
