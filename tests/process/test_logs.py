"""The format of a line of the log, and the libraries that are excluded from it."""

import json
import logging
from collections.abc import Iterator

import pytest

from bot import logs
from bot.logs import JsonFormatter, TextFormatter


def record(message: str = "paused %s", *values: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("bot.app", logging.INFO, "app.py", 1, message, values or ("it",), None)
    made.created = 1_700_000_000.1234
    vars(made).update(fields)
    return made


def failed(made: logging.LogRecord) -> logging.LogRecord:
    error = ValueError("on purpose")
    made.exc_info = (ValueError, error, None)
    return made


def test_a_line_for_machines_is_one_json_object() -> None:
    line = JsonFormatter().format(record(session="3f2b", ms=12))
    assert json.loads(line) == {
        "time": 1_700_000_000.123,
        "level": "INFO",
        "logger": "bot.app",
        "message": "paused it",
        "session": "3f2b",
        "ms": 12,
    }


def test_a_line_for_machines_stays_one_line_whatever_is_in_it() -> None:
    line = JsonFormatter().format(failed(record("first\n%s", "second\u2028third", what=object)))
    assert len(line.splitlines()) == 1
    entry = json.loads(line)
    assert entry["message"] == "first\nsecond\u2028third"
    assert entry["what"] == str(object)
    assert entry["traceback"].endswith("ValueError: on purpose")


def test_a_line_for_people_has_the_fields_after_the_message() -> None:
    line = TextFormatter().format(record(session="3f2b", ms=12))
    assert line == "2023-11-14T22:13:20Z INFO    paused it session=3f2b ms=12"


def test_no_line_for_people_can_be_forged_through_what_is_in_it() -> None:
    line = TextFormatter().format(record("an\n%s", "error", why="no\n2026 ERROR forged", empty="", team="T0"))
    assert line.endswith('an\\nerror why="no\\n2026 ERROR forged" empty="" team=T0')
    assert len(line.splitlines()) == 1


def test_a_traceback_for_people_follows_the_fields() -> None:
    first, second = TextFormatter().format(failed(record(session="3f2b"))).splitlines()
    assert first.endswith("paused it session=3f2b")
    assert second == "ValueError: on purpose"


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts everything back that `configure` changes for the whole process."""
    root = logging.getLogger()
    names = ("aiohttp", "asyncio", "httpx", "slack_sdk", "slack_bolt", "aiosqlite", "alembic", "psycopg", "sqlalchemy")
    handlers, level, levels = list(root.handlers), root.level, [logging.getLogger(name).level for name in names]
    root.handlers.clear()  # or `configure` would close those of the tests
    yield
    root.handlers[:], root.level = handlers, level
    for name, its_level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(its_level)


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize(("log_format", "begins"), [("text", "20"), ("json", '{"time": ')])
def test_it_is_written_to_stderr_in_the_chosen_format_from_the_chosen_level_on(
    capsys: pytest.CaptureFixture[str], log_format: str, begins: str
) -> None:
    logs.configure("INFO", log_format)
    logging.getLogger("anything").debug("not this")
    logging.getLogger("anything").info("seen")
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(begins)
    assert "seen" in written.err
    assert "not this" not in written.err


@pytest.mark.usefixtures("own_logging")
def test_libraries_keep_quiet_whatever_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", "text")
    for name in ("httpx", "slack_sdk", "slack_sdk.web.async_client", "aiohttp.access", "asyncio", "slack_bolt"):
        logging.getLogger(name).info("https://hooks.slack.com/commands/secret")
    for name in ("aiosqlite", "alembic.runtime.migration", "psycopg.pool", "sqlalchemy.engine.Engine"):
        logging.getLogger(name).info("INSERT INTO workspaces VALUES ('secret')")
    logging.getLogger("slack_bolt.app").warning("its body has a response_url")
    assert capsys.readouterr().err == ""
