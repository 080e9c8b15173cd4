"""Buckets on loopback that check every signature by themselves: AWS signature version 4, written from its description
and independent of the code under test (it reads the request as it arrived, not as it was meant).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.support.http_server import Answered, FaultServer, Seen, serving

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\S+?)/(\d{8})/([\w-]+)/s3/aws4_request, ?SignedHeaders=(\S+?), ?Signature=(\w{64})\Z"
)


class BucketServer:
    """Files by bucket and key (`/bucket/key`, percent-encoded as S3 wants them), readable with one access key.

    `refusals` tells why requests were turned away.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.identity = "AKIDLOOPBACK"
        self.secret = "s3cr3t/+key"
        self.token: str | None = None
        self.region = "loop-1"
        self.public = False
        self.refusals: list[str] = []
        self.server = FaultServer({})

    def answer(self, seen: Seen) -> Answered:
        """What to say to a request."""
        why = None if self.public else self.wrong(seen)
        if why is not None:
            self.refusals.append(why)
            return Answered(403, {}, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        content = self.files.get(seen.path)
        return (
            Answered(404, {}, b"<Error><Code>NoSuchKey</Code></Error>")
            if content is None
            else Answered(200, {}, content)
        )

    def wrong(self, seen: Seen) -> str | None:
        """Why the signature is not good; None when it is."""
        match = _HEADER.match(seen.headers.get("authorization", ""))
        if match is None:
            return "no signature"
        identity, day, region, names, signature = match.groups()
        if (identity, region) != (self.identity, self.region):
            return f"signed by {identity} for {region}"
        if seen.headers.get("x-amz-security-token") != self.token:
            return "another token"
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names.split(";")):
            return f"only {names} are signed"
        path, _, query = seen.path.partition("?")
        lines = [seen.method, path, query, *(f"{name}:{seen.headers[name].strip()}" for name in names.split(";"))]
        request = "\n".join([*lines, "", names, seen.headers["x-amz-content-sha256"]])
        stamp = seen.headers["x-amz-date"]
        if not stamp.startswith(day):
            return "two days"
        key = b"AWS4" + self.secret.encode()
        for part in (day, region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/s3/aws4_request\n{digest}"
        expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return None if hmac.compare_digest(expected, signature) else "the signature does not match"


@contextmanager
def buckets(files: Mapping[str, bytes]) -> Iterator[BucketServer]:
    """Buckets on a free port of 127.0.0.1."""
    owner = BucketServer(files)
    with serving({}, answer=owner.answer) as server:
        owner.server = server
        yield owner
