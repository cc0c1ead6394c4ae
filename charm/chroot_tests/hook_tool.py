#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The hook tools of Juju, each by its name, as far as the charm uses them.

``model.json`` beside this file is what Juju would know. What the charm says
is appended to ``said``, one list a line.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent


def say(*words):
    with HERE.joinpath('said').open('a') as file:
        file.write(json.dumps(words) + '\n')


def secret(model, args):
    name = args[0].removeprefix('secret:')
    found = model['secrets'].get(name)
    if found is None:
        sys.exit(f'ERROR secret "{name}" not found')
    if not found['granted']:
        sys.exit('ERROR permission denied')
    return found['content']


def main(tool, args):
    model = json.loads(HERE.joinpath('model.json').read_text())
    args = [x for x in args if x not in ('--', '--format=json', '--refresh')]
    if tool == 'config-get':
        answer = model['config']
    elif tool == 'relation-ids':
        answer = model['relations'].get(args[0], [])
    elif tool == 'relation-list':
        answer = [] if '--app' not in args else 'watcher'
    elif tool == 'secret-get':
        answer = secret(model, args)
    elif tool == 'action-get':
        answer = model['parameters']
    elif tool == 'is-leader':
        answer = True
    elif tool == 'resource-get':
        sys.stdout.write(model['resources'][args[0]])
        return
    elif tool in ('status-set', 'juju-log', 'action-set', 'action-fail'):
        say(tool, *args)
        return
    else:
        sys.exit(f'ERROR {tool} is not among these tools')
    json.dump(answer, sys.stdout)


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[0]).name, sys.argv[1:])
