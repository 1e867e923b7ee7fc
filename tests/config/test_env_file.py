"""Settings in a `.env` file: read from the working directory, and outweighed by the environment."""

import resource
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.environment import SettingsError, read_environment, write_environment


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_the_environment_wins_over_the_file_even_if_it_is_blank_and_no_file_is_needed(file: Path) -> None:
    assert read_environment({"A": "environment"}, file) == {"A": "environment"}
    file.write_bytes(b"\xef\xbb\xbfC=file\r\n# ours\nexport A=file\nB='file' # quoted\nD=${A}\nE\nF=\n")
    read = read_environment({"A": "environment", "B": "", "X": "environment"}, file)
    assert read == {"A": "environment", "B": "", "C": "file", "D": "${A}", "F": "", "X": "environment"}


UNREADABLE = {
    "a line that is no setting": b"# fine\nANCHOR_TIMEOUT='5\nPORT=3000\n",
    "no UTF-8": b"SLACK_BOT_TOKEN=xoxb-s3cret\xff",
}


def test_what_can_not_be_read_is_named_and_not_shown(file: Path, wording: Callable[[str, str], None]) -> None:
    for name, content in UNREADABLE.items():
        file.write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            read_environment({}, file)
        assert "s3cret" not in str(caught.value)
        wording(name, str(caught.value).replace(str(file), ".env"))


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))))
def test_what_is_written_is_read_again(value: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, ".env")
        write_environment(file, {"A": value, "B": "2"}, "Ours.", replaces=False)
        assert read_environment({}, file) == {"A": value, "B": "2"}
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [path.name for path in file.parent.iterdir()] == [".env"]


def test_a_full_disk_leaves_no_part_of_a_secret(file: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_environment(file, {"A": "s3cret"}, "Ours.", replaces=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(file.parent.iterdir()) == []


def test_tokens_and_urls_need_no_quotes(file: Path) -> None:
    """Docker's --env-file does not remove them."""
    values = ("xoxb-1-a", "https://bot.example.com:8443/a_b", "postgresql://u:p@h/n?sslmode=require", "gAAA=")
    write_environment(file, dict(zip("ABCD", values, strict=True)), "Ours.", replaces=False)
    assert [line.split("=", 1)[1] for line in file.read_text().splitlines()[1:]] == [*values]
