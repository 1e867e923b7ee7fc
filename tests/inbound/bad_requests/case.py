"""What a case is, and how its bytes are made."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from inbound.bad_requests.ingredients import FORM, NOW, RESPONSE_URL, SECRET, TRAP, command

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How a request is signed; by default as Slack does it.

    `at` goes into what is signed. `timestamps` and `signatures` are the headers' values, as many as there shall be:
    `{at}`, `{hex}` and `{HEX}` (the right digest) are filled in, also cut short, as in `{hex:.63}`.
    `over` is the body that was signed, if it is another than the one that is sent.
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
    """One request, by default a good command; what is given is what is wrong with it.

    `status` is what it may be answered with. `says` is a part of the answer's text, `tells` of what the person is told
    afterwards. In headers, `\\udc80` to `\\udcff` stand for the bytes 80 to FF alone, which are no UTF-8.
    """

    name: str
    status: int | frozenset[int]
    body: bytes = command()
    signature: Signature = SIGNED
    content_type: str | None = FORM
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    says: str = ""
    tells: str = ""
    told_to: str = "U0ALICE0001"

    @property
    def statuses(self) -> frozenset[int]:
        return frozenset({self.status}) if isinstance(self.status, int) else self.status

    def request(self, addresses: Mapping[bytes, str]) -> bytes:
        """The bytes to send. `addresses` are the real ones, by their stand-ins."""
        body = fill_in(self.body, addresses)
        headers: Headers = [] if self.content_type is None else [("Content-Type", self.content_type)]
        headers += [*self.signature.headers(body), *self.headers]
        return http_request(body, headers, chunked=self.chunked)


def fill_in(body: bytes, addresses: Mapping[bytes, str]) -> bytes:
    """The body with real addresses for RESPONSE_URL and TRAP."""
    for stand_in in (RESPONSE_URL.encode(), TRAP.encode()):
        if stand_in in body:
            body = body.replace(stand_in, quote(addresses[stand_in], safe="").encode())
    return body


def http_request(body: bytes, headers: Headers, *, chunked: bool = False) -> bytes:
    """A POST to the door, framed properly."""
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    everything = [("Host", "bot.example.com"), ("Connection", "close"), *headers, framing]
    head = "".join(f"{name}: {value}\r\n" for name, value in everything)
    return f"POST /slack/events HTTP/1.1\r\n{head}\r\n".encode(errors="surrogateescape") + (
        in_chunks(body) if chunked else body
    )


def in_chunks(body: bytes, size: int = 64 * 1024) -> bytes:
    """A body with Transfer-Encoding: chunked."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
