"""The workspace of a request is that of the installation, wherever the payload has it, never the person's own."""

from typing import Any

import pytest

from bot.inbound.slack.payload import read_address
from bot.inbound.slack.payload_schema import pick_command, pick_event, pick_interaction
from harness.samples import sample

HOME, PARTNER = "T0HOME00001", "T0PARTNER01"
VIEW = sample("view_submission.slack_connect_foreign_user.payload")
EVENT = sample("event.app_uninstalled")


@pytest.mark.parametrize(
    ("payload", "team"),
    [
        (sample("block_actions.slack_connect_foreign_user.payload"), HOME),
        (sample("block_actions.grid_member_workspace.payload"), HOME),
        (sample("block_actions.org_install.payload"), ""),
        (VIEW, HOME),
        (VIEW | {"view": {}}, ""),
    ],
    ids=["a foreign click", "a click on a grid", "a whole organisation", "a foreign view", "a view that names none"],
)
def test_an_interaction(payload: dict[str, Any], team: str) -> None:
    assert read_address(pick_interaction(payload)).actor.team_id == team


@pytest.mark.parametrize("name", ["slash_command.fields", "slash_command.grid.fields"])
def test_a_command(name: str) -> None:
    assert read_address(pick_command(sample(name))).actor.team_id == HOME


@pytest.mark.parametrize(
    ("event", "team"),
    [
        (EVENT, HOME),
        (EVENT | {"team_id": PARTNER}, HOME),
        (EVENT | {"authorizations": [{"team_id": None}]}, ""),
        (EVENT | {"authorizations": None}, HOME),
    ],
    ids=["an event", "in a partner's workspace", "of a whole organisation", "that names no installation"],
)
def test_an_event(event: dict[str, Any], team: str) -> None:
    assert read_address(pick_event(event)).actor.team_id == team
