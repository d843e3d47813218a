"""`dorflicht certs`: what it makes, what it never writes over, and what it says where something is wrong."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from service.app.certs import CA_FOR, make_certificates
from service.cli import app
from service.errors import InvalidError, SetupError

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOST = "broker.example.org"


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_ca_and_a_certificate_signed_by_it_for_the_hosts_that_were_named(tmp_path: Path) -> None:
    made = make_certificates(tmp_path / "certs", [HOST, "192.0.2.7", "2001:db8::7", HOST], 90, NOW)
    ca, server = load(made.folder / "ca.pem"), load(made.folder / "server.pem")
    server.verify_directly_issued_by(ca)
    ca.verify_directly_issued_by(ca)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [HOST]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address("192.0.2.7"), ip_address("2001:db8::7")]
    assert made.new_ca
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for certificate in (ca, server):
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert isinstance(key.curve, ec.SECP256R1)
        assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert (server.not_valid_after_utc, ca.not_valid_after_utc) == (NOW + timedelta(days=90), NOW + CA_FOR)


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    make_certificates(folder, [HOST], 90, NOW)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"ca.key": 0o600, "server.key": 0o600, "ca.pem": 0o644, "server.pem": 0o644}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_again_renews_the_certificate_by_the_same_ca_for_the_same_hosts(tmp_path: Path) -> None:
    make_certificates(tmp_path, [HOST, "192.0.2.7"], 90, NOW)
    before = contents(tmp_path)
    again = make_certificates(tmp_path, [], 90, NOW + timedelta(days=80))
    after = contents(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"server.pem"}
    assert again.hosts == (HOST, "192.0.2.7")
    assert not again.new_ca
    renewed = load(tmp_path / "server.pem")
    assert renewed.not_valid_after_utc == NOW + timedelta(days=170)
    renewed.verify_directly_issued_by(load(tmp_path / "ca.pem"))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    more = make_certificates(tmp_path, ["other.example.org"], 90, NOW).hosts
    assert more == ("broker.example.org", "192.0.2.7", "other.example.org"), "controllers know it by the old names"


def test_no_certificate_outlives_its_ca(tmp_path: Path) -> None:
    make_certificates(tmp_path, [HOST], 90, NOW)
    late = make_certificates(tmp_path, [], 90, NOW + CA_FOR - timedelta(days=3))
    assert late.until == NOW + CA_FOR
    with pytest.raises(SetupError, match="new CA"):
        make_certificates(tmp_path, [], 90, NOW + CA_FOR)


@pytest.mark.parametrize("lost", ["ca.pem", "ca.key"])
def test_half_a_ca_is_not_made_whole(tmp_path: Path, lost: str) -> None:
    make_certificates(tmp_path, [HOST], 90, NOW)
    (tmp_path / lost).unlink()
    before = contents(tmp_path)
    with pytest.raises(SetupError, match="put it back"):
        make_certificates(tmp_path, [], 90, NOW)
    assert contents(tmp_path) == before


def test_a_ca_whose_parts_do_not_fit_signs_nothing(tmp_path: Path) -> None:
    make_certificates(tmp_path / "one", [HOST], 90, NOW)
    make_certificates(tmp_path / "other", [HOST], 90, NOW)
    (tmp_path / "one" / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    before = contents(tmp_path / "one")
    with pytest.raises(SetupError, match="do not belong together"):
        make_certificates(tmp_path / "one", [], 90, NOW)
    assert contents(tmp_path / "one") == before


@pytest.mark.parametrize("name", ["ca.pem", "ca.key", "server.pem", "server.key"])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, name: str) -> None:
    make_certificates(tmp_path, [HOST], 90, NOW)
    (tmp_path / name).write_text("nothing of the kind", "utf-8")
    with pytest.raises(SetupError, match=name):
        make_certificates(tmp_path, [], 90, NOW)


@pytest.mark.parametrize(
    "host", ["", "*.example.org", "broker:8883", "dörp.example.org", "-x.org", "1.2.3", "a b", "x" * 64]
)
def test_a_host_that_is_none_is_refused_before_anything_is_made(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidError, match="--host"):
        make_certificates(tmp_path / "certs", [host], 90, NOW)
    assert not (tmp_path / "certs").exists()


def test_the_command_says_what_goes_where_and_what_is_missing(tmp_path: Path) -> None:
    folder = str(tmp_path / "certs")
    runner = CliRunner()
    nameless = runner.invoke(app, ["certs", "--dir", folder])
    assert isinstance(nameless.exception, InvalidError)
    assert "--host" in nameless.exception.detail
    assert not list((tmp_path / "certs").glob("*"))
    first = runner.invoke(app, ["certs", "--dir", folder, "--host", HOST, "--host", "192.0.2.7"])
    assert first.exit_code == 0
    for word in ("ca.pem", "every controller", "server.key", "ca.key", "safe place", HOST, "192.0.2.7"):
        assert word in first.output
    second = runner.invoke(app, ["certs", "--dir", folder, "--days", "30"])
    assert "nothing else" in second.output
    assert "ca.key" not in second.output
