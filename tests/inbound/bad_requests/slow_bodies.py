"""Bodies that take longer than 5 seconds, and those that need not be waited for."""

from dataclasses import dataclass
from itertools import repeat

from inbound.bad_requests.case import SIGNED, UNSIGNED, Signature
from inbound.bad_requests.raw_http import http_request
from inbound.bad_requests.valid_requests import FORM, LARGEST, MARK, command

_BODY = command()


@dataclass(frozen=True, slots=True)
class SlowBody:
    """`first` is sent, and then `rest`, one part every 0.4 seconds; the answer comes `within` so many seconds."""

    name: str
    status: int
    first: bytes
    rest: tuple[bytes, ...] = ()
    within: float = 6.5


def _head(*, signature: Signature = SIGNED, length: int | None = len(_BODY), encoding: str = "") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    encoded = [("Content-Encoding", encoding)] if encoding else []
    request = http_request(b"", [("Content-Type", FORM), *signature.headers(_BODY), *encoded])
    return request.replace(b"Content-Length: 0", framing.encode())


_CHUNKED = _head(length=None)

CASES = (
    SlowBody("a head and then nothing", 408, _head()),
    SlowBody("unsigned, a head and then nothing", 408, _head(signature=UNSIGNED)),
    SlowBody("all of the body but its last byte", 408, _head() + _BODY[:-1]),
    SlowBody("a body byte by byte", 408, _head(), tuple(bytes([byte]) for byte in _BODY)),
    SlowBody("a body that is complete after 8 seconds", 408, _head(), (*repeat(b"a", 20), _BODY[20:])),
    SlowBody("chunks of one byte without end", 408, _CHUNKED, tuple(repeat(b"1\r\na\r\n", 50))),
    SlowBody("half a chunk", 408, _CHUNKED + b"ffff\r\n" + MARK.encode()),
    SlowBody("a chunk, and then noise", 408, _CHUNKED + b"3\r\nabc\r\n", (b"zz " + MARK.encode() + b"\r\n",)),
    SlowBody("a size that is too large", 413, _head(length=LARGEST + 1), within=1.5),
    SlowBody("unsigned, a size of terabytes", 413, _head(signature=UNSIGNED, length=10**13), within=1.5),
    SlowBody("an encoded body", 415, _head(encoding="gzip"), within=1.5),
)
