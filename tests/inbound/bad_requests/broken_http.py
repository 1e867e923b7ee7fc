"""Bytes that are no HTTP, or HTTP with broken framing: an error below 500, or the end of the connection."""

from dataclasses import dataclass

from inbound.bad_requests.case import FORGED
from inbound.bad_requests.raw_http import http_request, in_chunks
from inbound.bad_requests.valid_requests import FORM, MARK, command

_M = MARK.encode()
_GOOD = http_request(command(), [("Content-Type", FORM), *FORGED.headers(command())])
_HEAD, _, _BODY = _GOOD.partition(b"\r\n\r\n")
_UNFRAMED = _HEAD.rpartition(b"\r\n")[0]  # the last header is the Content-Length
_CHUNKED = b"Transfer-Encoding: chunked"


@dataclass(frozen=True, slots=True)
class BrokenHttp:
    """`parts` are sent one after the other; then, if it `ends`, this half of the connection is closed."""

    name: str
    parts: tuple[bytes, ...]
    ends: bool = False


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

CASES = (
    *(BrokenHttp(name, parts) for name, parts in _WHOLE.items()),
    *(BrokenHttp(name, parts, ends=True) for name, parts in _UNFINISHED.items()),
)
