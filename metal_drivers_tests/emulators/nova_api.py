# SPDX-License-Identifier: Apache-2.0
"""Nova's conventions: microversions, errors, paging, discovery.

Every text was taken from Nova 34.0.0.
"""

import datetime
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from metal_drivers_tests.emulators import messages

Version = tuple[int, int]
T = TypeVar('T')

MINIMUM: Version = (2, 1)
MAXIMUM: Version = (2, 104)
ERROR_TYPE = 'application/json; charset=UTF-8'
_YES = ('True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes')
_NO = ('False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no')
TRUE = (True, *_YES)
FALSE = (False, *_NO)
NOT_FOUND = messages.Reply(
    404,
    b'<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n'
    b'  <h1>404 Not Found</h1>\n  The resource could not be found.'
    b'<br /><br />\n\n\n\n </body>\n</html>',
    'text/html; charset=UTF-8',
)
_FAULTS = {
    400: 'badRequest',
    403: 'forbidden',
    404: 'itemNotFound',
    409: 'conflictingRequest',
}


def refuse(status: int, message: str) -> messages.Refusal:
    """An error as Nova words it, to be raised."""
    name = _FAULTS.get(status, 'computeFault')
    body = {name: {'code': status, 'message': message}}
    return messages.Refusal(
        messages.json_reply(body, status, content_type=ERROR_TYPE)
    )


def forbid(rule: str) -> messages.Refusal:
    return refuse(
        403,
        f"Policy doesn't allow os_compute_api:{rule} to be performed.",
    )


def timed_out() -> messages.Refusal:
    """What follows the 60 s that a message to a dead compute waits."""
    return refuse(
        500,
        'Unexpected API Error. Please contact the administrator\n'
        "<class 'oslo_messaging.exceptions.MessagingTimeout'>",
    )


def cell_is_down() -> messages.Refusal:
    """For what is asked of one cell, whose database does not answer."""
    return refuse(
        500,
        'Unexpected API Error. Please contact the administrator\n'
        "<class 'sqlalchemy.exc.OperationalError'>",
    )


def text(version: Version) -> str:
    return '.'.join(map(str, version))


def requested(request: messages.Request, maximum: Version) -> Version:
    """The microversion that a request asks for, 2.1 without any."""
    asked = None
    for part in request.headers.get('OpenStack-API-Version', '').split(','):
        service, _, value = part.strip().partition(' ')
        if service.lower() == 'compute' and value:
            asked = value.strip()
    asked = asked or request.headers.get('X-OpenStack-Nova-API-Version')
    if asked is None:
        return MINIMUM
    if asked == 'latest':
        return maximum
    major, _, minor = asked.partition('.')
    if not (major.isdecimal() and minor.isdecimal()):
        raise refuse(
            400,
            f'API Version String {asked} is of invalid format. Must be of '
            'format MajorNum.MinorNum.',
        )
    version = int(major), int(minor)
    if not MINIMUM <= version <= maximum:
        refusal = refuse(
            406,
            f'Version {asked} is not supported by the API. Minimum is '
            f'{text(MINIMUM)} and maximum is {text(maximum)}.',
        )
        raise messages.Refusal(
            refusal.reply.with_headers(*version_headers(version))
        )
    return version


def version_headers(version: Version) -> list[tuple[str, str]]:
    return [
        ('OpenStack-API-Version', f'compute {text(version)}'),
        ('X-OpenStack-Nova-API-Version', text(version)),
        ('Vary', 'OpenStack-API-Version'),
        ('Vary', 'X-OpenStack-Nova-API-Version'),
    ]


def check_properties(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse parameters, or fields of a body, that a schema lacks."""
    extra = sorted(set(given) - set(known))
    if extra:
        names = ', '.join(map(repr, extra))
        verb = 'was' if len(extra) == 1 else 'were'
        raise refuse(
            400,
            f'Additional properties are not allowed ({names} {verb} '
            'unexpected)',
        )


def limit_of(
    request: messages.Request, maximum: int, repeatable: bool = False
) -> int:
    """The page size asked for, capped in silence.

    :param repeatable: the last of several counts, as for servers
    """
    values = request.query.get('limit', ())
    if not values:
        return maximum
    if len(values) > 1 and not repeatable:
        shown = list(values)
        problem = f'{shown} is too long'
        raise _bad_parameter('limit', shown, problem)
    value = values[-1]
    if not value:
        raise _bad_parameter('limit', value, "'' should be non-empty")
    if not (value.isascii() and value.isdecimal()):
        raise _bad_parameter(
            'limit', value, f"'{value}' does not match '^[0-9]*$'"
        )
    return min(int(value), maximum)


def flag(request: messages.Request, name: str) -> bool:
    """A boolean parameter of the strict kind; False where not set."""
    value = request.last(name)
    if value is None:
        return False
    if value not in TRUE + FALSE:
        raise _bad_parameter(
            name, value, f"'{value}' is not one of {list(TRUE + FALSE)}"
        )
    return value in TRUE


def loose_flag(request: messages.Request, name: str) -> bool:
    """A boolean parameter of the other kind; True where it is blank."""
    value = request.last(name)
    if value is None:
        return False
    meaning = messages.loose_bool(value) if value.strip() else True
    if meaning is None:
        raise refuse(400, messages.not_a_bool(value))
    return meaning


def changes_since(request: messages.Request) -> float | None:
    """Seconds since the epoch; None where it is not asked for."""
    value = request.last('changes-since')
    if value is None:
        return None
    try:
        when = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise refuse(
            400,
            'Invalid input for query parameters changes-since. Value: '
            f"{value}. '{value}' is not a 'date-time'",
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return when.timestamp()


def _bad_parameter(name: str, value: object, problem: str) -> messages.Refusal:
    return refuse(
        400,
        f'Invalid input for query parameters {name}. Value: {value}. '
        f'{problem}',
    )


def page(
    items: Sequence[T],
    request: messages.Request,
    limit: int,
    is_marker: Callable[[T, str], bool],
    id_of: Callable[[T], object],
) -> tuple[Sequence[T], list[dict[str, str]]]:
    """One page, and its links: a ``next`` wherever the page is full.

    A page that is exactly full has one to an empty page.
    """
    start = 0
    marker = request.last('marker')
    if marker is not None:
        for index, item in enumerate(items):
            if is_marker(item, marker):
                start = index + 1
                break
        else:
            raise refuse(400, f'marker [{marker}] not found')
    shown = items[start : start + limit]
    if not limit or len(shown) < limit:
        return shown, []
    query = {name: values[-1] for name, values in request.query.items()}
    # In alphabetical order, but with the marker last, as Nova has it.
    ordered = sorted(i for i in query.items() if i[0] != 'marker')
    ordered.append(('marker', str(id_of(shown[-1]))))
    href = (
        f'{request.host_url}{request.path}?{urllib.parse.urlencode(ordered)}'
    )
    return shown, [{'rel': 'next', 'href': href}]


def version_document(host_url: str, maximum: Version) -> dict[str, Any]:
    return {
        'id': 'v2.1',
        'status': 'CURRENT',
        'version': text(maximum),
        'min_version': text(MINIMUM),
        'updated': '2013-07-23T11:33:21Z',
        'links': [{'rel': 'self', 'href': f'{host_url}/v2.1/'}],
    }


def old_version_document(host_url: str) -> dict[str, Any]:
    return {
        'id': 'v2.0',
        'status': 'DEPRECATED',
        'version': '',
        'min_version': '',
        'updated': '2025-07-04T12:00:00Z',
        'links': [{'rel': 'self', 'href': f'{host_url}/v2/'}],
    }


def media_type(version: str) -> list[dict[str, str]]:
    return [
        {
            'base': 'application/json',
            'type': 'application/vnd.openstack.compute+json;'
            f'version={version}',
        }
    ]
