"""One request of the corpus, and its bytes."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harness.texts import ALICE
from inbound.bad_requests.raw_http import Headers, http_request
from inbound.bad_requests.valid_requests import FORM, NOW, SECRET, command


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The signature of a request; by default as Slack makes it.

    `at` goes into what is signed. `timestamps` and `signatures` are the values of the headers: `{at}`, `{hex}` and
    `{HEX}` (the correct digest) are filled in, also truncated, as in `{hex:.63}`. `over` is the body that was signed,
    if it differs from the one that is sent.
    """

    secret: str = SECRET
    at: str = str(NOW)
    timestamps: tuple[str, ...] = ("{at}",)
    signatures: tuple[str, ...] = ("v0={hex}",)
    over: bytes | None = None

    def headers(self, body: bytes) -> Iterator[tuple[str, str]]:
        base = f"v0:{self.at}:".encode(errors="surrogateescape") + (body if self.over is None else self.over)
        digest = hmac.new(self.secret.encode(), base, hashlib.sha256).hexdigest()
        for timestamp in self.timestamps:
            yield "X-Slack-Request-Timestamp", timestamp.format(at=self.at)
        for signature in self.signatures:
            yield "X-Slack-Signature", signature.format(hex=digest, HEX=digest.upper())


SIGNED = Signature()
UNSIGNED = Signature(timestamps=(), signatures=())
FORGED = Signature(secret="not the secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, by default a valid command, with what is wrong with it.

    `status` is that of the answer, `ack` the ephemeral text in it, and `dm_text` the text that `dm_user` gets after it.
    In headers, `\\udc80` to `\\udcff` stand for the bytes 80 to FF alone, which are not UTF-8.
    """

    name: str
    status: int = 200
    body: bytes = command()
    signature: Signature = SIGNED
    content_type: str | None = FORM
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    ack: str = ""
    dm_text: str = ""
    dm_user: str = ALICE

    def request(self, addresses: Mapping[str, str]) -> bytes:
        """The bytes to send."""
        body = fill_in(self.body, addresses)
        headers: Headers = [] if self.content_type is None else [("Content-Type", self.content_type)]
        return http_request(body, [*headers, *self.signature.headers(body), *self.headers], chunked=self.chunked)


def cases(status: int, prefix: str, bodies: Mapping[str, bytes], **more: Any) -> list[Case]:
    """A case for each body."""
    return [Case(name=f"{prefix} {name}", status=status, body=body, **more) for name, body in bodies.items()]


def fill_in(body: bytes, addresses: Mapping[str, str]) -> bytes:
    """The body with real addresses in the place of RESPONSE_URL and TRAP."""
    for stand_in, address in addresses.items():
        body = body.replace(stand_in.encode(), quote(address, safe="").encode())
    return body
