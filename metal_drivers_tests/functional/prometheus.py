# SPDX-License-Identifier: Apache-2.0
"""Debian's Prometheus, with the rules of ``contrib/prometheus``."""

import pathlib
import shutil
import subprocess
from typing import Any
from unittest import TestCase

import requests

from metal_drivers_tests.functional.services import process, shared, waiting

FOLDER = pathlib.Path(__file__).parents[2] / 'contrib/prometheus'

#: Seconds between two scrapes, and two evaluations of the rules.
INTERVAL = 1


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


class Prometheus:
    """A Prometheus that scrapes one target, for as long as the test.

    :param target: ``ADDRESS:PORT``.
    """

    def __init__(self, test: Any, folder: pathlib.Path, target: str) -> None:
        program = tool(test, 'prometheus', 'prometheus')
        port = process.free_port()
        self.url = f'http://127.0.0.1:{port}'
        config = folder / 'prometheus.yml'
        config.write_text(
            f'global: {{scrape_interval: {INTERVAL}s, '
            f'evaluation_interval: {INTERVAL}s}}\n'
            f'rule_files: ["{FOLDER / "rules.yml"}"]\n'
            'scrape_configs:\n'
            '  - job_name: metal-drivers\n'
            f'    static_configs: [{{targets: ["{target}"]}}]\n'
        )
        service = process.Service(
            'prometheus',
            [
                program,
                f'--config.file={config}',
                f'--storage.tsdb.path={folder / "data"}',
                f'--web.listen-address=127.0.0.1:{port}',
            ],
            folder / 'prometheus.log',
        )
        test.useFixture(service)
        service.wait_ready(lambda: process.answers(f'{self.url}/-/ready'))

    def _get(self, path: str, **query: str) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(
                f'{self.url}/api/v1/{path}', params=query, timeout=30
            )
        found = reply.json()
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
