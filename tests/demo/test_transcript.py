"""The transcript shows every step."""

import re

import pytest

from bot.cli.main import main
from bot.demo.monitor import AlertsEndpoint
from bot.demo.script import RUNNING, STEPS

pytestmark = pytest.mark.slow


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


def test_the_token_for_alerts_is_not_printed() -> None:
    assert "secret" not in repr(AlertsEndpoint("http://127.0.0.1/alerts/T0", "secret"))
