# SPDX-License-Identifier: Apache-2.0
"""What tests ask of a Nova: servers, hypervisors and services."""

import uuid
from typing import Any

import tenacity

from metal_drivers_tests.functional.services import errors, rest, waiting

# The last version that still counts the servers of a hypervisor; from 2.88
# on a listing of hypervisors waits for computes that have just gone.
MICROVERSION = '2.87'


def _is_locked(error: BaseException) -> bool:
    """Whether two writers got into each other's way in SQLite."""
    return (
        isinstance(error, errors.RequestFailed)
        and error.status == 500
        and 'OperationalError' in str(error)
    )


class Compute:
    """Nova as its administrator sees it.

    :param nova: the endpoint of the compute service.
    :param glance: the endpoint of the image service.
    """

    def __init__(self, nova: rest.Rest, glance: rest.Rest) -> None:
        self._nova = nova
        self._glance = glance
        self._image: str | None = None
        self._flavor: str | None = None

    def request(self, method: str, path: str, json: Any = None) -> Any:
        """Send one request, as in ``request('GET', '/servers')``.

        :raises RequestFailed: with ``.status`` for 400 and above.
        """
        headers = {'OpenStack-API-Version': f'compute {MICROVERSION}'}
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(5),
            wait=tenacity.wait_fixed(1),
            retry=tenacity.retry_if_exception(_is_locked),
            reraise=True,
        )
        return retrying(self._nova.request, method, path, json, headers)

    def boot(self, host: str, name: str = 'server') -> str:
        """Boot a server on a compute host; return its id once it runs.

        :raises ServiceError: if Nova puts it into the state ERROR, three
            times: on a busy machine Nova gives up now and then.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(3),
            retry=tenacity.retry_if_exception_type(errors.ServiceError),
            reraise=True,
        )
        return retrying(self._boot, host, name)

    def _boot(self, host: str, name: str) -> str:
        server = self.ask_for_server(name, host=host)

        def active() -> bool:
            found = self.request('GET', f'/servers/{server}')['server']
            if found['status'] == 'ERROR':
                raise errors.ServiceError(
                    f'server {server}: {found.get("fault")}'
                )
            return bool(found['status'] == 'ACTIVE')

        try:
            waiting.wait_until(active, f'server {server} to be active')
        except errors.ServiceError:
            # Nobody else knows of it, and it would keep hosts busy.
            self.request('DELETE', f'/servers/{server}')
            raise
        return server

    def ask_for_server(self, name: str, **fields: str) -> str:
        """Return the id of a server that has yet to be scheduled.

        :param fields: further ones, as ``host``.
        """
        body = {
            'server': {
                'name': name,
                'imageRef': self._any_image(),
                'flavorRef': self._any_flavor(),
                'networks': 'none',
                **fields,
            }
        }
        reply = self.request('POST', '/servers', body)
        return str(reply['server']['id'])

    def status(self, server: str) -> str:
        """Return the status of a server, as 'ACTIVE'."""
        reply = self.request('GET', f'/servers/{server}')
        return str(reply['server']['status'])

    def act(self, server: str, **action: Any) -> None:
        """Have something done to a server, as ``confirmResize=None``."""
        self.request('POST', f'/servers/{server}/action', action)

    def resize(self, server: str) -> None:
        """Resize a server, which takes it to another host; not confirmed."""
        self.act(server, resize={'flavorRef': self._flavor_of(2)})
        waiting.wait_until(
            lambda: self.status(server) == 'VERIFY_RESIZE',
            f'server {server} to be resized',
        )

    def delete_server(self, server: str) -> None:
        """Delete a server and wait until it is gone."""
        self.request('DELETE', f'/servers/{server}')

        def gone() -> bool:
            try:
                self.request('GET', f'/servers/{server}')
            except errors.RequestFailed as error:
                if error.status != 404:
                    raise
                return True
            return False

        waiting.wait_until(gone, f'server {server} to be gone')

    def hypervisors(self) -> dict[str, dict[str, Any]]:
        """Return all hypervisors, by their hostnames."""
        reply = self.request('GET', '/os-hypervisors/detail')
        return {
            entry['hypervisor_hostname']: entry
            for entry in reply['hypervisors']
        }

    def services(self, binary: str = 'nova-compute') -> dict[str, Any]:
        """Return Nova's services of one kind, by their hosts."""
        reply = self.request('GET', f'/os-services?binary={binary}')
        return {entry['host']: entry for entry in reply['services']}

    def wait_service(
        self, host: str, state: str, timeout: float = 60
    ) -> dict[str, Any]:
        """Wait until Nova says that a compute is 'up' or 'down'.

        :param timeout: seconds.
        :return: the service as Nova lists it.
        """

        def reached() -> dict[str, Any] | None:
            service: dict[str, Any] = self.services().get(host, {})
            return service if service.get('state') == state else None

        what = f'compute {host} to be {state}'
        return waiting.wait_until(reached, what, timeout) or {}

    def _any_image(self) -> str:
        if self._image is None:
            fields = {
                'name': 'image',
                'disk_format': 'raw',
                'container_format': 'bare',
            }
            image = self._glance.request('POST', '/v2/images', fields)['id']
            self._glance.send(
                'PUT',
                f'/v2/images/{image}/file',
                headers={'Content-Type': 'application/octet-stream'},
                # The fake driver never looks at it.
                data=b'image',
            )
            self._image = image
        return str(self._image)

    def _any_flavor(self) -> str:
        if self._flavor is None:
            self._flavor = self._flavor_of(1)
        return str(self._flavor)

    def _flavor_of(self, vcpus: int) -> str:
        size = {'vcpus': vcpus, 'ram': 64, 'disk': 1}
        body = {'flavor': {'name': f'flavor-{uuid.uuid4()}', **size}}
        return str(self.request('POST', '/flavors', body)['flavor']['id'])
