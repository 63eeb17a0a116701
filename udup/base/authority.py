"""A cluster's own authority, and the certificates by which its nodes know each other.

A certificate serves both ways, since a manager calls others and is called. Whoever calls a manager compares the host
that it has called with the names in the certificate, so that it has to be made out to them.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: How long certificates hold, and how far the clocks of two machines may be apart.
DAYS, BEFORE = 3650, datetime.timedelta(days=1)

#: The longest name that a certificate can have.
_NAME_MAX = 64


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, both in PEM."""

    cert: str
    key: str = field(repr=False)


def make_authority(cluster: str) -> Certificate:
    """Make the authority of a new cluster."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Udup cluster {cluster}")
    builder = _builder(name, name, key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    return _signed(builder, key, key)


def issue(authority: Certificate, node: str, hosts: Sequence[str]) -> Certificate:
    """Make a node's certificate, made out to the hosts under which it is called; `ValueError` if they cannot be."""
    issuer = x509.load_pem_x509_certificate(authority.cert.encode())
    signer = serialization.load_pem_private_key(authority.key.encode(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(node), issuer.subject, key.public_key())
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    builder = builder.add_extension(both, critical=False).add_extension(_usage(authority=False), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(each) for each in hosts]), critical=False)
    return _signed(builder, key, signer)


def certificate_fault(ca: Path, cert: Path, key: Path, host: str) -> str:
    """Return why a node with these files would be refused by others, "" if nothing speaks against it.

    `host` is how others call it, "" if they do not.
    """
    try:
        authorities = x509.load_pem_x509_certificates(ca.read_bytes())
        own, *chain = x509.load_pem_x509_certificates(cert.read_bytes())
        public = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        return f"tls_ca, tls_cert or tls_key cannot be read: {error}"
    if public != own.public_key():
        return f"tls_key: {key} is not the key of the certificate {cert}"
    if not any(_is_issued(last, by) for last in [own, *chain][-1:] for by in authorities):
        return f"tls_cert: {cert} is not signed by the cluster's authority, {ca}"
    now = datetime.datetime.now(datetime.UTC)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        return f"tls_cert: {cert} holds from {own.not_valid_before_utc} to {own.not_valid_after_utc}"
    if host and not _is_made_out(own, host):
        return f"tls_cert: {cert} is not made out to {host}, by which other nodes call this one"
    return ""


def _is_issued(cert: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        cert.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_made_out(cert: x509.Certificate, host: str) -> bool:
    try:
        names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        known = [each.lower() for each in names.get_values_for_type(x509.DNSName)]
        return host.lower() in known or f"*.{host.lower().partition('.')[2]}" in known


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_NAME_MAX])])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - BEFORE).not_valid_after(now + datetime.timedelta(days=DAYS))


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> Certificate:
    pem = serialization.Encoding.PEM
    cert = builder.sign(signer, hashes.SHA256()).public_bytes(pem)
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certificate(cert.decode(), secret.decode())
