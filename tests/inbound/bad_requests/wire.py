"""Bytes that are no HTTP, or HTTP whose framing is broken: an error below 500, or the end of the connection."""

from dataclasses import dataclass

from inbound.bad_requests.case import FORGED, http_request, in_chunks
from inbound.bad_requests.ingredients import FORM, MARK, command

_M = MARK.encode()
_GOOD = http_request(command(), [("Content-Type", FORM), *FORGED.headers(command())])
_HEAD, _, _BODY = _GOOD.partition(b"\r\n\r\n")
_UNFRAMED = _HEAD.rpartition(b"\r\n")[0]  # the last header is the Content-Length


@dataclass(frozen=True, slots=True)
class Noise:
    """`parts` are sent one after the other, and then, if it `ends`, this half of the connection is closed."""

    name: str
    parts: tuple[bytes, ...]
    ends: bool = False


def _framed(*headers: bytes, body: bytes = _BODY) -> bytes:
    return b"\r\n".join((_UNFRAMED, *headers)) + b"\r\n\r\n" + body


def _line(line: bytes) -> bytes:
    return _GOOD.replace(b"POST /slack/events HTTP/1.1", line)


_CHUNKED = b"Transfer-Encoding: chunked"

_ONE_PART = {
    "zeros": b"\0" * 1000,
    "words": b"hello, " + _M + b"\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 300,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an SSH banner": b"SSH-2.0-OpenSSH_9.9\r\n",
    "mail": b"EHLO " + _M + b"\r\n",
    "Redis": b"*1\r\n$4\r\nPING\r\n",
    "a body without a head": _BODY,
    "a method without end": b"A" * 100_000,
    "an unknown method": _line(b"BREW /slack/events HTTP/1.1"),
    "a method in small letters": _line(b"post /slack/events HTTP/1.1"),
    "GET": _line(b"GET /slack/events HTTP/1.1"),
    "PUT": _line(b"PUT /slack/events HTTP/1.1"),
    "DELETE": _line(b"DELETE /slack/events HTTP/1.1"),
    "OPTIONS": _line(b"OPTIONS * HTTP/1.1"),
    "TRACE": _line(b"TRACE /slack/events HTTP/1.1"),
    "another path": _line(b"POST /slack/events/ HTTP/1.1"),
    "a path that climbs": _line(b"POST /slack/../../etc/passwd HTTP/1.1"),
    "a path with a NUL": _line(b"POST /slack/events%00 HTTP/1.1"),
    "a path of bytes that are no UTF-8": _line(b"POST /slack/\xff\xfe HTTP/1.1"),
    "a path of encoded bytes that are no UTF-8": _line(b"POST /slack/%ff%zz HTTP/1.1"),
    "a path of 100,000 characters": _line(b"POST /" + b"a" * 100_000 + b" HTTP/1.1"),
    "a path that is no URL": _line(b"POST http://[/slack/events HTTP/1.1"),
    "a path with an impossible port": _line(b"POST http://a:99999999/slack/events HTTP/1.1"),
    "a path with spaces": _line(b"POST /slack/events and more HTTP/1.1"),
    "no path": _line(b"POST  HTTP/1.1"),
    "no version": _line(b"POST /slack/events"),
    "version 0.9": _line(b"POST /slack/events HTTP/0.9"),
    "version 3": _line(b"POST /slack/events HTTP/3"),
    "version 9.9": _line(b"POST /slack/events HTTP/9.9"),
    "a version that is none": _line(b"POST /slack/events HTTQ/1.1"),
    "no host": _GOOD.replace(b"Host: bot.example.com\r\n", b""),
    "two hosts": _framed(b"Host: other.example.com", b"Content-Length: %d" % len(_BODY)),
    "a header without colon": _framed(b"X-Token " + _M),
    "a header without name": _framed(b": " + _M),
    "a header with a space before its colon": _framed(b"X-Token : " + _M),
    "a header on two lines": _framed(b"X-Token: a\r\n " + _M),
    "a header with a NUL": _framed(b"X-Token: \0" + _M),
    "a header with a lone carriage return": _framed(b"X-Token: a\r" + _M),
    "a header with a name of bytes that are no UTF-8": _framed(b"X-\xff: " + _M),
    "a header of 100,000 characters": _framed(b"X-Token: " + _M * 3000),
    "a header whose name has 100,000 characters": _framed(b"X" * 100_000 + b": " + _M),
    "10,000 headers": _framed(*(b"X-%d: %b" % (number, _M) for number in range(10_000))),
    "a million bytes of headers": _framed(*(b"X-%d: %b" % (number, _M * 200) for number in range(140))),
    "lines that end with a line feed only": _GOOD.replace(b"\r\n", b"\n"),
    "no length": _framed(),
    "a length that is too small": _framed(b"Content-Length: 3"),
    "a length that is negative": _framed(b"Content-Length: -3"),
    "a length with a plus sign": _framed(b"Content-Length: +3"),
    "a length that is a word": _framed(b"Content-Length: " + _M),
    "a length that is empty": _framed(b"Content-Length: "),
    "a length that is a fraction": _framed(b"Content-Length: 3.5"),
    "a length that is hexadecimal": _framed(b"Content-Length: 0x10"),
    "a length of 5,000 digits": _framed(b"Content-Length: " + b"1" * 5000),
    "a length beyond 64 bits": _framed(b"Content-Length: 18446744073709551617"),
    "two lengths": _framed(b"Content-Length: 3", b"Content-Length: 5"),
    "two lengths in one header": _framed(b"Content-Length: 3, 5"),
    "a length and chunks": _framed(b"Content-Length: 3", _CHUNKED, body=in_chunks(_BODY)),
    "chunks in version 1.0": _framed(_CHUNKED, body=in_chunks(_BODY)).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "chunks that are none": _framed(_CHUNKED),
    "chunks of a size that is no number": _framed(_CHUNKED, body=b"zz " + _M + b"\r\n"),
    "chunks of a negative size": _framed(_CHUNKED, body=b"-5\r\n" + _M + b"\r\n"),
    "chunks of a size of 5,000 digits": _framed(_CHUNKED, body=b"f" * 5000 + b"\r\n" + _M),
    "chunks that are longer than they say": _framed(_CHUNKED, body=b"3\r\nabc" + _M + b"\r\n0\r\n\r\n"),
    "chunks with an extension without end": _framed(_CHUNKED, body=b"3;" + b"a" * 100_000 + b"\r\nabc\r\n0\r\n\r\n"),
    "chunks with trailers without end": _framed(_CHUNKED, body=in_chunks(_BODY)[:-2] + b"X: a\r\n" * 50_000),
    "gzip as a transfer encoding": _framed(b"Transfer-Encoding: gzip"),
    "gzip and chunks as transfer encoding": _framed(b"Transfer-Encoding: gzip, chunked", body=in_chunks(_BODY)),
    "chunks twice as transfer encoding": _framed(b"Transfer-Encoding: chunked, chunked", body=in_chunks(_BODY)),
    "an unknown transfer encoding": _framed(b"Transfer-Encoding: " + _M),
    "an unknown expectation": _framed(b"Expect: " + _M, b"Content-Length: 3"),
    "a tunnel": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "a WebSocket": b"GET /slack/events HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + _M,
    "a second request inside the first": _framed(b"Content-Length: 0", body=_GOOD),
}

_UNFINISHED = {
    "nothing": b"",
    "line breaks": b"\r\n" * 100,
    "a request line alone": b"POST /slack/events HTTP/1.1\r\n",
    "a head cut off": _HEAD[:-20],
    "a length that is too large": _framed(b"Content-Length: 9999"),
    "chunks without an end": _framed(_CHUNKED, body=in_chunks(_BODY)[:-5]),
}

_IN_PARTS = {
    "a head in two parts and noise": (_HEAD[:100], _M + b"\0\r\n\r\n"),
    "noise behind a good head": (_HEAD + b"\r\n\r\n", b"\0" * 5000),
}

_UNFINISHED_IN_PARTS = {
    "a body that is left off in the middle": (_HEAD + b"\r\n\r\n", _BODY[:50]),
    "a chunk of no number behind a good one": (_framed(_CHUNKED, body=b""), b"3\r\nabc\r\n", b"zz " + _M + b"\r\n"),
    "a chunk that is longer than it says, behind a good one": (
        _framed(_CHUNKED, body=b""),
        b"3\r\nabc\r\n",
        b"3\r\nabc" + _M + b"\r\n",
    ),
}

CASES = (
    *(Noise(name, (part,)) for name, part in _ONE_PART.items()),
    *(Noise(name, parts) for name, parts in _IN_PARTS.items()),
    *(Noise(name, (part,), ends=True) for name, part in _UNFINISHED.items()),
    *(Noise(name, parts, ends=True) for name, parts in _UNFINISHED_IN_PARTS.items()),
)
