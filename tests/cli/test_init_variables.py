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
