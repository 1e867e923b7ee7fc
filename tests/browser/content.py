"""Messages and views of every kind, with words that are too long for any column."""

from playwright.async_api import expect

from browser.channel_page import ChannelPage
from browser.sample_app import SampleApp
from harness import blocks as kit
from harness.blocks import actions, button, input_block, modal, mrkdwn, plain, section

WORD = "Donaudampfschifffahrtsgesellschaft" * 10
_OPTIONS = [
    {"text": plain("Admins"), "value": "a", "description": plain("and owners")},
    {"text": plain(WORD[:75]), "value": "b"},
]
_SELECT = {"type": "conversations_select", "action_id": "channel", "placeholder": plain("Choose")}
_HOME: tuple[kit.Block, ...] = (
    kit.header("Set up " + "H" * 120),
    section(f"*Key* `1234` {WORD}", accessory=button("key", text="Replace " + "K" * 30)),
    section("*Where*", accessory=_SELECT),
    section(WORD, accessory={"type": "overflow", "action_id": "more", "options": _OPTIONS[1:]}),
    kit.fields("*Paused*\n4", f"*Resumed*\n{WORD}"),
    {"type": "divider"},
    actions(button("yes", text="Yes", style="primary"), button("wide", text="W" * 75)),
    actions({"type": "checkboxes", "action_id": "boxes", "options": _OPTIONS}),
)
_MODAL = modal(
    section(f"About {WORD}"),
    input_block(
        "plain_text_input", "key", label="Key", hint=f"It is {WORD}", placeholder=plain("sk-…"), focus_on_load=True
    ),
    input_block("plain_text_input", "note", label="Note", optional=True, multiline=True),
    input_block("checkboxes", "roles", label="Roles", options=_OPTIONS),
    input_block("radio_buttons", "role", label="Role", options=_OPTIONS),
    input_block("multi_users_select", "people", label="People", optional=True, initial_users=["U0BOB000001"]),
    title="T" * 24,
    submit="Save" + "S" * 20,
    close=plain("Cancel" + "C" * 18),
)


async def post_every_kind(channel: ChannelPage) -> str:
    """Post an alert, whose session's id is returned, a thread, a private message, an attachment, a warning, formats."""
    slack = channel.slack
    session_id = await channel.alert()
    alert = slack.channel_messages(channel.conversation)[0]
    for text in ("A reply", f"```{WORD}```"):
        channel.post(text, thread=alert, by=slack.bob)
    channel.post(f"```{WORD}\n{'  ' * 200}x```\n> {WORD}\n:fire: and " + "words " * 100, only_to=slack.alice)
    formats = f"*a* _b_ ~c~ `{WORD}` <https://a.example|e> <!here> <#C0ALERTS001> <!date^0^{{date}}|f>\n> g\n```h```"
    channel.post(f"{WORD} {formats} <https://a.example/{WORD}> <@{WORD}>", by=slack.outsider)
    styles = [button(style, text=style, style=style) for style in ("primary", "danger")]
    more = [button(f"b{number}", text=f"Button number {number} of several") for number in range(8)]
    blocks: list[kit.Block] = [
        kit.header("H" * 150),
        section(WORD, accessory=button("d", text="W" * 75, accessibility_label="Aside")),
        kit.fields("*Field*\nshort", WORD, "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "*A*\nb"),
        kit.context(mrkdwn(f"{WORD} `code`"), plain(WORD), kit.image(WORD)),
        {"type": "divider"},
        actions(*styles, {"type": "overflow", "options": [{"text": plain("x"), "value": "x"}], "action_id": "e"}),
        actions(*more),
        kit.image(WORD),
        {"type": "markdown", "text": WORD},
        kit.rich_text(kit.preformatted(kit.words(f"{WORD}\n{'  ' * 200}x"))),
    ]
    channel.post("Blocks", blocks=blocks)
    link = {"type": "button", "text": "Runbook", "url": "https://a.example"}
    texts = {"title": f"Title {WORD}", "title_link": "https://a.example", "text": WORD, "footer": WORD, "pretext": WORD}
    legacy_fields = [{"title": WORD, "value": WORD, "short": True}] * 3
    buttons = (kit.legacy_button("Legacy"), link, kit.legacy_button("L" * 75))
    channel.post("Attachment", attachments=[kit.attachment(*buttons, fields=legacy_fields, color="good", **texts)])
    slack.request_url, request_url = None, slack.request_url
    await slack.click(slack.alice, alert)
    slack.request_url = request_url
    await expect(channel.messages.locator(".warning")).to_be_visible()
    await expect(channel.message("Attachment")).to_be_visible()
    return session_id


async def open_home(channel: ChannelPage, app: SampleApp) -> None:
    """Publish and open a Home with a block of every kind, whose button opens a modal with a field of every kind."""
    app.opens["key"] = _MODAL
    await app.publish(app.slack.alice, *_HOME)
    await channel.open_app()
    await expect(channel.home.get_by_role("heading")).to_be_visible()
