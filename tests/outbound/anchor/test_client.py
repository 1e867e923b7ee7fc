"""The outcome that each answer of Anchor's, or of a gateway, stands for."""

import pytest

from bot.outbound.anchor.orders import read_key_status
from bot.sim.anchor import Answer, Fault, HugeBody, SimAnchor
from harness.anchor_orders import key_rejected, key_unverified, pause_once
from harness.product import outcomes as out

pytestmark = pytest.mark.anyio


def error(status: int, message: str = "no") -> Answer:
    return Answer(status, b'{"error":{"code":%d,"message":"%s"}}' % (status, message.encode()))


def unreadable(status: int) -> out.Unconfirmed:
    return out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, status)


LIMITED = Answer(429, b'{"error":{"message":"no"}}', headers={"Retry-After": "30"})
FAILED = Answer(200, b'{"data":{"status":"failed"}}')

TABLE: dict[str, tuple[Fault | None, out.AnchorOutcome]] = {
    "paused": (None, out.Paused("success")),
    "paused, without data": (Answer(200, b"{}"), out.Paused(None)),
    "paused, with a status that is no text": (Answer(200, b'{"data":{"status":7}}'), out.Paused(None)),
    "not running": (error(400, "Session is not running"), out.NotRunning("Session is not running")),
    "not found": (error(404, "Session not found"), out.NotFound("Session not found")),
    "not found, empty object": (Answer(404, b"{}"), out.NotFound(None)),
    "failed": (error(500, "Failed to pause"), out.Failed(500, "Failed to pause")),
    "key unknown": (error(401, "Invalid API key"), out.KeyRejected(401, "Invalid API key")),
    "key forbidden": (error(403), out.KeyRejected(403, "no")),
    "key unknown, unreadable": (Answer(401, b"no gzip", headers={"Content-Encoding": "gzip"}), out.KeyRejected(401)),
    "rate limited": (LIMITED, out.RateLimited(30.0, "no")),
    "out of service": (error(503), out.Unavailable(503)),
    **{
        f"a gateway's 503: {body!r}": (Answer(503, body), out.Unconfirmed(out.Doubt.NO_ANSWER, 503))
        for body in (b"", b"{}", b"[]", b'{"message":"no"}', b'{"status":503,"error":"Service Unavailable"}')
    },
    "bad gateway, as Anchor's object": (error(502), out.Unconfirmed(out.Doubt.NO_ANSWER, 502)),
    "gateway timeout": (Answer(504, b""), out.Unconfirmed(out.Doubt.NO_ANSWER, 504)),
    "a page": (Answer(200, b"<html>welcome</html>", "text/html"), unreadable(200)),
    "a list": (Answer(200, b"[]"), unreadable(200)),
    "not UTF-8": (Answer(200, b'{"data":"\xff"}'), unreadable(200)),
    "too deep": (Answer(200, b"[" * 60_000), unreadable(200)),
    "a number too long": (Answer(200, b'{"data":' + b"9" * 5_000 + b"}"), unreadable(200)),
    "success with an error": (error(200), out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, anchor_message="no")),
    "success that says failed": (FAILED, out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, anchor_message="failed")),
    "paused, with another word": (Answer(200, b'{"data":{"status":"running"}}'), out.Paused("running")),
    "a body without end": (HugeBody(), unreadable(200)),
    "a gateway's page for 404": (Answer(404, b"<html>not here</html>", "text/html"), unreadable(404)),
    "a gateway's own JSON for 404": (Answer(404, b'{"message":"no Route"}'), unreadable(404)),
    "a redirect": (Answer(302, b"{}", headers={"Location": "https://login.example/"}), unreadable(302)),
    "accepted, perhaps": (Answer(202, b"{}"), unreadable(202)),
    "another server error": (error(520), unreadable(520)),
    "broken gzip": (
        Answer(200, b"no gzip", headers={"Content-Encoding": "gzip"}),
        out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD),
    ),
}


@pytest.mark.parametrize(("fault", "expected"), TABLE.values(), ids=TABLE)
async def test_every_answer_is_one_outcome(anchor: SimAnchor, fault: Fault | None, expected: out.AnchorOutcome) -> None:
    anchor.fault = fault
    assert await pause_once(anchor.url) == expected


KEY_TABLE = [
    *((status, body, key_rejected(status)) for status in (401, 403) for body in (b"", b'{"error": {"message": "no"}}')),
    *((200, body, None) for body in (b"{}", b'{"data": {"count": 0, "items": []}}', b'{"data": null}')),
    *((200, body, key_unverified(200, is_foreign=True)) for body in (b"<html>", b"[]")),
    (200, b'{"error": {"message": "no"}}', key_unverified(200)),
    (404, b'{"error": {"message": "no"}}', key_unverified(404, is_foreign=True)),
    *((status, b"", key_unverified(status, is_foreign=True)) for status in (204, 301, 404, 501)),
    *((status, b"", key_unverified(status)) for status in (429, 500, 503)),
]


@pytest.mark.parametrize(("status", "body", "meaning"), KEY_TABLE)
def test_only_an_answer_of_anchors_says_whether_a_key_is_good(status: int, body: bytes, meaning: object) -> None:
    assert read_key_status(status, body) == meaning
