"""The meaning of an answer to an alert that was sent, from the bot or from anything else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.cli.alert_client import NotPosted, read_answer

URL = "https://bot.example.com/anchor/alerts"
NOTHING = [b"", b"<html>", b"\xff", b"[]", b"{}", b'{"ok": true, "channel": "C1"}', b'{"error": 7}', b"[" * 10**6]


def refusal(status: int, body: bytes, *, has_workspace: bool = False) -> NotPosted:
    answer = read_answer(status, body, URL, has_workspace=has_workspace)
    assert isinstance(answer, NotPosted)
    return answer


@pytest.mark.parametrize(("status", "more", "ts"), [(200, {"ts": "1.2"}, "1.2"), (202, {"queued": True}, "")])
def test_a_posted_or_queued_alert(status: int, more: dict[str, Any], ts: str) -> None:
    answer: Any = read_answer(status, json.dumps({"ok": True, "channel": "C1"} | more).encode(), URL)
    assert (answer.channel, answer.ts) == ("C1", ts)


@pytest.mark.parametrize(("status", "is_client_error"), [(400, True), (502, False), (503, False), (504, False)])
def test_the_bots_own_error_is_passed_on(status: int, *, is_client_error: bool) -> None:
    body = json.dumps({"error": "text is missing:\x1b[2J"}).encode()
    assert refusal(status, body) == NotPosted(f"text is missing: [2J ({status})", is_client_error=is_client_error)


@pytest.mark.parametrize("status", [200, 302, 401, 404, 502])
def test_any_other_answer_is_no_success(status: int) -> None:
    (one,) = {refusal(status, body) for body in NOTHING}
    assert URL in one.why
    assert one.is_client_error is (status == 401)


def test_each_kind_of_answer_has_its_own_explanation(wording: Callable[[str, str], None]) -> None:
    assert len({refusal(status, b"").why.replace(str(status), "") for status in (401, 404, 200, 502)}) == 3
    assert "ALERTS_TOKEN" in refusal(401, b'{"error": "whatever"}').why
    assert "ALERTS_WORKSPACE" in refusal(404, b"404: Not Found").why
    for name, has_workspace in {"one workspace": False, "many workspaces": True}.items():
        wording(f"401 of a bot of {name}", refusal(401, b"", has_workspace=has_workspace).why)
