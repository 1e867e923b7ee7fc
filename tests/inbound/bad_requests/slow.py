"""Bodies that take longer than 5 seconds, and such as need not be waited for."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat

from inbound.bad_requests.case import SIGNED, UNSIGNED, Headers, http_request
from inbound.bad_requests.ingredients import FORM, LARGEST, MARK, command

_BODY = command()


@dataclass(frozen=True, slots=True)
class Slow:
    """`first` is sent, and then `rest`, one part every 0.4 seconds; the answer comes `within` so many seconds."""

    name: str
    status: int
    first: bytes
    rest: tuple[bytes, ...] = ()
    within: float = 6.5


def _head(*headers: tuple[str, str], signed: bool, length: int | None = len(_BODY)) -> bytes:
    framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    signing: Headers = list((SIGNED if signed else UNSIGNED).headers(_BODY))
    request = http_request(b"", [("Content-Type", FORM), *signing, *headers])
    return request.replace(b"Content-Length: 0", ": ".join(framing).encode())


def _byte_by_byte() -> tuple[bytes, ...]:
    return tuple(bytes([byte]) for byte in _BODY)


def _cases(how: str, *, signed: bool) -> Iterator[Slow]:
    head = _head(signed=signed)
    chunked = _head(signed=signed, length=None)
    yield Slow(f"{how}, a head and then nothing", 408, head)
    yield Slow(f"{how}, half a body and then nothing", 408, head + _BODY[:100])
    yield Slow(f"{how}, all of the body but its last byte", 408, head + _BODY[:-1])
    yield Slow(f"{how}, a body byte by byte", 408, head, _byte_by_byte())
    yield Slow(f"{how}, a body that is done after 8 seconds", 408, head, (*repeat(b"a", 20), _BODY[20:]))
    yield Slow(f"{how}, chunks and then nothing", 408, chunked + b"3\r\nabc\r\n")
    yield Slow(f"{how}, chunks of one byte without end", 408, chunked, tuple(repeat(b"1\r\na\r\n", 50)))
    yield Slow(f"{how}, half a chunk", 408, chunked + b"ffff\r\n" + MARK.encode())
    yield Slow(f"{how}, half of a chunk's size", 408, chunked + b"ff")
    yield Slow(
        f"{how}, a good chunk, and then noise", 408, chunked + b"3\r\nabc\r\n", (b"zz " + MARK.encode() + b"\r\n",)
    )
    yield Slow(f"{how}, a size too large, and nothing of it", 413, _head(signed=signed, length=LARGEST + 1), within=1.5)
    yield Slow(f"{how}, a size of terabytes, and nothing of it", 413, _head(signed=signed, length=10**13), within=1.5)
    yield Slow(
        f"{how}, an encoded body, and nothing of it",
        415,
        _head(("Content-Encoding", "gzip"), signed=signed),
        within=1.5,
    )


CASES = tuple(chain(_cases("signed", signed=True), _cases("unsigned", signed=False)))
