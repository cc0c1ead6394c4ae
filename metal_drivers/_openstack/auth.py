# SPDX-License-Identifier: Apache-2.0
"""Keystone credentials: the options that carry them, and the sessions
that are made of them.

keystoneauth registers the options of an authentication plugin only once
it has read which plugin that is. A driver has to name its options before
anything is read, so here they are all known from the start.
"""

from __future__ import annotations

import copy
import functools
import logging
import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from oslo_config import cfg

from metal_drivers import exceptions

if TYPE_CHECKING:
    # keystoneauth, and requests with it, takes longer to import than all
    # else together: each function does when it is called.
    from keystoneauth1 import adapter as ks_adapter
    from keystoneauth1 import session as ks_session

LOG = logging.getLogger(__name__)

#: Seconds for one request where the configuration has no ``timeout``.
#: keystoneauth's own default is to wait for ever.
REQUEST_TIMEOUT = 60.0


#: keystoneauth's own plugins that work without a keyboard. Others work
#: where the options of a plugin can be read once its name is known; not
#: v3multifactor, which wants a list and is given a string by oslo.config.
PLUGINS = (
    'password',
    'none',
    'http_basic',
    'admin_token',
    'token',
    'v3password',
    'v3applicationcredential',
    'v3oauth2clientcredential',
    'v3oauth2mtlsclientcredential',
    'v3oidcaccesstoken',
    'v3oidcclientcredentials',
    'v3oidcpassword',
    'v3token',
    'v3tokenlessauth',
    'v3totp',
)


@functools.cache
def auth_options() -> tuple[cfg.Opt, ...]:
    """The options that name an authentication plugin, and those of every
    plugin of ``PLUGINS``.

    Plugins share names of options; the first definition is kept.
    """
    from keystoneauth1 import loading

    options = {opt.dest: opt for opt in loading.get_auth_common_conf_options()}
    for name in PLUGINS:
        for opt in plugin_options(name):
            options.setdefault(opt.dest, opt)
    return tuple(options.values())


def plugin_options(name: str) -> list[cfg.Opt]:
    """The options of one plugin; none of one that cannot be used.

    None is required: whoever else parses the same configuration would
    fail for lack of credentials that this driver may not even need.
    """
    from keystoneauth1 import loading

    try:
        found = loading.get_auth_plugin_conf_options(_loader(name))
    except exceptions.ConfigurationError:
        return []
    options = [copy.copy(opt) for opt in found]
    for opt in options:
        opt.required = False
    return options


def secret_options(auth_type: object) -> list[cfg.Opt]:
    """The options of an authentication plugin that hold secrets; none
    where there is no plugin."""
    if not auth_type or not isinstance(auth_type, str):
        return []
    options = [*auth_options(), *plugin_options(auth_type)]
    return [opt for opt in options if opt.secret]


@functools.cache
def session_options() -> tuple[cfg.Opt, ...]:
    """keystoneauth's session options: TLS and the time-out."""
    from keystoneauth1 import loading

    return tuple(loading.get_session_conf_options())


def adapter_options(
    deprecated: Mapping[str, str] | None = None,
) -> list[cfg.Opt]:
    """keystoneauth's adapter options: region, interface, override.

    :param deprecated: for a name, ``group.name`` of the option that it
        falls back to; of several, divided by blanks, the first that is set.
    """
    from keystoneauth1 import loading

    old = {}
    for name, fallbacks in (deprecated or {}).items():
        pairs = [fallback.split('.') for fallback in fallbacks.split()]
        old[name] = [cfg.DeprecatedOpt(opt, group) for group, opt in pairs]
    options: list[cfg.Opt] = loading.get_adapter_conf_options(
        include_deprecated=False, deprecated_opts=old
    )
    return options


def credentials_present(values: Mapping[str, Any]) -> bool:
    """Whether these values have anything of an authentication plugin."""
    return any(
        values.get(opt.dest) not in (None, '') for opt in auth_options()
    )


def missing_credentials(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the options that an authentication still lacks.

    Beyond what keystoneauth itself calls required, a password needs a
    user, and the plugins without a catalogue need an endpoint.
    """
    name = values.get('auth_type')
    if not name:
        return ('auth_type',)
    try:
        options = _loader(name).get_options()
    except exceptions.ConfigurationError:
        # Why it cannot be used is said when it is loaded.
        return ()
    own = {opt.dest for opt in options}
    wanted = [opt.dest for opt in options if opt.required]
    if 'password' in own:
        if not ('user_id' in own and values.get('user_id')):
            wanted.append('username')
        wanted.append('password')
    if 'endpoint' in own and not values.get('endpoint'):
        wanted.append('endpoint_override')
    return tuple(
        dest for dest in dict.fromkeys(wanted) if not values.get(dest)
    )


def load_session(
    values: Mapping[str, Any],
    *,
    group: str,
    auth: Any = None,
) -> ks_session.Session:
    """A session of the values of one group.

    :param group: for messages: the group that the values are of.
    :param auth: an authentication plugin, where the values have none.
    :raises ConfigurationError: the plugin is unknown or lacks options, or
        the TLS options cannot be used.
    """
    from keystoneauth1 import loading

    if auth is None:
        auth = _load_auth(values, group)
    settings = _settings(values)
    if settings.timeout is None:
        settings.timeout = REQUEST_TIMEOUT
    # All that is done with it is conf[group].
    conf: Any = {group: settings}
    try:
        return loading.load_session_from_conf_options(conf, group, auth=auth)
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        raise exceptions.ConfigurationError(
            f'The TLS options of [{group}] cannot be used: {exc}',
            cure='Fix that section of the configuration.',
        ) from exc


def share_session(
    session: Any, values: Mapping[str, Any], *, group: str
) -> ks_session.Session:
    """The credentials of a session that others use too, with the TLS
    options and the time-out of this group where it has any."""
    own = {
        opt.dest: values[opt.dest]
        for opt in session_options()
        if values.get(opt.dest) not in (None, opt.default)
    }
    if not own and session.timeout is not None:
        shared: ks_session.Session = session
        return shared
    cert = session.cert
    certfile, keyfile = cert if isinstance(cert, tuple) else (cert, None)
    shared_values = {
        # Who names a CA wants it used.
        'insecure': session.verify is False and 'cafile' not in own,
        'cafile': session.verify if isinstance(session.verify, str) else None,
        'certfile': certfile,
        'keyfile': keyfile,
        'tls_ciphers': getattr(session, 'tls_ciphers', None),
        'tls_min_version': getattr(session, 'tls_min_version', None),
        'timeout': session.timeout,
    }
    return load_session(shared_values | own, group=group, auth=session.auth)


def load_adapter(
    session: ks_session.Session,
    values: Mapping[str, Any],
    *,
    group: str,
    service_type: str,
) -> ks_adapter.Adapter:
    """An adapter for one service of the session's catalogue.

    Retries nothing by itself, unless the values say so.
    """
    from keystoneauth1 import loading

    settings = _settings(values)
    settings.valid_interfaces = interfaces(values)
    settings.service_type = settings.service_type or service_type
    settings.endpoint_override = endpoint(values)
    try:
        conf: Any = {group: settings}
        return loading.load_adapter_from_conf_options(
            conf, group, session=session
        )
    except TypeError as exc:
        raise exceptions.ConfigurationError(
            f'The options of [{group}] contradict each other: {exc}',
            cure='Fix that section of the configuration.',
        ) from exc


def endpoint(values: Mapping[str, Any]) -> str | None:
    """The URL that the values name; None: the catalogue's."""
    found = values.get('endpoint_override') or values.get('endpoint')
    return str(found) if found else None


def interfaces(values: Mapping[str, Any]) -> list[str] | None:
    """The valid interfaces, where older options call ``public``
    ``publicURL``."""
    names: Iterable[str] = values.get('valid_interfaces') or ()
    return [name.removesuffix('URL') for name in names] or None


def _load_auth(values: Mapping[str, Any], group: str) -> Any:
    from keystoneauth1 import exceptions as ks_exceptions

    missing = missing_credentials(values)
    if missing:
        raise exceptions.ConfigurationError(
            f'[{group}] lacks {", ".join(missing)}',
            cure='Add it to that section of the configuration.',
            options=missing,
        )
    try:
        return _loader(values['auth_type'], group).load_from_options_getter(
            lambda opt: values.get(opt.dest)
        )
    except ks_exceptions.ClientException as exc:
        # Such a message names options, never values.
        raise exceptions.ConfigurationError(
            f'[{group}] has no complete authentication: {exc}',
            cure='Add what is missing to that section.',
        ) from exc


def _loader(name: str, group: str = '') -> Any:
    """keystoneauth's loader of an authentication plugin.

    :raises ConfigurationError: there is none, or it lacks a library.
    """
    from keystoneauth1 import exceptions as ks_exceptions
    from keystoneauth1 import loading

    told = f'[{group}] auth_type is {name!r}, '
    try:
        loader: Any = loading.get_plugin_loader(name)
    except ks_exceptions.NoMatchingPlugin as exc:
        raise exceptions.ConfigurationError(
            f'{told}which keystoneauth does not have',
            cure=f'Use one of {", ".join(PLUGINS)}.',
            options=('auth_type',),
        ) from exc
    except Exception:  # whatever the import of a plugin raises
        LOG.debug('auth_type %s cannot be imported', name, exc_info=True)
        loader = None
    if loader is None or not loader.available:
        raise exceptions.ConfigurationError(
            f'{told}but a library for it is missing',
            cure='Install the extra of keystoneauth1 that it needs, or use '
            'another auth_type.',
            options=('auth_type',),
        )
    return loader


def _settings(values: Mapping[str, Any]) -> Any:
    """The shape in which keystoneauth's loaders read a group."""
    return types.SimpleNamespace(
        **{
            opt.dest: values.get(opt.dest, opt.default)
            for opt in (*session_options(), *adapter_options())
        }
    )
