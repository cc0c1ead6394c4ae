# SPDX-License-Identifier: Apache-2.0
"""The two files: which server is where, and the users of the BMCs."""

import os
from importlib import resources

import metal_drivers as m


def read(config):
    """The servers by their hosts, each with its user: see schema.yaml."""
    users = _load(config, 'credentials_file', [])
    servers = _load(config, 'inventory_file', list(users))
    return {k: v | users[v['credentials']] for k, v in servers.items()}


def _load(config, option, users):
    import jsonschema
    import yaml

    schema = resources.files(__package__).joinpath('schema.yaml')
    rules = yaml.safe_load(schema.read_text())
    server = rules['inventory_file']['additionalProperties']
    server['properties']['credentials'] = {'enum': users}
    try:
        with open(config[option], encoding='utf-8') as file:
            mode = os.fstat(file.fileno()).st_mode
            if option == 'credentials_file' and mode & 0o007:
                raise OSError(0, 'others have access to it: chmod o=')
            found = yaml.safe_load(file)
        jsonschema.validate(found, rules[option])
        # By a second name, a machine in use could be powered off.
        systems = [each.get('system', name) for name, each in found.items()]
        jsonschema.validate(systems, {'uniqueItems': True})
        return found
    except OSError as exc:
        what = exc.strerror
    # Where it is, without what is there: that may be a password.
    except (ValueError, yaml.YAMLError) as exc:
        what = f'no YAML{getattr(exc, "problem_mark", "")}'
    except jsonschema.ValidationError as exc:
        what = f'{exc.json_path} breaks the rule {exc.validator!r}'
    what = f'Redfish: the {option} {config[option]} cannot be used: {what}'
    cure = 'The README of metal-drivers-redfish shows how it looks.'
    raise m.ConfigurationError(what, cure=cure, options=(option,))
