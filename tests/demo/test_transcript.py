"""The transcript shows every step, and fails when a step goes wrong; the bot of the demo serves two workspaces."""

import io
import re
from dataclasses import replace

import pytest

from bot.cli.main import main
from bot.demo.monitor import AlertsEndpoint
from bot.demo.newco import NEWCO_KEY
from bot.demo.sandbox import Sandbox, open_sandbox
from bot.demo.script import RUNNING, STEPS
from bot.demo.set_up import configure
from bot.demo.transcript import play
from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Channel, User

pytestmark = pytest.mark.anyio


def test_the_transcript_shows_every_step_over_http_and_over_socket_mode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--check"]) == 0
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        f"{number}. {step.title}" for number, step in enumerate(STEPS, 1)
    ] * 2
    assert "=== Over HTTP ===" in text
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
    text = out.getvalue()
    assert [deviation for deviation in steps if deviation not in text] == []
    assert "The bot's log:" in text


async def test_a_bot_that_fails_to_start_is_shown_with_its_log() -> None:
    out = io.StringIO()
    assert not await play(out, changes={"LOG_LEVEL": "LOUD"})
    assert "LOG_LEVEL" in out.getvalue()


async def pause(sandbox: Sandbox, who: User, where: Channel, key: str) -> SessionState:
    """Let somebody pause a new session of this key's, and return its state then."""
    session_id = sandbox.anchor.add_session(key=key)
    await sandbox.slack.command(who, where, session_id)
    return sandbox.anchor.session(session_id).state


async def test_one_workspace_has_a_key_and_the_other_can_be_given_one_which_is_kept_and_not_logged() -> None:
    async with open_sandbox({}) as sandbox:
        new = sandbox.newco
        assert new.workspace.installation.refusal is None
        assert await pause(sandbox, sandbox.slack.bob, sandbox.slack.incidents, DEFAULT_KEY) is SessionState.PAUSED
        assert await pause(sandbox, new.dora, new.general, NEWCO_KEY) is SessionState.RUNNING
        async with sandbox.store() as store:
            has_key = {one.team_id: one.has_key for one in await store.rows.summaries()}
            assert has_key == {"T0HOME00001": True, "T0NEWCO0001": False}
            await configure(store, new.workspace.team_id, NEWCO_KEY, new.alerts.id)
        await sandbox.bot.stop()
        sandbox.slack.socket_mode = True
        await sandbox.start_bot()
        assert await pause(sandbox, new.dora, new.alerts, NEWCO_KEY) is SessionState.PAUSED
        assert await pause(sandbox, sandbox.slack.alice, sandbox.slack.alerts, DEFAULT_KEY) is SessionState.PAUSED
        directory = sandbox.bot.log.parent
        assert NEWCO_KEY not in sandbox.bot.log.read_text()
    assert not directory.exists()


def test_the_token_for_alerts_is_not_printed() -> None:
    assert "secret" not in repr(AlertsEndpoint("http://127.0.0.1/alerts/T0", "secret"))
