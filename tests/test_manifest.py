"""The manifest is one that Slack takes, and asks for what the code uses: no more, no less."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import bot
from bot.core.installation import SCOPES
from bot.core.messages.actions import ACTIONS
from bot.core.messages.usage import COMMANDS
from bot.inbound.install import REDIRECT_PATH
from bot.sim.slack import SimSlack, SlashCommand
from harness.samples import sample

ROOT = Path(bot.__file__).parents[1]
SOURCES = [path.read_text() for path in (ROOT / "bot").rglob("*.py") if "sim" not in path.parts]

SCOPE_OF_METHOD = {
    "api_call": None,  # oauth.v2.access, which goes by the client's own secret
    "apps_connections_open": None,  # takes the app token, whose scope stands outside the manifest
    "auth_test": None,
    "chat_postMessage": "chat:write",
    "chat_update": "chat:write",
    "users_info": "users:read",
    **dict.fromkeys(("views_open", "views_update", "views_publish"), None),
}


AS_IT_IS = (ROOT / "manifest.yml").read_text()
FOR_HTTP = (
    AS_IT_IS.replace("# url: ", "url: ")
    .replace("# request_url: ", "request_url: ")
    .replace("socket_mode_enabled: true", "socket_mode_enabled: false")
)
URL = "https://your-host.example/slack/events"


@pytest.fixture(scope="module", params=[AS_IT_IS, FOR_HTTP], ids=["socket", "http"])
def manifest(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(request.param)
    return loaded


def test_it_is_valid_by_slacks_schema(manifest: dict[str, Any]) -> None:
    schema = sample("manifest.schema")
    jsonschema.Draft7Validator(schema).validate(manifest)


def test_it_says_by_which_way_requests_come(manifest: dict[str, Any]) -> None:
    """Slack refuses commands and interactivity that have neither a URL nor Socket Mode."""
    urls = [command.get("url") for command in manifest["features"]["slash_commands"]]
    urls += [manifest["settings"][name].get("request_url") for name in ("interactivity", "event_subscriptions")]
    assert manifest["settings"]["interactivity"]["is_enabled"]
    assert urls == [None if manifest["settings"]["socket_mode_enabled"] else URL] * 4


def test_the_buttons_that_the_bot_listens_to_are_those_of_the_contract() -> None:
    listened = [
        verb for source in SOURCES for verb in re.findall(r"bolt\.action\(_button\(ACTIONS\[Verb\.(\w+)\]", source)
    ]
    assert listened == [verb.name for verb in ACTIONS]
    assert set(ACTIONS.values()) == {"anchor_pause", "anchor_resume"}


def test_its_events_are_those_that_the_bot_listens_to(manifest: dict[str, Any]) -> None:
    listened = [event for source in SOURCES for event in re.findall(r'bolt\.event\("(\w+)"\)', source)]
    assert listened
    assert sorted(manifest["settings"]["event_subscriptions"]["bot_events"]) == sorted(listened)


def test_people_may_be_sent_back_to_where_the_bot_takes_them(manifest: dict[str, Any]) -> None:
    """The line is commented out for a bot of one workspace, which nobody is sent to."""
    assert "redirect_urls" not in manifest["oauth_config"]
    many = yaml.safe_load(AS_IT_IS.replace("# redirect_urls:", "redirect_urls:"))
    assert many["oauth_config"]["redirect_urls"] == [f"https://your-host.example{REDIRECT_PATH}"]


def test_what_it_asks_for_is_what_an_installation_must_have(manifest: dict[str, Any]) -> None:
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert not manifest["settings"]["token_rotation_enabled"]
    assert not manifest["settings"]["org_deploy_enabled"]


def test_its_commands_are_those_that_the_bot_listens_to(manifest: dict[str, Any]) -> None:
    listened = [
        match for source in SOURCES for match in re.findall(r"bolt\.command\(COMMANDS\[Verb\.(\w+)\]\)", source)
    ]
    assert listened == [verb.name for verb in COMMANDS]
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == list(COMMANDS.values())


def test_its_commands_are_those_that_people_of_the_simulated_workspace_have(manifest: dict[str, Any]) -> None:
    declared = [
        SlashCommand(command["command"], command["description"], command["usage_hint"])
        for command in manifest["features"]["slash_commands"]
    ]
    assert list(SimSlack().home.installation.commands) == declared


def test_its_scopes_are_those_that_the_called_methods_need(manifest: dict[str, Any]) -> None:
    called = {method for source in SOURCES for method in re.findall(r"_web\.(\w+)\(", source)}
    needed = {SCOPE_OF_METHOD[method] for method in called} - {None}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed | {"commands"}


def test_the_app_has_a_home_and_can_write_to_people_and_nobody_can_write_to_the_bot(manifest: dict[str, Any]) -> None:
    home = manifest["features"]["app_home"]
    simulated = SimSlack().home.installation
    assert home["home_tab_enabled"] is simulated.home_tab is True
    assert home["messages_tab_enabled"] is simulated.messages_tab is True
    assert home["messages_tab_read_only_enabled"] is simulated.messages_tab_is_read_only is True


def test_every_scope_has_its_reason() -> None:
    lines = (ROOT / "manifest.yml").read_text().splitlines()
    scopes = [line for line in lines if re.match(r"\s+- [a-z:]*[a-z]( |$)", line)]
    assert scopes
    assert all(re.search(r"# \S", line) for line in scopes)
