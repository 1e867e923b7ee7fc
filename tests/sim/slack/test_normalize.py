"""The ids and defaults that simulated Slack adds to a message."""

import pytest

from bot.sim.slack import SimSlack
from bot.sim.slack.block_kit import problems
from harness.blocks import Block, actions, button, confirm, image, input_of, mrkdwn, plain, section
from sim.alerts import attachment, legacy_button

pytestmark = pytest.mark.anyio


async def test_blocks_get_ids_and_texts_get_defaults(slack: SimSlack) -> None:
    bare = {"type": "plain_text", "text": "Yes"}
    asked = confirm(text={"type": "mrkdwn", "text": "a"}, deny=bare, confirm=bare | {"emoji": False})
    nameless = {"type": "button", "text": bare, "confirm": asked}
    blocks = [section("a"), actions(nameless, button()), input_of(), image("a")]
    first, second, third, shown = slack.post(slack.alerts, "a", blocks=blocks).blocks

    assert first == section("a", block_id=first["block_id"])
    assert isinstance(second["elements"], list)
    unnamed, named = second["elements"]
    filled_in = confirm(text=mrkdwn("a"), deny=plain("Yes"), confirm=bare | {"emoji": False})
    assert unnamed == {**nameless, "action_id": unnamed["action_id"], "text": plain("Yes"), "confirm": filled_in}
    assert len({first["block_id"], second["block_id"], unnamed["action_id"]}) == 3
    assert (named["action_id"], third["block_id"]) == ("anchor_pause", "name")
    assert (third["optional"], third["dispatch_action"]) == (False, False)
    added = {"image_width", "image_height", "image_bytes", "is_animated", "fallback"}
    assert added < shown.keys()
    assert len(problems([shown])) == len(added)  # Slack does not take them back


async def test_attachments_and_legacy_buttons_are_numbered_whatever_the_app_calls_them(slack: SimSlack) -> None:
    link: Block = {"type": "button", "text": "Runbook", "url": "https://a.b"}
    attachments = [attachment(legacy_button(id="7"), link), {"text": "a"}, attachment(id=9), {"blocks": []}]
    assert slack.post(slack.alerts, "a", attachments=attachments).attachments == (
        attachment(legacy_button(id="1"), link | {"id": "2"}, id=1),
        {"text": "a", "id": 2},
        attachment(id=3),
        {"blocks": [], "id": 4, "fallback": "[no preview available]"},
    )


async def test_rejected_blocks_cannot_be_posted(slack: SimSlack) -> None:
    with pytest.raises(ValueError, match="/attachments/1/blocks/0/type"):
        slack.post(slack.alerts, "a", attachments=[{"text": "a"}, {"blocks": [{"type": "divide"}]}])
