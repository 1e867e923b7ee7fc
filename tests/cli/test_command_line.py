"""The command line, called as a function: its help, and what it says of arguments and settings it can't use."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from harness import SESSION
from harness.product import Settings, main

Check = Callable[[str, str], None]
COMMANDS = (
    *("run", "manifest", "init", "doctor", "sessions", "pause", "resume", "journal", "demo", "keys", "keys rotate"),
    *("workspaces", "workspaces set-key"),
)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty directory to be in, none of the bot's variables, and the width of a page."""
    monkeypatch.chdir(tmp_path)
    secrets = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ANCHOR_API_KEY", "ALERTS_TOKEN", "ENCRYPTION_KEYS")
    for name in secrets:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def usage_exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_a_value_that_can_not_be_used_is_named(capsys: pytest.CaptureFixture[str], wording: Check) -> None:
    for arguments in (
        *("workspaces delete t0", "demo --port none", "demo --check --port 65536"),
        *("manifest --http http://localhost:3000", "manifest --http https://bot.example.com/#x"),
        *("manifest --http https://bot.example.com/slack/events", "init --http https://bot.example.com/slack/events/"),
    ):
        assert usage_exit_code(*arguments.split()) == 2
        wording(arguments, capsys.readouterr().err.splitlines()[-1])


def test_settings_that_can_not_be_used_end_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    monkeypatch.setenv("ANCHOR_API_KEY", "two words")
    with pytest.raises(Exception, match=r".") as caught:
        Settings.from_env({"ANCHOR_API_KEY": "two words"})
    problems_of_settings: Any = getattr(caught.value, "problems", ())
    commands = (["run"], ["manifest", "--many"])
    errors = {}
    for command in commands:
        assert main(command) == 2
        written = capsys.readouterr()
        assert written.out == ""
        errors[command[0]] = written.err.splitlines()
    *problems, advice = errors["run"]
    assert problems == [f"anchor-bot: {problem}" for problem in problems_of_settings]
    wording("advice in a directory without .env", advice)
    Path(".env").touch()
    assert main(["run"]) == 2
    wording("advice", capsys.readouterr().err.splitlines()[-1])
    wording("manifest --many", "\n".join(errors["manifest"]))


@pytest.mark.parametrize("name", ["settings", "database"])
def test_files_of_another_user_are_named(
    no_settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, wording: Check, name: str
) -> None:
    (no_settings / "anchor-bot.db").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    if name == "settings":
        Path(".env").touch()
        monkeypatch.setattr(Path, "read_text", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    assert main(["pause", SESSION] if name == "settings" else ["journal"]) == (2 if name == "settings" else 1)
    wording(f"{name} of another user", capsys.readouterr().err.strip().replace(str(no_settings), "DIRECTORY"))


@pytest.mark.parametrize("command", ["workspaces list", "keys rotate"])
def test_a_bot_of_one_workspace_has_no_workspaces_to_manage(
    no_settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, wording: Check
) -> None:
    (no_settings / "token").write_text("xoxb-1")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(no_settings / "token"))
    assert main(command.split()) == 2
    wording("a bot of one workspace", capsys.readouterr().err.strip())
    monkeypatch.delenv("SLACK_BOT_TOKEN_FILE")
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    assert main(command.split()) == 2
    assert "ENCRYPTION_KEYS" in capsys.readouterr().err


def without_columns(text: str) -> str:
    """The help with one entry in a line: how wide the columns are differs between versions of Python."""
    return re.sub(r"(?<=\S)(\n {8,}| {2,})", "  ", text.strip())


@pytest.mark.parametrize("command", ["resume", "end"])
def test_an_order_that_depends_on_earlier_ones_of_a_workspace_takes_no_key_in_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, wording: Check
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    monkeypatch.setenv("ANCHOR_API_KEY", "sk-1")
    assert main([command, SESSION]) == 2
    wording("a key for a bot of many", capsys.readouterr().err.strip())


def test_the_help(capsys: pytest.CaptureFixture[str], wording: Check) -> None:
    for command in ("", *COMMANDS):
        assert usage_exit_code(*command.split(), "--help") == 0
        said = without_columns(capsys.readouterr().out)
        assert "`" not in said  # no Markdown in terminals
        wording(f"help {command}".strip(), said)


def test_output_that_nobody_reads_ends_a_command_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    unread = Mock(write=Mock(side_effect=BrokenPipeError), fileno=Mock(return_value=os.open(os.devnull, os.O_WRONLY)))
    monkeypatch.setattr("sys.stdout", unread)
    assert main(["manifest"]) == 1
