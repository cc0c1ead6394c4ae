# SPDX-License-Identifier: Apache-2.0
"""Drivers of others that are broken, or greedy, in as many ways as can be
thought of."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from metal_drivers_tests.unit import distributions


class Kind(NamedTuple):
    """A kind of bad driver: the text of its module, and what has to be
    said of it."""

    source: str
    said: str


def driver(body: str = '', *, before: str = '') -> str:
    """The module of a whole driver, with more in its class.

    :param before: what stands before the class.
    """
    return (
        textwrap.dedent(before)
        + distributions.DRIVER.format(priority=99)
        + textwrap.indent(textwrap.dedent(body), '    ')
    )


def options(body: str) -> str:
    """A driver with that for the body of ``get_config_opts``."""
    return driver(
        '@classmethod\ndef get_config_opts(cls):\n'
        + textwrap.indent(textwrap.dedent(body), '    ')
    )


def option(expression: str) -> str:
    """A driver that has this option and needs none."""
    return driver(
        f"""
        required_options = ()

        @classmethod
        def get_config_opts(cls):
            import os, uuid
            return [cfg.StrOpt('base', default='/srv', help='A base.'),
                    {expression}]
        """
    )


def judging(body: str, *, before: str = '') -> str:
    """A driver with that for the body of ``config_state``."""
    return driver(
        '@classmethod\ndef config_state(cls, config):\n'
        '    from metal_drivers.base import ConfigState, ConfigStatus\n'
        + textwrap.indent(textwrap.dedent(body), '    '),
        before=before,
    )


_WILD = """
    class Wild(Exception):
        def __str__(self):
            {}
"""

_ODD = driver(
    before="""
    class Meta(type(__import__('metal_drivers').MetalDriver)):
        @property
        def priority(cls):
            raise LookupError('no priority')
    """,
).replace('(MetalDriver)', '(MetalDriver, metaclass=Meta)')

#: They cannot be loaded.
BROKEN = {
    'library': Kind('import libmissing\n', 'install libmissing, or unin'),
    'import-name': Kind('from os import gone\n', "import name 'gone'"),
    'syntax': Kind('class Driver(:\n', 'SyntaxError'),
    'null-byte': Kind('a = 1\0\n', 'null bytes'),
    'encoding': Kind('# coding: klingon\n', 'klingon'),
    'exit': Kind('raise SystemExit("no license")\n', 'SystemExit: no lic'),
    'exit-silent': Kind('raise SystemExit\n', 'imported: SystemExit;'),
    'exit-number': Kind('import sys\nsys.exit(3)\n', 'SystemExit: 3'),
    'assertion': Kind('assert False, "wrong host"\n', 'AssertionError: wrong'),
    'cancelled': Kind(
        'import asyncio\nraise asyncio.CancelledError\n', 'CancelledError'
    ),
    'generator-exit': Kind('raise GeneratorExit\n', 'GeneratorExit'),
    'base-exception': Kind(
        'class Own(BaseException): ...\nraise Own("mine")\n', 'Own: mine'
    ),
    'stop-iteration': Kind('next(iter(()))\n', 'StopIteration'),
    'recursion': Kind('def f(): f()\nf()\n', 'RecursionError'),
    'group': Kind(
        'raise ExceptionGroup("many", [OSError("a"), OSError("b")])\n',
        'ExceptionGroup: many',
    ),
    'lines': Kind('raise OSError("one\\n\\n  two\\r\\nthree")\n', 'two three'),
    'endless': Kind('raise OSError("x" * 10**6)\n', 'xxx'),
    'escapes': Kind('raise OSError("\\x1b[31mred\\x07")\n', '?[31mred?'),
    'surrogate': Kind('raise OSError("\\ud800")\n', 'OSError: ?'),
    'text-raises': Kind(
        textwrap.dedent(_WILD.format('raise OSError')) + '\nraise Wild\n',
        'its text cannot be read',
    ),
    'text-exits': Kind(
        textwrap.dedent(_WILD.format('raise SystemExit')) + '\nraise Wild\n',
        'its text cannot be read',
    ),
    'text-none': Kind(
        textwrap.dedent(_WILD.format('return None')) + '\nraise Wild\n',
        'its text cannot be read',
    ),
    'no-class': Kind('class Drover: ...\n', "no attribute 'Driver'"),
    'function': Kind('def Driver(config, osc=None): ...\n', 'a function that'),
    'plain-class': Kind(
        'class Driver: ...\n', 'a class that is not a subclass'
    ),
    'nothing': Kind('Driver = None\n', 'a NoneType that is not a subclass'),
    'instance': Kind(
        driver() + '\nDriver = Driver({})\n', 'a Driver that is not a subclass'
    ),
    'two-faced': Kind(
        'class Face:\n'
        '    @property\n'
        '    def __class__(self): raise OSError("no face")\n'
        'Driver = Face()\n',
        'OSError: no face',
    ),
    'abstract': Kind(
        'from metal_drivers import MetalDriver\n'
        'class Driver(MetalDriver):\n'
        '    def list_nodes(self): ...\n',
        'does not implement get_node, set_power_state',
    ),
    'metaclass': Kind(_ODD, 'LookupError: no priority'),
    'contract-newer': Kind(
        # What else looks like a flaw may be none in that contract.
        driver('contract = (2, 0)\npriority = "high"\n'),
        'needs watcher-metal-drivers 2 or newer; upgrade that, or uninstall',
    ),
    'contract-newer-minor': Kind(
        driver('contract = (1, 99)\n'),
        'needs watcher-metal-drivers 1.99 or newer; upgrade that, or uninst',
    ),
    'contract-name': Kind(
        'from metal_drivers import Teleporter\n',
        'another version of watcher-metal-drivers',
    ),
    'contract-module': Kind(
        'import metal_drivers.teleporter\n',
        'another version of watcher-metal-drivers',
    ),
    'contract-text': Kind(driver('contract = "1.0"\n'), '.contract is not'),
    'contract-none': Kind(driver('contract = None\n'), '.contract is not'),
    'contract-major': Kind(driver('contract = (1,)\n'), '.contract is not'),
    'contract-long': Kind(
        driver('contract = (1, 0, 0)\n'), '.contract is not'
    ),
    'contract-bool': Kind(
        driver('contract = (True, False)\n'), '.contract is not'
    ),
    'contract-list': Kind(driver('contract = [1, 0]\n'), '.contract is not'),
    'contract-zero': Kind(driver('contract = (0, 9)\n'), '.contract is not'),
    'contract-below': Kind(driver('contract = (1, -1)\n'), '.contract is not'),
    'contract-later': Kind(
        driver('@property\ndef contract(self): return (1, 0)\n'),
        '.contract is not',
    ),
    'priority-text': Kind(driver('priority = "high"\n'), '.priority is not'),
    'priority-none': Kind(driver('priority = None\n'), '.priority is not'),
    'priority-nan': Kind(
        driver('priority = float("nan")\n'), '.priority is not'
    ),
    'priority-bool': Kind(driver('priority = True\n'), '.priority is not'),
    'priority-later': Kind(
        driver('@property\ndef priority(self): return 5\n'), '.priority is not'
    ),
    'capabilities-none': Kind(
        driver('capabilities = None\n'), '.capabilities is not'
    ),
    'capabilities-texts': Kind(
        driver('capabilities = {"soft-off"}\n'), '.capabilities is not'
    ),
    'capabilities-text': Kind(
        driver('capabilities = "soft-off"\n'), '.capabilities is not'
    ),
    'required-text': Kind(
        driver('required_options = "url"\n'), '.required_options is not'
    ),
    'required-none': Kind(
        driver('required_options = None\n'), '.required_options is not'
    ),
    'required-options': Kind(
        driver('required_options = (cfg.StrOpt("url"),)\n'),
        '.required_options is not',
    ),
    'options-raise': Kind(
        options('raise LookupError("gone")\n'),
        'get_config_opts() raised LookupError: gone',
    ),
    'options-exit': Kind(
        options('raise SystemExit(2)\n'),
        'get_config_opts() raised SystemExit: 2',
    ),
    'options-cancelled': Kind(
        options('import asyncio\nraise asyncio.CancelledError\n'),
        'get_config_opts() raised CancelledError',
    ),
    'options-none': Kind(options('return None\n'), "'NoneType' object is not"),
    'options-texts': Kind(options('return ["url"]\n'), 'is not a list of'),
    'options-mapping': Kind(
        options('return {"url": cfg.StrOpt("url")}\n'), 'is not a list of'
    ),
    'options-command': Kind(
        options('return [cfg.SubCommandOpt("url")]\n'), 'is not a list of'
    ),
    'options-twice': Kind(
        options('return [cfg.StrOpt("a"), cfg.IntOpt("a")]\n'),
        'has a more than once',
    ),
    'options-default': Kind(
        options('return [cfg.IntOpt("rate", default="fast")]\n'),
        'DefaultValueError',
    ),
    'options-instance': Kind(
        driver('def get_config_opts(self): return []\n'), "argument: 'self'"
    ),
    'options-property': Kind(
        driver('@property\ndef get_config_opts(self): return []\n'),
        "'property' object is not callable",
    ),
}

#: They can be loaded, and cannot say whether they are configured.
UNDECIDED = {
    'state-none': Kind(judging('return None\n'), 'returned a NoneType'),
    'state-text': Kind(judging('return "ready"\n'), 'returned a str'),
    'state-status': Kind(
        judging('return ConfigStatus.READY\n'), 'returned a ConfigStatus'
    ),
    'state-pair': Kind(
        judging('return ConfigStatus.READY, ()\n'), 'returned a tuple'
    ),
    'state-value': Kind(
        judging('return ConfigState("ready")\n'), 'is not a ConfigStatus'
    ),
    'state-missing': Kind(
        judging('return ConfigState(ConfigStatus.INCOMPLETE, "url")\n'),
        'not a tuple of names',
    ),
    'state-numbers': Kind(
        judging('return ConfigState(ConfigStatus.INCOMPLETE, (1, 2))\n'),
        'not a tuple of names',
    ),
    'state-raises': Kind(
        judging('return config["gone"]\n'), "raised KeyError: 'gone'"
    ),
    'state-exits': Kind(
        judging('raise SystemExit("no license")\n'), 'raised SystemExit: no'
    ),
    'state-cancelled': Kind(
        judging('import asyncio\nraise asyncio.CancelledError\n'),
        'raised CancelledError',
    ),
    'state-wild': Kind(
        judging('raise Wild\n', before=_WILD.format('raise OSError')),
        'raised Wild: (its text cannot be read)',
    ),
    'state-lines': Kind(
        judging('raise OSError("one\\ntwo")\n'), 'raised OSError: one two'
    ),
    'state-metal': Kind(
        judging(
            'import metal_drivers\n'
            'raise metal_drivers.ConfigurationError("no\\nway")\n'
        ),
        'raised ConfigurationError: no way',
    ),
    'state-instance': Kind(
        driver('def config_state(self, config): ...\n'), 'raised TypeError'
    ),
    'state-subclass': Kind(
        judging(
            'class Odd(ConfigState):\n'
            '    @property\n'
            '    def status(self): raise OSError("odd")\n'
            '    def __init__(self): ...\n'
            'return Odd()\n'
        ),
        'raised OSError: odd',
    ),
}

#: Nothing is wrong with them, but for what they make of an empty
#: configuration.
GREEDY = {
    'always-ready': judging('return ConfigState(ConfigStatus.READY)\n'),
    'always-half': judging('return ConfigState(ConfigStatus.INCOMPLETE)\n'),
    'always-lacking': judging(
        'return ConfigState(ConfigStatus.INCOMPLETE, ["url"])\n'
    ),
    'ready-lacking': judging(
        'return ConfigState(ConfigStatus.READY, ("url",))\n'
    ),
    'port': option("cfg.PortOpt('port', default='443', help='A port.')"),
    'list': option("cfg.ListOpt('names', default='a,b', help='Names.')"),
    'bool': option("cfg.BoolOpt('really', default='true', help='Really?')"),
    'float': option("cfg.FloatOpt('part', default='1.5', help='A part.')"),
    'dict': option("cfg.DictOpt('map', default='a:b', help='A map.')"),
    'multi': option("cfg.MultiStrOpt('many', default=['a'], help='Many.')"),
    'reference': option("cfg.StrOpt('path', default='$base/x', help='Path.')"),
    'dollar': option("cfg.StrOpt('sign', default='$$', help='A sign.')"),
    'elsewhere': option("cfg.StrOpt('far', default='$nowhere', help='Far.')"),
    'uuid': option(
        "cfg.StrOpt('me', default=str(uuid.uuid4()), help='Who I am.')"
    ),
    'environment': option(
        "cfg.StrOpt('user', default=os.environ['PATH'], help='A user.')"
    ),
    'required': option("cfg.StrOpt('must', required=True, help='A must.')"),
    'required-uuid': option(
        "cfg.StrOpt('must', required=True, default=str(uuid.uuid4()))"
    ),
}
