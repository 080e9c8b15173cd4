"""Signatures of AWS requests, version 4: the header `Authorization` of a request without a body.

The algorithm is Amazon's ("Authenticating Requests: Using the Authorization Header", S3 API reference): a canonical
text of the request is hashed, and the hash is signed with a key made of the secret, the day, the region and `s3`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

from .auth import Secret

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Who signs; `token` only for keys that were lent for a time."""

    identity: str
    secret: Secret
    token: Secret | None = None


def signed(
    method: str, url: str, headers: Mapping[str, str], *, key: AccessKey, region: str, moment: float
) -> dict[str, str]:
    """Headers (lower case) that make a request without a body one of `key`, at `moment` (seconds since 1970).

    `url` must be percent-encoded as it will be sent; every header of `headers` is signed as well.
    """
    parts = urlsplit(url)
    stamp = datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")
    all_headers = {
        **headers,
        "host": parts.netloc,
        "x-amz-content-sha256": _NO_BODY,
        "x-amz-date": stamp,
    }
    if key.token is not None:
        all_headers["x-amz-security-token"] = key.token.reveal()
    names = sorted(all_headers)
    canonical = "\n".join(
        [
            method,
            parts.path or "/",
            _query(parts.query),
            *(f"{name}:{' '.join(all_headers[name].split())}" for name in names),
            "",
            ";".join(names),
            _NO_BODY,
        ]
    )
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = f"AWS4{key.secret.reveal()}".encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    all_headers["authorization"] = (
        f"{_ALGORITHM} Credential={key.identity}/{scope},SignedHeaders={';'.join(names)},Signature={signature}"
    )
    del all_headers["host"]  # the HTTP library writes it
    return all_headers


def _query(text: str) -> str:
    pairs = sorted(parse_qsl(text, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)
