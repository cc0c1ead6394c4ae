# SPDX-License-Identifier: Apache-2.0
"""The metrics. Each is a function of the answers and the time.

A series for each host is there only while it says something: the host is
off, half done or has failed. All others are counts, with a zero where
nothing fits, so that a sum never has a gap.
"""

from __future__ import annotations

import collections
import datetime
import functools
import importlib.metadata
import itertools
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from metal_drivers.model import PowerState
from metal_drivers.overview import Answers, DisabledBy, Overview

#: How each name begins.
PREFIX = 'metal_drivers_'
_DISTRIBUTION = 'watcher-metal-drivers'
#: The reserve of all hosts, for which there is no rule.
ALL = 'all'


def collect(
    driver: str,
    answers: Answers,
    overview: Overview | None,
    now: datetime.datetime,
) -> Iterator[Metric]:
    """All metrics.

    :param driver: its name.
    :param overview: None: not all services answered. What is known of hosts
        is left out then: it may be wrong by now.
    """
    info = _gauge('build_info', 'The version of metal-drivers.', ['version'])
    info.add_metric([_version()], 1.0)
    yield info
    yield from _of_services(answers)
    if overview is None:
        return
    yield from _counts(driver, overview)
    yield from _of_hosts(driver, overview, now)
    yield from _savings(driver, overview)
    yield from _reserves(overview)


@functools.cache
def _version() -> str:
    return importlib.metadata.version(_DISTRIBUTION)


def _of_services(answers: Answers) -> Iterator[Metric]:
    success = _gauge(
        'scrape_success',
        'Whether the service answered when it was last asked for its lists '
        '(1) or not (0).',
        ['service'],
    )
    seconds = _gauge(
        'scrape_duration',
        'How long the service took when it was last asked for its lists.',
        ['service'],
        'seconds',
    )
    at = _gauge(
        'scrape_timestamp',
        'When the service was last asked for its lists, as seconds since '
        '1970.',
        ['service'],
        'seconds',
    )
    for asked in answers.asked:
        labels = [asked.service]
        success.add_metric(labels, float(asked.error is None))
        seconds.add_metric(labels, asked.seconds)
        at.add_metric(labels, asked.at.timestamp())
    yield from (success, seconds, at)


def _counts(driver: str, overview: Overview) -> Iterator[Metric]:
    hosts = _gauge(
        'hosts',
        'Compute hosts by the power state of their node and by who disabled '
        'nova-compute.',
        ['driver', 'zone', 'power_state', 'disabled_by'],
    )
    zones = sorted({host.zone for host in overview.hosts})
    found = collections.Counter(
        (host.zone, host.power, host.disabled_by) for host in overview.hosts
    )
    for key in itertools.product(zones, PowerState, DisabledBy):
        zone, power, disabled_by = key
        hosts.add_metric(
            [driver, zone, power.value, disabled_by.value], found[key]
        )
    yield hosts
    for name, text, fits in (
        (
            'hosts_unreliable',
            'Compute hosts that are off and may not come back.',
            lambda host: host.unreliable,
        ),
        (
            'hosts_protected',
            'Compute hosts that are never powered on or off, by '
            'protected_hosts or protected_labels.',
            lambda host: host.protected,
        ),
    ):
        family = _gauge(name, text, ['driver', 'zone'])
        for zone in zones:
            family.add_metric(
                [driver, zone],
                overview.count(
                    lambda host, zone=zone, fits=fits: (  # type: ignore[misc]
                        host.zone == zone and fits(host)
                    )
                ),
            )
        yield family
    unmatched = _gauge(
        'nodes_unmatched', 'Nodes that match no compute host.', ['driver']
    )
    unmatched.add_metric([driver], overview.unmatched)
    yield unmatched


def _of_hosts(
    driver: str, overview: Overview, now: datetime.datetime
) -> Iterator[Metric]:
    labels = ['driver', 'zone', 'host']
    off = _gauge(
        'host_off',
        'How long a host has been off that metal-drivers powered off.',
        labels,
        'seconds',
    )
    failures = _gauge(
        'host_power_on_failures',
        'How many power ons of a host failed, one after the other; only '
        'hosts of which the last one failed.',
        labels,
    )
    half_done = _gauge(
        'transition_half_done',
        'How long ago the last step of a power change was recorded whose '
        'end is not; to is the power state that it leads to.',
        [*labels, 'to'],
        'seconds',
    )
    for host in overview.hosts:
        values = [driver, host.zone, host.name]
        if host.off_since is not None:
            off.add_metric(values, _age(host.off_since, now))
        if host.failures:
            failures.add_metric(values, host.failures)
        if host.half_done is not None:
            half_done.add_metric(
                [*values, host.half_done.to.value],
                _age(host.half_done.since, now),
            )
    yield from (off, failures, half_done)


def _savings(driver: str, overview: Overview) -> Iterator[Metric]:
    labels = ['driver', 'zone']
    saved = _gauge(
        'saved_power',
        'What hosts would use that metal-drivers powered off, if they were '
        'on and idle, by idle_watts. Hosts without a figure do not count.',
        labels,
        'watts',
    )
    without = _gauge(
        'saving_hosts_unknown',
        'Hosts that metal-drivers powered off and that idle_watts has no '
        'figure for.',
        labels,
    )
    for zone in sorted({host.zone for host in overview.hosts}):
        hosts = [host for host in overview.off_by_us if host.zone == zone]
        saved.add_metric(
            [driver, zone], sum(host.watts or 0.0 for host in hosts)
        )
        without.add_metric(
            [driver, zone], sum(host.watts is None for host in hosts)
        )
    yield from (saved, without)


def _reserves(overview: Overview) -> Iterator[Metric]:
    ready = _gauge(
        'reserve_hosts_ready',
        'Hosts that are free and on, of all hosts and of each --reserve.',
        ['reserve'],
    )
    wanted = _gauge(
        'reserve_hosts_wanted',
        'Hosts that are to be free and on, of all hosts and of each '
        '--reserve.',
        ['reserve'],
    )
    for level in overview.reserves:
        ready.add_metric([level.group or ALL], level.ready)
        wanted.add_metric([level.group or ALL], level.wanted)
    yield from (ready, wanted)


def _age(since: datetime.datetime, now: datetime.datetime) -> float:
    """Seconds; a time of the future is of a clock that is wrong."""
    return max(0.0, (now - since).total_seconds())


def _gauge(
    name: str, text: str, labels: list[str], unit: str = ''
) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, labels=labels, unit=unit)
