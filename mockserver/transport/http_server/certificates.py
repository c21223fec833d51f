"""The certificate of a server that speaks TLS: made when it starts, or given as files."""

from __future__ import annotations

import contextlib
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("localhost", "127.0.0.1", "::1")  # of this machine, for which a certificate is made


class CertificateError(OSError):
    """The files of a certificate cannot be used."""


class Certificate:
    """The certificate of a server. ``ca_file`` is the file (PEM) by which clients verify it."""

    def __init__(self, context: ssl.SSLContext, ca_file: Path, folder: Folder | None = None) -> None:
        """``folder`` is removed by ``close``."""
        self.context = context
        self.ca_file = ca_file
        self._folder = folder

    def close(self) -> None:
        """Remove the files that were made."""
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.cleanup()


Folder = tempfile.TemporaryDirectory[str]


def make_certificate(host: str) -> Certificate:
    """Return a new certificate for the names of this machine and ``host``, signed by a CA of its own.

    The file of the CA is in a temporary folder, which ``close`` removes. The CA's key is not kept. Raises ``OSError``.
    """
    import trustme

    authority = trustme.CA(organization_name="audio-mockserver")
    names = dict.fromkeys(filter(None, (*_NAMES, host)))
    context = _context()
    try:
        issued = authority.issue_cert(*names, organization_name="audio-mockserver")
    except ValueError as error:
        problem = f"host: {shown(host)} cannot be the name in a certificate ({error})"
        raise CertificateError(f"{problem}. Name the file of one that you have with tls_cert.") from error
    issued.configure_cert(context)
    folder = tempfile.TemporaryDirectory(prefix="audio-mockserver-", ignore_cleanup_errors=True)
    ca_file = Path(folder.name) / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Certificate(context, ca_file, folder)


def read_certificate(certificate: str, key: str) -> Certificate:
    """Return the certificate in files (PEM): the certificate with those that sign it, and its key.

    An empty ``key`` means that the first file contains it. Raises ``CertificateError``.
    """
    context = _context()
    with _explained(certificate, key):
        context.load_cert_chain(certificate, key or None, password=_no_password)
    return Certificate(context, Path(certificate))


@contextlib.contextmanager
def _explained(certificate: str, key: str) -> Iterator[None]:
    """Raise ``CertificateError`` for errors of the block."""
    if not certificate:
        raise CertificateError("tls_key: a key needs its certificate. Name the file with tls_cert.")
    for path, option in ((certificate, "tls_cert"), (key, "tls_key")):
        if path and not Path(path).is_file():
            raise CertificateError(f"{option}: {shown(path)} is no file. Name a file in PEM form.")
    try:
        yield
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).lower().replace("_", " ")
        pair = f"{shown(certificate)} and {shown(key)}" if key else shown(certificate)
        if "mismatch" in reason:
            problem = "the key is not that of the certificate"
        elif key:
            problem = "they are not a certificate and its key in PEM form"
        else:
            problem = "it is not a certificate and its key in PEM form; name the file of the key with tls_key"
        raise CertificateError(f"tls_cert, tls_key: {pair}: {problem}.") from error
    except ValueError as error:
        raise CertificateError(f"tls_key: {shown(key or certificate)}: {error}") from error
    except OSError as error:
        raise CertificateError(
            f"tls_cert, tls_key: {shown(certificate)} cannot be read: {error.strerror}."
        ) from error


def _no_password() -> str:
    raise ValueError("the key is encrypted. Decrypt it: openssl pkey -in KEY -out DECRYPTED.")


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context
