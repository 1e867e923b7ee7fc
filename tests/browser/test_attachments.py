"""Legacy attachments, as Alertmanager sends them, are drawn and their buttons pressed.

https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments
"""

import pytest
from playwright.async_api import expect

from browser.channel_page import UNKNOWN_BUTTON, ChannelPage
from harness.blocks import actions, attachment, button, legacy_button, section

pytestmark = pytest.mark.anyio


async def test_all_parts_of_an_attachment_are_shown(channel: ChannelPage) -> None:
    alert = attachment(
        pretext="Before *it*",
        author_name="Alertmanager",
        title="[FIRING] HighSpend",
        title_link="https://a.example/",
        text="Session `5` spends _fast_ &amp; more",
        fields=[{"title": "Severity", "value": "*critical*", "short": True}, {"title": "Where", "value": "here"}],
        footer="Prometheus",
        ts=1392734382,
        color="danger",
    )
    channel.post("The text", attachments=[alert])
    await expect(channel.messages.locator(".content > div").first).to_have_text("The text")
    await expect(channel.list.get_by_text("Before it")).to_be_visible()
    title = channel.list.get_by_role("link", name="[FIRING] HighSpend")
    await expect(title).to_have_attribute("href", "https://a.example/")
    frame = channel.messages.locator(".attachment")
    for text in ("Alertmanager", "Session 5 spends fast & more", "Severitycritical", "Wherehere"):
        await expect(frame).to_contain_text(text)
    await expect(frame).to_contain_text("Prometheus · Tuesday, February 18, 2014 at 3:39 PM GMT+1")
    await expect(frame).to_have_css("border-left-color", "rgb(224, 30, 90)")
    await expect(frame).not_to_contain_text("An alert")


async def test_odd_attachments_show_their_fallback_a_known_colour_and_no_link_that_would_run_something(
    channel: ChannelPage,
) -> None:
    colours = {
        "good": "rgb(46, 182, 125)",
        "#36a64f": "rgb(54, 166, 79)",
        "36A64F": "rgb(54, 166, 79)",
        "red;display:none": "rgb(223, 227, 234)",
        "constructor": "rgb(223, 227, 234)",
    }
    hostile = {"title": "Click me", "title_link": "javascript:document.title='Hacked'"}
    coloured = [{"text": colour, "color": colour} for colour in colours]
    channel.post(attachments=[{"fallback": "All that &lt;there&gt; is", "ts": "soon"}, hostile, *coloured])
    frames = channel.messages.locator(".attachment")
    await expect(frames.first).to_have_text("All that <there> is")
    await channel.list.get_by_text("Click me").click()
    await expect(channel.list.get_by_role("link")).to_have_count(0)
    await expect(channel.page).to_have_title(f"{channel.name} · Anchor demo")
    for colour, drawn in colours.items():
        bar = frames.filter(has_text=colour).first
        await expect(bar).to_be_visible()
        await expect(bar).to_have_css("border-left-color", drawn)


async def test_legacy_buttons_are_pressed_links_opened_and_menus_disabled(channel: ChannelPage, url: str) -> None:
    link = {"type": "button", "text": "Runbook :eyes:", "url": url}
    menu = {"type": "select", "name": "menu", "text": "Pick one", "options": [{"text": "a", "value": "b"}]}
    buttons = [legacy_button("A"), legacy_button("B :fire:", style="danger"), link, menu]
    channel.post(attachments=[attachment(text="The first"), attachment(*buttons)])
    async with channel.page.context.expect_page() as opened:
        await channel.list.get_by_role("link", name="Runbook 👀").click()
    await expect(await opened.value).to_have_title("#alerts · Anchor demo")
    await (await opened.value).close()
    await channel.page.bring_to_front()
    await expect(channel.list.get_by_role("button", name="Pick one")).to_be_disabled()
    await expect(channel.messages).to_have_count(1)
    await expect(channel.button("B 🔥")).to_have_css("background-color", "rgb(192, 31, 58)")
    await channel.button("B 🔥").click()
    await expect(channel.message(UNKNOWN_BUTTON)).to_contain_text("Only visible to you")
    await expect(channel.page.get_by_role("status")).to_be_empty()


async def test_blocks_in_an_attachment_work(channel: ChannelPage) -> None:
    session_id = channel.anchor.add_session()
    blocks = [section("Card"), actions(button(value=session_id))]
    channel.post("An alert", attachments=[{"color": "warning", "blocks": blocks}])
    await channel.button("Pause").click()
    await expect(channel.messages.locator(".attachment")).to_contain_text("@alice")
    await expect(channel.resume_button(session_id).first).to_be_focused()
    assert channel.orders(session_id) == ["pause"]
