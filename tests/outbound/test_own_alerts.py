"""What the sender of an alert makes of an answer, whoever gives it."""

import json

import pytest

from bot.outbound.delivery import Posted
from bot.outbound.own_alerts import NotPosted, read_answer

URL = "https://bot.example.com/anchor/alerts"
NO_BOT = "What answered at https://bot.example.com/anchor/alerts is no bot of this kind ({}): is ANCHOR_BOT_URL right?"


def test_a_posted_alert() -> None:
    body = json.dumps({"ok": True, "channel": "C1", "ts": "1.2"}).encode()
    assert read_answer(200, body, URL) == Posted("C1", "1.2")


@pytest.mark.parametrize(("status", "is_ours"), [(400, True), (502, False), (503, False), (504, False)])
def test_the_bots_own_sentence_is_passed_on(status: int, is_ours: bool) -> None:
    body = json.dumps({"error": "text is missing:\x1b[2J say what happened."}).encode()
    assert read_answer(status, body, URL) == NotPosted(
        f"text is missing: [2J say what happened. ({status})", is_ours=is_ours
    )


def test_a_refused_token() -> None:
    why = "The bot at https://bot.example.com/anchor/alerts refuses ALERTS_TOKEN: use the one of its alerts."
    assert read_answer(401, b'{"error": "whatever"}', URL) == NotPosted(why, is_ours=True)


def test_no_such_route() -> None:
    assert read_answer(404, b"404: Not Found", URL) == NotPosted(
        "There is no https://bot.example.com/anchor/alerts (404): the bot was started without ALERTS_TOKEN, or "
        "ANCHOR_BOT_URL is another's, or the bot serves many workspaces and ALERTS_WORKSPACE does not say which."
    )


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b"[]", b"{}", b'{"ok": true, "channel": "C1"}', b'{"error": 7}', b"[" * 10**6]
)
@pytest.mark.parametrize("status", [200, 302, 502])
def test_whatever_else_answers_is_no_success(status: int, body: bytes) -> None:
    assert read_answer(status, body, URL) == NotPosted(NO_BOT.format(status))
