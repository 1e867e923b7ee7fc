"""Settings in a `.env` file: read from the working directory, and outweighed by the environment."""

from pathlib import Path

import pytest

from bot.demo.stage import environment
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import SimSlack
from harness import SESSION
from harness.process import bot_process, run_to_exit

pytestmark = pytest.mark.anyio


def write(directory: Path, variables: dict[str, str]) -> None:
    lines = [f"{name}={value}\n" for name, value in variables.items()]
    (directory / ".env").write_text("# of the team\n" + "".join(lines), encoding="utf-8")


async def test_the_file_alone_is_enough(tmp_path: Path) -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        write(tmp_path, environment(slack, anchor))
        async with bot_process({}, directory=tmp_path) as bot:
            await bot.says("ready")
            slack.request_url = f"{bot.url}/slack/events"
            delivery = await slack.command(slack.alice, slack.alerts, SESSION)
            assert await bot.stop() == 0
    assert delivery.ack is not None
    assert delivery.ack.text.startswith("⏸️ *Paused*")


async def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        session = anchor.add_session()
        write(tmp_path, environment(slack, anchor, ANCHOR_API_KEY="sk-of-the-file", SLACK_BOT_TOKEN="xoxb-of-the-file"))
        winning = {"ANCHOR_API_KEY": DEFAULT_KEY, "SLACK_BOT_TOKEN": slack.bot_token}
        async with bot_process(winning, directory=tmp_path) as bot:
            await bot.says("ready")
            slack.request_url = f"{bot.url}/slack/events"
            await slack.command(slack.alice, slack.alerts, session)
            assert await bot.stop() == 0
    assert [request.key for request in anchor.requests] == [DEFAULT_KEY]
    assert {call.token for call in slack.api_calls} == {slack.bot_token}


async def test_a_blank_variable_hides_that_of_the_file(tmp_path: Path) -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        write(tmp_path, environment(slack, anchor))
        ended = await run_to_exit({"ANCHOR_API_KEY": ""}, directory=tmp_path)
    assert ended.code == 2
    assert ended.sentences[0].startswith("anchor-bot: ANCHOR_API_KEY is not set: put the workspace's API key")


async def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("ANCHOR_API_KEY=clé".encode("latin-1"))
    ended = await run_to_exit({}, directory=tmp_path)
    assert ended.code == 2
    (why, see) = ended.sentences
    assert why.startswith("anchor-bot: .env can't be read (")
    assert why.endswith("): make it a readable UTF-8 file.")
    assert see == "anchor-bot: See .env.example for every setting."


async def test_a_file_of_an_editor_that_marks_its_encoding_is_read(tmp_path: Path) -> None:
    async with SimSlack() as slack, SimAnchor() as anchor:
        lines = "".join(f"{name}={value}\r\n" for name, value in environment(slack, anchor).items())
        (tmp_path / ".env").write_bytes(b"\xef\xbb\xbf" + lines.encode())
        async with bot_process({}, directory=tmp_path) as bot:
            await bot.says("ready")
            assert await bot.stop() == 0


async def test_a_line_that_is_no_setting_is_named_instead_of_being_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# fine\nANCHOR_TIMEOUT='5\nPORT=3000\n", encoding="utf-8")
    ended = await run_to_exit({}, directory=tmp_path)
    assert ended.code == 2
    assert ended.sentences[0] == "anchor-bot: .env, line 2, can't be read: write NAME=value."
