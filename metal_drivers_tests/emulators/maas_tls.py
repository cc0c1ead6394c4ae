# SPDX-License-Identifier: Apache-2.0
"""HTTPS on loopback, with a throw-away authority."""

import contextlib
import datetime
import ipaddress
import pathlib
import socket
import ssl
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from metal_drivers_tests.emulators import messages, server


class TlsServer(server.Server):
    """A server whose connections are wrapped.

    The handshake is done by the thread of the connection, so a client
    that does not speak TLS holds nobody up.
    """

    scheme = 'https'

    def __init__(
        self,
        handle: Callable[[server.Exchange], None],
        respond: Callable[[messages.Request], messages.Reply],
        port: int,
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(handle, respond, port)
        self._context = context

    def _serve(self, connection: socket.socket) -> None:
        wrapped = None
        # The client is free to go away at any moment.
        with contextlib.suppress(OSError):
            wrapped = self._context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            # Wrapping takes the descriptor away from the plain socket,
            # which stop() could not cut any more.
            self._connections.discard(connection)
            going = not self.stopping
            if going and wrapped is not None:
                self._connections.add(wrapped)
        if going and wrapped is not None:
            super()._serve(wrapped)
        else:
            (wrapped or connection).close()


def certify(
    folder: pathlib.Path, days: float = 365, address: str = '127.0.0.1'
) -> tuple[ssl.SSLContext, str]:
    """Make an authority and a certificate for localhost and an address.

    :param days: how long the certificate is valid; negative: it has expired
    :returns: what a server needs, and the path of the authority's PEM
    """
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name('MAAS emulator CA')
    authority = (
        _builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(_key_usage(signs=True), True)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName('localhost'),
            x509.IPAddress(ipaddress.ip_address(address)),
        ]
    )
    certificate = (
        _builder(_name('localhost'), authority_name, key, days)
        .add_extension(names, False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(
            # Python 3.13 verifies strictly, and asks for this.
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                authority_key.public_key()
            ),
            False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    cafile = folder / 'ca.pem'
    cafile.write_bytes(authority.public_bytes(pem))
    chain = folder / 'server.pem'
    chain.write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, str(cafile)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    days: float = 365,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 400 * day)
        .not_valid_after(now + days * day)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        )
    )


def _key_usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
