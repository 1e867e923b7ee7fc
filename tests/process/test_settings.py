"""Every setting: its default, what it takes, and the sentence about what it does not take."""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path

import pytest

from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.environment import read_environment
from bot.settings import (
    ManyWorkspaces,
    OneWorkspace,
    OperatorSettings,
    SenderSettings,
    Settings,
    StoreSettings,
)
from bot.variables import SettingsError

REQUIRED = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_SIGNING_SECRET": "0123abcd", "ANCHOR_API_KEY": "sk-0123"}
KEY_OF_44 = "Zm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtbG9uZy1rZXk="
OTHER_OF_44 = "b3RoZXItZm9yLXRlc3RzLW9ubHktMzItYnl0ZXMtbG8="
EXAMPLE = Path(__file__).parents[2] / ".env.example"

DEFAULTS = Settings(
    workspaces=OneWorkspace(bot_token=Secret("xoxb-1-2-abc"), anchor_api_key=Secret("sk-0123")),
    slack_app_token=None,
    slack_signing_secrets=(Secret("0123abcd"),),
    slack_api_url="https://slack.com/api/",
    anchor_api_url="https://api.anchorbrowser.io",
    anchor_timeout=10.0,
    anchor_deadline=20.0,
    host="127.0.0.1",
    port=3000,
    log_level="INFO",
    log_format="text",
)


class Overheard(Mapping[str, str]):
    """An environment that notes which variables were asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def problems(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(REQUIRED | changes)
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return caught.value.problems


def test_three_variables_are_enough() -> None:
    assert Settings.from_env(REQUIRED) == DEFAULTS


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_counts_as_not_set(blank: str) -> None:
    optional = Overheard({})
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(optional)
    assert Settings.from_env(dict.fromkeys(optional.asked, blank) | REQUIRED) == DEFAULTS
    with pytest.raises(SettingsError) as caught_blank:
        Settings.from_env(dict.fromkeys(optional.asked, blank))
    assert caught_blank.value.problems == caught.value.problems


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("SLACK_BOT_TOKEN", " xoxb-1\n", "workspaces.bot_token", Secret("xoxb-1")),
        ("SLACK_APP_TOKEN", " xapp-1-A0-1-abc ", "slack_app_token", Secret("xapp-1-A0-1-abc")),
        ("SLACK_SIGNING_SECRET", " new , old,", "slack_signing_secrets", (Secret("new"), Secret("old"))),
        ("ANCHOR_API_KEY", "any-shape", "workspaces.anchor_api_key", Secret("any-shape")),
        ("SLACK_API_URL", "https://slack-gov.com/api/", "slack_api_url", "https://slack-gov.com/api/"),
        ("ANCHOR_API_URL", "http://127.0.0.1:8080", "anchor_api_url", "http://127.0.0.1:8080"),
        ("ANCHOR_API_URL", "http://localhost:1", "anchor_api_url", "http://localhost:1"),
        ("ANCHOR_API_URL", "http://[::1]:1", "anchor_api_url", "http://[::1]:1"),
        ("ANCHOR_API_URL", "http://127.9.9.9", "anchor_api_url", "http://127.9.9.9"),
        ("ANCHOR_API_URL", "https://gateway.example/anchor", "anchor_api_url", "https://gateway.example/anchor"),
        ("ANCHOR_TIMEOUT", "0.5", "anchor_timeout", 0.5),
        ("ANCHOR_DEADLINE", "600", "anchor_deadline", 600.0),
        ("HOST", "0.0.0.0", "host", "0.0.0.0"),  # noqa: S104 - a container's
        ("PORT", "0", "port", 0),
        ("PORT", "65535", "port", 65535),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("LOG_LEVEL", "Warning", "log_level", "WARNING"),
        ("LOG_FORMAT", "JSON", "log_format", "json"),
        ("ALERTS_TOKEN", " s3cret ", "workspaces.alerts_token", Secret("s3cret")),
        ("ALERTS_CHANNEL", "C0123456789", "workspaces.alerts_channel", "C0123456789"),
        ("ALERTS_CHANNEL", "G0123456789", "workspaces.alerts_channel", "G0123456789"),
    ],
)
def test_a_good_value_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    assert attrgetter(attribute)(Settings.from_env(REQUIRED | {name: value})) == expected


TOKEN = "the bot token from OAuth & Permissions of your Slack app"
SIGNING_SECRET = "the signing secret from Basic Information of your Slack app"
ALERTS_TOKEN = "the token that the bot takes alerts with"
APP_TOKEN = "an app-level token from Basic Information of your Slack app"
OR_ELSE = f"put {SIGNING_SECRET} there, or {APP_TOKEN} in SLACK_APP_TOKEN for Socket Mode."
KEY = "the workspace's API key from Anchor's dashboard"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SLACK_BOT_TOKEN", "", f"SLACK_BOT_TOKEN is not set: put {TOKEN} there."),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-1", f"SLACK_BOT_TOKEN does not begin with xoxb-: it must be {TOKEN}."),
        ("SLACK_BOT_TOKEN", "xoxp-1", f"SLACK_BOT_TOKEN does not begin with xoxb-: it must be {TOKEN}."),
        ("SLACK_SIGNING_SECRET", "", f"SLACK_SIGNING_SECRET is not set: {OR_ELSE}"),
        ("SLACK_SIGNING_SECRET", " , ,", f"SLACK_SIGNING_SECRET is not set: {OR_ELSE}"),
        ("SLACK_APP_TOKEN", "xoxb-1", f"SLACK_APP_TOKEN does not begin with xapp-: it must be {APP_TOKEN}."),
        ("ANCHOR_API_KEY", "", f"ANCHOR_API_KEY is not set: put {KEY} there."),
    ],
)
def test_a_secret_that_is_missing_or_of_another_kind_is_named(name: str, value: str, sentence: str) -> None:
    assert problems(**{name: value}) == (sentence,)


@pytest.mark.parametrize("odd", ["two words", "clé", "xoxb-\x00", "xoxb-1\u200b", "line\nbreak", "geh\udce9im"])
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("SLACK_BOT_TOKEN", TOKEN),
        ("SLACK_APP_TOKEN", APP_TOKEN),
        ("SLACK_SIGNING_SECRET", SIGNING_SECRET),
        ("ANCHOR_API_KEY", KEY),
        ("ALERTS_TOKEN", ALERTS_TOKEN),
    ],
)
def test_a_secret_with_what_no_key_has_is_to_be_copied_again(name: str, what: str, odd: str) -> None:
    assert problems(**{name: odd}) == (f"{name} has spaces or characters that no key has: copy it again ({what}).",)


@pytest.mark.parametrize(
    "value",
    [
        "api.anchorbrowser.io",
        "http://api.anchorbrowser.io",
        "ftp://api.anchorbrowser.io",
        "https://",
        "https://[::1",
        "https://host:port",
        "https://host:99999",
        "https://me:secret@host",
        "https://host/?key=1",
        "https://host/#part",
        "https://bücher.example",
        "http://10.0.0.1",
        "http://localhost.example",
    ],
)
@pytest.mark.parametrize(
    ("name", "like"), [("SLACK_API_URL", "https://slack.com/api/"), ("ANCHOR_API_URL", "https://api.anchorbrowser.io")]
)
def test_a_url_that_cannot_be_called_safely_is_named(name: str, like: str, value: str) -> None:
    assert problems(**{name: value}) == (f"{name} is not a URL that can be called: write it like {like} (https).",)


@pytest.mark.parametrize("value", ["0", "-1", "601", "nan", "inf", "1e3", "ten", "1,5", "10s"])
@pytest.mark.parametrize(("name", "like"), [("ANCHOR_TIMEOUT", 10), ("ANCHOR_DEADLINE", 20)])
def test_a_time_that_is_none_is_named(name: str, like: int, value: str) -> None:
    assert problems(**{name: value}) == (
        f"{name} is not a number of seconds from above 0 to 600: write it like {like}.",
    )


@pytest.mark.parametrize("value", ["-1", "65536", "1e3", "http", "3000.0", "٣٠٠٠", "000000080", "80 80"])
def test_a_port_that_is_none_is_named(value: str) -> None:
    assert problems(PORT=value) == ("PORT is not a port: write a number from 0 (any free one) to 65535, like 3000.",)


@pytest.mark.parametrize(
    ("name", "value", "choices"),
    [
        ("LOG_LEVEL", "TRACE", "DEBUG, INFO, WARNING, ERROR: choose one, or leave it out for INFO."),
        ("LOG_LEVEL", "10", "DEBUG, INFO, WARNING, ERROR: choose one, or leave it out for INFO."),
        ("LOG_FORMAT", "xml", "text, json: choose one, or leave it out for text."),
    ],
)
def test_a_word_that_is_no_choice_is_named(name: str, value: str, choices: str) -> None:
    assert problems(**{name: value}) == (f"{name} is none of {choices}",)


@pytest.mark.parametrize("value", ["#alerts", "alerts", "U0ALICE0001", "c0123456789", "C0123456789,C1"])
def test_a_channel_that_is_not_an_id_is_named(value: str) -> None:
    assert problems(ALERTS_CHANNEL=value) == (
        "ALERTS_CHANNEL is not a channel's id: write it like C0123456789, from the channel's details in Slack.",
    )


POLICY = {"PAUSE_USERS": "U0123456789", "RESUME_USERS": "U0123456789", "ALLOWED_CHANNELS": "C0123456789"}
"""Each variable, and how it is written."""


def policy(**variables: str) -> Policy:
    workspaces = Settings.from_env(REQUIRED | variables).workspaces
    assert isinstance(workspaces, OneWorkspace)
    return workspaces.policy


def test_who_may_do_what_and_where_is_read_for_each_verb() -> None:
    channels = frozenset({"C0ALERTS001", "G0OLD000001", "D0DIRECT001"})
    assert policy(PAUSE_USERS=" U0ALICE0001 ,,W0BOB000001,", ALLOWED_CHANNELS=",".join(channels)) == Policy(
        pause=Rule(frozenset({"U0ALICE0001", "W0BOB000001"}), channels), resume=Rule(channels=channels)
    )
    assert policy(RESUME_USERS="U0ALICE0001,U0ALICE0001") == Policy(resume=Rule(frozenset({"U0ALICE0001"})))


@pytest.mark.parametrize(
    ("value", "which"),
    [
        ("@alice", " (number 1)"),
        ("alice@example.com", " (number 1)"),
        ("u0alice0001", " (number 1)"),
        ("<@U0ALICE0001>", " (number 1)"),
        ("#alerts", " (number 1)"),
        ("T0HOME00001", " (number 1)"),
        ("U0ALICE0001 U0BOB000001", " (number 1)"),
        ("U0ALICE0001;U0BOB000001", " (number 1)"),
        ("C0ALERTS001,U0ALICE0001,xoxb-s3cret,U0BOB", ""),
        (",", ""),
        (" , ,", ""),
    ],
)
@pytest.mark.parametrize("name", POLICY)
def test_what_is_no_id_is_counted_and_not_repeated(name: str, value: str, which: str) -> None:
    (sentence,) = problems(**{name: value})
    if value.startswith("C0"):
        which = " (number 2, 3, 4)" if name == "ALLOWED_CHANNELS" else " (number 1, 3)"
    assert sentence == f"{name} has what is no id{which}: write ids like {POLICY[name]}, with commas between."


def test_a_sender_of_alerts_needs_a_token_alone() -> None:
    assert SenderSettings.from_env({"ALERTS_TOKEN": "s3cret"}) == SenderSettings(
        bot_url="http://127.0.0.1:3000", alerts_token=Secret("s3cret")
    )


def test_what_a_sender_of_alerts_cannot_use_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        SenderSettings.from_env({"ANCHOR_BOT_URL": "http://bot.example.com"})
    assert caught.value.problems == (
        "ANCHOR_BOT_URL is not a URL that can be called: write it like https://bot.example.com (https).",
        f"ALERTS_TOKEN is not set: put {ALERTS_TOKEN} there.",
    )


def test_with_an_app_token_no_signing_secret_is_needed() -> None:
    settings = Settings.from_env(REQUIRED | {"SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "xapp-1"})
    assert (settings.slack_app_token, settings.slack_signing_secrets) == (Secret("xapp-1"), ())


def test_every_bad_one_is_named_and_none_is_repeated_aloud() -> None:
    bad = dict.fromkeys(("SLACK_BOT_TOKEN", "ANCHOR_API_KEY", "ANCHOR_API_URL", "ANCHOR_TIMEOUT", "PORT"), "s3cret ")
    bad |= {"LOG_LEVEL": "s3cret", "SLACK_SIGNING_SECRET": ","}
    said = problems(**bad | {"ANCHOR_API_KEY": "s3 cret"})
    assert [sentence.split()[0] for sentence in said] == [
        "SLACK_BOT_TOKEN",
        "ANCHOR_API_KEY",
        "SLACK_SIGNING_SECRET",
        "ANCHOR_API_URL",
        "ANCHOR_TIMEOUT",
        "PORT",
        "LOG_LEVEL",
    ]
    assert "s3" not in "".join(said)


def test_secrets_do_not_show_in_the_settings() -> None:
    shown = repr(Settings.from_env(REQUIRED)) + str(Settings.from_env(REQUIRED))
    assert [value for value in REQUIRED.values() if value in shown] == []


MIXED_UP = (
    ": those are for a bot of one workspace, these for one of many, installed by OAuth. "
    "Take the ones or the others out."
)
NO_DATABASE = (
    "DATABASE_URL is no database that the bot can use: write it like sqlite:///anchor-bot.db or "
    "postgresql://user:password@host:5432/name."
)
MANY = {
    "SLACK_CLIENT_ID": "123.456",
    "SLACK_CLIENT_SECRET": "s3cret-of-the-client",
    "BASE_URL": "https://bot.example.com/",
    "ENCRYPTION_KEYS": f"{KEY_OF_44}, {OTHER_OF_44},",
    "SLACK_SIGNING_SECRET": "0123abcd",
}
STORE = StoreSettings(Secret("sqlite:///anchor-bot.db"), (Secret(KEY_OF_44), Secret(OTHER_OF_44)))


def many_problems(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(MANY | changes)
    return caught.value.problems


def test_many_workspaces_need_the_app_a_url_and_a_key() -> None:
    assert Settings.from_env(MANY).workspaces == ManyWorkspaces(
        Secret("123.456"), Secret("s3cret-of-the-client"), "https://bot.example.com", STORE
    )
    assert many_problems(SLACK_CLIENT_ID="", BASE_URL="", ENCRYPTION_KEYS="") == (
        "SLACK_CLIENT_ID is not set: put the client ID from Basic Information of your Slack app there.",
        "BASE_URL is not set: write it like https://bot.example.com.",
        "ENCRYPTION_KEYS is not set: put a key there that `anchor-bot keys new` prints.",
    )


def test_keys_for_a_database_ask_for_the_app_of_many_workspaces() -> None:
    assert many_problems(SLACK_CLIENT_ID="", SLACK_CLIENT_SECRET="") == (
        "SLACK_CLIENT_ID is not set: put the client ID from Basic Information of your Slack app there.",
        "SLACK_CLIENT_SECRET is not set: put the client secret from Basic Information of your Slack app there.",
    )


def test_many_workspaces_go_by_socket_mode_as_well() -> None:
    settings = Settings.from_env(MANY | {"SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "xapp-1"})
    assert settings.slack_app_token == Secret("xapp-1")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_BOT_TOKEN"),
        ({"ANCHOR_API_KEY": "sk-1", "ALERTS_TOKEN": "s3cret"}, "ANCHOR_API_KEY, ALERTS_TOKEN"),
        ({"ALERTS_CHANNEL": "C0123456789"}, "ALERTS_CHANNEL"),
        ({"PAUSE_USERS": "U0123456789"}, "PAUSE_USERS"),
        ({"RESUME_USERS": "x", "ALLOWED_CHANNELS": "C0123456789"}, "RESUME_USERS, ALLOWED_CHANNELS"),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "ANCHOR_API_KEY": "sk-1", "BASE_URL": "", "ENCRYPTION_KEYS": ""},
            "SLACK_BOT_TOKEN, ANCHOR_API_KEY",
        ),
    ],
)
def test_the_settings_of_one_and_of_many_are_not_to_be_mixed_up(changes: dict[str, str], named: str) -> None:
    assert many_problems(**changes) == (
        f"{named} can't be set beside SLACK_CLIENT_ID and SLACK_CLIENT_SECRET{MIXED_UP}",
    )


def test_one_workspace_does_not_mind_a_database_or_a_url_that_is_set() -> None:
    odd = {"DATABASE_URL": "mysql://x", "ENCRYPTION_KEYS": "x", "BASE_URL": "x", "ALERTS_WORKSPACE": "x"}
    assert Settings.from_env(REQUIRED | odd) == DEFAULTS


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///anchor-bot.db",
        "sqlite:////var/lib/anchor bot/bot.db",
        "postgres://bot:s3cret@db/anchor",
        "postgresql://bot:s3cret@db:5432/anchor?sslmode=require",
        "postgresql:///anchor?host=/var/run/postgresql",
        "postgresql://a:1,b:2/anchor?target_session_attrs=read-write",
    ],
)
def test_a_database_is_written_as_people_write_it(url: str) -> None:
    settings = OperatorSettings.from_env({"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY_OF_44})
    assert settings.store.database_url == Secret(url)
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "anchor-bot.db",
            "/anchor-bot.db",
            "mysql://db/anchor",
            "postgresql+psycopg://db/anchor",
            "postgresql:anchor",
        ),
        *("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///bot.db?mode=ro", "postgresql://db/two words"),
    ],
)
def test_what_is_no_database_is_named(url: str) -> None:
    assert many_problems(DATABASE_URL=url) == (NO_DATABASE,)


@pytest.mark.parametrize("keys", ["s3cret", f"{KEY_OF_44}x", f"{KEY_OF_44};{KEY_OF_44}", f"{KEY_OF_44},x", "é" * 44])
def test_what_is_no_encryption_key_is_named(keys: str) -> None:
    assert many_problems(ENCRYPTION_KEYS=keys) == (
        "ENCRYPTION_KEYS has what is no key: put there what `anchor-bot keys new` prints, and nothing else.",
    )


@pytest.mark.parametrize(("workspace", "url"), [("", "/alerts"), ("T0123456789", "/alerts/T0123456789")])
def test_an_alert_goes_to_its_workspace(workspace: str, url: str) -> None:
    environ = {"ALERTS_TOKEN": "s3cret", "ANCHOR_BOT_URL": "https://bot.example.com/x/", "ALERTS_WORKSPACE": workspace}
    assert SenderSettings.from_env(environ).url == f"https://bot.example.com/x{url}"


def test_a_workspace_that_is_no_id_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        SenderSettings.from_env({"ALERTS_TOKEN": "s3cret", "ALERTS_WORKSPACE": "../healthz"})
    assert caught.value.problems == ("ALERTS_WORKSPACE is not a workspace's id: write it like T0123456789.",)


def test_the_example_file_has_every_setting_with_its_default() -> None:
    example = read_environment({}, EXAMPLE)
    one, many = Overheard(example | REQUIRED), Overheard(example | MANY)
    assert Settings.from_env(one) == DEFAULTS
    assert Settings.from_env(many) == Settings.from_env(MANY)
    sender = Overheard(example | {"ALERTS_TOKEN": "s3cret"})
    assert SenderSettings.from_env(sender) == SenderSettings.from_env({"ALERTS_TOKEN": "s3cret"})
    operator = Overheard(example | {"ENCRYPTION_KEYS": KEY_OF_44, "BASE_URL": "https://bot.example.com"})
    assert OperatorSettings.from_env(operator).store.database_url == STORE.database_url
    assert sorted(example) == sorted(one.asked | many.asked | sender.asked | operator.asked)
    optional = {"ALERTS_TOKEN", "ALERTS_CHANNEL", "ALERTS_WORKSPACE", "SLACK_APP_TOKEN", *POLICY}
    assert {name for name, value in example.items() if not value} == {*REQUIRED, *MANY} | optional


def test_the_example_file_explains_every_setting() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    settings = [number for number, line in enumerate(lines) if line and not line.startswith("#")]
    assert [lines[number] for number in settings if not lines[number - 1].startswith("# ")] == []
