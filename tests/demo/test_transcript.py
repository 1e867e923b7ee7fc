"""The transcript plays through, and fails when what it shows is not what it should be."""

import io
from dataclasses import replace

import pytest

from bot.cli import main
from bot.demo.script import STEPS, Step
from bot.demo.transcript import play

pytestmark = pytest.mark.anyio


def test_all_goes_as_it_should(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        f"{number}. {step.title}" for number, step in enumerate(STEPS, 1)
    ] * 2
    assert "=== Over HTTP ===" in text
    assert "=== Over Socket Mode ===" in text
    assert "POST /v1/sessions/3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b/agent/pause -> 200" in text
    assert "only @alice sees, 2.0 s Pausing session" in " ".join(text.split())
    assert text.endswith("All went as it should.\n")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        (replace(STEPS[5], in_channel=("*Resumed*",)), "instead of '*Resumed*'"),
        (replace(STEPS[5], posts=2), "1 requests to Anchor instead of 2"),
        (replace(STEPS[6], in_private=()), "instead of None"),
        (replace(STEPS[6], in_channel=("Pausing",)), "a message is missing"),
    ],
    ids=["another text", "another call", "a message too many", "a message too few"],
)
async def test_what_goes_otherwise_fails_it(step: Step, complaint: str) -> None:
    out = io.StringIO()
    assert not await play(out, steps=[step], result_within=0.5)
    assert complaint in out.getvalue()
    assert "The bot's log:" in out.getvalue()


@pytest.mark.anyio
async def test_a_bot_that_does_not_start_is_shown_with_what_it_wrote() -> None:
    out = io.StringIO()
    assert not await play(out, changes={"LOG_LEVEL": "LOUD"})
    assert "LOG_LEVEL" in out.getvalue()
