"""Bytes that are no HTTP, HTTP with broken framing, and bodies that take too long."""

from dataclasses import dataclass
from itertools import repeat

from inbound.bad_requests.case import FORGED, SIGNED, UNSIGNED, Signature
from inbound.bad_requests.raw_http import http_request, in_chunks
from inbound.bad_requests.valid_requests import FORM, LARGEST, MARK, command

_M = MARK.encode()
_GOOD = http_request(command(), [("Content-Type", FORM), *FORGED.headers(command())])
_HEAD, _, _BODY = _GOOD.partition(b"\r\n\r\n")
_UNFRAMED = _HEAD.rpartition(b"\r\n")[0]  # the last header is the Content-Length
_CHUNKED = b"Transfer-Encoding: chunked"


@dataclass(frozen=True, slots=True)
class RawCase:
    """`parts` are sent with a `pause` in between; then, if it `ends`, this half of the connection is closed.

    Without a `status`, the answer is any error below 500, or the end of the connection. It comes `within` seconds.
    """

    name: str
    parts: tuple[bytes, ...]
    ends: bool = False
    status: int | None = None
    pause: float = 0.05
    within: float = 4.0


def _framed(*headers: bytes, body: bytes = _BODY) -> bytes:
    return b"\r\n".join((_UNFRAMED, *headers)) + b"\r\n\r\n" + body


def _line(line: bytes) -> bytes:
    return _GOOD.replace(b"POST /slack/events HTTP/1.1", line)


_WHOLE = {
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 300,),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
    "GET": (_line(b"GET /slack/events HTTP/1.1"),),
    "a path of bytes that are not UTF-8": (_line(b"POST /slack/\xff\xfe HTTP/1.1"),),
    "a path of 100,000 characters": (_line(b"POST /" + b"a" * 100_000 + b" HTTP/1.1"),),
    "a path that is no URL": (_line(b"POST http://[/slack/events HTTP/1.1"),),
    "two hosts": (_framed(b"Host: other.example.com", b"Content-Length: %d" % len(_BODY)),),
    "a header without colon": (_framed(b"X-Token " + _M),),
    "no length": (_framed(),),
    "a length that is negative": (_framed(b"Content-Length: -3"),),
    "a length of 5,000 digits": (_framed(b"Content-Length: " + b"1" * 5000),),
    "a length and chunks": (_framed(b"Content-Length: 3", _CHUNKED, body=in_chunks(_BODY)),),
    "chunks of a negative size": (_framed(_CHUNKED, body=b"-5\r\n" + _M + b"\r\n"),),
    "chunks that are too long": (_framed(_CHUNKED, body=b"3\r\nabc" + _M + b"\r\n0\r\n\r\n"),),
    "an unknown transfer encoding": (_framed(b"Transfer-Encoding: " + _M),),
    "a WebSocket": (
        b"GET /slack/events HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + _M,
    ),
    "a second request inside the first": (_framed(b"Content-Length: 0", body=_GOOD),),
    "noise behind a good head": (_HEAD + b"\r\n\r\n", b"\0" * 5000),
}

_UNFINISHED = {
    "nothing": (b"",),
    "a head that is cut off": (_HEAD[:-20],),
    "a length that is too large": (_framed(b"Content-Length: 9999"),),
    "chunks without an end": (_framed(_CHUNKED, body=in_chunks(_BODY)[:-5]),),
    "a body that is cut off": (_HEAD + b"\r\n\r\n", _BODY[:50]),
    "a chunk of no number behind a good one": (_framed(_CHUNKED, body=b""), b"3\r\nabc\r\n", b"zz " + _M + b"\r\n"),
}


def _head(*, signature: Signature = SIGNED, length: int | None = len(_BODY), encoding: str = "") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    encoded = [("Content-Encoding", encoding)] if encoding else []
    request = http_request(b"", [("Content-Type", FORM), *signature.headers(_BODY), *encoded])
    return request.replace(b"Content-Length: 0", framing.encode())


_STREAM = _head(length=None)

_SLOW = {
    "a head and then nothing": (_head(),),
    "unsigned, a head and then nothing": (_head(signature=UNSIGNED),),
    "all of the body but its last byte": (_head() + _BODY[:-1],),
    "a body byte by byte": (_head(), *(bytes([byte]) for byte in _BODY)),
    "a body that is complete after 8 seconds": (_head(), *repeat(b"a", 20), _BODY[20:]),
    "chunks of one byte without end": (_STREAM, *repeat(b"1\r\na\r\n", 50)),
    "half a chunk": (_STREAM + b"ffff\r\n" + _M,),
    "a chunk, and then noise": (_STREAM + b"3\r\nabc\r\n", b"zz " + _M + b"\r\n"),
}

CASES = (
    *(RawCase(name, parts) for name, parts in _WHOLE.items()),
    *(RawCase(name, parts, ends=True) for name, parts in _UNFINISHED.items()),
    RawCase("a size that is too large", (_head(length=LARGEST + 1),), status=413),
    RawCase("unsigned, a size of terabytes", (_head(signature=UNSIGNED, length=10**13),), status=413),
    RawCase("an encoded body", (_head(encoding="gzip"),), status=415),
)

SLOW_CASES = tuple(RawCase(name, parts, status=408, pause=0.4, within=20.0) for name, parts in _SLOW.items())
