"""Settings in a `.env` file: read from the working directory, and outweighed by the environment."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli.main import main
from bot.config.env_file import read_environment
from bot.config.env_reader import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_the_environment_wins_over_the_file_even_if_it_is_blank(file: Path) -> None:
    file.write_text("# ours\nexport A=file\nB='file' # quoted\nC=file\nD=${A}\nE\nF=\n", encoding="utf-8")
    read = read_environment({"A": "environment", "B": "", "X": "environment"}, file)
    assert read == {"A": "environment", "B": "", "C": "file", "D": "${A}", "F": "", "X": "environment"}


def test_without_a_file_there_is_the_environment(file: Path) -> None:
    assert read_environment({"A": "environment"}, file) == {"A": "environment"}


def test_a_file_of_an_editor_that_marks_its_encoding_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfA=file\r\nB=file\r\n")
    assert read_environment({}, file) == {"A": "file", "B": "file"}


SCOPE_MISSING = {
    "a line that is no setting": b"# fine\nANCHOR_TIMEOUT='5\nPORT=3000\n",
    "no UTF-8": b"SLACK_BOT_TOKEN=xoxb-s3cret\xff",
}


def test_what_can_not_be_read_is_named_and_not_shown(file: Path, wording: Callable[[str, str], None]) -> None:
    for name, content in SCOPE_MISSING.items():
        file.write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            read_environment({}, file)
        assert "s3cret" not in str(caught.value)
        wording(name, str(caught.value).replace(str(file), ".env"))


def test_a_bot_with_a_file_that_can_not_be_read_does_not_start(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    file.write_bytes(SCOPE_MISSING["no UTF-8"])
    assert main(["run"]) == 2
    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("anchor-bot: .env")
