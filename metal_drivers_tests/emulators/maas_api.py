# SPDX-License-Identifier: Apache-2.0
"""What an emulated MAAS says, and how it reads what it is asked."""

import email.parser
import email.policy
import json
import urllib.parse
from collections.abc import Sequence

from metal_drivers_tests.emulators import messages

ROOT = '/MAAS/api/2.0'
JSON = 'application/json; charset=utf-8'
TEXT = 'text/plain; charset=utf-8'

NOT_FOUND = messages.Reply(
    404, b'No Machine matches the given query.', 'text/plain'
)
FORBIDDEN = messages.Reply(403, b'', TEXT)
# What power_off of a machine of power type manual is answered with.
NULL = messages.Reply(200, b'null', JSON)

_CAPABILITIES = (
    'networks-management',
    'static-ipaddresses',
    'ipv6-deployment-ubuntu',
    'devices-management',
    'storage-deployment-ubuntu',
    'network-deployment-ubuntu',
    'bridging-interface-ubuntu',
    'bridging-automatic-ubuntu',
    'authenticate-api',
)


def answer(value: object) -> messages.Reply:
    """A value as the API writes it, with four spaces for each level."""
    return messages.Reply(200, json.dumps(value, indent=4).encode(), JSON)


def text(
    status: int, message: str, headers: messages.Headers = ()
) -> messages.Reply:
    return messages.Reply(status, message.encode(), TEXT, headers)


def version(number: str) -> messages.Reply:
    value = {
        'capabilities': _CAPABILITIES,
        'version': number,
        'subversion': '',
    }
    return messages.Reply(200, json.dumps(value).encode(), JSON)


def invalid(errors: dict[str, list[str]]) -> messages.Reply:
    return messages.Reply(400, json.dumps(errors).encode(), 'application/json')


def unrecognised(request: messages.Request, op: str | None) -> messages.Reply:
    """[src]: an operation that the handler does not have."""
    return text(
        400, f'Unrecognised signature: method={request.method} op={op}'
    )


# What goes wrong below the API.


def no_rack(rack_id: str) -> messages.Reply:
    return text(
        503,
        f'Unable to connect to any rack controller {rack_id}; no '
        'connections available.',
        [('Retry-After', '10')],
    )


def no_access(hostname: str) -> messages.Reply:
    return text(
        503,
        f'No rack controllers can access the BMC of node {hostname}',
    )


def busy(target: str, hostname: str) -> messages.Reply:
    return text(
        503,
        f"Unable to change power state to '{target}' for node {hostname}: "
        'another action is already in progress for that node.',
    )


def driver_missing() -> messages.Reply:
    return text(
        500,
        'Power control software is missing from the rack controller '
        "'rack1.maas'. To proceed, install the ipmitool package.",
    )


def timed_out() -> messages.Reply:
    """The status is measured, the text is [src]."""
    return text(
        504,
        'Unexpected exception: TimeoutError. See /var/log/maas/regiond.log '
        'on the region server for more information.',
    )


def bmc_failed() -> messages.Reply:
    return text(500, 'exit status 1')


def rack_lost(series: str, system_id: str) -> messages.Reply:
    if series == '3.4':
        return text(
            500,
            'Connection to the other side was lost in a non-clean fashion.',
        )
    return text(
        500, f'Error determining BMC task queue for machine {system_id}'
    )


def not_allocated() -> messages.Reply:
    return text(409, "Can't start node: it hasn't been allocated.")


def no_image(series: str) -> messages.Reply:
    system = (
        'ubuntu focal is unavailable.'
        if series == '3.4'
        else 'ubuntu/noble is unavailable for i386/generic.'
    )
    return text(400, f'Deployment operating system {system}')


# What is asked.


def fields(request: messages.Request) -> dict[str, str]:
    """The fields of a POST: multipart, as libmaas sends, or a form."""
    content_type = request.headers.get('Content-Type', '')
    if not content_type.startswith('multipart/'):
        return dict(urllib.parse.parse_qsl(request.body.decode()))
    parser = email.parser.BytesParser(policy=email.policy.HTTP)
    head = f'Content-Type: {content_type}\r\n\r\n'.encode()
    found = {}
    for part in parser.parsebytes(head + request.body).iter_parts():
        name = part.get_param('name', header='content-disposition')
        content = part.get_payload(decode=True)
        # Without any field, libmaas sends one part that is empty.
        if name is not None and isinstance(content, bytes):
            found[str(name)] = content.decode()
    return found


def multipart(
    parts: Sequence[tuple[str, str]], boundary: str = '===============42=='
) -> tuple[str, bytes]:
    """A content type and a body as libmaas 0.6.8 makes them.

    :param parts: names, and values that are base64 already
    """
    lines = []
    for name, encoded in parts or [('', '')]:
        lines.append(f'--{boundary}')
        if name:
            lines += [
                'MIME-Version: 1.0',
                'Content-Type: text/plain; charset="utf-8"',
                'Content-Transfer-Encoding: base64',
                f'Content-Disposition: form-data; name="{name}"',
            ]
        lines += ['', encoded]
    lines += [f'--{boundary}--', '']
    content_type = f'multipart/form-data; boundary="{boundary}"'
    return content_type, '\r\n'.join(lines).encode()
