"""Certificates for servers on loopback, good ones and such that nobody should trust."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a file (PEM), and contexts for servers that it vouches for."""

    file: Path
    authority: trustme.CA

    def server(self, host: str = "127.0.0.1", *, days_left: int = 30) -> ssl.SSLContext:
        """For a server called `host`; with negative `days_left` its certificate has expired."""
        until = datetime.now(UTC) + timedelta(days=days_left)
        certificate = self.authority.issue_cert(host, not_before=until - timedelta(days=60), not_after=until)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


def authority(folder: Path, name: str = "authority") -> Authority:
    """A new authority, written to `folder/<name>.pem`."""
    made = trustme.CA()
    path = folder / f"{name}.pem"
    made.cert_pem.write_to_path(str(path))
    return Authority(path, made)
