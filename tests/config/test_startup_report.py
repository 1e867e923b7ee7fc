"""The summary of the settings at startup, and the warnings about those that are probably not meant."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config.settings import Settings, find_warnings, summarize
from config.test_settings import MANY, REQUIRED

GOOD = REQUIRED | {"SLACK_SIGNING_SECRET": "0123456789abcdef" * 2}
NOWHERE = Path("/nowhere/.env")
QUESTIONABLE = {
    "SLACK_BOT_TOKN": "x",
    "log_level": "DEBUG",
    "SLACK_SIGNING_SECRET": f"{GOOD['SLACK_SIGNING_SECRET']},0123abcd",
    "ANCHOR_TIMEOUT": "30",
    "ALERTS_TOKEN": "x" * 19,
    "DATABASE_URL": "postgresql://bot@db.example.com/anchor",
    "HOST": "0.0.0.0",  # noqa: S104 - no server listens
    "METRICS_PORT": "9464",
    "ALERTS_TOKENS": f"spend-monitor=y,grafana={'z' * 20},other={'a' * 20},long={'b' * 32}",
    "AUTO_PAUSE": "on",
    "AUTO_PAUSE_TOKENS": "grafana,long",
}


def found(environ: dict[str, str], env_file: Path = NOWHERE) -> list[tuple[int, str]]:
    return list(find_warnings(environ, Settings.from_env(environ), env_file))


def test_each_questionable_setting_is_named(tmp_path: Path, wording: Callable[[str, str], None]) -> None:
    env_file = tmp_path / ".env"
    env_file.touch(0o644)
    sentences = [f"{logging.getLevelName(level)} {why}" for level, why in found(GOOD | QUESTIONABLE, env_file)]
    wording("warnings", "\n".join(sentences).replace(str(env_file), ".env"))
    env_file.chmod(0o640)
    assert len(found(GOOD | QUESTIONABLE, env_file)) == len(sentences) - 1


def test_it_is_questionable_that_no_token_or_a_short_one_can_pause() -> None:
    short = GOOD | {"ALERTS_TOKENS": f"a={'x' * 31},b={'y' * 32},c={'z' * 31}", "AUTO_PAUSE_TOKENS": "a,b"}
    ((level, sentence),) = found(short | {"AUTO_PAUSE": "on"})
    assert (level, "the token a can" in sentence) == (logging.WARNING, True)
    assert found(short | {"AUTO_PAUSE": "observe"}) == found(short | {"AUTO_PAUSE": "off"}) == []
    for mode, is_named in (("off", False), ("observe", True), ("on", True)):
        sentences = [why for _, why in found(short | {"AUTO_PAUSE": mode, "AUTO_PAUSE_TOKENS": ""})]
        assert [f"AUTO_PAUSE is {mode}, but" in why for why in sentences] == [True] * is_named


def test_a_directory_in_the_place_of_the_file_with_settings_is_named(tmp_path: Path) -> None:
    """Docker makes one for a file that does not exist."""
    ((level, sentence),) = found(GOOD, tmp_path)
    assert (level, f"{tmp_path} is a directory" in sentence) == (logging.WARNING, True)


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        ("postgresql://bot:p@db.example.com:5432/anchor", True),
        ("postgres://bot@127.0.0.1,db.example.com/anchor", True),
        ("postgresql:///anchor?host=/run/postgresql,10.0.0.5", True),
        ("postgresql://bot@localhost:5432,db.example.com:5432/anchor", True),
        ("postgresql://bot@localhost/anchor?hostaddr=10.0.0.5", True),
        ("postgresql://bot@[2001:db8::1]/anchor", True),
        ("postgresql://bot@db.example.com/anchor?sslmode=disable", False),
        ("postgresql://bot@db.example.com/anchor?connect_timeout=5&sslmode=verify-full", False),
        ("postgresql:///anchor", False),
        ("postgresql://bot@localhost/anchor", False),
        ("postgresql://bot@%2Frun%2Fpostgresql/anchor", False),
        ("postgresql:///anchor?host=/run/postgresql", False),
        ("postgresql://bot@[::1/anchor", False),
    ],
)
def test_a_database_on_another_machine_needs_a_word_about_tls(url: str, *, is_named: bool) -> None:
    assert [("sslmode" in why) for _, why in found(GOOD | {"DATABASE_URL": url})] == [True] * is_named
    assert found(GOOD | {"DATABASE_URL": url, "PGSSLMODE": "require"}) == []


@pytest.mark.parametrize(
    ("environ", "summary"),
    [
        (GOOD | {"RESUME_USERS": "U0ALICE0001"}, ("HTTP", "one workspace", "restricted", "off")),
        (GOOD | {"AUTO_PAUSE": "ON"}, ("HTTP", "one workspace", "everybody", "on")),
        (
            MANY | {"SLACK_APP_TOKEN": "xapp-1"},
            ("Socket Mode", "many workspaces", "set by admins", "set by admins"),
        ),
    ],
)
def test_the_summary(environ: dict[str, str], summary: tuple[str, ...]) -> None:
    *first, anchor, _, _ = summarize(Settings.from_env(environ)).values()
    assert (tuple(first), anchor) == (summary, "https://api.anchorbrowser.io")
