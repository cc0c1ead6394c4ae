# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus and Alertmanager, with what is in
``contrib/prometheus``."""

import pathlib
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any
from unittest import TestCase

import requests
import yaml

from metal_drivers_tests.functional.services import process, shared, waiting

FOLDER = pathlib.Path(__file__).parents[2] / 'contrib/prometheus'

#: Seconds between two scrapes, and two evaluations of the rules.
INTERVAL = 1

#: Of Debian, with Alertmanager and its tool.
PACKAGE = 'prometheus-alertmanager'


def tool(test: TestCase, name: str, package: str) -> str:
    """The path of a program of Debian's, or skip."""
    found = shutil.which(name)
    if found is None:
        shared.skip_or_fail(
            test, f'there is no {name}: apt-get install {package}'
        )
    return found


def run(*words: str) -> str:
    """What a program prints, which succeeds."""
    done = subprocess.run(
        words,
        cwd=FOLDER,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=process.clean_environment(),
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f'{words} failed: {done.stdout}')
    return done.stdout


def get(url: str, **query: str) -> Any:
    """What an API on loopback answers, read from JSON."""
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, params=query, timeout=30).json()


def start(
    test: Any, name: str, folder: pathlib.Path, url: str, *command: str
) -> None:
    """Run one of these programs until the end of the test; it is ready."""
    service = process.Service(name, command, folder / f'{name}.log')
    test.useFixture(service)
    service.wait_ready(lambda: process.answers(f'{url}/-/ready'))


class Prometheus:
    """A Prometheus that scrapes the exporter, for as long as the test.

    :param target: ``ADDRESS:PORT`` of the exporter.
    :param jobs: what else it scrapes.
    :param rules: files with other rules than ours.
    :param alertmanager: ``ADDRESS:PORT`` of one.
    """

    def __init__(
        self,
        test: Any,
        folder: pathlib.Path,
        target: str,
        jobs: Sequence[Mapping[str, Any]] = (),
        rules: Sequence[pathlib.Path] = (),
        alertmanager: str = '',
    ) -> None:
        program = tool(test, 'prometheus', 'prometheus')
        port = process.free_port()
        self.url = f'http://127.0.0.1:{port}'
        config: dict[str, Any] = {
            'global': {
                'scrape_interval': f'{INTERVAL}s',
                'evaluation_interval': f'{INTERVAL}s',
            },
            'rule_files': [
                str(path) for path in (FOLDER / 'rules.yml', *rules)
            ],
            'scrape_configs': [
                {
                    'job_name': 'metal-drivers',
                    'static_configs': [{'targets': [target]}],
                },
                *jobs,
            ],
        }
        if alertmanager:
            there = [{'static_configs': [{'targets': [alertmanager]}]}]
            config['alerting'] = {'alertmanagers': there}
        path = folder / 'prometheus.yml'
        path.write_text(yaml.safe_dump(config))
        start(
            *(test, 'prometheus', folder, self.url, program),
            f'--config.file={path}',
            f'--storage.tsdb.path={folder / "data"}',
            f'--web.listen-address=127.0.0.1:{port}',
        )

    def _get(self, path: str, **query: str) -> Any:
        found = get(f'{self.url}/api/v1/{path}', **query)
        if found['status'] != 'success':
            raise AssertionError(f'{path} {query}: {found}')
        return found['data']

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What it has for an expression now: labels and values."""
        return [
            (each['metric'], float(each['value'][1]))
            for each in self._get('query', query=expression)['result']
        ]

    def value(self, expression: str) -> float:
        """The only value; NaN: there is none."""
        found = self.query(expression)
        return found[0][1] if len(found) == 1 else float('nan')

    def alerts(self) -> set[tuple[str, str]]:
        """Those for people that fired at any time: name and host."""
        return {
            (labels['alertname'], labels.get('host', ''))
            for labels, _ in self.query(
                'max_over_time(ALERTS{alertstate="firing",'
                'severity!="none"}[1h])'
            )
        }

    def wait(self, expression: str, value: float) -> None:
        """Until the expression has that value."""
        waiting.wait_until(
            lambda: self.value(expression) == value,
            f'{expression} to be {value:g} and not {self.query(expression)}',
            timeout=60,
        )

    def check_expressions(self, *expressions: str) -> None:
        """It can read each of them."""
        for expression in expressions:
            self._get('query', query=expression)


class Alertmanager:
    """An Alertmanager with ``alertmanager.yml``, for as long as the test.

    :param hooks: where each receiver is to send its notifications.
    """

    def __init__(
        self, test: Any, folder: pathlib.Path, hooks: Mapping[str, str]
    ) -> None:
        program = tool(test, 'prometheus-alertmanager', PACKAGE)
        port = process.free_port()
        self.address = f'127.0.0.1:{port}'
        config = yaml.safe_load((FOLDER / 'alertmanager.yml').read_text())
        for receiver in config['receivers']:
            hook = {'url': hooks[receiver['name']]}
            receiver['webhook_configs'] = [hook]
        # By default alerts are gathered for half a minute.
        config['route'] |= {'group_wait': '1s', 'group_interval': '1s'}
        path = folder / 'alertmanager.yml'
        path.write_text(yaml.safe_dump(config))
        start(
            *(test, 'alertmanager', folder, f'http://{self.address}', program),
            f'--config.file={path}',
            f'--storage.path={folder / "alerts"}',
            f'--web.listen-address={self.address}',
            # No others are looked for.
            '--cluster.listen-address=',
        )

    def alerts(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Those that it has, by name and host."""
        return {
            (each['labels']['alertname'], each['labels'].get('host', '')): each
            for each in get(f'http://{self.address}/api/v2/alerts')
        }
