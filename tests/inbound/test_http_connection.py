"""Bytes that are no HTTP, HTTP with broken framing, and headers and bodies that take too long."""

import asyncio
from collections.abc import AsyncIterator
from itertools import repeat

import pytest

from inbound.slack_requests import (
    FORM,
    LARGEST,
    MARK,
    Headers,
    command,
    connected,
    http_request,
    in_chunks,
    send,
    signed,
)
from inbound.target_bot import TargetBot, target_bot

pytestmark = pytest.mark.anyio

M = MARK.encode()
GOOD = http_request(command(), signed(command(), secret="not the secret"))
HEAD, _, BODY = GOOD.partition(b"\r\n\r\n")
UNFRAMED = HEAD.rpartition(b"\r\n")[0]  # the last header is the Content-Length
CHUNKED = b"Transfer-Encoding: chunked"
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /slack/events HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[TargetBot]:
    async with target_bot() as bot:
        yield bot


def framed(*headers: bytes, body: bytes = BODY) -> bytes:
    return b"\r\n".join((UNFRAMED, *headers)) + b"\r\n\r\n" + body


def line(first: bytes) -> bytes:
    return GOOD.replace(b"POST /slack/events HTTP/1.1", first)


def head(*, headers: Headers | None = None, length: int | None = len(BODY), encoding: str = "") -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    encoded = [("Content-Encoding", encoding)] if encoding else []
    request = http_request(b"", [*(signed(BODY) if headers is None else headers), *encoded], content_type=FORM)
    return request.replace(b"Content-Length: 0", framing.encode())


BROKEN: dict[str, tuple[bytes, ...]] = {
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 300,),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
    "GET": (line(b"GET /slack/events HTTP/1.1"),),
    "a path of bytes that are not UTF-8": (line(b"POST /slack/\xff\xfe HTTP/1.1"),),
    "a path of 100,000 characters": (line(b"POST /" + b"a" * 100_000 + b" HTTP/1.1"),),
    "a path that is no URL": (line(b"POST http://[/slack/events HTTP/1.1"),),
    "two hosts": (framed(b"Host: other.example.com", b"Content-Length: %d" % len(BODY)),),
    "a header without colon": (framed(b"X-Token " + M),),
    "no length": (framed(),),
    "a length that is negative": (framed(b"Content-Length: -3"),),
    "a length of 5,000 digits": (framed(b"Content-Length: " + b"1" * 5000),),
    "a length and chunks": (framed(b"Content-Length: 3", CHUNKED, body=in_chunks(BODY)),),
    "chunks of a negative size": (framed(CHUNKED, body=b"-5\r\n" + M + b"\r\n"),),
    "chunks that are too long": (framed(CHUNKED, body=b"3\r\nabc" + M + b"\r\n0\r\n\r\n"),),
    "an unknown transfer encoding": (framed(b"Transfer-Encoding: " + M),),
    "a WebSocket": (b"GET /slack/events HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + M,),
    "a second request inside the first": (framed(b"Content-Length: 0", body=GOOD),),
    "noise behind a good head": (HEAD + b"\r\n\r\n", b"\0" * 5000),
}
UNFINISHED: dict[str, tuple[bytes, ...]] = {
    "nothing": (b"",),
    "a head that is cut off": (HEAD[:-20],),
    "a length that is too large": (framed(b"Content-Length: 9999"),),
    "chunks without an end": (framed(CHUNKED, body=in_chunks(BODY)[:-5]),),
    "a body that is cut off": (HEAD + b"\r\n\r\n", BODY[:50]),
    "a chunk of no number behind a good one": (framed(CHUNKED, body=b""), b"3\r\nabc\r\n", b"zz " + M + b"\r\n"),
}


@pytest.mark.parametrize("name", [*BROKEN, *UNFINISHED])
async def test_broken_http_is_never_an_error_of_the_bot(bot: TargetBot, name: str) -> None:
    answer = await send(bot.url, *(BROKEN | UNFINISHED)[name], ends=name in UNFINISHED)
    bot.assert_no_effect()
    assert answer.status is None or 400 <= answer.status < 500, answer.text


@pytest.mark.parametrize(
    ("sent", "status"),
    [(head(length=LARGEST + 1), 413), (head(headers=[], length=10**13), 413), (head(encoding="gzip"), 415)],
    ids=["a size that is too large", "unsigned, a size of terabytes", "an encoded body"],
)
async def test_a_head_can_be_refused_before_its_body(bot: TargetBot, sent: bytes, status: int) -> None:
    assert (await send(bot.url, sent)).status == status


SLOW: dict[str, tuple[bytes, ...]] = {
    "a head and then nothing": (head(),),
    "unsigned, a head and then nothing": (head(headers=[]),),
    "all of the body but its last byte": (head() + BODY[:-1],),
    "a body byte by byte": (head(), *(bytes([byte]) for byte in BODY)),
    "a body that is complete after 8 seconds": (head(), *repeat(b"a", 20), BODY[20:]),
    "chunks of one byte without end": (head(length=None), *repeat(b"1\r\na\r\n", 50)),
    "half a chunk": (head(length=None) + b"ffff\r\n" + M,),
    "a chunk, and then noise": (head(length=None) + b"3\r\nabc\r\n", b"zz " + M + b"\r\n"),
}


async def test_slow_bodies_are_cut_off_after_five_seconds(bot: TargetBot) -> None:
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(send(bot.url, *parts, pause=0.4) for parts in SLOW.values()))
    assert {name: answer.status for name, answer in zip(SLOW, answers, strict=True)} == dict.fromkeys(SLOW, 408)
    bot.assert_no_effect(command())


async def seconds_until_closed(bot: TargetBot, sent: bytes) -> float:
    """Return how long a connection stays open on which nothing but these bytes comes."""
    began = asyncio.get_running_loop().time()
    async with connected(bot.url) as (reader, writer), asyncio.timeout(20):
        writer.write(sent)
        assert await reader.read() == b""
    return asyncio.get_running_loop().time() - began


async def test_a_connection_without_a_complete_header_is_closed_after_ten_seconds(bot: TargetBot) -> None:
    took = await asyncio.gather(*(seconds_until_closed(bot, sent) for sent in (b"", b"G", HEALTHZ[:-2])))
    assert min(took) >= 9.9


async def test_only_a_header_has_to_be_in_time(bot: TargetBot) -> None:
    """A body has five seconds of its own, and the next request can begin at any time; but not its header."""
    async with connected(bot.url) as (reader, writer), asyncio.timeout(40):
        for _ in range(2):
            writer.write(HEALTHZ)
            assert (await reader.readuntil(b"true}")).startswith(b"HTTP/1.1 200 OK")
            await asyncio.sleep(11.0)
        writer.write(POST[:50])
        await asyncio.sleep(9.0)
        writer.write(POST[50:] + b"12345")
        await asyncio.sleep(4.0)
        writer.write(b"67890")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401")
    async with connected(bot.url) as (reader, writer), asyncio.timeout(20):
        writer.write(HEALTHZ)
        await reader.readuntil(b"true}")
        writer.write(b"G")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("sent", "status"),
    [(HEALTHZ, b"200"), (HEALTHZ.replace(b"healthz", b"no"), b"404"), (GOOD, b"401"), (b"no HTTP\r\n\r\n", b"400")],
)
async def test_no_response_names_the_server(bot: TargetBot, sent: bytes, status: bytes) -> None:
    async with connected(bot.url) as (reader, writer):
        writer.write(sent)
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.split()[1] == status
    assert b"\r\nserver:" not in answer.lower()
