"""Certificates for a closed village network: a CA of its own, and the broker's certificate signed by it."""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from service.errors import InvalidError, SetupError

CA_FOR = timedelta(days=7305)
"""Twenty years: a new CA means a walk to every controller."""

EARLIER = timedelta(days=1)
"""Certificates hold from a day before they are made on: a controller's clock may lag."""

LONGEST_DAYS = 3650
PUBLIC, PRIVATE = 0o644, 0o600

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Certificates:
    """What was made: the folder with `ca.pem`, `ca.key`, `server.pem` and `server.key`, the names in the server's
    certificate, how long both hold, and whether the CA is new."""

    folder: Path
    hosts: tuple[str, ...]
    until: datetime
    ca_until: datetime
    new_ca: bool


def make_certificates(folder: Path, hosts: Sequence[str], days: int, now: datetime) -> Certificates:
    """Make the CA where there is none, and a certificate of `days` days for the broker at `hosts` (names, IPv4 or IPv6
    addresses) and at those of the certificate that is there: controllers in the field know the broker by them.

    Nothing of a CA is ever written over. The server's key is kept where there is one, so that a crash leaves a pair
    that fits. InvalidError for a host or a length that cannot be used; SetupError for files that cannot.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidError(f"--days: {days} is not between 1 and {LONGEST_DAYS}.")
    names = [_name(host) for host in dict.fromkeys(hosts)]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not names or (folder / "server.pem").exists():
            names = list(dict.fromkeys([*_names_before(folder / "server.pem"), *names]))
        new_ca = _make_ca(folder, now)
        ca, ca_key = _load_ca(folder, now)
        until = min(now + timedelta(days=days), ca.not_valid_after_utc)
        key = _server_key(folder / "server.key")
        _replace(folder / "server.pem", _pem(_server(key, names, (ca, ca_key), now, until)), PUBLIC)
    except OSError as error:
        raise SetupError(f"--dir: {error.filename or folder} cannot be used: {error.strerror}.") from error
    return Certificates(folder, tuple(_text(name) for name in names), until, ca.not_valid_after_utc, new_ca)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    name = host.lower().rstrip(".")
    if len(name) > 253 or _HOST.fullmatch(name) is None or re.fullmatch(r"[0-9.]+", name):
        raise InvalidError(
            f"--host: {host!r} is neither a name nor an address. Give it as controllers call the broker, without "
            "port, wildcard or umlauts (xn--... is fine)."
        )
    return x509.DNSName(name)


def _text(name: x509.GeneralName) -> str:
    return str(name.value)


def _names_before(path: Path) -> list[x509.GeneralName]:
    """The names in the certificate that is there."""
    if not path.exists():
        raise InvalidError("--host: say by which name or address controllers call the broker; it may be repeated.")
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
        return list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise SetupError(f"{path} is no certificate with names: delete it and say --host.") from error


def _make_ca(folder: Path, now: datetime) -> bool:
    """Make a CA unless there is one, or a part of one; whether it was made."""
    certificate, secret = folder / "ca.pem", folder / "ca.key"
    there = [path for path in (certificate, secret) if path.exists()]
    if len(there) == 1:
        missing = secret if there[0] == certificate else certificate
        raise SetupError(
            f"{there[0]} is there and {missing} is not: put it back. Or take both away for a new CA, "
            "which every controller then needs."
        )
    if there:
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Dorflicht CA {now:%Y-%m-%d}")])
    made = (
        _builder(name, name, key, now, now + CA_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(ca=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _create(secret, _key_pem(key), PRIVATE)
    _create(certificate, _pem(made), PUBLIC)
    return True


def _load_ca(folder: Path, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate, secret = folder / "ca.pem", folder / "ca.key"
    key = _load_key(secret)
    try:
        ca = x509.load_pem_x509_certificate(certificate.read_bytes())
        ca.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise SetupError(f"{certificate} is no CA's certificate in PEM form: put the right one back.") from error
    if ca.public_key() != key.public_key():
        raise SetupError(f"{certificate} and {secret} do not belong together: put the right ones back.")
    if ca.not_valid_after_utc <= now:
        raise SetupError(
            f"{certificate} ended on {ca.not_valid_after_utc:%Y-%m-%d}: take ca.pem and ca.key away for a new CA, "
            "which every controller then needs."
        )
    return ca, key


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise SetupError(f"{path} is no key in PEM form without a password: put the right one back.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SetupError(f"{path} is no key on an elliptic curve: put the right one back.")
    return key


def _server_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if path.exists():
        path.chmod(PRIVATE)
        return _load_key(path)
    key = ec.generate_private_key(ec.SECP256R1())
    _create(path, _key_pem(key), PRIVATE)
    return key


def _server(
    key: ec.EllipticCurvePrivateKey,
    names: Sequence[x509.GeneralName],
    signer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    now: datetime,
    until: datetime,
) -> x509.Certificate:
    ca, ca_key = signer
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Dorflicht broker")])
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(subject, ca.subject, key, now, until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not be there yet; nobody but its owner may ever read a private one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(mode)


def _replace(path: Path, content: bytes, mode: int) -> None:
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    _create(beside, content, mode)
    beside.replace(path)
