"""The variables of `anchor-bot init`: with which it checks, and which it writes."""

import pytest

from bot.cli.init_variables import Sources

URL = "SLACK_API_URL"


@pytest.mark.parametrize(
    ("old", "environ", "given", "checked"),
    [
        ("old", None, None, "old"),
        ("old", "environ", None, "environ"),
        ("old", "", None, ""),
        ("old", "environ", "given", "given"),
        (None, None, None, None),
    ],
)
def test_the_checks_use_what_was_given_then_the_environment_then_the_old_file(
    old: str | None, environ: str | None, given: str | None, checked: str | None
) -> None:
    old_file, variables, lines = ({} if value is None else {URL: value} for value in (old, environ, given))
    assert Sources(old_file, variables, lines).checked({"ANCHOR_API_KEY": "k"}).get(URL) == checked


def test_answers_are_not_mixed_with_older_ones() -> None:
    others = {"SLACK_APP_TOKEN": "xapp-1", "SLACK_BOT_TOKEN_FILE": "token", "BASE_URL": "https://old.example.com"}
    for sources in (Sources(others, {}, {}), Sources({}, others, {}), Sources({}, {}, others)):
        assert sources.checked({"SLACK_BOT_TOKEN": "xoxb-1"}) == {"SLACK_BOT_TOKEN": "xoxb-1"}


def test_what_was_given_is_written_and_replaces_what_is_kept() -> None:
    old = {"DATABASE_URL_FILE": "url", "PORT": "1", "SLACK_BOT_TOKEN": "xoxb-old", "OTHER": "x"}
    given = {"DATABASE_URL": "sqlite://", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
    written = Sources(old, {"HOST": "::"}, given).written({"SLACK_BOT_TOKEN": "xoxb-1"})
    assert written == given | {"PORT": "1", "OTHER": "x"}
    assert next(iter(written)) == "SLACK_BOT_TOKEN"


def test_settings_of_the_environment_that_the_file_has_not_or_otherwise() -> None:
    environ = {
        "PORT": "1",
        "HOST": " ",
        "https_proxy": "p:1",
        "LOG_LEVEL": "DEBUG ",
        "ANCHOR_API_URL": "x",
        "HOME": "/",
    }
    written = {"LOG_LEVEL": "DEBUG", "ANCHOR_API_URL": "y"}
    assert Sources({}, environ, {}).only_in_environment(written) == ["ANCHOR_API_URL", "PORT", "https_proxy"]


@pytest.mark.parametrize(
    ("environ", "given", "value"),
    [
        ({}, {}, ""),
        ({"SLACK_BOT_TOKEN_FILE": " a "}, {}, "a"),
        ({"SLACK_BOT_TOKEN_FILE": "a"}, {"SLACK_BOT_TOKEN_FILE": "b"}, "b"),
    ],
)
def test_a_file_with_a_secret_can_be_given(environ: dict[str, str], given: dict[str, str], value: str) -> None:
    assert Sources({}, environ, given).file_variable("SLACK_BOT_TOKEN") == ("SLACK_BOT_TOKEN_FILE", value)


@pytest.mark.parametrize(
    ("sources", "keys"),
    [
        (Sources({}, {}, {}), None),
        (Sources({"ENCRYPTION_KEYS": ""}, {}, {}), None),
        (Sources({"ENCRYPTION_KEYS_FILE": "old"}, {}, {}), {"ENCRYPTION_KEYS_FILE": "old"}),
        (Sources({"ENCRYPTION_KEYS": "old"}, {"ENCRYPTION_KEYS": "x"}, {}), {"ENCRYPTION_KEYS": "old"}),
        (Sources({"ENCRYPTION_KEYS_FILE": "old"}, {}, {"ENCRYPTION_KEYS": "new"}), {}),
        (Sources({}, {"ENCRYPTION_KEYS": "x"}, {}), {}),
    ],
)
def test_keys_that_decrypt_the_database_are_not_replaced(sources: Sources, keys: dict[str, str] | None) -> None:
    assert sources.encryption_keys() == keys
