"""Secrets in files: each has a variable NAME_FILE."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.config.catalog import SETTINGS
from bot.config.settings import Settings
from config.test_settings import MANY, REQUIRED, problems

SECRETS = [setting.name for setting in SETTINGS.values() if setting.is_secret]


def in_files(values: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The same variables, with those that are secrets in files."""
    environ = {}
    for name, value in values.items():
        if name in SECRETS:
            (directory / name).write_text(f"{value}\n")
            environ[f"{name}_FILE"] = str(directory / name)
        else:
            environ[name] = value
    return environ


ONE = REQUIRED | {"ALERTS_TOKEN": "s3cret", "ALERTS_TOKENS": "a=b", "DATABASE_URL": "postgresql://bot:s3cret@db/anchor"}


@pytest.mark.parametrize("values", [ONE, MANY | {"SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "xapp-1"}])
def test_every_secret_can_be_in_a_file(values: dict[str, str], tmp_path: Path) -> None:
    filled = {name: value for name, value in values.items() if value}
    environ = in_files(filled, tmp_path)
    assert not set(SECRETS) & environ.keys()
    assert Settings.from_env(environ) == Settings.from_env(values)


def test_what_is_no_secret_has_no_file_and_a_blank_name_counts_as_not_set(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("1")
    blank = {"SLACK_BOT_TOKEN_FILE": " ", "ALERTS_TOKEN_FILE": ""}
    assert Settings.from_env(REQUIRED | {"PORT_FILE": str(tmp_path / "port")} | blank) == Settings.from_env(REQUIRED)


def test_a_file_is_named_once_and_its_content_never(tmp_path: Path, wording: Callable[[str, str], None]) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "long").write_text("x" * 70_000)
    (tmp_path / "bytes").write_bytes(b"xoxb-\xff")
    (tmp_path / "other").write_text("xoxp-s3cret")
    names = ("nothing", "empty", "long", "bytes", "other", ".")
    tokens = [{"SLACK_BOT_TOKEN_FILE": str(tmp_path / name)} for name in names]
    tokens += [{"SLACK_BOT_TOKEN_FILE": "xoxb-s3cret\0"}]
    tokens += [{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_BOT_TOKEN_FILE": "/run/secrets/token"}]
    rest = {name: value for name, value in REQUIRED.items() if name != "SLACK_BOT_TOKEN"}
    sentences = [sentence for token in tokens for sentence in problems(rest | token)]
    assert len(sentences) == len(tokens)
    assert [sentence for sentence in sentences if "s3cret" in sentence] == []
    wording("files", "\n".join(sentences))
