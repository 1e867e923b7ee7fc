"""The blocks of all messages and views, built and validated by the models of slack_sdk."""

from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.sim.slack.content import mrkdwn_objects
from bot.sim.slack.markup import problems
from harness.blocks import actions, button
from messages.all_content import MESSAGES, VIEWS


def validated(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the models write for the blocks, if they are valid: they leave out what they do not know."""
    return [one.to_dict() for one in Block.parse_all(blocks)]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_a_message(message: dict[str, Any]) -> None:
    blocks = message.get("blocks", [])
    assert validated(blocks) == blocks
    for text in (message["text"], *mrkdwn_objects(blocks)):
        assert list(problems(text)) == []


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_a_view(view: dict[str, Any]) -> None:
    assert View(**view).to_dict() == view
    for text in mrkdwn_objects(view):
        assert list(problems(text)) == []


def test_a_label_that_is_too_long_is_not_valid() -> None:
    with pytest.raises(SlackObjectFormationError):
        validated([actions(button(text="x" * 76))])
