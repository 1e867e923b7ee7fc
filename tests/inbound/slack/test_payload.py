"""The workspace of a request is that of the installation, wherever the payload has it, never the person's own."""

from typing import Any

import pytest

from bot.inbound.slack.payload import read_address
from bot.inbound.slack.payload_schema import pick_command, pick_event, pick_interaction
from harness.samples import sample

HOME, PARTNER = "T0HOME00001", "T0PARTNER01"
VIEW = sample("view_submission.slack_connect_foreign_user.payload")
OWN = {
    "type": "view_submission",
    "team": {"id": HOME},
    "user": {"id": "U0ALICE0001", "team_id": HOME},
    "view": {"team_id": HOME},
}
EVENT = sample("event.app_uninstalled")


@pytest.mark.parametrize(
    ("payload", "team"),
    [
        (sample("block_actions.slack_connect_foreign_user.payload"), HOME),
        (sample("block_actions.grid_member_workspace.payload"), HOME),
        (sample("block_actions.org_install.payload"), ""),
        (VIEW, HOME),
        (VIEW | {"view": {}}, ""),
        (OWN, HOME),
        (OWN | {"view": {"team_id": PARTNER}}, ""),
        (OWN | {"view": {}}, ""),
        (OWN | {"view": {"team_id": [HOME]}}, ""),
        (OWN | {"user": {"id": "U0MALLORY01", "team_id": PARTNER}}, ""),
        (OWN | {"user": {"id": "U0MALLORY01"}}, ""),
        (OWN | {"team": {"id": PARTNER}}, ""),
        (OWN | {"team": None}, ""),
        (VIEW | {"view": {"team_id": HOME}}, ""),
    ],
    ids=[
        "a foreign click",
        "a click on a grid",
        "a whole organisation",
        "a foreign view",
        "a view that names none",
        "a view of one team",
        "a view of another team",
        "a view of no team",
        "a view of a list",
        "a person of another team",
        "a person of no team",
        "another team",
        "no team",
        "a foreign person in our view",
    ],
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
