# SPDX-License-Identifier: Apache-2.0
"""The driver, the hooks and Nova: what each says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from metal_drivers.candidates import CandidateState
from metal_drivers.doctor.model import Finding, Place, ok, warning


def driver(place: Place) -> Iterator[Finding]:
    """The selected driver, and what it finds itself."""
    chosen = place.selector.select()
    opened = place.driver
    yield ok('driver', f'{chosen.name}: {chosen.detail}')
    yield from map(Finding.of, opened.check())


def others(place: Place) -> Iterator[Finding]:
    """Drivers that are configured and cannot be used, or not loaded."""
    selection = place.selector.selection
    refused = selection.refusal and selection.refusal.driver
    for each in selection.candidates:
        if each.name == refused:
            continue  # said by the line before
        if each.state is CandidateState.FAILED:
            yield warning(f'driver {each.name}', each.detail)
        elif each.state is CandidateState.INCOMPLETE and each.mentioned:
            yield warning(
                f'driver {each.name}', f'{each.detail}. {each.completing}'
            )


def hooks(place: Place) -> Iterator[Finding]:
    """The hooks in use."""
    yield from map(Finding.of, place.hooks)


def nova(place: Place) -> Iterator[Finding]:
    """Nova: the endpoint, the credentials, its services."""
    if place.nova is None:
        yield warning(
            'nova',
            'no credentials in [nova] or [watcher_clients_auth]: '
            'no node matches a compute host. Add auth_type and what it needs '
            'to one of these sections',
        )
        return
    yield from map(Finding.of, place.nova.check())
    yield from map(Finding.of, place.nova.check_more())
