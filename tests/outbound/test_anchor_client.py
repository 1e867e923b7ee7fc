"""Every answer that Anchor, a gateway or the network can give, over real sockets, on both event loops."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.core.outcomes import (
    AnchorOutcome,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Paused,
    RateLimited,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.core.requests import Verb
from bot.core.retry import sum_up
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.outbound.anchor import AnchorClient
from bot.outbound.http_client import open_client, open_session
from bot.sim.anchor import (
    DEFAULT_KEY,
    Answer,
    Drip,
    Fault,
    Hang,
    HugeBody,
    ResetAfterReading,
    ResetBeforeReading,
    SimAnchor,
)

pytestmark = pytest.mark.anyio

KEY = Secret(DEFAULT_KEY)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as simulated:
        yield simulated
        assert simulated.violations == []


async def pause(url: str, session_id: str, *, within: float = 0.6) -> AnchorOutcome:
    """Pause by a client of its own, in a time too short for a second attempt."""
    async with open_session() as session, open_client(session) as http:
        client = AnchorClient(http, base_url=url, timeout=within, deadline=within)
        return sum_up(await client.order(Verb.PAUSE, KEY, SessionId(session_id), withdrawn=asyncio.Event()))


def error(status: int, message: str = "no") -> Answer:
    return Answer(status, b'{"error":{"code":%d,"message":"%s"}}' % (status, message.encode()))


UNREADABLE = Unconfirmed(Doubt.UNREADABLE, 200)

TABLE: dict[str, tuple[Fault | None, AnchorOutcome]] = {
    "paused": (None, Paused("paused")),
    "paused, without data": (Answer(200, b"{}"), Paused(None)),
    "paused, without a status": (Answer(200, b'{"data":{}}'), Paused(None)),
    "paused, with a status that is no text": (Answer(200, b'{"data":{"status":7}}'), Paused(None)),
    "paused, with data that is no object": (Answer(200, b'{"data":[]}'), Paused(None)),
    "not running": (error(400, "Session is not running"), NotRunning("Session is not running")),
    "not running, without words": (Answer(400, b'{"error":{}}'), NotRunning(None)),
    "not found": (error(404, "Session not found"), NotFound("Session not found")),
    "not found, empty object": (Answer(404, b"{}"), NotFound(None)),
    "failed": (error(500, "Failed to pause"), Failed(500, "Failed to pause")),
    "refused for another reason": (error(409, "Locked"), Failed(409, "Locked")),
    "key unknown": (error(401, "Invalid API key"), KeyRejected(401, "Invalid API key")),
    "key forbidden": (error(403), KeyRejected(403, "no")),
    "key unknown, as a page": (Answer(401, b"<html>", "text/html"), KeyRejected(401, None)),
    "rate limited for long": (
        Answer(429, b'{"error":{"message":"slow down"}}', headers={"Retry-After": "30"}),
        RateLimited(30.0, "slow down"),
    ),
    "rate limited until a date": (
        Answer(
            429,
            b"",
            headers={"Date": "Wed, 25 Nov 2026 00:00:00 GMT", "Retry-After": "Wed, 25 Nov 2026 00:01:00 GMT"},
        ),
        RateLimited(60.0, None),
    ),
    "rate limited without a time": (Answer(429, b"", headers={"Retry-After": "soon"}), RateLimited(None, None)),
    "out of service": (Answer(503, b"<html>"), Unavailable(Unreachable.OUT_OF_SERVICE, None)),
    "bad gateway": (Answer(502, b"<html>", "text/html"), Unconfirmed(Doubt.GATEWAY, 502)),
    "bad gateway, as Anchor's object": (error(502), Unconfirmed(Doubt.GATEWAY, 502)),
    "gateway timeout": (Answer(504, b""), Unconfirmed(Doubt.GATEWAY, 504)),
    "a page": (Answer(200, b"<html>welcome</html>", "text/html"), UNREADABLE),
    "nothing": (Answer(200, b""), UNREADABLE),
    "a list": (Answer(200, b"[]"), UNREADABLE),
    "truncated": (Answer(200, b'{"data":{"sta'), UNREADABLE),
    "not UTF-8": (Answer(200, b'{"data":"\xff"}'), UNREADABLE),
    "too deep": (Answer(200, b"[" * 60_000), UNREADABLE),
    "a number too long": (Answer(200, b'{"data":' + b"9" * 5_000 + b"}"), UNREADABLE),
    "success with an error": (error(200), UNREADABLE),
    "a proxy's page for 404": (Answer(404, b"<html>not here</html>", "text/html"), Unconfirmed(Doubt.UNREADABLE, 404)),
    "a gateway's own JSON for 404": (Answer(404, b'{"message":"no Route"}'), Unconfirmed(Doubt.UNREADABLE, 404)),
    "a proxy's page for 400": (Answer(400, b"<html>", "text/html"), Unconfirmed(Doubt.UNREADABLE, 400)),
    "a redirect": (
        Answer(302, b"{}", headers={"Location": "https://login.example/"}),
        Unconfirmed(Doubt.UNREADABLE, 302),
    ),
    "accepted, perhaps": (Answer(202, b"{}"), Unconfirmed(Doubt.UNREADABLE, 202)),
    "another server error": (error(520), Unconfirmed(Doubt.UNREADABLE, 520)),
    "compressed garbage": (
        Answer(200, b"no gzip", headers={"Content-Encoding": "gzip"}),
        Unconfirmed(Doubt.UNREADABLE),
    ),
    "a body without end": (HugeBody(), UNREADABLE),
    "a body that drips": (Drip(), Unconfirmed(Doubt.TIMED_OUT)),
    "no answer": (Hang(), Unconfirmed(Doubt.TIMED_OUT)),
    "reset after reading": (ResetAfterReading(), Unconfirmed(Doubt.CONNECTION_LOST)),
    "reset before reading": (ResetBeforeReading(), Unconfirmed(Doubt.CONNECTION_LOST)),
}


@pytest.mark.parametrize(("fault", "expected"), TABLE.values(), ids=TABLE)
async def test_every_answer_is_one_outcome(anchor: SimAnchor, fault: Fault | None, expected: AnchorOutcome) -> None:
    session_id = anchor.add_session()
    anchor.fault = fault
    assert await pause(anchor.url, session_id) == expected
