"""`anchor-bot init`: a `.env` with which the bot starts, once a person has filled it in."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.product import Settings, main

Check = Callable[[str, str], None]
ENV = Path(".env")
URL = "https://bot.example.com"
VALUES = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "ANCHOR_API_KEY": "sk-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "SLACK_SIGNING_SECRET": "5" * 32,
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "6" * 32,
}


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [".venv/bin/anchor-bot", "init"])
    return tmp_path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["SLACK_BOT_TOKEN", "ANCHOR_API_KEY", "SLACK_APP_TOKEN"]),
        (["--http", URL], ["SLACK_BOT_TOKEN", "ANCHOR_API_KEY", "SLACK_SIGNING_SECRET"]),
        (["--many", "--http", URL], ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_SIGNING_SECRET"]),
    ],
    ids=["one", "http", "many"],
)
def test_the_empty_values_are_all_that_the_bot_lacks(
    options: list[str], expected: list[str], capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    assert main(["init", *options]) == 0
    link, said = capsys.readouterr().out.splitlines()
    assert "https://api.slack.com/apps?new_app=1&manifest_yaml=" in link
    wording(f"written {' '.join(options)}".strip(), said)
    assert stat.S_IMODE(ENV.stat().st_mode) == 0o600
    lines = [line.partition("=") for line in ENV.read_text().splitlines() if line and line[0] != "#"]
    written = {name: value for name, _, value in lines}
    assert sorted(name for name, value in written.items() if not value) == sorted(expected)
    settings = Settings.from_env(written | {name: VALUES[name] for name in expected})
    assert (settings.workspace is None) is ("--many" in options) is (settings.base_url == URL)


def test_no_file_is_replaced_and_many_workspaces_need_a_url(
    directory: Path, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    assert main(["init", "--many"]) == 2
    wording("no url", capsys.readouterr().err)
    assert not ENV.exists()
    ENV.write_text("SLACK_BOT_TOKEN=xoxb-old\n")
    assert main(["init"]) == 1
    wording("exists", capsys.readouterr().err)
    assert ENV.read_text() == "SLACK_BOT_TOKEN=xoxb-old\n"
    ENV.unlink()
    ENV.symlink_to(directory / "nowhere" / ".env")
    assert main(["init"]) == 1
    wording("not written", capsys.readouterr().err)
