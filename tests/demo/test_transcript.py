"""The transcript shows every step, and fails when a step goes wrong."""

import io
import re
from dataclasses import replace

import pytest

from bot.cli.main import main
from bot.demo.monitor import AlertsEndpoint
from bot.demo.script import RUNNING, STEPS
from bot.demo.transcript import play

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def test_the_transcript_shows_every_step_over_http_and_over_socket_mode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        f"{number}. {step.title}" for number, step in enumerate(STEPS, 1)
    ] * 2
    assert "=== Over Socket Mode ===" in text
    assert f"POST /v1/sessions/{RUNNING}/agent/pause -> 200" in text
    assert re.search(r"only @alice sees, [1-9]\.\d s", " ".join(text.split()))
    assert text.endswith("All went as it should.\n")


async def test_the_transcript_fails_for_each_deviation_from_the_script() -> None:
    by_command, broken_id = STEPS[5], STEPS[6]
    steps = {
        "instead of '*Resumed*'": replace(by_command, in_channel=("*Resumed*",)),
        "1 requests to Anchor instead of 2": replace(by_command, posts=2),
        "a message is missing": replace(broken_id, in_channel=("One more",)),
    }
    out = io.StringIO()
    assert not await play(out, steps=list(steps.values()), result_within=5.0)
    assert [text for text in (*steps, "The bot's log:") if text not in out.getvalue()] == []


def test_the_token_for_alerts_is_not_printed() -> None:
    assert "secret" not in repr(AlertsEndpoint("http://127.0.0.1/alerts/T0", "secret"))
