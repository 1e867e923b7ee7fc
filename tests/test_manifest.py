"""The manifest is valid for Slack, and asks for exactly what the code uses."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema
import pytest
import yaml

import bot
from bot.cli.main import main
from bot.cli.manifest import manifest
from bot.core.workspace import SCOPES
from bot.inbound.install import REDIRECT_PATH
from bot.inbound.slack.app import Router
from bot.inbound.slack.orders import OrderListeners
from bot.inbound.slack.views import ViewListeners
from bot.messages.buttons import (
    PAUSE_FROM_MESSAGE,
    PAUSE_FROM_MESSAGE_NAME,
)
from bot.sim.slack import Shortcut, SimSlack, SlashCommand
from harness.samples import sample

ROOT = Path(bot.__file__).parents[1]
SOURCES = [path.read_text() for path in (ROOT / "bot").rglob("*.py") if "sim" not in path.relative_to(ROOT).parts]

SCOPE_OF_METHOD = {
    "api_call": None,  # oauth.v2.access, which goes by the client's own secret
    "apps_connections_open": None,  # takes the app token, whose scope stands outside the manifest
    "auth_revoke": None,
    "auth_test": None,
    "chat_deleteScheduledMessage": "chat:write",
    "chat_getPermalink": None,  # https://docs.slack.dev/reference/methods/chat.getPermalink
    "chat_postMessage": "chat:write",
    "chat_scheduleMessage": "chat:write",
    "chat_update": "chat:write",
    "chat_delete": "chat:write",
    "users_info": "users:read",
    **dict.fromkeys(("views_open", "views_push", "views_update", "views_publish"), None),
}

HOST = "https://your-host.example"
AS_IT_IS = (ROOT / "manifest.yml").read_text()
VARIANTS = {
    "": AS_IT_IS,
    f"--http {HOST}": manifest(HOST),
    f"--http {HOST}/ --many": manifest(HOST, many=True),
}
MANIFEST: dict[str, Any] = yaml.safe_load(AS_IT_IS)
DECLARED, SIMULATED = MANIFEST["features"]["shortcuts"], SimSlack().home.installation


class Names(Router):
    """The names of listeners, by kind."""

    def __init__(self) -> None:
        self.names = defaultdict[str, list[str]](list)

    def add(self, kind: str, *names: str, listener: object) -> None:
        assert callable(listener)
        self.names[kind].extend(names)


def listened_to() -> dict[str, list[str]]:
    nothing: Any = None  # no listener is called here
    router = Names()
    OrderListeners(nothing, nothing, nothing).add_to(router)
    ViewListeners(nothing, nothing, nothing, nothing, nothing).add_to(router, has_settings=False)
    return router.names


NAMES = listened_to()


@pytest.mark.parametrize("arguments", VARIANTS)
def test_each_form_is_valid_and_says_where_requests_go(arguments: str) -> None:
    form = yaml.safe_load(VARIANTS[arguments])
    jsonschema.Draft7Validator(sample("manifest.schema")).validate(form)
    urls = [command.get("url") for command in form["features"]["slash_commands"]]
    urls += [form["settings"][name].get("request_url") for name in ("interactivity", "event_subscriptions")]
    assert form["settings"]["interactivity"]["is_enabled"]
    assert form["settings"]["socket_mode_enabled"] is (not arguments)
    assert set(urls) == {f"{HOST}/slack/events" if arguments else None}
    redirects = [HOST + REDIRECT_PATH] if "--many" in arguments else None
    assert form["oauth_config"].get("redirect_urls") == redirects


@pytest.mark.parametrize("arguments", VARIANTS)
def test_the_command_prints_it_and_the_link_that_creates_the_app(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manifest", *arguments.split()]) == 0
    written = capsys.readouterr()
    assert written.out == VARIANTS[arguments]
    page, _, query = written.err.split()[-1].partition("?")
    assert page == "https://api.slack.com/apps"
    fields = parse_qs(query, strict_parsing=True)
    (linked,) = fields.pop("manifest_yaml")
    assert fields == {"new_app": ["1"]}
    assert yaml.safe_load(linked) == yaml.safe_load(written.out)
    assert "# " not in linked
    assert len(written.err) < 4_000


def test_its_events_and_commands_are_those_that_the_bot_listens_to_and_that_the_simulated_workspace_has() -> None:
    events = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    assert events == set(NAMES["event"])
    declared = MANIFEST["features"]["slash_commands"]
    assert sorted(NAMES["command"]) == sorted(command["command"] for command in declared)
    assert list(SIMULATED.commands) == [
        SlashCommand(command["command"], command["description"], command["usage_hint"]) for command in declared
    ]


def test_its_shortcuts_are_those_that_the_bot_listens_to_and_that_the_simulated_workspace_has() -> None:
    of_messages, of_all = ([one for one in DECLARED if one["type"] == kind] for kind in ("message", "global"))
    assert [(one["name"], one["callback_id"]) for one in of_messages] == [(PAUSE_FROM_MESSAGE_NAME, PAUSE_FROM_MESSAGE)]
    assert NAMES["message_shortcut"] == [PAUSE_FROM_MESSAGE]
    assert NAMES["global_shortcut"] == [one["callback_id"] for one in of_all]
    for listed, simulated in ((of_messages, SIMULATED.shortcuts), (of_all, SIMULATED.global_shortcuts)):
        assert list(simulated) == [Shortcut(one["name"], one["callback_id"], one["description"]) for one in listed]


def test_its_scopes_are_those_that_the_called_methods_need() -> None:
    call = re.compile(r"\b_?web\.((?:api|apps|auth|chat|users|views)_\w+)\(")
    called = {method for source in SOURCES for method in call.findall(source)}
    needed = {SCOPE_OF_METHOD[method] for method in called} - {None}
    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed | {"commands"} == set(SCOPES)
    assert not MANIFEST["settings"]["token_rotation_enabled"]
    assert not MANIFEST["settings"]["org_deploy_enabled"]
