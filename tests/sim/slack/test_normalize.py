"""The ids and defaults that simulated Slack adds to a message."""

import pytest

from bot.sim.slack import SimSlack
from bot.sim.slack.block_kit import problems
from bot.sim.slack.content import parts
from harness.blocks import Block, actions, button, confirm, context, image, input_of, mrkdwn, plain, section
from sim.alerts import attachment, legacy_button

pytestmark = pytest.mark.anyio


async def test_blocks_get_ids_and_texts_get_defaults(slack: SimSlack) -> None:
    bare = {"type": "plain_text", "text": "Yes"}
    nameless = {
        "type": "button",
        "text": bare,
        "confirm": confirm(text={"type": "mrkdwn", "text": "a"}, deny=bare, confirm=bare | {"emoji": False}),
    }

    message = slack.post(slack.alerts, "a", blocks=[section("a"), actions(nameless, button()), input_of()])

    first, second, third = message.blocks
    assert first == section("a", block_id=first["block_id"])
    assert isinstance(second["elements"], list)
    unnamed, named = second["elements"]
    filled_in = confirm(text=mrkdwn("a"), deny=plain("Yes"), confirm=bare | {"emoji": False})
    assert unnamed == {**nameless, "action_id": unnamed["action_id"], "text": plain("Yes"), "confirm": filled_in}
    assert len({first["block_id"], second["block_id"], unnamed["action_id"]}) == 3
    assert (named["action_id"], third["block_id"]) == ("anchor_pause", "name")
    assert (third["optional"], third["dispatch_action"]) == (False, False)


async def test_images_get_keys_that_are_not_accepted_back(slack: SimSlack) -> None:
    added = {"image_width", "image_height", "image_bytes", "is_animated", "fallback"}
    message = slack.post(slack.alerts, "a", blocks=[image("a"), context(image("b"))])
    first, second = message.blocks
    (element,) = parts(second["elements"])
    for one, pointer in ((first, "/blocks/0"), (element, "/blocks/1/elements/0")):
        assert added < one.keys()
        wrong = [complaint for complaint in problems(list(message.blocks)) if complaint.endswith(f":{pointer}]")]
        assert len(wrong) == len(added)


async def test_attachments_and_legacy_buttons_are_numbered_whatever_the_app_calls_them(slack: SimSlack) -> None:
    link: Block = {"type": "button", "text": "Runbook", "url": "https://a.b"}
    attachments = [attachment(legacy_button(id="7"), link), {"text": "a"}, attachment(id=9), {"blocks": []}]
    message = slack.post(slack.alerts, "a", attachments=attachments)

    assert message.attachments == (
        attachment(legacy_button(id="1"), link | {"id": "2"}, id=1),
        {"text": "a", "id": 2},
        attachment(id=3),
        {"blocks": [], "id": 4, "fallback": "[no preview available]"},
    )


async def test_rejected_blocks_cannot_be_posted(slack: SimSlack) -> None:
    wrong: list[Block] = [{"type": "divide"}]
    with pytest.raises(ValueError, match="/blocks/0/type"):
        slack.post(slack.alerts, "a", blocks=wrong)
    with pytest.raises(ValueError, match="/attachments/1/blocks/0/type"):
        slack.post(slack.alerts, "a", attachments=[{"text": "a"}, {"blocks": wrong}])
