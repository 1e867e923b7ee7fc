"""Malformed and hostile requests: refused, answered, dropped and logged."""

import asyncio
import gc
import gzip
import json
import re
import zlib
from collections.abc import AsyncIterator
from itertools import repeat
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest

from bot.inbound.http import Bodies
from bot.sim.anchor import Slow
from harness.texts import SESSION
from inbound.slack_requests import (
    FORM,
    JSON,
    LARGEST,
    MARK,
    RESPONSE_URL,
    Headers,
    action,
    click,
    command,
    connected,
    event,
    http_request,
    in_chunks,
    inner_event,
    interaction,
    send,
    signed,
)
from inbound.target_bot import TargetBot, target_bot

COMMAND = command()
DEFLATED = zlib.compress(COMMAND)
BOMB = gzip.compress(b"a" * LARGEST) * 50
MODAL, SHORTCUT = "view_submission.set_key", "message_action.two_ids"


@pytest.fixture(scope="module")
async def bot() -> AsyncIterator[TargetBot]:
    async with target_bot() as bot:
        yield bot


def fill_in(body: bytes, url: str) -> bytes:
    return body.replace(RESPONSE_URL.encode(), quote(url, safe="").encode())


async def post(bot: TargetBot, body: bytes, status: int, **request: Any) -> str:
    """Send a request, expect this status and no effect, and return the text of the answer."""
    answer = await send(bot.url, http_request(body, **request))
    assert answer.status == status, answer.text
    bot.assert_no_effect(body)
    return answer.text


# --- refused ---


REFUSED: dict[str, tuple[int, bytes, dict[str, Any]]] = {
    "unsigned": (401, COMMAND, {"headers": []}),
    "a signature that is no text": (401, COMMAND, {"headers": [*signed(COMMAND)[:1], ("X-Slack-Signature", "\udc80")]}),
    "unsigned, the largest body": (401, b"a" * LARGEST, {"headers": []}),
    "unsigned, a broken type": (401, COMMAND, {"headers": [], "content_type": f"{FORM}; charset=\udcff"}),
    "no type": (400, COMMAND, {"content_type": None}),
    "a body that is too large": (413, b"a" * (LARGEST + 1), {}),
    "unsigned, too large, in chunks": (401, b"a" * (LARGEST + 1), {"headers": [], "chunked": True}),
    "encoded": (415, DEFLATED, {"headers": [*signed(DEFLATED), ("Content-Encoding", "deflate")]}),
    "unsigned, a bomb": (415, BOMB, {"headers": [("Content-Encoding", "Gzip")]}),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_that_is_not_slacks_is_refused(bot: TargetBot, name: str) -> None:
    status, body, request = REFUSED[name]
    assert MARK not in await post(bot, body, status, **request)


# --- answered politely ---


TEXTS = {
    "control characters": "".join(map(chr, range(32))),
    "a call to everybody": "<!channel> <!here> <!subteam^S0GROUP0001|@oncall>",
}
NAMES = ("/ANCHOR-PAUSE", "/<https://evil.example.com|pause>")


@pytest.mark.parametrize(
    "body",
    [
        *(command(text=text) for text in TEXTS.values()),
        *(command(command=name) for name in (*NAMES, "/" + "a" * 39_999)),
    ],
    ids=[*TEXTS, *map(repr, NAMES), "a long name"],
)
async def test_a_command_that_names_no_session_is_answered_to_the_person_alone(bot: TargetBot, body: bytes) -> None:
    ack = json.loads(await post(bot, fill_in(body, await bot.response_url()), 200))
    assert ack["response_type"] == "ephemeral"
    assert re.findall(r"<(?!https://[\w.]*anchorbrowser\.\w+/\w+\||!date\^\d)", ack["text"]) == []
    assert 0 < len(ack["text"]) <= 4000


def on_message(**fields: Any) -> bytes:
    return interaction(SHORTCUT, callback_id="anchor_pause_from_message", **fields)


TOLD = {
    "unknown": click(),
    "whose value is an object": click(actions=[action(value={"id": MARK})]),
    "whose value has a million characters": click(actions=[action(value="a" * 1_000_000)]),
    "on an odd message": click(message={"text": 5, "thread_ts": 5, "blocks": [MARK, 5, None]}),
    "to end a session, with an odd value": click(actions=[action(action_id="anchor_end", value=f"{SESSION} odd")]),
    "that is an unknown shortcut": interaction(SHORTCUT, callback_id="anchor_stop"),
    "in a menu": click(actions=[action(type="static_select", selected_option={"value": MARK})]),
    "without a channel": click(channel=None),
    "in a legacy attachment": interaction("interactive_message.alertmanager"),
    "on nothing in a legacy attachment": interaction("interactive_message.alertmanager", actions=None),
    "on nothing of our legacy attachment": interaction(
        "interactive_message.alertmanager", callback_id="anchor_pause_legacy", actions=None
    ),
    "on no message": on_message(message=None, team={"id": "T0HOME00001", "domain": 5}),
    "on a message of odd fields": on_message(message={"text": 5, "blocks": MARK, "attachments": [5], "thread_ts": []}),
}
NOT_TOLD = {
    "a button without a response_url": click(response_url=None),
    "an unknown kind": click(type="<!channel>", actions=None),
    "a click on nothing": click(actions=None),
    "a modal with an odd name": interaction(MODAL, view={"id": "V0MODAL0001", "callback_id": [MARK]}),
    "a submitted modal": interaction(MODAL),
    "an event": event(event=inner_event(type="function_executed")),
}


@pytest.mark.parametrize("name", [*TOLD, *NOT_TOLD])
async def test_what_is_unknown_or_odd_is_answered_to_the_person_or_acknowledged(bot: TargetBot, name: str) -> None:
    body, before = fill_in((TOLD | NOT_TOLD)[name], await bot.response_url()), len(bot.told())
    ack = await post(bot, body, 200, content_type=f"{JSON}; charset=utf-8" if body.startswith(b"{") else FORM)
    if name in TOLD:
        assert not ack
        await bot.slack.until(lambda: len(bot.told()) > before)
        bot.assert_no_effect(body)
    told = bot.told()[before:]
    assert len(told) == (name in TOLD)
    assert MARK not in str(told)


@pytest.mark.parametrize("url", ["http://{}/commands/T0HOME00001/1/a", "http://{}\\@hooks.slack.com/x"])
async def test_no_other_host_is_called_as_a_response_url(bot: TargetBot, url: str) -> None:
    before = len(bot.told())
    await post(bot, click(response_url=url.format(bot.trap)), 200)
    await bot.slack.until(lambda: len(bot.told()) > before)
    bot.assert_no_effect()


# --- broken or slow HTTP ---


M = MARK.encode()
GOOD = http_request(command(), signed(command(), secret="not the secret"))
HEAD, _, BODY = GOOD.partition(b"\r\n\r\n")
UNFRAMED = HEAD.rpartition(b"\r\n")[0]  # the last header is the Content-Length
CHUNKED = b"Transfer-Encoding: chunked"
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


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
    "a path that is no URL": (line(b"POST http://[/slack/events HTTP/1.1"),),
    "a header without colon": (framed(b"X-Token " + M),),
    "no length": (framed(),),
    "a length and chunks": (framed(b"Content-Length: 3", CHUNKED, body=in_chunks(BODY)),),
    "a second request inside the first": (framed(b"Content-Length: 0", body=GOOD),),
}
UNFINISHED: dict[str, tuple[bytes, ...]] = {
    "a head that is cut off": (HEAD[:-20],),
    "a chunk of no number behind a good one": (framed(CHUNKED, body=b""), b"3\r\nabc\r\n", b"zz " + M + b"\r\n"),
}


@pytest.mark.parametrize("name", [*BROKEN, *UNFINISHED])
async def test_broken_http_is_never_an_error_of_the_bot(bot: TargetBot, name: str) -> None:
    answer = await send(bot.url, *(BROKEN | UNFINISHED)[name], ends=name in UNFINISHED)
    bot.assert_no_effect()
    assert answer.status is None or 400 <= answer.status < 500, answer.text


SLOW: dict[str, tuple[bytes, ...]] = {
    "a head and then nothing": (head(),),
    "a body that is complete after 8 seconds": (head(), *repeat(b"a", 20), BODY[20:]),
    "a chunk, and then noise": (head(length=None) + b"3\r\nabc\r\n", b"zz " + M + b"\r\n"),
}


async def test_slow_bodies_are_cut_off_after_five_seconds(bot: TargetBot) -> None:
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(send(bot.url, *parts, pause=0.4) for parts in SLOW.values()))
    assert {name: answer.status for name, answer in zip(SLOW, answers, strict=True)} == dict.fromkeys(SLOW, 408)
    bot.assert_no_effect(command())


BROKEN_OFF = (
    head(length=LARGEST) + b"a" * 300_000,
    head(headers=[], length=LARGEST) + b"a" * 300_000,
    (head(length=LARGEST) + b"a" * 300_000).replace(b"/slack/events", b"/nothing"),
    b"no HTTP\r\n\r\n" + b"a" * 300_000,
    head(length=None) + b"3\r\nabc\r\n" + b"zz\r\n" * 50_000,
)


async def test_broken_uploads_leave_nothing_even_if_no_garbage_is_collected(bot: TargetBot) -> None:
    """It looks at all objects of the process, of which there are millions after many tests: once for all uploads."""

    def connections() -> list[object]:
        return [each for each in gc.get_objects() if type(each).__name__ == "HttpConnection"]

    await asyncio.sleep(20.0)  # connections of other tests end
    gc.collect()
    gc.disable()
    before = connections()
    for upload in BROKEN_OFF:
        async with connected(bot.url) as (_, writer):
            writer.write(upload)
            await asyncio.sleep(0.5)
            writer.transport.abort()
    await asyncio.sleep(8.0)
    bot.anchor.read_fault = Slow(1.0)
    async with connected(bot.url) as (_, writer):
        writer.write(http_request(command(text="")))
        for _ in range(3):
            await asyncio.sleep(0.1)
            writer.write(b"no HTTP\r\n\r\n")
        await asyncio.sleep(0.1)
        left = [one for one in connections() if not any(one is other for other in before)]
        assert [len(getattr(one, "_messages")) for one in left] == [1]  # noqa: B009 - aiohttp's
    bot.anchor.read_fault = None
    gc.enable()


async def seconds_until_closed(bot: TargetBot, sent: bytes) -> float:
    began = asyncio.get_running_loop().time()
    async with connected(bot.url) as (reader, writer), asyncio.timeout(20):
        writer.write(sent)
        if sent == HEALTHZ:
            await reader.readuntil(b"true}")
            writer.write(b"G")
        assert await reader.read() == b""
    return asyncio.get_running_loop().time() - began


async def test_a_connection_without_a_complete_header_is_closed_after_ten_seconds(bot: TargetBot) -> None:
    took = await asyncio.gather(*(seconds_until_closed(bot, sent) for sent in (b"", b"G", HEALTHZ)))
    assert min(took) >= 9.9


STEP = 0.01


class Upload:
    """A request whose body arrives piece by piece."""

    def __init__(self, bodies: Bodies, sender: str = "") -> None:
        self.headers: dict[str, str] = {}
        self.content_length = None
        self.content = SimpleNamespace(iter_any=self._pieces, is_eof=lambda: False)
        self.sent: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        request: Any = self
        self.reading = asyncio.create_task(bodies.read(request, sender))

    async def send(self, piece: bytes | Exception) -> None:
        self.sent.put_nowait(piece)
        await asyncio.sleep(STEP)

    async def answer(self) -> object:
        result = await self.reading
        return result if isinstance(result, bytes) else result.status

    async def _pieces(self) -> Any:
        while piece := await self.sent.get():
            if isinstance(piece, Exception):
                raise piece
            yield piece


async def test_the_body_that_has_been_read_longest_is_dropped_and_never_the_newest() -> None:
    bodies = Bodies(largest=60, capacity=100)
    old, middle = Upload(bodies), Upload(bodies)
    for upload in (old, middle):
        await upload.send(b"a" * 50)
    new = Upload(bodies)
    new.sent.put_nowait(b"b" * 50)
    await old.send(b"a" * 50)  # what comes as it is dropped takes no room
    assert await old.answer() == 408
    await new.send(b"")
    await middle.send(b"")
    assert (await new.answer(), await middle.answer()) == (b"b" * 50, b"a" * 50)


async def test_the_sender_with_the_most_gives_way_also_if_its_bodies_wait() -> None:
    bodies, dropped = Bodies(largest=100, capacity=100), list[str]()
    with bodies.hold("few", dropped.clear, 20), bodies.hold("many", lambda: dropped.append("first"), 40):
        second, other = Upload(bodies, "many"), Upload(bodies, "few")
        await second.send(b"a" * 40)
        await other.send(b"b" * 10)
        assert dropped == ["first"]
        await other.send(b"")
        await second.send(b"")
        assert (await other.answer(), await second.answer()) == (b"b" * 10, b"a" * 40)
    assert dropped == ["first"]


async def test_a_sender_takes_no_more_than_its_share() -> None:
    bodies, dropped = Bodies(largest=100, capacity=100, most_each=50), list[str]()
    with bodies.hold("many", lambda: dropped.append("first"), 30):
        new = Upload(bodies, "many")
        await new.send(b"a" * 21)
        await new.send(b"")
    assert (dropped, await new.answer()) == (["first"], b"a" * 21)


@pytest.mark.parametrize(("sent", "status"), [(GOOD, b"401"), (b"no HTTP\r\n\r\n", b"400")])
async def test_no_response_names_the_software_of_the_server(bot: TargetBot, sent: bytes, status: bytes) -> None:
    async with connected(bot.url) as (reader, writer):
        writer.write(sent)
        answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.split()[1] == status
    assert re.findall(rb"\r\nServer: (.*)\r\n", answer) == [b"anchor-bot"]
