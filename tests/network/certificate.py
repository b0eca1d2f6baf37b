"""A certificate for the loopback interface, and the authority that issued it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

__all__ = ["Certificate", "make_certificate"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """`server` is what a server shows it with; `authority` is the file by which a client believes it."""

    server: ssl.SSLContext
    authority: Path


def make_certificate(folder: Path, *names: str) -> Certificate:
    """A new authority, and a certificate of it for `names` (else for the loopback interface)."""
    issuer = trustme.CA()
    authority = folder / "authority.pem"
    issuer.cert_pem.write_to_path(authority)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(server)
    return Certificate(server, authority)
