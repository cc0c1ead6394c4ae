#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The charm: on every event, what is there becomes what is asked for."""

from __future__ import annotations

import logging
import pathlib

import ops

import configuring
import installing
import settings
import watcherconf
from machine import CommandFailed, Machine, read

LOG = logging.getLogger(__name__)

RELATION = 'watcher'
RESOURCE = 'wheel'
SECRET = 'maas-api-key'  # noqa: S105 (an option's name)
#: Where the key is in its secret.
SECRET_KEY = 'api-key'  # noqa: S105

ACTIONS = {
    'check': ('check',),
    'list_nodes': ('node', 'list'),
    'list_drivers': ('driver', 'list'),
}


class WatcherMetalDriversCharm(ops.CharmBase):
    """A subordinate of the charm of Watcher."""

    machine = Machine()

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        for event in (
            self.on.install,
            self.on.start,
            self.on.config_changed,
            self.on.upgrade_charm,
            self.on.update_status,
            self.on.secret_changed,
            self.on[RELATION].relation_created,
            self.on[RELATION].relation_changed,
        ):
            framework.observe(event, self._on_event)
        for event in (self.on[RELATION].relation_broken, self.on.remove):
            framework.observe(event, self._on_removal)
        for name in ACTIONS:
            framework.observe(
                getattr(self.on, f'{name}_action'), self._on_action
            )

    def _on_event(self, event: ops.EventBase) -> None:
        self.unit.status = self._status()

    def _on_removal(self, event: ops.EventBase) -> None:
        configuring.remove(self.machine)
        self.unit.status = self._unrelated()

    def _on_action(self, event: ops.ActionEvent) -> None:
        if not installing.in_use(self.machine):
            event.fail('metal-drivers is not installed yet: see the status')
            return
        command = ACTIONS[_name(event)]
        try:
            done = configuring.command(
                self.machine, *command, '-f', event.params['format']
            )
        except CommandFailed as exc:
            event.fail(str(exc))
            return
        event.set_results({'output': done.stdout})
        if done.returncode:
            event.fail(done.stderr.strip() or 'not all is well: see output')

    def _unrelated(self) -> ops.StatusBase:
        return ops.BlockedStatus(
            f'juju integrate {self.app.name}:{RELATION} watcher'
        )

    def _status(self) -> ops.StatusBase:
        """Do what is asked for as far as it can be, and say how it went."""
        if not self.model.relations[RELATION]:
            return self._unrelated()
        if not self.machine.has_watcher():
            return ops.WaitingStatus(
                f'waiting for Watcher: no {self.machine.watcher_conf}'
            )
        there = watcherconf.parse(read(self.machine.watcher_conf))
        options = {
            name: value
            for name, value in self.config.items()
            if name != SECRET
        }
        wanted = wheel = None
        problems = []
        try:
            key = None if there.maas else self._api_key()
            wanted = settings.read(options, key, there)
        except settings.Refused as exc:
            problems.append(str(exc))
        try:
            wheel = self._wheel()
        except settings.Refused as exc:
            problems.append(str(exc))
        try:
            problems += configuring.apply(self.machine, wheel, wanted)
        except CommandFailed as exc:
            problems.append(str(exc))
        if problems:
            return ops.BlockedStatus('; '.join(problems))
        return ops.ActiveStatus(settings.unused(options, there))

    def _wheel(self) -> pathlib.Path:
        try:
            path = self.model.resources.fetch(RESOURCE)
        except ops.ModelError as exc:
            LOG.warning('No resource "%s": %s', RESOURCE, exc)
        else:
            # For one that was never given, Charmhub has an empty file.
            if path.is_file() and path.stat().st_size:
                return path
        raise settings.Refused(
            f'the resource "{RESOURCE}" is missing: '
            f'juju attach-resource {self.app.name} {RESOURCE}=FILE'
        )

    def _api_key(self) -> str | None:
        name = self.config.get(SECRET)
        if not name:
            return None
        try:
            secret = self.model.get_secret(id=str(name))
            content = secret.get_content(refresh=True)
        except ops.ModelError as exc:
            LOG.warning('The secret %s cannot be read: %s', name, exc)
            absent = isinstance(exc, ops.SecretNotFoundError)
            what = 'not there, or not granted' if absent else 'not granted'
            raise settings.Refused(
                f'{SECRET}: the secret is {what}: '
                f'juju grant-secret {name} {self.app.name}'
            ) from exc
        if SECRET_KEY not in content:
            raise settings.Refused(
                f'{SECRET}: the secret has no key "{SECRET_KEY}": '
                f'juju update-secret {name} {SECRET_KEY}=…'
            )
        return content[SECRET_KEY]


def _name(event: ops.ActionEvent) -> str:
    return event.handle.kind.removesuffix('_action')


if __name__ == '__main__':
    ops.main(WatcherMetalDriversCharm)
