"""The command line, called as a function: its help, and what it says of settings it can't use."""

from pathlib import Path

import pytest

import bot
from bot.cli import main
from bot.environment import read_environment
from bot.variables import SettingsError


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty directory to be in, and none of the bot's variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ANCHOR_API_KEY", "ALERTS_TOKEN", "ANCHOR_BOT_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def leave(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("--version") == 0
    assert capsys.readouterr().out == f"anchor-bot {bot.__version__}\n"


def test_the_help_shows_a_newcomer_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith("usage: anchor-bot [-h] [--version] command ...")
    assert "/anchor-pause <session_id> [reason]" in told
    assert "`anchor-bot demo` needs no account and no keys" in told


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run", ["POST /slack/events", "SIGTERM", "/healthz", "/readyz", ".env.example", "Exit code 2"]),
        ("keys", ["new", "rotate", "ENCRYPTION_KEYS"]),
        ("workspaces", ["list", "show", "delete", "set-key", "alert-token", "DATABASE_URL"]),
        ("alert", ["--session ID", "--text", "/alerts", "ANCHOR_BOT_URL", "ALERTS_TOKEN", "Exit code 1"]),
        ("demo", ["simulated Slack", "simulated Anchor", "No account, no keys", "--check", "--port N", "--no-browser"]),
    ],
)
def test_the_help_of_a_command_teaches_it(capsys: pytest.CaptureFixture[str], command: str, words: list[str]) -> None:
    assert leave(command, "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert [word for word in words if word not in told] == []


@pytest.mark.parametrize("arguments", [[], ["pause"], ["run", "now"], ["--verbose", "run"]], ids=" ".join)
def test_what_it_does_not_know_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert leave(*arguments) == 2
    assert capsys.readouterr().err.startswith("usage: anchor-bot")


@pytest.mark.usefixtures("nothing_set")
def test_settings_that_are_missing_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    lines = [line.removeprefix("anchor-bot: ") for line in written.err.splitlines()]
    assert [line.split()[0] for line in lines] == ["SLACK_BOT_TOKEN", "ANCHOR_API_KEY", "SLACK_SIGNING_SECRET", "See"]


@pytest.mark.usefixtures("nothing_set")
def test_an_alert_without_a_token_is_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alert", "--session", "x", "--text", "y", "--bot-url", "ftp://bot"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.splitlines() == [
        "anchor-bot: ANCHOR_BOT_URL is not a URL that can be called: write it like https://bot.example.com (https).",
        "anchor-bot: ALERTS_TOKEN is not set: put the token that the bot takes alerts with there.",
        "anchor-bot: See .env.example for every setting.",
    ]


def test_a_file_that_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str], nothing_set: Path) -> None:
    (nothing_set / ".env").write_bytes(b"SLACK_BOT_TOKEN=\xff")
    assert main(["run"]) == 2
    assert capsys.readouterr().err.startswith("anchor-bot: .env can't be read (")


def test_the_environment_wins_over_the_file_even_where_it_is_blank(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# ours\nexport A=file\nB='file' # quoted\nC=file\nD=${A}\nE\nF=\n", encoding="utf-8")
    read = read_environment({"A": "environment", "B": "", "X": "environment"}, file)
    assert read == {"A": "environment", "B": "", "C": "file", "D": "${A}", "F": "", "X": "environment"}


def test_without_a_file_there_is_the_environment(tmp_path: Path) -> None:
    assert read_environment({"A": "environment"}, tmp_path / ".env") == {"A": "environment"}


def test_the_error_about_a_file_does_not_show_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"SLACK_BOT_TOKEN=xoxb-s3cret\xff")
    with pytest.raises(SettingsError) as caught:
        read_environment({}, file)
    assert "s3cret" not in str(caught.value)
