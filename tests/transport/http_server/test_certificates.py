"""The certificates of a server: made at the start, or files, whose faults are named."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport.http_server.certificates import CertificateError, make_certificate, read_certificate


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of a certificate and its key."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.cert_chain_pems[0].write_to_path(certificate)
    authority.cert_pem.write_to_path(certificate, append=True)
    issued.private_key_pem.write_to_path(key)
    return certificate, key


def test_a_made_certificate_is_removed_with_its_folder() -> None:
    made = make_certificate("mock.test")
    assert "BEGIN CERTIFICATE" in made.ca_file.read_text()
    made.close()
    assert not made.ca_file.parent.exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "mock.test", "127.0.0.2", "müller.test"])
def test_the_address_that_is_printed_is_in_the_certificate(host: str) -> None:
    made = make_certificate(host)
    client = ssl.create_default_context(cafile=made.ca_file)
    made.close()
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = made.context.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server, server_hostname=host or "localhost")
    for side in (client_side, server_side, client_side):  # raises SSLCertVerificationError for another name
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()


@pytest.mark.parametrize("host", ["my_host", "*", "a b", "x" * 64])
def test_a_host_that_no_certificate_can_name_is_refused(host: str) -> None:
    with pytest.raises(CertificateError, match=r"host: .* cannot be the name in a certificate"):
        make_certificate(host)


def test_each_start_makes_another_ca() -> None:
    first, second = make_certificate("127.0.0.1"), make_certificate("0.0.0.0")
    assert first.ca_file.read_bytes() != second.ca_file.read_bytes()
    first.close()
    second.close()


def test_a_server_uses_the_files_and_leaves_them(files: tuple[Path, Path]) -> None:
    certificate, key = files
    settings = Settings(port=0, whisper_model="none", tls_cert=str(certificate), tls_key=str(key))
    with MockServer(settings) as server:
        assert server.ca_file == certificate
        assert server.url.startswith("https://")
        assert server.client.models.list().data
    assert certificate.exists()


def test_one_file_can_contain_both(files: tuple[Path, Path]) -> None:
    certificate, key = files
    certificate.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert read_certificate(str(certificate), "").context.cert_store_stats()


def test_missing_files_are_named(files: tuple[Path, Path]) -> None:
    certificate, key = files
    with pytest.raises(CertificateError, match=r"tls_key: '.*none' is no file"):
        read_certificate(str(certificate), str(key.parent / "none"))
    with pytest.raises(CertificateError, match=r"tls_cert: '.*none' is no file"):
        read_certificate(str(key.parent / "none"), str(key))


def test_a_certificate_without_its_key_is_refused(files: tuple[Path, Path]) -> None:
    with pytest.raises(CertificateError, match="name the file of the key with tls_key"):
        read_certificate(str(files[0]), "")


def test_the_key_of_another_certificate_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(other)
    with pytest.raises(CertificateError, match="the key is not that of the certificate"):
        read_certificate(str(files[0]), str(other))


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_files_without_a_certificate_are_refused(files: tuple[Path, Path], content: bytes) -> None:
    files[0].write_bytes(content)
    with pytest.raises(CertificateError, match=r"tls_cert, tls_key: "):
        read_certificate(str(files[0]), str(files[1]))


def test_an_encrypted_key_is_refused_and_no_password_asked(files: tuple[Path, Path]) -> None:
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(files[1].read_bytes(), None)
    form = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    with pytest.raises(CertificateError, match="the key is encrypted"):
        read_certificate(str(files[0]), str(files[1]))


def test_a_key_needs_a_certificate() -> None:
    with pytest.raises(CertificateError, match="Name the file with tls_cert"):
        MockServer(Settings(port=0, whisper_model="none", tls_key="key.pem"))


def test_tls_1_1_is_refused(files: tuple[Path, Path]) -> None:
    context = read_certificate(*map(str, files)).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
