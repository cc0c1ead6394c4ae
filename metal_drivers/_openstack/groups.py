# SPDX-License-Identifier: Apache-2.0
"""Reads option groups that are not ours.

Options of our own groups are registered. Those of groups that belong to
Watcher (``[nova]``, ``[watcher_clients_auth]``) are only read, since
registering an option a second time with another help text is an error,
and Watcher may register them before us, after us, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from oslo_config import cfg

from metal_drivers import _text, exceptions, redaction, sources
from metal_drivers._openstack import auth

NOVA_GROUP = 'nova'
CREDENTIALS_GROUP = 'watcher_clients_auth'

#: What Python says of a value, and what an operator is told.
_PLAINLY = {
    'invalid literal for int()': 'a whole number is needed',
    'could not convert string to float': 'a number is needed',
}


class OptionValues(dict[str, Any]):
    """The values of one group, also as attributes. Keeps them to itself:
    its repr has only the names."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __repr__(self) -> str:
        return f'<OptionValues {", ".join(sorted(self))}>'


class Credentials:
    """The keystone session that all services share.

    It stands in for Watcher's clients: a driver asks it for ``session``
    only where its own options have no credentials.

    Two are equal where they are configured alike. The repr has only the
    names of the options.

    :param group: for messages: the group that the values are of.
    """

    def __init__(
        self, values: Mapping[str, Any], group: str = CREDENTIALS_GROUP
    ) -> None:
        self._values = dict(values)
        self._group = group
        self._session: Any = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return self._values == other._values

    def __repr__(self) -> str:
        return f'<Credentials {", ".join(sorted(self._values))}>'

    @property
    def secrets(self) -> set[str]:
        """What must not be shown of it."""
        options = auth.secret_options(self._values.get('auth_type'))
        return redaction.secrets_of(options, self._values)

    @property
    def session(self) -> Any:
        if self._session is None:
            self._session = auth.load_session(self._values, group=self._group)
        return self._session


def nova_options() -> tuple[cfg.Opt, ...]:
    """Those of ``[nova]`` that say how to reach it."""
    return (
        *auth.adapter_options({'region-name': 'nova_client.region_name'}),
        *auth.session_options(),
        cfg.StrOpt('interface'),
    )


def nova_values(conf: cfg.ConfigOpts) -> OptionValues:
    """What ``[nova]`` says of how to reach and to authenticate."""
    values = peek(conf, NOVA_GROUP, [*auth.auth_options(), *nova_options()])
    if not values['valid_interfaces']:
        # What Watcher still takes from the options' former names.
        former = peek(conf, 'nova_client', [cfg.StrOpt('endpoint_type')])
        interface = values['interface'] or former['endpoint_type']
        values['valid_interfaces'] = [interface] if interface else None
    return with_credentials(conf, NOVA_GROUP, values)


def shared_credentials(conf: cfg.ConfigOpts) -> Credentials | None:
    """``[watcher_clients_auth]``; None where it has no credentials."""
    options = [*auth.session_options(), *auth.auth_options()]
    values = with_credentials(
        conf, CREDENTIALS_GROUP, peek(conf, CREDENTIALS_GROUP, options)
    )
    if not auth.credentials_present(values):
        return None
    return Credentials(values)


def read(
    conf: cfg.ConfigOpts, group: str, options: Iterable[cfg.Opt]
) -> OptionValues:
    """The values of options that are registered.

    :raises ConfigurationError: a value is not of its option's type.
    """
    values = OptionValues()
    for opt in options:
        try:
            values[opt.dest] = conf[group][opt.dest]
        except (cfg.Error, ValueError) as exc:
            error = _invalid(conf, group, opt, exc)
            raise error from (None if opt.secret else exc)
    return values


def any_is_set(
    conf: cfg.ConfigOpts, group: str, options: Iterable[cfg.Opt]
) -> bool:
    """Whether one of the options was given a value, valid or not."""
    unclear = []
    for opt in options:
        try:
            found = conf.get_location(opt.dest, group)
        except KeyboardInterrupt:
            raise
        except BaseException:  # the type of an option may be a plugin's
            # Not registered; or a value, or the default, is not valid.
            unclear.append(opt)
            continue
        if found is not None and (
            found.location.is_user_controlled
            or found.location is cfg.Locations.set_override
        ):
            return True
    if not unclear:
        return False
    private = _private(conf)
    for opt in unclear:
        bare = _bare(opt)
        private.register_opt(bare, group=group)
        try:
            if private[group][bare.dest] is not None:
                return True
        except (cfg.Error, ValueError):
            return True
    return False


def _bare(opt: cfg.Opt) -> cfg.StrOpt:
    """Without a default, and of any type: what is found was set."""
    return cfg.StrOpt(
        opt.name,
        dest=opt.dest,
        deprecated_opts=[
            # Of one that only its group has left, the name is None.
            cfg.DeprecatedOpt(old.name or opt.dest, group=old.group)
            for old in opt.deprecated_opts
        ],
    )


def _invalid(
    conf: cfg.ConfigOpts, group: str, opt: cfg.Opt, exc: Exception
) -> exceptions.ConfigurationError:
    """The value, where it is from and what is wrong with it; of a secret
    nothing is said."""
    name = f'[{group}] {opt.name}'
    said = redaction.mask_userinfo(_text.clean(str(exc)))
    message = f'{name} has a value that is not valid'
    if not opt.secret:
        message = f'{message}: {said}'
    if isinstance(exc, cfg.ConfigSourceValueError | ValueError):
        cure = f'Its meaning: {opt.help}' if opt.help else ''
        found = None if opt.secret else written(conf, group, opt)
        if found is not None:
            value, where = found
            why = said.partition(' is not valid: ')[2]
            for start, plain in _PLAINLY.items():
                if why.startswith(start):
                    why = plain
            message = f'{name}: {value!r} in {where} is not valid'
            message += f': {why}' if why else ''
    else:
        cure = 'Write $$ for a $ that does not refer to another option.'
    return exceptions.ConfigurationError(
        message, cure=cure, options=(opt.dest,)
    )


def written(
    conf: cfg.ConfigOpts, group: str, opt: cfg.Opt
) -> tuple[str, str] | None:
    """The text that an option was given, and the file or the variable that
    has it; None: it is the default, or has a $ that leads nowhere."""
    private, bare = _private(conf), _bare(opt)
    private.register_opt(bare, group=group)
    try:
        value = private[group][bare.dest]
        where = sources.origin(
            private, group, bare, sources.all_settings(private)
        )
    except (cfg.Error, ValueError, OSError):
        return None
    if value is None or where is None:
        return None
    return redaction.mask_userinfo(_text.clean(value)), where


def peek(
    conf: cfg.ConfigOpts, group: str, options: Sequence[cfg.Opt]
) -> OptionValues:
    """The values of options in a group that is not ours.

    What its owner has registered is read there, overrides included; the
    rest from the same configuration files, in a parser of our own.
    """
    theirs = set(conf[group]) if group in conf else set()
    ours = [opt for opt in options if opt.dest not in theirs]
    if not ours:
        return read(conf, group, options)
    private = _private(conf)
    private.register_opts(ours, group=group)
    values = read(private, group, ours)
    values.update(
        read(conf, group, [opt for opt in options if opt.dest in theirs])
    )
    return values


def _private(conf: cfg.ConfigOpts) -> cfg.ConfigOpts:
    """The same configuration files, in the same order, read by a parser of
    our own."""
    private = cfg.ConfigOpts()
    private(
        args=[],
        default_config_files=sources.files(conf),
        default_config_dirs=[],
    )
    return private


def with_credentials(
    conf: cfg.ConfigOpts, group: str, values: OptionValues
) -> OptionValues:
    """Follow ``auth_section`` to the group that has the credentials, as
    keystoneauth does, and read what its plugin asks for."""
    section = values.get('auth_section')
    if section:
        values.update(peek(conf, section, auth.auth_options()))
        values['auth_section'] = section
    if values.get('auth_type'):
        options = auth.plugin_options(values['auth_type'])
        unread = [opt for opt in options if opt.dest not in values]
        values.update(peek(conf, section or group, unread))
    return values
